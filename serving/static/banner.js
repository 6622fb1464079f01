// The banner over an answer that stays while the server is gone.

import { ROOT } from "./api.js";

const PAUSE = 3000; // milliseconds between two looks whether the server is back
const box = document.getElementById("banner");
let again, timer;

export const banner = {
  // Shows what is wrong, and looks for the server; `retry` is done once it is back.
  show(words, retry) {
    again = retry;
    box.querySelector("p").textContent = words;
    box.hidden = false;
    clearTimeout(timer);
    timer = setTimeout(look, PAUSE);
  },
  hide() {
    clearTimeout(timer);
    box.hidden = true;
  },
};

async function look() {
  const isBack = await fetch(`${ROOT}healthz`, { cache: "no-store" }).then(({ ok }) => ok, () => false);
  if (box.hidden) return;
  if (isBack) {
    banner.hide();
    again();
  } else {
    timer = setTimeout(look, PAUSE);
  }
}

box.querySelector("button").addEventListener("click", () => again());
