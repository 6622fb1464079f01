// The panel beside the map: the chosen film, or the films nearest to a text, with links.

import { element, isPlain } from "./dom.js";

export class Panel {
  // Calls `act` with what links and buttons do: choose(id), lit(id or null), close(), back().
  constructor(box, act) {
    this.box = box;
    const near = this.find(".near");
    const idOf = (event) => {
      const link = event.target.closest("li")?.querySelector("a");
      return link ? Number(link.dataset.id) : null;
    };
    near.addEventListener("click", (event) => {
      if (!event.target.closest("a") || !isPlain(event)) return;
      event.preventDefault();
      act.choose(idOf(event));
    });
    near.addEventListener("pointerover", (event) => act.lit(idOf(event)));
    near.addEventListener("pointerleave", () => act.lit(null));
    near.addEventListener("focusin", (event) => act.lit(idOf(event)));
    near.addEventListener("focusout", () => act.lit(null));
    this.find(".close").addEventListener("click", act.close);
    this.find(".back").addEventListener("click", act.back);
  }

  find(selector) {
    return this.box.querySelector(selector);
  }

  get isOpen() {
    return !this.box.hidden;
  }

  close() {
    this.box.hidden = true;
  }

  focus() {
    this.find("h2").focus({ preventScroll: true });
  }

  // Shows what is known of a film at once; `more` has the rest.
  film({ title, year, genres, rating, href, back }) {
    this.open(title, year || "", href, "Films like it");
    this.find(".kicker").textContent = genres.join(" · ");
    this.find(".rating").textContent = rating === null ? "" : `★ ${rating.toFixed(1)}`;
    const button = this.find(".back");
    button.hidden = !back;
    if (back) button.textContent = `‹ Back to ${back}`;
  }

  text(text, href) {
    this.open(text, "", href, "See them as cards");
    this.find(".kicker").textContent = "Films about";
    this.find(".rating").textContent = "";
    this.find(".back").hidden = true;
  }

  open(title, year, href, action) {
    this.find(".title").textContent = title;
    this.find(".title").classList.toggle("long", title.length > 60);
    this.find(".year").textContent = year;
    this.find(".votes").textContent = "";
    this.find(".overview").textContent = "";
    this.find(".note").hidden = true;
    this.find("a.button").href = href;
    this.find("a.button").textContent = action;
    this.box.setAttribute("aria-busy", "true");
    this.find(".nearest").hidden = true;
    this.box.hidden = false;
    this.find(".scrolls").scrollTop = 0;
  }

  more({ overview = "", votes = 0, note = "", near, heading, hrefOf }) {
    this.box.removeAttribute("aria-busy");
    this.find(".overview").textContent = overview;
    this.find(".votes").textContent = votes ? `of 10, ${votes.toLocaleString("en")} votes` : "";
    this.find(".note").textContent = note;
    this.find(".note").hidden = !note;
    this.find(".nearest").hidden = !near.length;
    this.find(".nearest h3").textContent = heading;
    this.find(".near").replaceChildren(...near.map(({ id, title, year }) => {
      const link = element("a", { href: hrefOf(id), textContent: title });
      link.dataset.id = id;
      return element("li", {}, link, " ",
        element("span", { className: "year", textContent: year ?? "" }));
    }));
  }
}
