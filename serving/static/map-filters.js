// Filters of the map: those of the page at /, by the API's names, as they stand in the address.

import { element } from "./dom.js";

const NUMBERS = ["top_rated", "min_votes", "year_from", "year_to"];
const SWITCHES = ["any_genre", "same_genre", "adult"];
const NAMES = ["genres", "language", ...NUMBERS, ...SWITCHES];

// Returns the filters in the parameters of an address, as strings by name.
export function filtersIn(given) {
  return Object.fromEntries(NAMES.flatMap((name) => {
    const value = given.get(name)?.trim();
    return value ? [[name, value]] : [];
  }));
}

// Returns filters for the JSON of a request.
export function asJson(filters) {
  return Object.fromEntries(Object.entries(filters).map(([name, value]) => [name,
    NUMBERS.includes(name) ? Number(value) : SWITCHES.includes(name) ? value === "true"
      : name === "genres" ? value.split(",") : value]));
}

// Returns each filter in words, with the filters that remain without it.
function each(filters) {
  const without = (...names) => Object.fromEntries(
    Object.entries(filters).filter(([name]) => !names.includes(name)));
  const genres = filters.genres?.split(",") ?? [];
  const told = genres.map((genre) => {
    const others = genres.filter((other) => other !== genre).join(",");
    return [genre, others ? { ...filters, genres: others } : without("genres", "any_genre")];
  });
  const { year_from: from, year_to: to, top_rated: top, min_votes: votes, language } = filters;
  if (from || to) {
    const words = !to ? `${from} and later` : !from ? `${to} and earlier` : `${from}–${to}`;
    told.push([words, without("year_from", "year_to")]);
  }
  if (top) told.push([`Top ${Number(top).toLocaleString("en")}`, without("top_rated")]);
  if (votes) told.push([`${Number(votes).toLocaleString("en")} votes or more`,
    without("min_votes")]);
  if (language) told.push([`Language ${language}`, without("language")]);
  return told;
}

// Shows filters as tokens; a click on one calls `change` with the filters without it.
export function showTokens(box, filters, change) {
  const tokens = each(filters).map(([words, rest]) => {
    const button = element("button", { type: "button", className: "token" }, words,
      element("span", { className: "cross", textContent: "×", ariaHidden: "true" }));
    button.setAttribute("aria-label", `Remove the filter ${words}`);
    button.addEventListener("click", () => change(rest));
    return element("li", {}, button);
  });
  box.replaceChildren(...tokens);
  box.hidden = !tokens.length;
}
