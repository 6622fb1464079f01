// What a text that was typed means.

import { ask } from "./api.js";

const MAX_TITLE = 200; // characters; what is longer is no title

// Returns the id of the `film` of which the text is surely the title; a `notice` if that film is
// left out of the index; else neither: it is a text.
export async function meaningOf(text) {
  if (text.length > MAX_TITLE) return {};
  const { meant, left_out: [leftOut] = [] } = await ask("/movies", { query: { q: text, k: 1 } });
  if (meant || !leftOut) return { film: meant?.id };
  const why = leftOut.code === "no_overview" ? "it has no overview" : "it is not in the index";
  return { notice: `${leftOut.title} is not on the map: ${why}.` };
}
