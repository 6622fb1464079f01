// Colours of the points: by first genre, by decade, by rating or by coarse topic.

// All of them have a contrast of 3 or more with the page, light and dark.
const GENRES = ["#4f7fe6", "#a86f00", "#d84a20", "#238455", "#b04fc9", "#d6457f", "#12808f",
  "#92692f", "#7462ee", "#6b8313", "#cf4747", "#4a8072"];
const OTHER = "#7d7a76"; // of what has no colour of its own
// From cold to warm, told apart without telling red from green.
const STEPS = ["#7062d2", "#3f74c9", "#1f86a8", "#1c8a6d", "#56882b", "#87800f", "#a86f00",
  "#c0562a"];
const FIRST_DECADE = 1950; // all older decades share one colour
const WORST = 4, BEST = 8; // ratings; those beyond share a colour

const HAS_TOPICS = document.querySelector("canvas[data-topics]");
export const COLOURINGS = ["genre", "decade", "rating", ...(HAS_TOPICS ? ["topic"] : [])];

// Returns the groups of a colouring: a name and a colour each, and the group of each film.
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
    return grouped(topics.slice(0, GENRES.length), GENRES, n,
      (row) => (topic[row] < GENRES.length ? topic[row] : -1),
      topics.length > GENRES.length ? "other" : "no topic");
  }
  return grouped(genres.slice(0, GENRES.length), GENRES, n,
    (row) => (first[row] < GENRES.length ? first[row] : -1), "other");
}

// Groups without films are left out of the legend; -1 is the group of the rest.
function grouped(names, colours, n, groupOf, rest) {
  const groups = new Uint8Array(n), counts = new Uint32Array(names.length + 1);
  for (let row = 0; row < n; row += 1) {
    const group = groupOf(row);
    groups[row] = group < 0 ? names.length : group;
    counts[groups[row]] += 1;
  }
  return { groups, colours: [...colours.slice(0, names.length), OTHER],
    legend: [...names, rest].map((name, group) => ({ name, group })).filter(
      ({ group }) => counts[group]) };
}

function ramp(n) {
  return Array.from({ length: n },
    (_, at) => STEPS[Math.round(at * (STEPS.length - 1) / Math.max(n - 1, 1))]);
}
