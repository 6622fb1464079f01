// What a text that was typed means.

import { ask } from "./api.js";
import { LONGEST } from "./search.js";

// Returns the `film` of which the text is surely the title, or `leftOut`, a film of that title
// that cannot be recommended for; else neither: it is a text.
export async function meaningOf(text) {
  if (text.length > LONGEST) return {};
  const { meant: film, left_out: [leftOut] = [] } = await ask("/movies", { query: { q: text, k: 1 } });
  return { film, leftOut };
}
