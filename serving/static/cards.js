// The films of an answer as cards, and what stands on them.

import { copyOf, element } from "./dom.js";
import { picture } from "./poster.js";

const NEAREST = 2; // on the scale of scores, where bars are full: twice as near as a nearest film
const NEAR = [[1, "very near"], [0.6, "near"], [0.3, "a little near"], [-Infinity, "far"]];
const GLIDE = { duration: 350, easing: "cubic-bezier(.2, .8, .2, 1)" };
const isStill = matchMedia("(prefers-reduced-motion: reduce)");

// Returns the card of a film; `address` is where it leads to. The score is a weighted rating where
// `isBest` is true, else a cosine.
export function card(film, address, isBest) {
  const made = copyOf("card", { ".rank": film.rank, ".title": film.title,
    ".year": film.year ?? "", ".overview": film.overview });
  made.dataset.id = film.id;
  made.querySelector(".rank").before(picture(film));
  made.querySelector("a").href = address;
  made.querySelector(".facts").append(...facts(film));
  showTopic(made.querySelector(".topic"), film);
  showScore(made.querySelector(".score"), film, isBest);
  const acts = made.querySelector(".acts");
  if (isBest) acts.remove();
  for (const button of acts.querySelectorAll("button")) {
    button.ariaLabel = button.className === "why" ? `Why ${film.title}?`
      : `${button.textContent}: ${film.title}`;
  }
  return made;
}

// Shows a film's fine topic as a button that filters by it; an index may have no topics.
function showTopic(place, { title, topics = [] }) {
  if (!topics.length) {
    place?.remove();
    return;
  }
  const name = topics[topics.length - 1];
  const button = element("button", { type: "button", className: "chip", textContent: name,
    title: topics.join(" › ") });
  button.dataset.topic = name;
  button.ariaLabel = `Films of the topic ${name}, as ${title}`;
  place.append(button);
}

function showScore(place, { score, nearness }, isBest) {
  const bar = place.querySelector(".bar"), number = place.querySelector(".number");
  if (isBest) {
    number.textContent = `${score.toFixed(2)} of 10`;
    bar.firstChild.style.width = `${Math.max(score / 10, 0) * 100}%`;
    return;
  }
  place.title = `cosine ${score.toFixed(3)}`;
  place.dataset.score = score;
  if (nearness === undefined) {
    bar.remove();
    number.textContent = `cosine ${score.toFixed(3)}`;
    return;
  }
  bar.title = "The line marks where the nearest film mostly is";
  bar.classList.add("scale");
  bar.firstChild.style.width = `${Math.min(Math.max(nearness / NEAREST, 0), 1) * 100}%`;
  number.textContent = NEAR.find(([least]) => nearness >= least)[1];
}

// Returns rating and genres of a film.
export function facts(film) {
  const genres = element("span", { className: "genres", textContent: film.genres.join(", ") });
  if (!film.vote_count) return [genres];
  const votes = film.vote_count.toLocaleString("en");
  return [element("span", { className: "rating", title: `of 10, by ${votes} votes` },
    element("span", { className: "sr-only", textContent: "rated " }),
    `★ ${film.vote_average.toFixed(1)}`), genres];
}

// Returns the position of each film's card in an element.
export function places(box) {
  return new Map([...box.querySelectorAll("[data-id]")].map(
    (one) => [one.dataset.id, one.getBoundingClientRect()]));
}

// Moves the cards of films that stay in the answer smoothly to their new places.
export function glide(box, before) {
  for (const one of box.querySelectorAll("[data-id]")) {
    const from = before.get(one.dataset.id);
    if (!from || isStill.matches) continue;
    const to = one.getBoundingClientRect();
    one.classList.add("glides");
    one.animate([{ transform: `translate(${from.x - to.x}px, ${from.y - to.y}px)` },
      { transform: "none" }], GLIDE);
  }
}
