// The page at /: what is asked stands in its address, so that it can be shared and gone back to.

import { ask } from "./api.js";
import { copyOf, element, isPlain, say } from "./dom.js";
import { searchBox } from "./search.js";

const MAX_TITLE = 200; // characters; what is longer is no title
const FEW_WORDS = 4; // a text of so many may be a mistyped title
const SOON = 200; // milliseconds without an answer until that is shown
const LONG = 3000; // and until it is explained

const form = document.querySelector("form.search");
const input = form.querySelector("input");
const start = document.getElementById("start");
const answerBox = document.getElementById("answer");
const answers = new Map(); // by address, so that the way back does not wait
const ownTitle = document.title;
// Compares without case, accents, blanks and punctuation.
const letters = new Intl.Collator("en", { sensitivity: "base", ignorePunctuation: true });
let shown = 0; // how often something was asked for: only the last one's answer is shown

// What an address asks for: {id} or {text}, or nothing.
function wishOf(search) {
  const given = new URLSearchParams(search);
  if (given.has("id")) return { id: given.get("id") };
  if (given.get("text")?.trim()) return { text: given.get("text").trim() };
  return {};
}

function addressOf(wish) {
  return "/?" + new URLSearchParams(wish);
}

function go(wish) {
  history.pushState(null, "", addressOf(wish));
  return show({ focus: true });
}

// What was typed is a film's title, or a text.
async function find(text) {
  const mine = waiting("Looking for it …");
  let wish = { text };
  if (text.length <= MAX_TITLE) {
    try {
      const { results } = await ask("/movies", { query: { q: text, k: 50 } });
      const film = results.find(({ title }) => isSameTitle(title, text));
      if (film) wish = { id: film.id };
    } catch (error) {
      if (mine === shown) complain(error, () => find(text));
      return;
    }
  }
  if (mine === shown) await go(wish);
}

function isSameTitle(one, other) {
  const bare = (title) => title.replace(/^(the|an?)\s+/i, "");
  return letters.compare(bare(one), bare(other)) === 0;
}

async function show({ focus = false } = {}) {
  const wish = wishOf(location.search);
  const address = addressOf(wish);
  const asksNothing = !("id" in wish || "text" in wish);
  document.body.classList.toggle("asking", !asksNothing);
  start.hidden = !asksNothing;
  if (asksNothing) {
    shown += 1;
    input.value = "";
    document.title = ownTitle;
    answerBox.hidden = true;
    return;
  }
  if (wish.text) input.value = wish.text;
  if (!answers.has(address)) {
    const mine = waiting(wish.text ? "Reading your text …" : "Looking for films …", wish.text);
    try {
      answers.set(address, await answerTo(wish));
    } catch (error) {
      if (mine === shown) complain(error, () => show({ focus }));
      return;
    }
    if (mine !== shown) return;
  }
  shown += 1;
  present(wish, answers.get(address));
  if (focus) {
    scrollTo({ top: 0, behavior: "instant" });
    answerBox.querySelector("h2").focus({ preventScroll: true });
  }
}

async function answerTo(wish) {
  if (!wish.text) return ask("/recommend", { query: { id: wish.id } });
  const mayBeTitle = wish.text.split(/\s+/).length <= FEW_WORDS;
  const [answer, near] = await Promise.all([
    ask("/recommend", { body: { overview: wish.text } }),
    mayBeTitle ? ask("/movies", { query: { q: wish.text, k: 3 } }) : { results: [] },
  ]);
  return { ...answer, near: near.results };
}

// Shows that something is waited for, if it lasts; gives the number of this wait.
function waiting(words, isText) {
  const mine = ++shown;
  setTimeout(() => {
    if (mine !== shown) return;
    say(words);
    start.hidden = true;
    const skeleton = Array.from({ length: 4 }, () => element("li", { className: "card" }));
    fill("waiting", element("p", { className: "lead", textContent: words }),
      element("ol", { className: "cards skeleton", ariaHidden: "true" }, ...skeleton));
  }, SOON);
  if (isText) {
    setTimeout(() => {
      if (mine !== shown) return;
      const why = "The first text after a start waits until the language model is loaded.";
      say(why);
      answerBox.querySelector(".lead").after(element("p", { textContent: why }));
    }, LONG);
  }
  return mine;
}

function fill(state, ...children) {
  answerBox.className = state;
  answerBox.replaceChildren(...children);
  answerBox.hidden = false;
}

function complain(error, again) {
  shown += 1;
  const nothingThere = error.status === 404;
  const retry = [0, 429, 503].includes(error.status);
  const box = copyOf("message", {
    h2: nothingThere ? "There is no such film here" : "That did not work",
    p: nothingThere ? "It may be in another catalogue. Search for its title above." : error.message,
  });
  const button = box.querySelector("button");
  button.hidden = !retry;
  button.addEventListener("click", again);
  start.hidden = true;
  document.title = ownTitle;
  fill("failed", box);
}

function present(wish, answer) {
  const { query, results } = answer;
  const isFilm = !wish.text;
  const name = isFilm ? query.title : wish.text;
  input.value = name;
  document.title = `Films ${isFilm ? "like" : "about"} ${name}`;
  const asked = isFilm ? askedFilm(answer) : askedText(wish.text, answer);
  const cards = element("ol", { className: "cards" }, ...results.map(card));
  if (results.length) {
    fill("", asked, cards);
    say(`${results.length} films ${isFilm ? "like" : "about"} ${name}`);
  } else {
    fill("", asked, copyOf("message", {
      h2: "No film fits", p: "There is no other film in this catalogue that does." }));
  }
}

function askedFilm({ query: film, others = [] }) {
  const section = copyOf("asked-film", {
    ".title": film.title, ".year": film.year ?? "", ".overview": film.overview });
  section.querySelector(".facts").append(...facts(film));
  const links = section.querySelector(".links");
  const onMap = links.querySelector(".on-map"); // where there is a map
  if (onMap) onMap.href = `/map?id=${film.id}`;
  if (film.imdb_id) {
    links.append(element("a", { href: `https://www.imdb.com/title/${film.imdb_id}/`,
      textContent: "on IMDb", rel: "noreferrer" }));
  }
  if (others.length) note(section, "Also called so: ", others);
  return section;
}

function askedText(text, { note: words, near }) {
  const section = copyOf("asked-text", { q: text });
  if (words) note(section, words[0].toUpperCase() + words.slice(1) + ".", []);
  else if (near.length) note(section, "Or did you mean a film? ", near);
  return section;
}

// A remark under what was asked, with links to films.
function note(section, words, films) {
  const place = section.querySelector(".note");
  place.hidden = false;
  place.append(words, ...films.flatMap((film, at) => [at ? ", " : "", linkTo(film)]));
}

function linkTo(film) {
  const year = film.year ? ` (${film.year})` : "";
  return element("a", { href: addressOf({ id: film.id }), textContent: film.title + year });
}

function facts(film) {
  const parts = [element("span", { className: "genres", textContent: film.genres.join(", ") })];
  if (film.vote_count) {
    const votes = film.vote_count.toLocaleString("en");
    parts.push(element("span", { className: "rating", title: `of 10, by ${votes} votes` },
      element("span", { className: "sr-only", textContent: "rated " }),
      `★ ${film.vote_average.toFixed(1)}`));
  }
  return parts;
}

function card(film) {
  const made = copyOf("card", { ".rank": film.rank, ".title": film.title,
    ".year": film.year ?? "", ".overview": film.overview, ".number": film.score.toFixed(3) });
  made.querySelector("a").href = addressOf({ id: film.id });
  made.querySelector(".facts").append(...facts(film));
  made.querySelector(".bar span").style.width = `${Math.max(film.score, 0) * 100}%`;
  return made;
}

searchBox(form, {
  choose: (film) => go({ id: film.id }),
  submit: find,
  textLabel: (typed) => `Films about “${typed}”`,
});
// A link to another question is answered in this page.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href^='/?']");
  if (!link || !isPlain(event)) return;
  event.preventDefault();
  go(wishOf(new URL(link.href).search));
});
addEventListener("popstate", () => show());
show();
