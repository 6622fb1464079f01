// The search box: suggests titles while typing, to be chosen by keyboard or mouse, and takes any
// text, for which it grows. It is a text area, which may have no role of a combobox.

import { element, say } from "./dom.js";
import { LONGEST, completionOf } from "./meaning.js";

const PAUSE = 60; // milliseconds without a stroke before titles are asked for

// Calls `choose` with a film, or `submit` with the text if none was chosen. `textLabel` returns
// the last suggestion for a text, for which `asText` is called; without it no suggestion stands
// for texts.
export function searchBox(form, { choose, submit, textLabel, asText }) {
  const input = form.querySelector("textarea");
  const list = form.querySelector("[role=listbox]");
  let options = []; // what each suggestion does
  let active = -1;
  let timer, asked;

  function close() {
    clearTimeout(timer);
    asked?.abort();
    list.hidden = true;
    activate(-1);
  }

  function activate(at) {
    list.children[active]?.setAttribute("aria-selected", "false");
    active = at;
    const option = list.children[active];
    if (option) {
      option.setAttribute("aria-selected", "true");
      option.scrollIntoView({ block: "nearest" });
      input.setAttribute("aria-activedescendant", option.id);
      // A text area is no combobox: not all screen readers tell what is active in its list.
      say(`${option.innerText.replace(/\s+/g, " ")}, ${active + 1} of ${options.length}`);
    } else {
      input.removeAttribute("aria-activedescendant");
    }
  }

  function show(films, typed) {
    options = films.map((film) => () => choose(film));
    const items = films.map((film) => element("li", {},
      element("span", { className: "title", textContent: film.title }), " ",
      element("span", { className: "year", textContent: film.year ?? "" }), " ",
      element("span", { className: "genres", textContent: film.genres.slice(0, 3).join(", ") })));
    if (textLabel) {
      options.push(() => asText(typed));
      items.push(element("li", { className: "text", textContent: textLabel(typed) }));
    }
    items.forEach((item, at) => {
      item.id = `suggestion-${at}`;
      item.setAttribute("role", "option");
      item.setAttribute("aria-selected", "false");
      item.dataset.at = at;
    });
    list.replaceChildren(...items);
    active = -1;
    activate(-1);
    list.hidden = !items.length;
    list.dataset.typed = typed;
    say((films.length === 1 ? "1 film" : `${films.length || "No"} films`)
      + (items.length ? ". Arrow keys choose" : ""));
  }

  async function suggest() {
    const typed = input.value.trim();
    asked?.abort();
    if (!typed || typed.length > LONGEST) return close();
    asked = new AbortController();
    const { signal } = asked;
    try {
      const { results } = await completionOf(typed, signal);
      return signal.aborted ? undefined : show(results, typed);
    } catch (error) {
      if (error.name === "AbortError") return undefined;
      return show([], typed); // whoever goes on to search is told what is wrong
    }
  }

  function take(at) {
    const option = options[at];
    close();
    option();
  }

  // Makes the box as high as its text.
  function grow() {
    input.style.height = "auto";
    input.style.height = `${input.scrollHeight}px`;
  }

  input.addEventListener("input", () => {
    grow();
    clearTimeout(timer);
    timer = setTimeout(suggest, PAUSE);
  });
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && list.hidden) {
      suggest();
    } else if (step) {
      // One place more than suggestions: the last step leads back to the text typed.
      const places = options.length + 1;
      activate(((active + 1 + step + places) % places) - 1);
    } else if (event.key === "Escape" && !list.hidden) {
      close();
    } else if (event.key === "Enter" && active >= 0 && !list.hidden) {
      take(active);
    } else if (event.key === "Enter" && !event.shiftKey) {
      form.requestSubmit();
    } else {
      return;
    }
    event.preventDefault();
  });
  input.addEventListener("blur", close);
  // Keeps the focus in the box during a click: losing it would close the list before.
  list.addEventListener("pointerdown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) take(Number(option.dataset.at));
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    close();
    const typed = input.value.trim();
    if (typed) submit(typed);
    else input.focus();
  });
  // The stroke that many sites have for it.
  document.addEventListener("keydown", (event) => {
    const isTyping = event.target.closest("input, textarea, select, [contenteditable]");
    if (event.key !== "/" || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    input.focus();
  });
  return {
    // Puts a text into the box.
    set(text) {
      input.value = text;
      grow();
    },
  };
}
