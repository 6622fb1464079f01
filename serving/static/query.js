// What is asked for, as it stands in the address of a page. The names are those of the API, but
// for `text`, its overview.

import { ROOT } from "./api.js";
import { NAMES, filtersOf, inJson } from "./filters.js";

export const K = 10; // films in an answer, and more with each "Show more"
export const MOST = 100; // films that a page shows
// The recipes of the index that is served; the first answers where the API is told none.
export const RECIPES = (document.body.dataset.recipes ?? "").split(",").filter(Boolean);
export const COMPARE = "compare"; // in place of a recipe: two of them
export const RESEARCH = "mean4";
export const BEST = "best";
const DEFAULT = RECIPES.includes(BEST) ? BEST : RECIPES[0];
const LISTS = { id: "ids", title: "titles", text: "texts", overview: "texts", not_id: "lessIds",
  not: "lessTitles" };

// Reads a query from the search part of an address: lists of ids, titles and texts of what is
// wished for and of what is not, `k`, `diverse`, `recipe` and filters; `unknown` are the names of
// parameters that no page has.
export function queryOf(search = location.search) {
  const given = new URLSearchParams(search);
  const asked = { ids: [], titles: [], texts: [], lessIds: [], lessTitles: [], unknown: [] };
  const filters = filtersOf(given);
  for (const [name, value] of given) {
    const text = value.trim();
    const list = LISTS[name];
    if (list) {
      if (text && !asked[list].includes(text)) asked[list].push(text);
    } else if (!["k", "diverse", "recipe", ...NAMES].includes(name)) {
      asked.unknown.push(name);
    }
  }
  const k = given.get("k")?.trim(), diverse = given.get("diverse")?.trim();
  return { ...asked, filters, k: k || String(K), diverse: Number(diverse) === 0 ? "" : diverse ?? "",
    recipe: given.get("recipe")?.trim() || DEFAULT };
}

export function addressOf(asked) {
  const query = new URLSearchParams();
  for (const name of ["id", "title", "text", "not_id", "not"]) {
    for (const value of asked[LISTS[name]] ?? []) query.append(name, value);
  }
  for (const [name, value] of Object.entries(asked.filters ?? {})) query.set(name, value);
  if (asked.diverse) query.set("diverse", asked.diverse);
  if (asked.k && asked.k !== String(K)) query.set("k", asked.k);
  if (asked.recipe && asked.recipe !== DEFAULT) query.set("recipe", asked.recipe);
  const words = query.toString();
  return words ? `${ROOT}?${words.replaceAll("%2C", ",")}` : ROOT;
}

// Returns a query for one film or text with all else as it is asked now, but for wishes.
export function only(asked, wish) {
  return { filters: asked.filters, recipe: asked.recipe, diverse: asked.diverse, ...wish };
}

export function countOf({ ids = [], titles = [], texts = [] }) {
  return ids.length + titles.length + texts.length;
}

export function isCompared(asked) {
  return asked.recipe === COMPARE && countOf(asked) > 0;
}

// Returns what is asked for as parameters of the API: { path, query } or, with texts, { path, body }.
export function requestOf(asked, more = {}) {
  const { ids = [], titles = [], texts = [], lessIds = [], lessTitles = [], filters } = asked;
  const recipe = asked.recipe === COMPARE ? {} : { recipe: asked.recipe };
  const path = isCompared(asked) ? "/compare" : "/recommend";
  const lists = { id: ids, title: titles, not_id: lessIds, not: lessTitles };
  const given = Object.fromEntries(Object.entries(lists).filter(([, list]) => list.length));
  const plain = { k: asked.k, ...recipe, ...(asked.diverse && { diverse: asked.diverse }) };
  if (!texts.length) return { path, query: { ...given, ...plain, ...filters, ...more } };
  const numbers = ({ id, not_id: not, ...rest }) => ({ ...rest, ...(id && { id: id.map(Number) }),
    ...(not && { not_id: not.map(Number) }) });
  return { path, body: { ...numbers(given), overview: texts, ...plain, k: Number(asked.k),
    ...(asked.diverse && { diverse: Number(asked.diverse) }), ...inJson(filters), ...more } };
}

// Returns the name of a recipe as the pages show it.
export function nameOf(recipe) {
  return { [BEST]: "Best", [RESEARCH]: "Research", [COMPARE]: "Compare" }[recipe] ?? recipe;
}
