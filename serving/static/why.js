// Explains a match: marks its strongest words in the texts and shows the share of each part.

import { copyOf, element } from "./dom.js";

const STRONG = [1.5, 2.5, 4]; // so many times what a word adds on average: marked once, twice, thrice
const MOST_WORDS = 6; // named beside the texts
const PARTS = { overview: "its story", title: "its title", genres: "its genres",
  marks: "BERT’s marks" }; // [CLS] and [SEP]

// Returns the words of a text with their shares and the strength of their marks.
function words(shares) {
  const own = shares.filter(({ of }) => of === "overview");
  const average = own.reduce((sum, { share }) => sum + Math.abs(share), 0) / own.length;
  return own.map((word) => ({ ...word, strength: /[\p{L}\p{N}]/u.test(word.word)
    ? STRONG.filter((times) => average > 0 && word.share >= times * average).length : 0 }));
}

// Returns a text as nodes, with strong words as <mark class="s1"> to "s3".
export function marked(text, shares) {
  const letters = Array.from(text); // places are in characters, not in halves of pairs
  const part = (from, to) => letters.slice(from, to).join("");
  const nodes = [];
  let end = 0;
  for (const { start, end: next, strength } of words(shares)) {
    if (!strength) continue;
    nodes.push(part(end, start),
      element("mark", { className: `s${strength}`, textContent: part(start, next) }));
    end = next;
  }
  return [...nodes, part(end)];
}

// Returns the strongest words of a text, the strongest first, for screen readers.
function strongest(shares) {
  const strong = words(shares).filter(({ strength }) => strength)
    .sort((one, other) => other.share - one.share);
  const isSame = (one, other) => one.word.toLowerCase() === other.word.toLowerCase();
  return strong.filter((word, at) => strong.findIndex((other) => isSame(word, other)) === at)
    .slice(0, MOST_WORDS);
}

// Returns the explanation in a card: the strongest words of both films and the shares of parts.
export function reasons(why, score, asked, found) {
  const box = copyOf("reasons");
  const list = box.querySelector(".words");
  for (const [name, shares] of [[found, why.found], [asked, why.asked[0]]]) {
    list.append(element("dt", { textContent: name }), element("dd", {}, ...named(shares)));
  }
  box.querySelector(".parts").append(...parts(why.found, score));
  return box;
}

function named(shares) {
  const strong = strongest(shares);
  if (!strong.length) return ["no word stands out"];
  return strong.flatMap(({ word, strength }, at) => [at ? ", " : "",
    element("mark", { className: `s${strength}`, textContent: word })]);
}

function parts(shares, score) {
  return Object.entries(PARTS).flatMap(([of, name]) => {
    const own = shares.filter((share) => share.of === of);
    const sum = own.reduce((all, { share }) => all + share, 0);
    if (!own.length || (of !== "overview" && Math.abs(sum) < 0.0005)) return [];
    const single = of === "title" || of === "genres"
      ? own.filter(({ share }) => Math.abs(share) >= 0.0005)
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
