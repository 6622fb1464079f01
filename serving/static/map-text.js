// Tells titles typed on the map from texts.

const MARKS = /\p{M}/gu;
const NO_WORD = /[^\p{L}\p{N}]+/u;

// Returns true if each word of a text begins a word of the film's title or original title.
export function isTitleOf(text, film) {
  const typed = wordsOf(text);
  return typed.length > 0 && [film.title, film.original_title ?? ""].some((title) => {
    const words = wordsOf(title);
    return typed.every((word) => words.some((other) => other.startsWith(word)));
  });
}

function wordsOf(text) {
  return text.normalize("NFKD").replace(MARKS, "").toLowerCase().split(NO_WORD).filter(Boolean);
}
