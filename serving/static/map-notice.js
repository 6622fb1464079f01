// What is wrong with a search, above the map.

import { say, sentence } from "./dom.js";

// Returns a function that shows words in `notice`, and one that shows an error; both call `layout`.
export function teller(notice, layout) {
  const tell = (words) => {
    notice.textContent = words;
    notice.hidden = !words;
    if (words) say(words);
    layout();
  };
  return [tell, (error) => tell(sentence(error.message))];
}
