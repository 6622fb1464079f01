// Explains a match: both texts side by side, the words that carried it marked, and words that stand
// in both in the same colour.

import { copyOf, element } from "./dom.js";
import { STOP_WORDS } from "./stopwords.js";

const STRONG = 1.5; // so many times what a word adds on average, and it is marked
const COLOURS = 6; // of words in common, those of .c1 to .c6
const STEM = 5; // letters at the beginning that make words of one stem the same
const LEAST = 0.0005; // of a score: what adds less is not told
const PARTS = { overview: "its story", title: "its title", genres: "its genres",
  marks: "beginning and end of the text" };

// Returns the panel that explains a film. `asked` are name and text of each wish, in the order of
// `why.asked`.
export function reasons(why, film, asked) {
  const box = copyOf("reasons", { h4: `Why ${film.title}?` });
  const texts = [...asked.map(({ name, text }, at) => ({ name, text, shares: why.asked[at] })),
    { name: film.title, text: film.overview, shares: why.found }].map(
    (one) => ({ ...one, words: words(one.shares) }));
  const found = texts[texts.length - 1];
  const colours = inCommon(texts.slice(0, -1).flatMap((one) => one.words), found.words);
  box.querySelector(".texts").append(...texts.map(({ name, text, words: own }) =>
    element("div", {}, element("h5", { textContent: name }),
      element("p", {}, ...marked(text, own, colours)))));
  const shared = [...colours.values()].length;
  box.querySelector(".key").textContent = shared
    ? "Words in the same colour stand in both texts. Underlined words raised the score, too."
    : "No word stands in both texts. Underlined words raised the score by their meaning.";
  box.querySelector("summary").append(` (cosine ${film.score.toFixed(3)})`);
  box.querySelector(".parts").append(...parts(why.found, film.score));
  return box;
}

// Returns the words of a text's story with their shares; `isStrong` says that they carried it.
function words(shares) {
  const own = shares.filter(({ of }) => of === "overview");
  const average = own.reduce((sum, { share }) => sum + Math.abs(share), 0) / own.length;
  return own.map((word) => {
    const key = fold(word.word);
    const counts = /[\p{L}\p{N}]/u.test(word.word) && !STOP_WORDS.has(key);
    return { ...word, key, counts,
      isStrong: counts && average > 0 && word.share >= STRONG * average };
  });
}

function fold(word) {
  return word.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().replace(/['’]s$/u, "");
}

function isSame(one, other) {
  return one === other || (one.length >= STEM && other.length >= STEM
    && one.slice(0, STEM) === other.slice(0, STEM) && Math.abs(one.length - other.length) <= 3);
}

// Returns the number of the colour of each word that stands in both and is strong in one, by key.
function inCommon(asked, found) {
  const pairs = found.filter(({ counts }) => counts).flatMap((word) => {
    const same = asked.filter((other) => other.counts && isSame(other.key, word.key));
    return same.some(({ isStrong }) => isStrong || word.isStrong)
      ? [{ keys: [word.key, ...same.map(({ key }) => key)], share: word.share }] : [];
  }).sort((one, other) => other.share - one.share);
  const colours = new Map();
  let next = 0;
  for (const { keys } of pairs) {
    const colour = keys.map((key) => colours.get(key)).find(Boolean) ?? (next++ % COLOURS) + 1;
    for (const key of keys) colours.set(key, colour);
  }
  return colours;
}

// Returns a text as nodes, with its words in common and its strong words as <mark>.
function marked(text, own, colours) {
  const letters = Array.from(text); // places are in characters, not in halves of pairs
  const part = (from, to) => letters.slice(from, to).join("");
  const nodes = [];
  let end = 0;
  for (const { start, end: next, key, counts, isStrong } of own) {
    const colour = counts && colours.get(key);
    if (!colour && !isStrong) continue;
    nodes.push(part(end, start), element("mark", {
      className: colour ? `both c${colour}` : "strong", textContent: part(start, next) }));
    end = next;
  }
  return [...nodes, part(end)];
}

function parts(shares, score) {
  return Object.entries(PARTS).flatMap(([of, name]) => {
    const own = shares.filter((share) => share.of === of);
    const sum = own.reduce((all, { share }) => all + share, 0);
    if (!own.length || (of !== "overview" && Math.abs(sum) < LEAST)) return [];
    const single = of === "title" || of === "genres"
      ? own.filter(({ share }) => Math.abs(share) >= LEAST)
        .map(({ word, share }) => `${word} ${signed(share)}`).join(", ") : "";
    const bar = element("span", { className: "bar" }, element("span"));
    bar.firstChild.style.width = `${Math.min(Math.max(sum / score, 0), 1) * 100}%`;
    return [element("li", {}, element("span", { className: "of", textContent: name }), bar,
      element("span", { className: "number", textContent: signed(sum) }),
      element("small", { textContent: single }))];
  });
}

function signed(number) {
  return number.toFixed(3).replace("-", "−");
}
