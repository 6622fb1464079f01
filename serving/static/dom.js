// What both views need of the page.

// A copy of the template of that name, with texts put where the selectors say.
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

// Tells people who do not see the page.
export function say(text) {
  document.getElementById("status").textContent = text;
}

// A click that should stay in this page, and not open a tab or a window.
export function isPlain(click) {
  return click.button === 0 && !(click.ctrlKey || click.metaKey || click.shiftKey || click.altKey);
}
