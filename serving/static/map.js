// The page at /map: every film is a point, close to films with similar stories.

import { ROOT, ask } from "./api.js";
import { element, isPlain, say } from "./dom.js";
import { gridOf, nearestIn } from "./grid.js";
import { Pixels, pixelOf } from "./points.js";
import { searchBox } from "./search.js";

const MAP_SIZE = 65535; // length of a side in the units of the API
const COLOURS = ["#5b8def", "#e9a820", "#e4572e", "#2fa36b", "#b04fc9", "#e35d9a", "#1fa8b8",
  "#a07a45", "#7c6cf0", "#8fae2b", "#cf4747", "#5f9a8a"];
const OTHER = "#8d8a86"; // colour of the genres beyond the first twelve
const REACH = 14; // pixels from the pointer within which a film is hit
const NAMED = 5; // near films named in the box of the chosen one
const LABELS = 45; // most titles shown at once
const MAX_ZOOM = 400;
const FIRST_LOOK = 1; // zoom at which a film that was searched is shown, at least

const canvas = document.querySelector("canvas");
if (canvas) start().catch(complain);

function complain(error) {
  const box = element("div", { className: "message" },
    element("h2", { textContent: "The map cannot be drawn" }),
    element("p", { textContent: error.message }));
  box.setAttribute("role", "alert");
  document.getElementById("main").append(box);
}

async function start() {
  const films = await ask("/map");
  const n = films.id.length;
  const xs = Float32Array.from(films.x, (x) => x / MAP_SIZE);
  const ys = Float32Array.from(films.y, (y) => y / MAP_SIZE);
  const groups = Uint8Array.from(films.genre, (genre) => Math.min(genre ?? 255, COLOURS.length));
  const grid = gridOf(xs, ys);
  const rowOf = new Map(films.id.map((id, row) => [id, row]));

  const context = canvas.getContext("2d");
  const tip = document.getElementById("tip");
  const notice = document.getElementById("notice");
  const chosenBox = document.getElementById("chosen");
  const nearBox = chosenBox.querySelector(".near");
  // The point of the map at the middle of the canvas, and the side of the map in pixels.
  const view = { x: 0.5, y: 0.5, scale: 1 };
  let width, height, whole; // pixels; `whole` is the scale at which the whole map is seen
  let pixels; // of the screen
  let look; // colours and font of the page
  const widths = new Float32Array(n); // widths of titles in pixels, 0 if not measured yet
  let alone = -1; // the genre that is shown alone, or -1
  let hovered = -1, chosen = -1, near = [];
  let isDue = false;

  const toX = (x) => (x - view.x) * view.scale + width / 2;
  const toY = (y) => (y - view.y) * view.scale + height / 2;

  function resize() {
    const box = canvas.getBoundingClientRect();
    const before = whole;
    ({ width, height } = box);
    whole = Math.min(width, height) * 0.92;
    view.scale = before ? view.scale * whole / before : whole;
    canvas.width = Math.round(width * devicePixelRatio);
    canvas.height = Math.round(height * devicePixelRatio);
    pixels = new Pixels(canvas.width, canvas.height);
    draw();
  }

  function restyle() {
    const { color: ink, backgroundColor: paper, fontFamily } = getComputedStyle(document.body);
    look = { ink, paper, font: `600 13px ${fontFamily}` };
    draw();
  }

  function draw() {
    if (isDue) return;
    isDue = true;
    requestAnimationFrame(() => {
      isDue = false;
      paint();
    });
  }

  function paint() {
    const radius = radiusNow();
    paintPoints(radius);
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    paintChosen(radius);
    paintTitles(radius);
  }

  function paintPoints(radius) {
    const colours = [...COLOURS, OTHER].map(pixelOf);
    pixels.clear(pixelOf(look.paper));
    const scale = view.scale * devicePixelRatio;
    const left = view.x * scale - canvas.width / 2, top = view.y * scale - canvas.height / 2;
    for (const isFaint of alone < 0 ? [false] : [true, false]) {
      const point = pixels.points(radius * devicePixelRatio, isFaint ? 0.12 : 0.85);
      // Films with most votes are painted last, above the others.
      for (let row = n - 1; row >= 0; row -= 1) {
        if (isShown(row) === isFaint) continue;
        point(xs[row] * scale - left, ys[row] * scale - top, colours[groups[row]]);
      }
    }
    context.putImageData(pixels.image, 0, 0);
  }

  function isShown(row) {
    return alone < 0 || groups[row] === alone;
  }

  function radiusNow() {
    // Small enough that points stay apart where there are many.
    const apart = view.scale / Math.sqrt(n) / 5;
    return Math.min(Math.max(apart, 1.4), 7);
  }

  function paintChosen(radius) {
    context.strokeStyle = look.ink;
    context.lineWidth = 1.5;
    if (chosen >= 0) {
      context.globalAlpha = 0.5;
      context.beginPath();
      for (const row of near) {
        context.moveTo(toX(xs[chosen]), toY(ys[chosen]));
        context.lineTo(toX(xs[row]), toY(ys[row]));
      }
      context.stroke();
      context.globalAlpha = 1;
    }
    for (const row of new Set([chosen, hovered])) {
      if (row < 0) continue;
      context.beginPath();
      context.arc(toX(xs[row]), toY(ys[row]), radius + 3, 0, 2 * Math.PI);
      context.stroke();
    }
  }

  // Paints the titles of the chosen film, of its neighbours and of films with most votes, without
  // overlap.
  function paintTitles(radius) {
    const taken = [];
    context.font = look.font;
    context.textBaseline = "middle";
    context.lineJoin = "round";
    context.strokeStyle = look.paper;
    context.lineWidth = 4;
    context.fillStyle = look.ink;
    for (const row of titled()) {
      widths[row] ||= context.measureText(films.title[row]).width;
      const y = toY(ys[row]);
      let x = toX(xs[row]) + radius + 4;
      if (x + widths[row] > width) x -= widths[row] + 2 * (radius + 4);
      const box = [x - 6, y - 11, x + widths[row] + 6, y + 11];
      if (x < 0 || taken.some((other) => box[0] < other[2] && other[0] < box[2]
          && box[1] < other[3] && other[1] < box[3])) continue;
      taken.push(box);
      context.strokeText(films.title[row], x, y);
      context.fillText(films.title[row], x, y);
      if (taken.length === LABELS) break;
    }
  }

  // Returns films in sight, in the order in which their titles should be painted.
  function titled() {
    const wanted = chosen < 0 ? [] : [chosen, ...near];
    for (let row = 0; row < n && wanted.length < 20 * LABELS; row += 1) {
      const x = toX(xs[row]), y = toY(ys[row]);
      if (x > 0 && x < width && y > 0 && y < height && isShown(row)) wanted.push(row);
    }
    return wanted;
  }

  // Returns the film at a pixel, or -1.
  function at(x, y) {
    return nearestIn(grid, (x - width / 2) / view.scale + view.x,
      (y - height / 2) / view.scale + view.y, REACH / view.scale,
      isShown);
  }

  function zoom(factor, x = width / 2, y = height / 2) {
    const scale = Math.min(Math.max(view.scale * factor, whole * 0.6), whole * MAX_ZOOM);
    view.x += (x - width / 2) * (1 / view.scale - 1 / scale);
    view.y += (y - height / 2) * (1 / view.scale - 1 / scale);
    view.scale = scale;
    draw();
  }

  function showAll() {
    Object.assign(view, { x: 0.5, y: 0.5, scale: whole });
    draw();
  }

  function hover(row, x, y) {
    if (row === hovered && row < 0) return;
    hovered = row;
    canvas.style.cursor = row < 0 ? "grab" : "pointer";
    tip.hidden = row < 0;
    if (row >= 0) {
      describe(tip, row);
      tip.style.left = `${Math.min(x + 14, width - tip.offsetWidth - 8)}px`;
      tip.style.top = `${canvas.offsetTop + Math.min(y + 14, height - tip.offsetHeight - 8)}px`;
    }
    draw();
  }

  function describe(box, row) {
    box.querySelector(".title").textContent = films.title[row];
    box.querySelector(".year").textContent = films.year[row] ?? "";
    box.querySelector(".genres").textContent = films.genres[films.genre[row]] ?? "";
  }

  // Chooses a film; the map moves only if it is out of sight or near the edge.
  async function choose(row, { look = false } = {}) {
    chosen = row;
    near = [];
    nearBox.hidden = true;
    chosenBox.hidden = row < 0;
    history.replaceState(null, "", ROOT + (row < 0 ? "map" : `map?id=${films.id[row]}`));
    draw();
    if (row < 0) return;
    describe(chosenBox, row);
    chosenBox.querySelector("a").href = addressOf(row);
    say(`${films.title[row]} ${films.year[row] ?? ""}`);
    if (look) view.scale = Math.max(view.scale, whole * FIRST_LOOK * Math.sqrt(n) / 8);
    const x = toX(xs[row]), y = toY(ys[row]);
    const inSight = x > 60 && x < width - 60 && y > 90 && y < height - 120;
    if (look || !inSight) Object.assign(view, { x: xs[row], y: ys[row] });
    const { results } = await ask("/recommend", { query: { id: films.id[row], k: 10 } })
      .catch(() => ({ results: [] })); // without an answer no lines are drawn
    if (chosen !== row) return;
    near = results.map(({ id }) => rowOf.get(id));
    nearBox.hidden = !near.length;
    nearBox.replaceChildren("Nearest: ", ...near.slice(0, NAMED).flatMap((other, place) => [
      place ? ", " : "", element("a", { href: `${ROOT}map?id=${films.id[other]}`,
        textContent: films.title[other] })]));
    draw();
  }

  function addressOf(row) {
    return `${ROOT}?id=${films.id[row]}`;
  }

  function follow(row) {
    location.assign(addressOf(row));
  }

  // Chooses the nearest film in the direction (dx, dy), at most 45 degrees off.
  function step(dx, dy) {
    if (chosen < 0) return choose(at(width / 2, height / 2) < 0 ? 0 : at(width / 2, height / 2));
    let best = chosen, least = Infinity;
    for (let row = 0; row < n; row += 1) {
      const x = xs[row] - xs[chosen], y = ys[row] - ys[chosen];
      const ahead = x * dx + y * dy, aside = Math.abs(x * dy) + Math.abs(y * dx);
      if (ahead <= 0 || aside > ahead || !isShown(row)) continue;
      if (ahead + aside < least) [best, least] = [row, ahead + aside];
    }
    return choose(best);
  }

  listenToPointers();
  canvas.addEventListener("keydown", (event) => {
    const arrow = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in arrow) step(...arrow[event.key]);
    else if (event.key === "Enter" && chosen >= 0) follow(chosen);
    else if (event.key === "+" || event.key === "=") zoom(1.5);
    else if (event.key === "-") zoom(1 / 1.5);
    else if (event.key === "0") showAll();
    else if (event.key === "Escape") choose(-1);
    else return;
    event.preventDefault();
  });
  document.getElementById("in").addEventListener("click", () => zoom(1.5));
  document.getElementById("out").addEventListener("click", () => zoom(1 / 1.5));
  document.getElementById("all").addEventListener("click", showAll);
  nearBox.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (!link || !isPlain(event)) return;
    event.preventDefault();
    chosenBox.querySelector("h2").focus();
    choose(rowOf.get(Number(new URL(link.href).searchParams.get("id"))));
  });
  chosenBox.querySelector(".close").addEventListener("click", () => {
    choose(-1);
    canvas.focus();
  });
  const form = document.querySelector("form.search");
  searchBox(form, {
    choose: (film) => choose(rowOf.get(film.id), { look: true }),
    submit: async (text) => {
      try {
        const { results, left_out: leftOut = [] } = await ask(
          "/movies", { query: { q: text.slice(0, 200), k: 1 } });
        if (leftOut.length) {
          const { title, code } = leftOut[0];
          tell(`${title} is not on the map: ${
            code === "no_overview" ? "it has no overview" : "it is not in the index"}.`);
        }
        if (results.length) choose(rowOf.get(results[0].id), { look: true });
        else if (!leftOut.length) tell("No film has a title like this.");
      } catch (error) {
        tell(error.message);
      }
    },
  });
  form.addEventListener("input", () => tell(""));
  showLegend();
  new ResizeObserver(resize).observe(canvas);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", restyle);
  resize();
  restyle();
  const given = new URLSearchParams(location.search).get("id");
  if (given && rowOf.has(Number(given))) choose(rowOf.get(Number(given)), { look: true });
  canvas.dataset.ready = n;

  // Shows what is wrong with a search.
  function tell(words) {
    notice.textContent = words;
    notice.hidden = !words;
    if (words) say(words);
  }

  // Hides the instructions once the map has been moved.
  function isKnown() {
    document.getElementById("help").classList.add("sr-only");
  }

  function showLegend() {
    const legend = document.querySelector(".legend");
    const names = films.genres.slice(0, COLOURS.length);
    if (groups.includes(COLOURS.length)) names.push("other");
    names.forEach((name, group) => {
      const swatch = element("span", { className: "swatch" });
      swatch.style.background = COLOURS[group] ?? OTHER;
      const button = element("button", { type: "button", ariaPressed: "false" }, swatch, name);
      button.addEventListener("click", () => {
        alone = alone === group ? -1 : group;
        [...legend.querySelectorAll("button")].forEach((other, at) => {
          other.ariaPressed = String(at === alone);
        });
        draw();
      });
      legend.append(element("li", {}, button));
    });
  }

  function listenToPointers() {
    const down = new Map(); // pointers that are down, and their positions
    let moved = 0; // pixels moved since the first came down

    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      if (!down.size) moved = 0;
      down.set(event.pointerId, [event.offsetX, event.offsetY]);
    });
    canvas.addEventListener("pointermove", (event) => {
      const { offsetX: x, offsetY: y } = event;
      const before = down.get(event.pointerId);
      if (!before) {
        hover(at(x, y), x, y);
        return;
      }
      moved += Math.hypot(x - before[0], y - before[1]);
      down.set(event.pointerId, [x, y]);
      hover(-1);
      isKnown();
      // Each of two fingers moves the map half as far; their distance zooms.
      view.x -= (x - before[0]) / view.scale / down.size;
      view.y -= (y - before[1]) / view.scale / down.size;
      if (down.size === 2) {
        const [other] = [...down].filter(([id]) => id !== event.pointerId).map(([, place]) => place);
        const was = Math.hypot(before[0] - other[0], before[1] - other[1]);
        const is = Math.hypot(x - other[0], y - other[1]);
        if (was > 0 && is > 0) zoom(is / was, (x + other[0]) / 2, (y + other[1]) / 2);
      }
      draw();
    });
    canvas.addEventListener("pointerup", (event) => {
      const isClick = down.size === 1 && moved < 5;
      down.delete(event.pointerId);
      if (!isClick) return;
      const row = at(event.offsetX, event.offsetY);
      // A finger cannot hover: the first touch shows which film it is.
      if (row >= 0 && event.pointerType !== "touch") follow(row);
      else choose(row);
    });
    canvas.addEventListener("pointercancel", (event) => down.delete(event.pointerId));
    canvas.addEventListener("pointerleave", () => hover(-1));
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      isKnown();
      zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)), event.offsetX, event.offsetY);
    }, { passive: false });
  }
}
