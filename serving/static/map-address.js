// The address of the map, its links to films and pages, and its entries in the history.

import { ROOT } from "./api.js";
import { COLOURINGS } from "./map-colours.js";

// Returns the pairs of an address that choose a film, texts or several films.
export function choiceIn(given) {
  return [...given].filter(([name]) => ["id", "title", "text"].includes(name));
}

// Returns the view of the entry if the visitor came back to it from another page.
export function seenBefore() {
  const [{ type } = {}] = performance.getEntriesByType("navigation");
  return type === "back_forward" ? history.state?.view : null;
}

const keyOf = (pairs) => JSON.stringify(pairs ?? []);

// A choice is an entry of the history; a view, colours, the one that is shown alone, a recipe and
// filters change the entry.
export class Address {
  // Calls `show` with the parameters of an entry that the visitor goes back or forward to, the
  // view of the map at that time, and whether the film was chosen among those of `state.asked`.
  constructor({ state, films, view, recipes, rest }, show) {
    Object.assign(this, { state, films, view, recipes, rest, written: null });
    addEventListener("popstate", () => {
      if (location.hash) return; // the link to the content was followed
      const { view: seen, asked } = history.state ?? {};
      show(new URLSearchParams(location.search), seen, asked === keyOf(state.asked?.pairs));
      this.begin();
    });
  }

  // Takes what is chosen for what the address of the page says; nothing is written before.
  begin() {
    this.written = keyOf(this.choice);
  }

  // Returns a link with all that is kept from page to page behind `pairs`.
  link(page, pairs) {
    const { state, rest, recipes } = this;
    const text = new URLSearchParams([...pairs, ...rest, ...Object.entries(state.filters),
      ...(state.recipe === recipes[0] ? [] : [["recipe", state.recipe]])]).toString();
    return ROOT + page + (text && `?${text.replaceAll("%2C", ",")}`);
  }

  get choice() {
    const { chosen, asked } = this.state;
    return chosen >= 0 ? [["id", String(this.films.ids[chosen])]] : asked?.pairs ?? [];
  }

  // Writes what is shown: a new entry if something else is chosen than in the last one.
  write() {
    if (this.written === null) return;
    const { state, view, choice } = this;
    const address = this.link("map", [...choice,
      ...(state.colour === COLOURINGS[0] ? [] : [["colour", state.colour]]),
      ...(state.only === null ? [] : [["only", state.only]]),
      ...(view.isMoved ? [["view", view.address]] : [])]);
    const kept = { view: view.address, asked: keyOf(state.asked?.pairs) };
    if (keyOf(choice) === this.written) history.replaceState(kept, "", address);
    else history.pushState(kept, "", address);
    this.written = keyOf(choice);
  }
}
