// The page at /: the query stands in its address, so that it can be shared and gone back to.

import { ROOT, ask } from "./api.js";
import { copyOf, element, isPlain, say } from "./dom.js";
import { each, filtersOf, inJson, inWords, onFilters, press, revealPressed } from "./filters.js";
import { searchBox } from "./search.js";
import { marked, reasons } from "./why.js";

const MAX_TITLE = 200; // characters; what is longer is no title
const LEFT_OUT = { // headings, by the code of an error about a film that is not answered for
  no_overview: "This film has no overview",
  not_in_index: "This film is not in the index",
};
const FEW_WORDS = 4; // a text of so many may be a mistyped title
const K = 10;
const SOON = 200; // milliseconds without an answer until that is shown
const LONG = 3000; // and until it is explained
const GLIDE = { duration: 350, easing: "cubic-bezier(.2, .8, .2, 1)" };

const form = document.querySelector("form.search");
const input = form.querySelector("input");
const start = document.getElementById("start");
const answerBox = document.getElementById("answer");
const answers = new Map(); // by address, so that the way back does not wait
const explained = new Map(); // the films of an answer by id, by address; promises
const ownTitle = document.title;
// Compares two texts without case, accents, blanks and punctuation.
const letters = new Intl.Collator("en", { sensitivity: "base", ignorePunctuation: true });
const isStill = matchMedia("(prefers-reduced-motion: reduce)");
let shown = 0; // how often something was asked for: only the last one's answer is shown

// Reads the query from the address: {id} or {text}, or neither, and filters.
function wish(search = location.search) {
  const given = new URLSearchParams(search);
  const filters = filtersOf(given);
  if (given.has("id")) return { id: given.get("id"), filters };
  const text = given.get("text")?.trim();
  return text ? { text, filters } : { filters };
}

function addressOf({ filters = {}, ...asked }) {
  const query = new URLSearchParams({ ...asked, ...filters }).toString();
  return query ? `${ROOT}?${query.replaceAll("%2C", ",")}` : ROOT;
}

function go(asked, how = { focus: true }) {
  history.pushState(null, "", addressOf(asked));
  return show(how);
}

// Submits what was typed, as the title of a film or as a text.
async function find(text) {
  const mine = waiting("Looking for it …");
  const { filters } = wish();
  let asked = { text, filters };
  if (text.length <= MAX_TITLE) {
    try {
      const { results, left_out: leftOut = [] } = await ask(
        "/movies", { query: { q: text, k: 50 } });
      const film = results.find(({ title }) => isSameTitle(title, text)) ?? leftOut[0];
      if (film) asked = { id: film.id, filters };
    } catch (error) {
      if (mine === shown) complain(error, () => find(text));
      return;
    }
  }
  if (mine === shown) await go(asked);
}

function isSameTitle(one, other) {
  const bare = (title) => title.replace(/^(the|an?)\s+/i, "");
  return letters.compare(bare(one), bare(other)) === 0;
}

// Shows the answer to the address. `focus` moves the focus to it; `stay` keeps the scroll
// position, for an answer that only becomes narrower or wider.
async function show({ focus = false, stay = false } = {}) {
  const asked = wish();
  const address = addressOf(asked);
  const asksNothing = address === ROOT;
  document.body.classList.toggle("asking", !asksNothing);
  press(asked.filters);
  start.hidden = !asksNothing;
  if (asksNothing) {
    shown += 1;
    input.value = "";
    document.title = ownTitle;
    answerBox.hidden = true;
    return;
  }
  if (asked.text) input.value = asked.text;
  if (!answers.has(address)) {
    const words = asked.text ? "Reading your text …" : "Looking for films …";
    const mine = waiting(words, { isText: asked.text, stay });
    try {
      answers.set(address, await answerTo(asked));
    } catch (error) {
      if (mine === shown) complain(error, () => show({ focus }));
      return;
    }
    if (mine !== shown) return;
  }
  shown += 1;
  const before = stay ? places() : new Map();
  present(asked, answers.get(address));
  if (stay) glide(before);
  if (focus) {
    scrollTo({ top: 0, behavior: "instant" });
    answerBox.querySelector("h2").focus({ preventScroll: true });
  }
}

function recommend({ id, text, filters }, more = {}) {
  return text ? ask("/recommend", { body: { overview: text, k: K, ...inJson(filters), ...more } })
    : ask("/recommend", { query: { ...(id && { id }), k: K, ...filters, ...more } });
}

async function answerTo(asked) {
  const mayBeTitle = asked.text?.split(/\s+/).length <= FEW_WORDS;
  const [answer, near] = await Promise.all([
    recommend(asked),
    mayBeTitle ? ask("/movies", { query: { q: asked.text, k: 3 } }) : { results: [] },
  ]);
  return { ...answer, near: near.results };
}

// Shows that the page is waiting, if it lasts; returns the number of this wait.
function waiting(words, { isText, stay } = {}) {
  const mine = ++shown;
  setTimeout(() => {
    if (mine !== shown) return;
    say(words);
    start.hidden = true;
    if (stay && answerBox.querySelector(".card")) {
      answerBox.classList.add("dimmed");
      return;
    }
    const skeleton = Array.from({ length: 4 }, () => element("li", { className: "card" }));
    fill("waiting", element("p", { className: "lead", textContent: words }),
      element("ol", { className: "cards skeleton", ariaHidden: "true" }, ...skeleton));
  }, SOON);
  if (isText) {
    setTimeout(() => {
      if (mine !== shown) return;
      const why = "The first text after a start waits until the language model is loaded.";
      say(why);
      const lead = answerBox.querySelector(".lead");
      if (lead) lead.textContent = why;
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
  const { filters, ...asked } = wish();
  const isFiltered = each(filters).length > 0;
  const isMissing = error.status === 404 && !isFiltered && !error.code;
  const nothingThere = isMissing && !asked.text;
  const box = message(
    nothingThere ? "There is no such film here" : LEFT_OUT[error.code]
      ?? (isMissing ? "No word of it is known here" : "That did not work"),
    nothingThere ? "It may be in another catalogue. Search for its title above."
      : `${error.message[0].toUpperCase()}${error.message.slice(1)}`);
  if ([0, 429, 503].includes(error.status)) {
    box.append(choices([["Try again", again]]));
  } else if (error.code) {
    const text = input.value.trim();
    if (text) box.append(choices([[`Films about “${text}”`, () => go({ text, filters })]]));
  } else if (isFiltered) {
    box.append(withoutFilters(asked));
  }
  start.hidden = true;
  document.title = ownTitle;
  fill("failed", box);
}

function message(heading, words) {
  return copyOf("message", { h2: heading, p: words });
}

function choices(named, look = "") {
  return element("p", { className: "choices" }, ...named.map(([name, act]) => {
    const button = element("button", { type: "button", className: look, textContent: name });
    button.addEventListener("click", act);
    return button;
  }));
}

function present(asked, answer) {
  const { query, results } = answer;
  const narrowed = inWords(asked.filters);
  const [section, name] = asked.text ? [askedText(asked.text, answer), `Films about ${asked.text}`]
    : asked.id ? [askedFilm(answer), `Films like ${query.title}`]
    : [copyOf("asked-best", { h2: narrowed }), "Best rated films"];
  input.value = asked.text ?? query.title ?? "";
  document.title = narrowed ? `${name}: ${narrowed}` : name;
  const found = results.length ? cards(asked, answer, section) : nothing(asked);
  fill("", section, found);
  const few = results.length < K && narrowed && results.length > 0;
  if (few) found.after(fewFilms(asked, results.length));
  say(`${results.length || "No"} ${results.length === 1 ? "film" : "films"}: ${document.title}`);
}

// Shows that the filters leave no film, and how to remove them.
function nothing({ filters, ...asked }) {
  const on = each(filters);
  if (!on.length) return message("No film fits", "There is no other film in this catalogue.");
  const box = message("No film fits", on.length > 1
    ? "Nothing here is all of that at once. Let something go:" : `Nothing here is ${on[0].words}.`);
  if (on.length > 1) {
    box.append(choices(on.map(({ words, rest }) =>
      [`× ${words}`, () => go({ ...asked, filters: rest }, { stay: true })]), "chip"));
  }
  box.append(withoutFilters(asked));
  return box;
}

function withoutFilters(asked) {
  return choices([["Clear filters", () => go(asked, { stay: true })]]);
}

function fewFilms({ filters, ...asked }, n) {
  const words = n === 1 ? "The filters leave one film." : `The filters leave ${n} films.`;
  return element("div", { className: "few" }, element("p", { textContent: words }),
    withoutFilters(asked));
}

function askedFilm({ query: film, others = [] }) {
  const section = copyOf("asked-film", {
    ".title": film.title, ".year": film.year ?? "", ".overview": film.overview });
  section.querySelector(".facts").append(...facts(film));
  const links = section.querySelector(".links");
  const onMap = links.querySelector(".on-map"); // where there is a map
  if (onMap) onMap.href = `${ROOT}map?id=${film.id}`;
  if (film.imdb_id) {
    links.append(element("a", { href: `https://www.imdb.com/title/${film.imdb_id}/`,
      textContent: "On IMDb", rel: "noreferrer" }));
  }
  if (others.length) note(section, "Also called so: ", others);
  return section;
}

function askedText(text, { note: words, near }) {
  const section = copyOf("asked-text", { q: text });
  if (words) note(section, words[0].toUpperCase() + words.slice(1) + ". ", []);
  if (near.length) note(section, "Or did you mean a film? ", near);
  return section;
}

// Shows a note under the query, with links to films.
function note(section, words, films) {
  const place = section.querySelector(".note");
  place.hidden = false;
  place.append(words, ...films.flatMap((film, at) => [at ? ", " : "", linkTo(film)]));
}

function linkTo(film) {
  const year = film.year ? ` (${film.year})` : "";
  return element("a", { href: likeIt(film), textContent: film.title + year });
}

function likeIt({ id }) {
  return addressOf({ id, filters: wish().filters });
}

function facts(film) {
  const genres = element("span", { className: "genres", textContent: film.genres.join(", ") });
  if (!film.vote_count) return [genres];
  const votes = film.vote_count.toLocaleString("en");
  return [element("span", { className: "rating", title: `of 10, by ${votes} votes` },
    element("span", { className: "sr-only", textContent: "rated " }),
    `★ ${film.vote_average.toFixed(1)}`), genres];
}

function cards(asked, { results }, section) {
  const isBest = !(asked.id || asked.text);
  const list = element("ol", { className: "cards" }, ...results.map((film) => card(film, isBest)));
  if (isBest) return list;
  // Only one card at a time is explained: the words of the query are marked for it.
  list.addEventListener("click", (event) => {
    const button = event.target.closest(".why");
    if (!button) return;
    const isOpen = button.ariaExpanded === "true";
    for (const open of list.querySelectorAll(".why[aria-expanded=true]")) unexplain(open, section);
    if (!isOpen) explain(button, asked, section);
  });
  return list;
}

function card(film, isBest) {
  const made = copyOf("card", { ".rank": film.rank, ".title": film.title,
    ".year": film.year ?? "", ".overview": film.overview,
    ".number": film.score.toFixed(isBest ? 2 : 3) });
  made.dataset.id = film.id;
  made.querySelector("a").href = likeIt(film);
  made.querySelector(".facts").append(...facts(film));
  made.querySelector(".bar span").style.width
    = `${Math.max(isBest ? film.score / 10 : film.score, 0) * 100}%`;
  const button = made.querySelector(".why");
  if (isBest) button?.remove();
  return made;
}

async function explain(button, asked, section) {
  const one = button.closest(".card");
  const place = one.querySelector(".reasons");
  button.ariaExpanded = "true";
  const address = addressOf(asked);
  if (!explained.has(address)) explained.set(address, recommend(asked, { explain: true }));
  let film;
  try {
    const { results } = await explained.get(address);
    film = results.find(({ id }) => String(id) === one.dataset.id);
  } catch (error) {
    explained.delete(address);
    place.replaceChildren(element("p", { role: "alert", textContent: error.message }));
    place.hidden = false;
    return;
  }
  if (button.ariaExpanded !== "true") return;
  const source = section.querySelector(".overview, q");
  const name = asked.text ? "Your text" : section.querySelector(".title").textContent;
  place.replaceChildren(reasons(film.why, film.score, name, film.title));
  place.hidden = false;
  one.querySelector(".overview").replaceChildren(...marked(film.overview, film.why.found));
  source.replaceChildren(...marked(source.textContent, film.why.asked[0]));
  section.querySelector(".for").textContent = ` · marked: what carried ${film.title}`;
}

function unexplain(button, section) {
  button.ariaExpanded = "false";
  const one = button.closest(".card");
  one.querySelector(".reasons").hidden = true;
  for (const text of [one.querySelector(".overview"), section.querySelector(".overview, q")]) {
    text.replaceChildren(text.textContent);
  }
  section.querySelector(".for").textContent = "";
}

// Returns the position of each film's card.
function places() {
  return new Map([...answerBox.querySelectorAll(".card[data-id]")].map(
    (one) => [one.dataset.id, one.getBoundingClientRect()]));
}

// Moves the cards of films that stay in the answer smoothly to their new places.
function glide(before) {
  for (const one of answerBox.querySelectorAll(".card[data-id]")) {
    const from = before.get(one.dataset.id);
    if (!from || isStill.matches) continue;
    const to = one.getBoundingClientRect();
    one.classList.add("glides");
    one.animate([{ transform: `translate(${from.x - to.x}px, ${from.y - to.y}px)` },
      { transform: "none" }], GLIDE);
  }
}

searchBox(form, {
  choose: ({ id }) => go({ id, filters: wish().filters }),
  submit: find,
  textLabel: (typed) => `Films about “${typed}”`,
});
onFilters(() => wish().filters, (filters) => {
  const { filters: _, ...asked } = wish();
  go({ ...asked, filters }, { stay: true });
});
// Answers a link to another query without loading the page again.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href*='?']");
  const isOurs = link?.origin === location.origin && link.pathname === ROOT;
  if (!isOurs || !isPlain(event)) return;
  event.preventDefault();
  go(wish(new URL(link.href).search));
});
addEventListener("popstate", () => show());
show();
revealPressed();
