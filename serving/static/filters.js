// The filters: strings by the API's names, genres a list. They stand in a box that a button opens,
// and each that is on in a token that removes it.

import { element } from "./dom.js";

export const NAMES = ["genres", "any_genre", "same_genre", "topic", "same_topic", "year_from",
  "year_to", "top_rated", "min_votes", "language", "adult"];
const TEXTS = ["genres", "topic", "language"];
const FLAGS = { any_genre: "any of these genres", same_genre: "with a genre in common",
  same_topic: "of the same topic", adult: "also for adults" };
const box = document.getElementById("filters");
const yearChips = [...box?.querySelectorAll("[data-to]") ?? []]; // the oldest first
const opener = document.getElementById("open-filters");
const tokens = document.getElementById("filters-on");

// Reads filters from the parameters of an address.
export function filtersOf(given) {
  const filters = Object.fromEntries(NAMES.map((name) => [name, given.get(name)?.trim()]));
  return set(filters, { genres: filters.genres?.split(",") });
}

// Returns filters with some changed, in a fixed order and without empty ones.
function set(filters, changes) {
  const all = { ...filters, ...changes };
  return Object.fromEntries(NAMES.flatMap((name) => all[name]?.length ? [[name, all[name]]] : []));
}

// Returns filters for the JSON of a request.
export function inJson(filters) {
  return Object.fromEntries(Object.entries(filters).map(([name, value]) => [name,
    TEXTS.includes(name) ? value : name in FLAGS ? value === "true"
      : Number(value)]));
}

// Returns each filter in words, with the filters that remain without it.
export function each(filters) {
  const { genres = [], topic, year_from: from, year_to: to, top_rated: top, min_votes: votes,
    language } = filters;
  const number = (digits) => Number(digits).toLocaleString("en");
  const told = genres.map((genre) => ({ words: genre,
    rest: set(filters, { genres: genres.filter((other) => other !== genre),
      ...(genres.length === 1 && { any_genre: "" }) }) }));
  if (topic) told.push({ words: `topic ${topic}`, rest: set(filters, { topic: "" }) });
  if (from || to) {
    told.push({ words: years(from, to), rest: set(filters, { year_from: "", year_to: "" }) });
  }
  if (top) told.push({ words: `top ${number(top)}`, rest: set(filters, { top_rated: "" }) });
  if (votes) told.push({ words: `${number(votes)} votes`, rest: set(filters, { min_votes: "" }) });
  if (language) told.push({ words: `language ${language}`, rest: set(filters, { language: "" }) });
  for (const [name, words] of Object.entries(FLAGS)) {
    if (filters[name]) told.push({ words, rest: set(filters, { [name]: "" }) });
  }
  return told;
}

export function inWords(filters) {
  return each(filters).map(({ words }) => words).join(", ");
}

function years(from, to) {
  if (!from) return `before ${Number(to) + 1}`;
  if (!to) return `${from} and later`;
  if (from === to) return from;
  return from % 10 === 0 && to - from === 9 ? `${from}s` : `${from}–${to}`;
}

// Presses the chips of the filters that are on, and shows a token for each of them.
export function press(filters) {
  const { genres = [], year_from: from = 0, year_to: to = Infinity } = filters;
  const isOn = ({ dataset }) => dataset.genre ? genres.includes(dataset.genre)
    : dataset.topic ? dataset.topic === filters.topic
    : dataset.top ? dataset.top === filters.top_rated
    : (from || to < Infinity) && (dataset.from ?? 0) >= Number(from) && dataset.to <= Number(to);
  for (const chip of box.querySelectorAll(".chip")) chip.ariaPressed = String(Boolean(isOn(chip)));
  showTopics(filters.topic);
  const on = each(filters);
  opener.querySelector(".count").textContent = on.length ? ` (${on.length})` : "";
  tokens.replaceChildren(...tokensOf(filters));
  if (on.length > 1) {
    const none = element("button", { type: "button", className: "none",
      textContent: "Clear filters" });
    none.rest = {};
    tokens.append(element("li", {}, none));
  }
}

// Returns a token for each filter, in a list item; the `rest` of its button is the filters that
// remain without it.
export function tokensOf(filters) {
  return each(filters).map(({ words, rest }) => {
    const button = element("button", { type: "button", className: "token" }, words,
      element("span", { className: "x", ariaHidden: "true", textContent: "×" }));
    button.ariaLabel = `Remove the filter ${words}`;
    button.rest = rest;
    return element("li", {}, button);
  });
}

// Calls `change` with the filters that a chip or a token leads to from the `current` ones.
export function onFilters(current, change) {
  opener.addEventListener("click", () => {
    box.hidden = !box.hidden;
    opener.ariaExpanded = String(!box.hidden);
  });
  // On a phone they scroll, and a browser leaves one that is half in sight where it is.
  tokens.addEventListener("focusin", ({ target }) => target.scrollIntoView({ block: "nearest",
    inline: "nearest" }));
  tokens.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    opener.focus(); // the token goes away
    change(button.rest);
  });
  box.addEventListener("click", (event) => {
    const chip = event.target.closest("button");
    if (!chip) return;
    const filters = current(), { genre, top, topic } = chip.dataset;
    if (topic) change(set(filters, { topic: filters.topic === topic ? "" : topic }));
    else if (genre) change(withGenre(filters, genre));
    else if (top) change(set(filters, { top_rated: filters.top_rated === top ? "" : top }));
    else change(set(filters, yearsWith(yearChips.indexOf(chip))));
  });
}

// Shows the coarse topics, and those inside the one that is on and inside those around it.
function showTopics(topic) {
  const chips = [...box.querySelectorAll("[data-topic]")];
  const parents = new Set([""]);
  for (let at = topic; at; at = chips.find(({ dataset }) => dataset.topic === at)?.dataset.within) {
    parents.add(at);
  }
  for (const chip of chips) chip.parentElement.hidden = !parents.has(chip.dataset.within);
}

// Returns filters with a genre added, or removed where it is on.
export function withGenre(filters, genre) {
  const { genres = [] } = filters;
  return set(filters, { genres: genres.includes(genre) ? genres.filter((other) => other !== genre)
    : [...genres, genre] });
}

// Selected decades are one range: a pressed one extends it or starts a new one.
function yearsWith(at) {
  const on = yearChips.map((chip) => chip.ariaPressed === "true");
  let first = on.indexOf(true), last = on.lastIndexOf(true);
  if (first >= 0 && at === first - 1) first = at;
  else if (first >= 0 && at === last + 1) last = at;
  else if (at === first) first += 1;
  else if (at === last) last -= 1;
  else first = last = at;
  if (first > last) return { year_from: "", year_to: "" };
  return { year_from: yearChips[first].dataset.from ?? "", year_to: yearChips[last].dataset.to };
}
