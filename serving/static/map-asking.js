// What is asked for on the map: texts and films, the nearest to them, and where a text would lie.

import { ask } from "./api.js";
import { sentence } from "./dom.js";
import { inJson } from "./filters.js";

const SIDE = 65535; // of the map, in the units of places
const WHY_NOT = { no_overview: "it has no overview", not_in_index: "it is not in the index" };
const APART = "Its nearest films lie far apart, so no star shows where it would lie.";

const titles = new Map(); // of films that an answer told, which may not be on the map

// Keeps the titles of films of an answer; returns the films.
export function remember(films) {
  films.forEach(({ id, title }) => titles.set(id, title));
  return films;
}

// Returns why a film that is in no index is not on the map.
export function whyNotOf({ title, code }) {
  return `${title} is not on the map: ${WHY_NOT[code]}.`;
}

// Returns the title of a film by its id, or the id where no answer told it.
export function titleOf(id) {
  return titles.get(id) ?? id;
}

// Returns what pairs of an address ask for, before there is an answer.
export function askedOf(pairs, titleOf) {
  const all = (name) => pairs.filter(([each]) => each === name).map(([, value]) => value);
  const texts = all("text"), ids = all("id").map(Number), titles = all("title");
  return { pairs, texts, ids, titles, words: [...texts, ...titles, ...ids.map(titleOf)].join(" + "),
    rows: [], set: new Set(), results: [], star: null };
}

// Adds the answer: the `k` nearest films, and the star of a single text; the note says what is
// wrong.
export async function answer(asked, k, recipe, filters) {
  const { texts, ids, titles } = asked;
  const isText = texts.length === 1 && !ids.length && !titles.length;
  try {
    const [{ results, note }, found] = await Promise.all([
      ask("/recommend", { body: { k, recipe, ...inJson(filters), ...(texts.length && {
        overview: texts }), ...(ids.length && { id: ids }), ...(titles.length && { title: titles }) } }),
      isText ? ask("/map/place", { body: { overview: texts[0], recipe } }).catch(() => null) : null]);
    const { place } = found ?? {};
    Object.assign(asked, { results, star: place ? [place.x / SIDE, place.y / SIDE] : null,
      note: [note, place === null && APART].filter(Boolean).join(" ") });
  } catch (error) {
    asked.note = sentence(error.message);
  }
}
