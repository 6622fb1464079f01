// The head of an answer: what was asked for.

import { ROOT } from "./api.js";
import { facts } from "./cards.js";
import { copyOf, element } from "./dom.js";
import { inWords } from "./filters.js";
import { heardGenres } from "./heard.js";
import { picture } from "./poster.js";
import { countOf } from "./query.js";

const SHORT_STORY = 70; // characters of an overview that is seen whole on a phone
const LONG_TEXT = 120; // characters; a longer text is set small, and cut

// Returns the query with ids in place of the titles that it had, and the films of its ids.
export function namesOf(asked, { query, not = [] }) {
  const films = (query.wishes ?? [query]).filter(({ id }) => id !== undefined);
  const known = new Map([...films, ...not].map((film) => [String(film.id), film]));
  const names = { film: (id) => known.get(id) ?? { title: `film ${id}`, overview: "" } };
  if (!asked.titles.length && !asked.lessTitles.length) return { asked, names };
  return { names, asked: { ...asked, titles: [], lessTitles: [],
    ids: films.map(({ id }) => String(id)), lessIds: not.map(({ id }) => String(id)) } };
}

// Returns the section that says what was asked for; `likeIt` returns where a film leads to.
export function head(asked, answer, names, likeIt) {
  const n = countOf(asked);
  const section = !n ? copyOf("asked-best", { h2: inWords(asked.filters) })
    : n > 1 ? askedSeveral(asked, names)
    : asked.texts.length ? askedText(asked.texts[0]) : askedFilm(names.film(asked.ids[0]));
  const { typed } = history.state ?? {};
  const { others = [], near = [], note: words, heard } = answer;
  if (typed) {
    note(section, `Nothing is called “${typed}”; this is the title nearest to it. `,
      [element("a", { href: `${ROOT}?text=${encodeURIComponent(typed)}`,
        textContent: `Films about “${typed}”` })]);
  }
  if (others.length) note(section, "Also called so: ", others.map(linkTo(likeIt)));
  if (words) note(section, words[0].toUpperCase() + words.slice(1) + ". ", []);
  if (near.length) note(section, "Or did you mean a film? ", near.map(linkTo(likeIt)));
  if (asked.unknown.length) {
    note(section, `The address asks for something that this page does not know: ${
      asked.unknown.join(", ")}.`, []);
  }
  if (heard) section.append(heardGenres(asked, heard));
  return section;
}

function askedFilm(film) {
  const section = copyOf("asked-film", {
    ".title": film.title, ".year": film.year ?? "", ".overview": film.overview });
  section.querySelector(".facts").append(...facts(film));
  section.prepend(picture(film));
  const links = section.querySelector(".links");
  const onMap = links.querySelector(".on-map"); // where there is a map
  if (onMap) onMap.href = `${ROOT}map${location.search}`;
  if (film.imdb_id) {
    links.append(element("a", { href: `https://www.imdb.com/title/${film.imdb_id}/`,
      textContent: "On IMDb", rel: "noreferrer" }));
  }
  if (film.overview.length > SHORT_STORY) links.append(unfolds(section));
  return section;
}

// Returns a button that shows on a phone the whole story of a film, or only how it begins.
function unfolds(section) {
  const button = element("button", { type: "button", className: "unfold", textContent: "Story",
    ariaExpanded: "false" });
  button.addEventListener("click", () => {
    button.ariaExpanded = String(section.classList.toggle("unfolded"));
  });
  return button;
}

function askedText(text) {
  const section = copyOf("asked-text", { q: text });
  const isLong = text.length > LONG_TEXT;
  section.classList.toggle("long", isLong);
  section.querySelector("q").title = isLong ? text : "";
  return section;
}

function askedSeveral({ ids, texts, lessIds }, names) {
  const short = (text) => text.length > 60 ? `${text.slice(0, 57)}…` : text;
  const section = copyOf("asked-several", { h2: [...ids.map((id) => names.film(id).title),
    ...texts.map((text) => `“${short(text)}”`)].join(" + ") });
  section.prepend(element("div", { className: "pictures" },
    ...ids.map((id) => picture(names.film(id)))));
  if (lessIds.length) {
    section.querySelector("h2").after(element("p", { className: "facts",
      textContent: `and less like ${lessIds.map((id) => names.film(id).title).join(", ")}` }));
  }
  return section;
}

// Adds words and links to the note under the query.
function note(section, words, links) {
  const place = section.querySelector(".note");
  place.hidden = false;
  place.append(element("span", {}, words, ...links.flatMap((link, at) => [at ? ", " : "", link])));
}

function linkTo(likeIt) {
  return (film) => element("a", { href: likeIt(film),
    textContent: film.title + (film.year ? ` (${film.year})` : "") });
}
