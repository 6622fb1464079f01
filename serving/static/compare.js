// The answers of two recipes beside each other: a film that is in both is lit in both.

import { facts } from "./cards.js";
import { copyOf, element } from "./dom.js";
import { picture } from "./poster.js";
import { BEST, RESEARCH, nameOf } from "./query.js";

// Returns the two lists of a comparison; `addressFor` returns where a film leads to.
export function comparison({ lists }, addressFor) {
  const box = copyOf("compared");
  const names = lists.map(({ made_by: { recipe } }) => recipe);
  if (!names.includes(BEST) || !names.includes(RESEARCH)) {
    for (const words of box.querySelectorAll(".figures")) words.remove();
  }
  const columns = lists.map(({ results, ranks_to: most }, at) => {
    const column = copyOf("column", { h3: nameOf(names[at]) });
    column.setAttribute("aria-label", `By ${nameOf(names[at])}`);
    column.querySelector("ol").append(...results.map((film) =>
      row(film, addressFor(film), nameOf(names[1 - at]), results.length, most)));
    return column;
  });
  if (names[1] === BEST) columns.reverse();
  box.querySelector(".columns").append(...columns);
  const light = (event) => {
    const id = event.type === "pointerout" || event.type === "focusout" ? null
      : event.target.closest(".row")?.dataset.id;
    for (const one of box.querySelectorAll(".row")) {
      one.classList.toggle("lit", Boolean(id) && one.dataset.id === id);
    }
  };
  for (const type of ["pointerover", "pointerout", "focusin", "focusout"]) {
    box.addEventListener(type, light);
  }
  return box;
}

// `most` is the rank beyond which films were not ranked by the other recipe: such a film has none.
function row(film, address, other, n, most) {
  const made = copyOf("row", { ".rank": film.rank, ".title": film.title, ".year": film.year ?? "" });
  made.dataset.id = film.id;
  made.querySelector(".rank").after(picture(film));
  const beyond = film.rank_in_other === null;
  made.classList.toggle("both", !beyond && film.rank_in_other <= n);
  made.querySelector("a").href = address;
  made.querySelector(".facts").append(...facts(film));
  // Places that it is higher here than there, at the least.
  const up = (beyond ? most + 1 : film.rank_in_other) - film.rank;
  const move = made.querySelector(".move");
  move.classList.add(up > 0 ? "up" : up < 0 ? "down" : "same");
  const number = (n) => n.toLocaleString("en");
  const change = up ? `${up > 0 ? "▲" : "▼"} ${number(Math.abs(up))}${beyond ? "+" : ""}` : "=";
  move.append(element("b", { ariaHidden: "true", textContent: change }),
    element("small", { textContent: `${other}: ${
      beyond ? `beyond ${number(most)}` : number(film.rank_in_other)}` }));
  return made;
}
