// The page of the API: requests are tried out and copied, and the contents fold on a phone.

import { ROOT } from "./api.js";
import { say } from "./dom.js";

const MOST_SHOWN = 20000; // characters of an answer: the map of a large catalogue has millions

// Returns path and options of the request that a form describes.
function requestOf(form) {
  let path = form.dataset.address;
  const query = new URLSearchParams();
  for (const input of form.querySelectorAll("input")) {
    if (input.dataset.where === "path") {
      path = path.replace(`{${input.name}}`, encodeURIComponent(input.value));
    } else if (input.value) query.append(input.name, input.value);
  }
  const body = form.querySelector("textarea")?.value;
  return {
    address: new URL(ROOT + path.slice(1) + (query.size ? `?${query}` : ""), location).href,
    body,
    options: body === undefined ? {}
      : { method: "POST", headers: { "Content-Type": "application/json" }, body },
  };
}

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`; // for a shell

const TEXTS = {
  address: ({ address }) => address,
  body: ({ body }) => body,
  curl: ({ address, body }) => `curl ${quoted(address)}` + (body === undefined ? ""
    : ` -H 'Content-Type: application/json' -d ${quoted(body)}`),
};

async function send(form) {
  const { address, options } = requestOf(form);
  const told = form.querySelector(".told"), answer = form.querySelector(".answered");
  const begun = performance.now();
  form.setAttribute("aria-busy", "true");
  try {
    const response = await fetch(address, options);
    const text = await response.text();
    told.textContent = `${response.status} ${response.statusText} in `
      + `${Math.round(performance.now() - begun)} ms`;
    const whole = JSON.stringify(JSON.parse(text), null, 2);
    answer.textContent = whole.length > MOST_SHOWN
      ? `${whole.slice(0, MOST_SHOWN)}\n… and ${whole.length - MOST_SHOWN} characters more` : whole;
    answer.hidden = false;
  } catch {
    told.textContent = "The server does not answer. It may have been stopped.";
    answer.hidden = true;
  }
  form.removeAttribute("aria-busy");
  say(told.textContent);
}

// Copies a text, also where the browser denies the clipboard to scripts.
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = Object.assign(document.createElement("textarea"), { value: text });
    const focused = document.activeElement;
    document.body.append(area);
    area.select();
    const isCopied = document.execCommand("copy");
    area.remove();
    focused?.focus();
    return isCopied;
  }
}

for (const form of document.querySelectorAll("form.try")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(form);
  });
  for (const button of form.querySelectorAll("[data-copy]")) {
    button.addEventListener("click", async () => {
      const isCopied = await copy(TEXTS[button.dataset.copy](requestOf(form)));
      say(isCopied ? `Copied the ${button.dataset.copy}` : "The browser did not copy it");
      const name = button.textContent;
      if (!isCopied || name === "Copied") return;
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = name; }, 1500);
    });
  }
}

const contents = document.querySelector(".contents");
const isNarrow = matchMedia("(max-width: 64rem)");
const fold = () => { contents.open = !isNarrow.matches; };
isNarrow.addEventListener("change", fold);
fold();
