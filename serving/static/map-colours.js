// Colours of the points: by first genre, by decade, by rating or by coarse topic.

// Colours on light and on dark paper, with a contrast of 3 or more. Genres of one place have the
// same hue in both, and all are as far from each other as they can be; `other` has no colour of its
// own. Steps go from dark cold to light warm ones, told apart without telling red from green.
const LIGHT = {
  genres: ["#2562a9", "#855300", "#db5b0c", "#026040", "#a44ef6", "#e8448a", "#00948a", "#72260a",
    "#2c14c0", "#5c9246", "#ab2544", "#780b5c"],
  other: "#75716c",
  steps: ["#4d235a", "#2c22a9", "#13528d", "#016271", "#05704c", "#5b712b", "#8e7c00", "#be705a"],
};
const DARK = {
  genres: ["#289ae3", "#f6d544", "#f2ab82", "#0e8053", "#c6bdfd", "#fe91b2", "#59d5c9", "#c04d01",
    "#555bf4", "#6fb120", "#cf4455", "#d30ba2"],
  other: "#8d8880",
  steps: ["#8e609a", "#5968fb", "#369bf1", "#05aec3", "#41ba90", "#a6b85a", "#fac801", "#fecea7"],
};
const MOST = LIGHT.genres.length; // groups with a colour of their own
const isDark = matchMedia("(prefers-color-scheme: dark)");
const FIRST_DECADE = 1950; // all older decades share one colour
const WORST = 4, BEST = 8; // ratings; those beyond share a colour

const HAS_TOPICS = document.querySelector("canvas[data-topics]");
export const COLOURINGS = ["genre", "decade", "rating", ...(HAS_TOPICS ? ["topic"] : [])];

// Returns the groups of a colouring: a name and a colour each, that of the scheme by now, and the
// group of each film.
export function colouring(by, films) {
  const { n, genres, first, years } = films;
  if (by === "decade") {
    const latest = years.reduce((most, year) => Math.max(most, year), FIRST_DECADE);
    const nDecades = Math.floor((latest - FIRST_DECADE) / 10) + 1;
    const names = ["Before 1950", ...Array.from({ length: nDecades },
      (_, at) => `${FIRST_DECADE + 10 * at}s`)];
    return grouped(names, ramp(names.length), n, (row) => (years[row]
      ? Math.max(Math.floor((years[row] - FIRST_DECADE) / 10) + 1, 0) : -1), "no year");
  }
  if (by === "rating") {
    const names = [`Below ${WORST}`];
    for (let from = WORST; from < BEST; from += 1) names.push(`${from} to ${from + 1}`);
    names.push(`${BEST} or more`);
    return grouped(names, ramp(names.length), n, (row) => {
      const rating = films.ratingOf(row);
      return rating === null ? -1
        : Math.min(Math.max(Math.floor(rating) - WORST + 1, 0), names.length - 1);
    }, "no votes");
  }
  if (by === "topic") {
    const { topics, topic } = films;
    return grouped(topics.slice(0, MOST), coloursNow().genres, n,
      (row) => (topic[row] < MOST ? topic[row] : -1),
      topics.length > MOST ? "other" : "no topic");
  }
  return grouped(genres.slice(0, MOST), coloursNow().genres, n,
    (row) => (first[row] < MOST ? first[row] : -1), "other");
}

// Groups without films are left out of the legend; -1 is the group of the rest.
function grouped(names, colours, n, groupOf, rest) {
  const groups = new Uint8Array(n), counts = new Uint32Array(names.length + 1);
  for (let row = 0; row < n; row += 1) {
    const group = groupOf(row);
    groups[row] = group < 0 ? names.length : group;
    counts[groups[row]] += 1;
  }
  return { groups, colours: [...colours.slice(0, names.length), coloursNow().other],
    legend: [...names, rest].map((name, group) => ({ name, group })).filter(
      ({ group }) => counts[group]) };
}

function coloursNow() {
  return isDark.matches ? DARK : LIGHT;
}

function ramp(n) {
  const { steps } = coloursNow();
  return Array.from({ length: n },
    (_, at) => steps[Math.round(at * (steps.length - 1) / Math.max(n - 1, 1))]);
}
