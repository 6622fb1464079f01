// The key of the map: by which recipe films lie where they lie, what colours mean, one alone.

import { element } from "./dom.js";

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

// Shows what the colours mean; calls `choose` with the group to be shown alone, or -1.
export function legend(box, { legend: entries, colours }, choose) {
  const buttons = entries.map(({ name, group }) => {
    const swatch = element("span", { className: "swatch" });
    swatch.style.background = colours[group];
    const button = element("button", { type: "button", ariaPressed: "false" }, swatch, name);
    button.addEventListener("click", () => {
      const isAlone = button.ariaPressed !== "true";
      for (const other of buttons) other.ariaPressed = String(isAlone && other === button);
      choose(isAlone ? group : -1);
    });
    // A browser leaves one that is half in sight where it is.
    button.addEventListener("focus", () => button.scrollIntoView({ block: "nearest",
      inline: "nearest" }));
    return button;
  });
  box.replaceChildren(...buttons.map((button) => element("li", {}, button)));
}
