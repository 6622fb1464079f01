// The legend of the map and the tokens of its filters.

import { element } from "./dom.js";

// Shows a button for each group of films; `showAlone` gets the one that is pressed, or -1.
export function showLegend(names, colours, showAlone) {
  const buttons = names.map((name, group) => {
    const swatch = element("span", { className: "swatch" });
    swatch.style.background = colours[group];
    const button = element("button", { type: "button", ariaPressed: "false" }, swatch, name);
    button.addEventListener("click", () => {
      const isPressed = button.ariaPressed === "false";
      for (const other of buttons) other.ariaPressed = String(other === button && isPressed);
      showAlone(isPressed ? group : -1);
    });
    return button;
  });
  document.querySelector(".legend").append(...buttons.map((button) => element("li", {}, button)));
}

// Shows each filter as a button that calls `remove` with its name.
export function showTokens(filters, remove) {
  const box = document.getElementById("tokens");
  const tokens = Object.entries(filters).map(([name, value]) => {
    const words = `${name.replaceAll("_", " ")}: ${value}`;
    const button = element("button", { type: "button", textContent: `${words} ×`,
      ariaLabel: `Remove the filter ${words}` });
    button.addEventListener("click", () => remove(name));
    return element("li", {}, button);
  });
  box.replaceChildren(...tokens);
  box.hidden = !tokens.length;
}
