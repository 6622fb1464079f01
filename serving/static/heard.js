// The genres that a genre model hears in the texts asked for, as links that filter by them.

import { element } from "./dom.js";
import { withGenre } from "./filters.js";
import { addressOf } from "./query.js";

// Returns the list of genres; that of a filter that is on leads to the query without it.
export function heardGenres(asked, heard) {
  const chips = heard.map(({ genre, probability }) => {
    const percent = Math.round(probability * 100);
    const link = element("a", { className: "chip", title: `The genre model gives it ${percent} %`,
      href: addressOf({ ...asked, k: "", filters: withGenre(asked.filters, genre) }),
      textContent: genre });
    if (asked.filters.genres?.includes(genre)) link.setAttribute("aria-current", "true");
    return element("li", {}, link);
  });
  const list = element("ul", { className: "chips", ariaLabel: "Genres heard in it" }, ...chips);
  return element("div", { className: "heard" }, element("span", { className: "label",
    ariaHidden: "true", textContent: "Heard in it" }), list);
}
