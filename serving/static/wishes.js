// The films and texts that are asked for, as tokens in the search box.

import { element } from "./dom.js";

const LONGEST = 40; // characters of a text that a token shows
const places = document.getElementById("wishes");
const input = document.getElementById("query");
const ownPlaceholder = input.placeholder;
// The titles that the server put into the page, by id, for the time before there is an answer.
const told = new Map([...places.querySelectorAll("[data-id]")].map(
  ({ dataset }) => [dataset.id, dataset.title]));

// Shows the wishes of a query; `names` tells of the films, if they are known already. A token that
// is pressed goes away, and with it its wish.
export function showWishes(asked, names, go) {
  const title = (id) => names.film?.(id).title ?? told.get(id) ?? "…";
  const without = (list, value) => ({ ...asked, [list]: asked[list].filter((one) => one !== value) });
  const tokens = [
    ...asked.ids.map((id) => [title(id), without("ids", id)]),
    ...asked.titles.map((one) => [one, without("titles", one)]),
    ...asked.texts.map((text) => [`“${cut(text)}”`, without("texts", text)]),
    ...asked.lessIds.map((id) => [title(id), without("lessIds", id), "less"]),
    ...asked.lessTitles.map((one) => [one, without("lessTitles", one), "less"])];
  const isAsking = tokens.length > 0;
  places.replaceChildren(...tokens.map(([name, rest, look = ""]) => {
    const words = look ? `less like ${name}` : name;
    const button = element("button", { type: "button", className: `token ${look}` }, words,
      element("span", { className: "x", ariaHidden: "true", textContent: "×" }));
    button.ariaLabel = `Remove ${words}`;
    button.addEventListener("click", () => {
      input.focus();
      const isEmpty = !rest.ids.length && !rest.titles.length && !rest.texts.length;
      go(isEmpty ? { filters: asked.filters, recipe: asked.recipe } : { ...rest, k: "" },
        { stay: true });
    });
    return element("li", {}, button);
  }));
  places.hidden = !isAsking;
  input.placeholder = isAsking ? "Add a film or a text" : ownPlaceholder;
}

function cut(text) {
  return text.length > LONGEST ? `${text.slice(0, LONGEST - 1).trimEnd()}…` : text;
}

// Takes the last wish away where there is nothing else to delete.
input.addEventListener("keydown", (event) => {
  if (event.key === "Backspace" && !input.value && !event.repeat) {
    places.querySelector("li:last-child button")?.click();
  }
});
