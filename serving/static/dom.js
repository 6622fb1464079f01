// Helpers for the elements of a page.

// Returns a copy of a template, with texts filled in by selector.
export function copyOf(template, texts = {}) {
  const copy = document.getElementById(template).content.firstElementChild.cloneNode(true);
  for (const [selector, text] of Object.entries(texts)) {
    copy.querySelector(selector).textContent = text;
  }
  return copy;
}

export function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

// Returns what the API said of an error as a sentence for people.
export function sentence(said) {
  const quoted = said.replace(/(['"])(.*?)\1/g, "“$2”");
  const told = /^\w+: /.test(quoted) ? `In the address, ${quoted}` : quoted;
  // A name, such as that of the language model, keeps its letters.
  const begun = /^[a-z]+\b(?!-)/.test(told) ? told[0].toUpperCase() + told.slice(1) : told;
  return /[.!?…]$/.test(begun) ? begun : `${begun}.`;
}

// Announces a text to screen readers.
export function say(text) {
  document.getElementById("status").textContent = text;
}

// Returns true for a click that opens no new tab or window.
export function isPlain(click) {
  return click.button === 0 && !(click.ctrlKey || click.metaKey || click.shiftKey || click.altKey);
}

// Says in place of a page that it cannot be shown, and why.
export function complain(heading, error) {
  const box = element("div", { className: "message" },
    element("h2", { textContent: heading }), element("p", { textContent: sentence(error.message) }));
  box.setAttribute("role", "alert");
  document.getElementById("main").append(box);
}
