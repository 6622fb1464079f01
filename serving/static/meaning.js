// What a text that was typed means.

import { ask } from "./api.js";

export const LONGEST = 200; // characters of a title; a longer text completes none
const SUGGESTIONS = 7;
const known = new Map(); // completions by what was typed

// Returns what completes a text: the films of `results`, and what meaningOf needs.
export async function completionOf(text, signal) {
  if (!known.has(text)) {
    known.set(text, await ask("/movies", { query: { q: text, k: SUGGESTIONS }, signal }));
  }
  return known.get(text);
}

// Returns the `film` of which the text is surely the title, or `leftOut`, a film of that title
// that cannot be recommended for; else neither: it is a text.
export async function meaningOf(text) {
  if (text.length > LONGEST) return {};
  const { meant: film, left_out: [leftOut] = [] } = await completionOf(text);
  return { film, leftOut };
}
