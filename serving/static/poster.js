// Pictures of films: posters drawn from the films' own data, the same each time.

import { MOTIFS } from "./motifs.js";
import { coloursOf, inkOn } from "./palettes.js";
import { SCENES } from "./scenes.js";
import { Sheet, node } from "./sheet.js";
import { lettering } from "./lettering.js";

const [WIDTH, HEIGHT] = [200, 300];
const MARGIN = 14;
const DRAWN = { ...MOTIFS, ...SCENES };
const SERIF = 'Fraunces, ui-serif, "Iowan Old Style", Palatino, Georgia, serif';
const SANS = 'Inter, system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';
// Ways to set a title, by the first decade of their fashion.
const STYLES = [
  [0, { family: SERIF, weight: 600, capitals: true, middle: true, size: 34, spacing: 0.06 }],
  [0, { family: SERIF, weight: 500, middle: true, size: 42, spacing: 0 }],
  [1950, { family: SANS, weight: 800, low: true, size: 46, spacing: -0.03 }],
  [1950, { family: SERIF, weight: 800, size: 44, spacing: -0.01 }],
  [1970, { family: SERIF, weight: 900, size: 48, spacing: -0.02 }],
  [1970, { family: SANS, weight: 700, size: 42, spacing: -0.03 }],
  [1980, { family: SANS, weight: 900, capitals: true, size: 44, spacing: -0.02 }],
  [1990, { family: SANS, weight: 800, size: 44, spacing: -0.035 }],
  [1990, { family: SANS, weight: 500, capitals: true, middle: true, size: 24, spacing: 0.14 }],
  [2000, { family: SERIF, weight: 600, size: 44, spacing: -0.015 }],
];

// Returns an SVG element with the poster of a film: {id, title, year, genres, vote_average}, of
// which all but the title may be missing.
export function poster(film) {
  const r = chance(film.id ?? film.title);
  const [first = "", second] = film.genres ?? [];
  const genre = first in DRAWN ? first : "";
  const colours = coloursOf(second && r(0, 1) < 0.3 ? second : genre, r);
  const motif = r.pick(DRAWN[genre]);
  const style = styleOf(film.year, r);
  const root = node("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "poster",
    "aria-hidden": "true", focusable: "false" });
  const sheet = new Sheet(root);
  const isFramed = r(0, 1) < (film.year && film.year < 1955 ? 0.5 : 0.16);
  const isAbove = !isFramed && r(0, 1) < (motif.stands ? 0.6 : 0.35);
  const isPanel = isFramed || r(0, 1) < 0.3;
  const panel = isFramed ? r.pick([colours.light, colours.dark])
    : isPanel ? r.pick([colours.a, colours.light, colours.dark]) : colours.ground;
  const ink = inkOn(panel, colours.light, colours.dark);
  const edge = isFramed ? 10 : 0;
  const title = lettering(film.title, style, WIDTH - 2 * MARGIN, 104);
  const block = title.height + 34;

  sheet.box(0, 0, WIDTH, HEIGHT, panel);
  const [width, height] = [WIDTH - 2 * edge, HEIGHT - block - edge];
  const art = new Sheet(sheet.add("svg", { x: edge, y: isAbove ? block : edge, width, height,
    viewBox: `0 0 ${width} ${height}` }));
  art.box(0, 0, width, height, colours.ground);
  (BACKDROPS[second] ?? BACKDROPS.none)(art, colours, r, width, height);
  const size = Math.min(width, height) / 200 * r(0.84, 0.94) * (0.94 + (film.vote_average || 6) / 80);
  const top = motif.stands ? height - 204 * size : (height - 200 * size) / 2;
  motif(art.group(`translate(${((width - 200 * size) / 2).toFixed(1)} ${top.toFixed(1)}) scale(${
    size.toFixed(3)})`), colours, r);

  const under = isAbove ? 0 : HEIGHT - block;
  const small = { "font-family": SANS, "font-size": 8.5, "font-weight": 500, fill: ink,
    "letter-spacing": 1 };
  title.draw(root, ink, under + (isAbove ? 24 : 11), MARGIN, WIDTH);
  if (film.year) {
    const year = node("text", { ...small, y: under + (isAbove ? 17 : block - 11),
      x: style.middle ? WIDTH / 2 : title.rightToLeft ? WIDTH - MARGIN : MARGIN,
      "text-anchor": style.middle ? "middle" : title.rightToLeft ? "end" : "start" });
    year.textContent = film.year;
    root.append(year);
  }
  return root;
}

// Returns the picture of a film, in an element of its own or in a given one: the drawn poster, and over it the real one where its
// address is known and as long as it can be had.
export function picture(film, made = document.createElement("span")) {
  made.className = "picture";
  made.setAttribute("aria-hidden", "true");
  made.append(poster(film));
  if (film.poster) {
    const image = Object.assign(new Image(), { loading: "lazy", alt: "",
      referrerPolicy: "no-referrer" });
    image.addEventListener("error", () => image.remove());
    image.src = film.poster;
    made.append(image);
  }
  return made;
}

// Patterns behind the motif, by the second genre, in a colour near the ground.
const BACKDROPS = {
  none(s, { tint }, r, w, h) {
    const kind = r(0, 1);
    if (kind < 0.2) s.disc(r(0, w), r(0, h), r(60, 130), tint);
    else if (kind < 0.3) s.box(0, 0, w / 2, h, tint);
    else if (kind < 0.4) s.poly([0, 0, w, 0, 0, h], tint);
  },
  Romance: (s, { tint }, r, w, h) => s.disc(w / 2, h * r(0.35, 0.6), r(84, 104), tint),
  Thriller: (s, { tint }, r, w, h) => s.poly([0, h, 0, r(0, h), w, 0, w, r(0, h)], tint),
  Crime: (s, { tint }, r, w, h) => stripes(s, tint, w, h, r(14, 22)),
  Comedy(s, { tint }, r, w, h) {
    for (let at = 0; at < 24; at += 1) s.disc(r(0, w), r(0, h), r(3, 8), tint);
  },
  "Science Fiction"(s, { ink }, r, w, h) {
    for (let at = 0; at < 34; at += 1) s.disc(r(0, w), r(0, h), r(0.5, 1.5), ink);
  },
  Action: (s, { tint }, r, w, h) => s.star(w / 2, h / 2, r.pick([10, 12, 16]), 10, 320, tint,
    r(0, 30)),
  Horror(s, { tint }, r, w, h) {
    const points = [0, h, 0, h * 0.5];
    for (let at = 0; at <= 9; at += 1) points.push((at + 0.5) * w / 9, h * r(0.1, 0.7));
    s.poly([...points, w, h], tint);
  },
  Drama: (s, { tint }, r, w, h) => s.box(0, h * r(0.4, 0.7), w, h, tint),
  Adventure: (s, { tint }, r, w, h) => s.poly([-20, h, w * r(0.2, 0.4), h * r(0.2, 0.4),
    w * 0.55, h * 0.66, w * r(0.7, 0.85), h * r(0.3, 0.5), w + 40, h], tint),
  Mystery(s, { tint }, r, w, h) {
    const [x, y] = [r(0, w), r(0, h)];
    for (let at = 1; at < 9; at += 1) s.ring(x, y, at * 28, 7, tint);
  },
  Family: (s, { tint }, r, w, h) => arcs(s, tint, w / 2, h, 26, 9),
  Fantasy: (s, { tint }, r, w, h) => {
    for (let at = 0; at < 12; at += 1) s.star(r(0, w), r(0, h), 4, 2, r(6, 14), tint);
  },
  Animation: (s, { tint }, r, w, h) => {
    for (let at = 0; at < 5; at += 1) s.disc(r(0, w), r(0, h), r(20, 56), tint);
  },
  Music: (s, { tint }, r, w, h) => {
    for (let at = 0; at < 5; at += 1) s.line(`M-10 ${h * 0.3 + at * 20}q60 -40 110 0t110 0`, 3, tint);
  },
  War: (s, { tint }, r, w, h) => s.poly([r(0, w), h, -80, 0, 60, 0, w / 2, h, w + 60, 0, w - 40, 0],
    tint),
  Western: (s, { tint }, r, w, h) => arcs(s, tint, w * r(0.3, 0.7), h, 34, 13),
  History: (s, { tint }, r, w, h) => s.path(`M24 ${h}V${w / 2}A${w / 2 - 24} ${w / 2 - 24} 0 0 1 ${
    w - 24} ${w / 2}V${h}Z`, tint),
};

function stripes(s, fill, w, h, step) {
  for (let y = 0; y < h; y += step) s.box(0, y, w, step / 2, fill);
}

function arcs(s, fill, x, y, step, width) {
  for (let at = 2; at < 9; at += 1) s.ring(x, y, at * step, width, fill);
}

function styleOf(year, r) {
  const decades = [...new Set(STYLES.map(([since]) => since))];
  const latest = year ? decades.filter((since) => since <= year).pop() : 1990;
  const near = STYLES.filter(([since]) => since === latest || (latest >= 2000 && since >= 1950));
  return r.pick(near)[1];
}

// Returns a source of chance that begins anew for each seed: mulberry32, by Tommy Ettinger.
function chance(seed) {
  let state = [...String(seed)].reduce((hash, letter) =>
    Math.imul(hash ^ letter.codePointAt(0), 0x01000193) >>> 0, 0x811c9dc5);
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
  const r = (low, high) => low + next() * (high - low);
  return Object.assign(r, { pick: (list) => list[Math.floor(next() * list.length)],
    flip: () => next() < 0.5 });
}
