// The page at /: the query stands in its address, so that it can be shared and gone back to.

import { ROOT, ask } from "./api.js";
import { head, namesOf } from "./asked.js";
import { banner } from "./banner.js";
import { card, glide, places } from "./cards.js";
import { comparison } from "./compare.js";
import { copyOf, element, isPlain, say, sentence } from "./dom.js";
import { each, inWords, onFilters, press } from "./filters.js";
import { meaningOf } from "./meaning.js";
import { K, MOST, addressOf, countOf, isCompared, nameOf, only, queryOf, requestOf }
  from "./query.js";
import { picture } from "./poster.js";
import { searchBox } from "./search.js";
import { reasons } from "./why.js";
import { showWishes } from "./wishes.js";

const LEFT_OUT = { // headings, by the code of an error about a film that is not answered for
  no_overview: "This film has no overview",
  not_in_index: "This film is not in the index",
};
const FEW_WORDS = 4; // a text of so many may be a mistyped title
const SOON = 200; // milliseconds without an answer until that is shown
const LONG = 3000; // and until it is explained

const form = document.querySelector("form.search");
const start = document.getElementById("start");
const controls = document.getElementById("controls");
const diverse = document.getElementById("diverse");
const more = document.getElementById("more");
const answerBox = document.getElementById("answer");
const answers = new Map(); // by address, so that the way back does not wait
const explained = new Map(); // the films of an answer by id, by address; promises
const ownTitle = document.title;
let shown = 0; // how often something was asked for: only the last one's answer is shown

function go(asked, how = { focus: true }, state = null) {
  history.pushState(state, "", addressOf(asked));
  return show(how);
}

// Adds what was typed to the wishes, as the title of a film or as a text.
async function find(text) {
  const asked = queryOf();
  let wish = { texts: [...asked.texts, text] }, state = null;
  const mine = waiting("Looking for it …", { stay: true });
  try {
    const { film, leftOut } = await meaningOf(text);
    if (mine !== shown) return;
    const { id, title } = film ?? leftOut ?? {};
    if (title) wish = { ids: [...asked.ids, String(id)] };
    if (leftOut || (title && !isTyped(text, title))) state = { typed: text };
  } catch (error) {
    if (mine === shown) complain(error, () => find(text));
    return;
  }
  await go({ ...asked, k: "", ...wish }, { focus: true }, state);
}

function isTyped(text, title) {
  const letters = new Intl.Collator("en", { sensitivity: "base", ignorePunctuation: true });
  const bare = (name) => name.replace(/^(the|an?)\s+/i, "");
  return letters.compare(bare(text), bare(title)) === 0;
}

// Shows the answer to the address. `focus` moves the focus to it; `stay` keeps the scroll
// position, for an answer that only becomes narrower or wider.
async function show({ focus = false, stay = false } = {}) {
  const asked = queryOf();
  const address = addressOf(asked);
  const asksNothing = !countOf(asked) && !each(asked.filters).length;
  document.body.classList.toggle("asking", !asksNothing);
  press(asked.filters);
  adjust(asked, asksNothing);
  start.hidden = !asksNothing;
  if (asksNothing) {
    shown += 1;
    showWishes(asked, {}, go);
    document.title = ownTitle;
    answerBox.hidden = true;
    banner.hide();
    return;
  }
  if (!answers.has(address)) {
    const words = asked.texts.length ? "Reading your text …" : "Looking for films …";
    showWishes(asked, {}, go);
    const mine = waiting(words, { isText: asked.texts.length, stay });
    try {
      answers.set(address, await answerTo(asked));
    } catch (error) {
      if (mine === shown) complain(error, () => show({ focus, stay }));
      return;
    }
    if (mine !== shown) return;
  }
  shown += 1;
  banner.hide();
  const before = stay ? places(answerBox) : new Map();
  present(asked, answers.get(address));
  if (stay) glide(answerBox, before);
  if (focus) {
    scrollTo({ top: 0, behavior: "instant" });
    answerBox.querySelector("h2").focus({ preventScroll: true });
  }
}

// Shows the switch of recipes and the slider as the query has them.
function adjust(asked, asksNothing) {
  controls.hidden = asksNothing || !countOf(asked);
  for (const button of controls.querySelectorAll("[data-recipe]")) {
    const isAsked = button.dataset.recipe === asked.recipe;
    button.ariaPressed = String(isAsked);
    if (isAsked) document.querySelector(".told-recipe").textContent = button.title;
  }
  diverse.value = asked.diverse || 0;
  controls.classList.toggle("varied", Boolean(asked.diverse)); // shown on a phone, too
}

async function answerTo(asked) {
  const [text] = asked.texts;
  const mayBeTitle = countOf(asked) === 1 && text?.split(/\s+/).length <= FEW_WORDS;
  const { path, ...request } = requestOf(asked);
  const [answer, near] = await Promise.all([
    ask(path, request),
    mayBeTitle ? ask("/movies", { query: { q: text, k: 3 } }) : { results: [] },
  ]);
  return { ...answer, near: near.results };
}

// Shows that the page is waiting, if it lasts; returns the number of this wait.
function waiting(words, { isText, stay } = {}) {
  const mine = ++shown;
  setTimeout(() => {
    if (mine !== shown) return;
    say(words);
    if (stay && answerBox.querySelector("[data-id]")) {
      answerBox.classList.add("dimmed");
      return;
    }
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
  more.hidden = true;
}

function complain(error, again) {
  shown += 1;
  answerBox.classList.remove("dimmed");
  if (error.status === 0 && answerBox.querySelector("[data-id]") && !answerBox.hidden) {
    banner.show(sentence(error.message), again); // the answer that is there stays
    return;
  }
  const asked = queryOf();
  const isFiltered = each(asked.filters).length > 0;
  const isMissing = error.status === 404 && !isFiltered && !error.code;
  const nothingThere = isMissing && !asked.texts.length && !asked.titles.length;
  if (nothingThere) controls.hidden = true;
  const box = message(
    nothingThere ? "There is no such film here" : LEFT_OUT[error.code]
      ?? (isMissing && asked.texts.length ? "No word of it is known here" : "That did not work"),
    nothingThere ? "It may be in another catalogue. Search for its title above."
      : sentence(error.message));
  const typed = history.state?.typed;
  if ([0, 429, 503].includes(error.status)) {
    box.append(choices([["Try again", again]]));
  } else if (error.code) {
    const about = () => go(only(asked, { texts: [typed] }));
    if (typed) box.append(choices([[`Films about “${typed}”`, about]]));
  } else if (isFiltered) {
    box.append(withoutFilters(asked));
  } else {
    box.append(element("p", { className: "choices" },
      element("a", { className: "chip", href: ROOT, textContent: "Search for films" })));
  }
  showWishes(asked, { film: (id) => ({ title: `film ${id}` }) }, go);
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
  const known = namesOf(asked, answer);
  if (known.asked !== asked) {
    // Titles become ids, so that the address names one film for ever.
    history.replaceState(history.state, "", addressOf(known.asked));
    answers.set(addressOf(known.asked), answer);
  }
  showWishes(known.asked, known.names, go);
  const narrowed = inWords(asked.filters);
  const section = head(known.asked, answer, known.names, likeIt);
  const { textContent } = section.querySelector("h2 .title") ?? section.querySelector("h2");
  const isText = countOf(asked) === asked.texts.length;
  const name = countOf(asked) ? `Films ${isText ? "about" : "like"} ${textContent}`
    : "Best rated films";
  document.title = narrowed ? `${name}: ${narrowed}` : name;
  const { results, lists } = answer;
  const found = lists ? comparison(answer, likeIt)
    : results.length ? cards(known, answer) : nothing(asked);
  fill("", section, found);
  const n = lists ? Math.max(...lists.map((list) => list.results.length)) : results.length;
  if (n < Number(asked.k) && narrowed && n > 0) found.after(fewFilms(asked, n));
  more.hidden = n < Number(asked.k) || n >= MOST;
  const recipe = lists ? "" : `, by recipe ${nameOf(asked.recipe)}`;
  say(`${n || "No"} ${n === 1 ? "film" : "films"}: ${document.title}${recipe}`);
}

// Shows that the filters leave no film, and how to remove them.
function nothing(asked) {
  const on = each(asked.filters);
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
  return choices([["Clear filters", () => go({ ...asked, filters: {} }, { stay: true })]]);
}

function fewFilms(asked, n) {
  const words = n === 1 ? "The filters leave one film." : `The filters leave ${n} films.`;
  return element("div", { className: "few" }, element("p", { textContent: words }),
    withoutFilters(asked));
}

function likeIt({ id }) {
  return addressOf(only(queryOf(), { ids: [String(id)] }));
}

function cards({ asked, names }, { results }) {
  const isBest = !countOf(asked);
  const list = element("ol", { className: "cards" },
    ...results.map((film) => card(film, likeIt(film), isBest)));
  list.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    const id = button?.closest(".card")?.dataset.id;
    if (!id) return;
    const now = queryOf();
    const { topic } = button.dataset;
    if (topic) go({ ...now, filters: { ...now.filters, topic } }, { stay: true });
    else if (button.className === "why") explain(button, asked, names, list);
    else if (button.className === "like") {
      go({ ...now, ids: [...now.ids, id], k: "" }, { stay: true });
    } else go({ ...now, lessIds: [...now.lessIds, id], k: "" }, { stay: true });
  });
  return list;
}

// Opens or closes the explanation of a card: one at a time.
async function explain(button, asked, names, list) {
  const wasOpen = button.ariaExpanded === "true";
  for (const open of list.querySelectorAll(".why[aria-expanded=true]")) open.ariaExpanded = "false";
  list.querySelector(".reasons")?.remove();
  if (wasOpen) return;
  button.ariaExpanded = "true";
  const one = button.closest(".card");
  const address = addressOf(asked);
  let panel;
  try {
    if (!explained.has(address)) {
      const { path, ...request } = requestOf(asked, { explain: true });
      explained.set(address, ask(path, request));
    }
    const { results } = await explained.get(address);
    const film = results.find(({ id }) => String(id) === one.dataset.id);
    const texts = [...asked.ids.map((id) => names.film(id)).map(
      ({ title, overview }) => ({ name: title, text: overview })),
    ...asked.texts.map((text) => ({ name: "Your text", text })),
    ...asked.lessIds.map((id) => names.film(id)).map(
      ({ title, overview }) => ({ name: `Less like ${title}`, text: overview }))];
    panel = reasons(film.why, film, texts);
  } catch (error) {
    explained.delete(address);
    panel = element("li", { className: "reasons" },
      element("p", { role: "alert", textContent: sentence(error.message) }));
  }
  if (button.ariaExpanded !== "true") return;
  list.querySelector(".reasons")?.remove();
  one.after(panel);
}

const box = searchBox(form, {
  choose: ({ id }) => {
    const asked = queryOf();
    box.set("");
    go({ ...asked, ids: [...asked.ids, String(id)], k: "" });
  },
  submit: (text) => {
    box.set("");
    return find(text);
  },
  textLabel: (typed) => `Films about “${typed}”`,
  asText: (text) => {
    const asked = queryOf();
    box.set("");
    go({ ...asked, texts: [...asked.texts, text], k: "" });
  },
});
onFilters(() => queryOf().filters, (filters) => go({ ...queryOf(), filters }, { stay: true }));
controls.addEventListener("click", (event) => {
  const button = event.target.closest("[data-recipe]");
  if (button) go({ ...queryOf(), recipe: button.dataset.recipe }, { stay: true });
});
diverse.addEventListener("change", () => {
  go({ ...queryOf(), diverse: Number(diverse.value) ? diverse.value : "" }, { stay: true });
});
more.addEventListener("click", () => {
  const asked = queryOf();
  history.replaceState(history.state, "", addressOf(
    { ...asked, k: String(Math.min(Number(asked.k) + K, MOST)) }));
  show({ stay: true });
});
// Answers a link to another query without loading the page again.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href*='?']");
  const isOurs = link?.origin === location.origin && link.pathname === location.pathname;
  if (!isOurs || !isPlain(event)) return;
  event.preventDefault();
  go(queryOf(new URL(link.href).search));
});
addEventListener("popstate", () => show());
for (const place of start.querySelectorAll("[data-film]")) picture(JSON.parse(place.dataset.film), place);
show();
