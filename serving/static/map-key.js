// The key of the map: by which recipe films lie where they lie, what colours mean, one alone.

import { element } from "./dom.js";

const ALL = { only: null, alone: -1 }; // no group is shown alone

// Shows a choice of buttons, one of them pressed; calls `choose` with the value of another. Returns
// what presses the button of a value as a person does, if it is not pressed.
export function choice(box, values, current, choose) {
  const buttons = values.map(([value, name]) => {
    const button = element("button", { type: "button", value, textContent: name });
    button.ariaPressed = String(value === current);
    button.addEventListener("click", () => {
      for (const other of buttons) other.ariaPressed = String(other === button);
      choose(value);
    });
    return button;
  });
  box.replaceChildren(...buttons);
  return (value) => buttons.find((each) => each.value === value && each.ariaPressed !== "true")?.click();
}

// Shows what the colours mean. Returns what is shown alone, by the name `only` if there is such a
// group: { only, alone }, its name and its number, or null and -1. Calls `choose` with another.
export function legend(box, { legend: entries, colours }, only, choose) {
  const buttons = entries.map(({ name, group }) => {
    const swatch = element("span", { className: "swatch" });
    swatch.style.background = colours[group];
    const button = element("button", { type: "button", value: name,
      ariaPressed: String(name === only) }, swatch, name);
    button.addEventListener("click", () => {
      const isAlone = button.ariaPressed !== "true";
      for (const other of buttons) other.ariaPressed = String(isAlone && other === button);
      choose(isAlone ? { only: name, alone: group } : ALL);
    });
    // A browser leaves one that is half in sight where it is.
    button.addEventListener("focus", () => button.scrollIntoView({ block: "nearest",
      inline: "nearest" }));
    return button;
  });
  box.replaceChildren(...buttons.map((button) => element("li", {}, button)));
  buttons.find(({ value }) => value === only)?.scrollIntoView({ block: "nearest",
    inline: "nearest" });
  const { name, group } = entries.find((entry) => entry.name === only) ?? {};
  return name === undefined ? ALL : { only: name, alone: group };
}
