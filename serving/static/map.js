// The page at /map: every film is a point, close to films with similar stories.

import { ask } from "./api.js";
import { complain, say, sentence } from "./dom.js";
import { tokensOf } from "./filters.js";
import { gridOf, nearestIn, nextIn } from "./grid.js";
import { Address, choiceIn, seenBefore } from "./map-address.js";
import { answer, askedOf, remember, titleOf, whyNotOf } from "./map-asking.js";
import { COLOURINGS, colouring } from "./map-colours.js";
import { loadFilms, loadPlaces } from "./map-data.js";
import { Drawing } from "./map-drawing.js";
import { glide } from "./map-glide.js";
import { choice, legend } from "./map-key.js";
import { Labels } from "./map-labels.js";
import { teller } from "./map-notice.js";
import { Panel } from "./map-panel.js";
import { listenToKeys, listenToPointers } from "./map-pointers.js";
import { listRegions, loadRegions, regionAt } from "./map-regions.js";
import { meaningOf } from "./meaning.js";
import { covered, free } from "./map-space.js";
import { lookOf, openedWith } from "./map-state.js";
import { Tiles } from "./map-tiles.js";
import { Tip } from "./map-tip.js";
import { View } from "./map-view.js";
import { isWithin, zoomInSight } from "./map-zoom.js";
import { nameOf } from "./query.js";
import { searchBox } from "./search.js";

const REACH = 14; // pixels from the pointer within which a film is hit
const FIRST_LOOK = 8; // square root of the films in sight, about, where a film is searched
const K = 10; // nearest films
const PAUSE = 300; // milliseconds without a change until the address is written

const canvas = document.querySelector("canvas");
if (canvas) start().catch((error) => complain("The map cannot be drawn", error));

async function start() {
  const given = new URLSearchParams(location.search);
  const { recipes, state, rest } = openedWith(given, canvas.dataset.recipes.split(" "));
  let [films, places, regions] = await Promise.all([loadFilms(), loadPlaces(state.recipe),
    loadRegions(state.recipe)]); // for each level of zoom
  let grid = gridOf(places.xs, places.ys);
  let colours = colouring(state.colour, films);
  const view = new View();
  const drawing = new Drawing(canvas, view);
  drawing.resize();
  drawing.follow(() => setColour(state.colour, state.only));
  const hasView = view.restoreOf(given, seenBefore());
  const address = new Address({ state, films, view, recipes, rest }, showAgain);
  const rowOf = new Map();
  // Asked for when nothing that is drawn first has to share the line with it.
  const named = films.named().then(() => films.ids.forEach((id, row) => rowOf.set(id, row)));
  named.catch(() => {}); // told where it is awaited
  const labels = new Labels(drawing, films);
  const byId = (id) => document.getElementById(id);
  const tip = new Tip(byId("tip"), canvas);
  const [tell, tellOf] = teller(byId("notice"), layout);
  let isDue = false, timer, taken = []; // boxes of what stands on the map

  const tiles = new Tiles({ films, view, rowOf, ready: named, places: () => places,
    changed: (next) => {
      places = next;
      grid = gridOf(places.xs, places.ys);
      colours = colouring(state.colour, films);
      labels.forget(tiles.base);
      canvas.dataset.films = films.n;
      draw();
    } });
  const isShown = (row) => (state.alone < 0 || colours.groups[row] === state.alone)
    && (!films.passing || Boolean(films.passing[row]));
  const isNamed = (row) => row < films.titles.length && isShown(row); // those of few votes come late
  const isStrong = (row) => isShown(row) && (!state.asked?.rows.length || state.chosen >= 0
    || state.asked.set.has(row)) || row === state.chosen || state.near.includes(row);

  function draw() {
    if (!isDue) requestAnimationFrame(paint);
    isDue = true;
  }

  function paint() {
    isDue = false;
    const { chosen, hovered, asked, near, lit } = state;
    const hasFaint = state.alone >= 0 || films.passing || (asked?.rows.length && chosen < 0);
    drawing.points(films, places, colours, isStrong, hasFaint);
    const star = chosen < 0 ? asked?.star : null;
    if (chosen >= 0) drawing.lines([places.xs[chosen], places.ys[chosen]], near, places, lit);
    else if (star) drawing.lines(star, asked.rows, places, lit);
    for (const row of new Set([chosen, hovered, lit])) {
      if (row >= 0) drawing.ring(row, films, places, row === chosen ? 3 : 2);
    }
    if (star) drawing.star(star);
    const first = chosen >= 0 ? [chosen, ...near] : asked?.rows ?? [];
    labels.paint(places, first, regions, isStrong,
      star ? [...taken, drawing.starBox(star)] : taken);
    canvas.dataset.recipe = state.recipe;
    if (!timer) performance.mark("titles");
    clearTimeout(timer);
    timer = setTimeout(settle, PAUSE);
  }
  // Writes what is seen into the address, once nothing changes any more.
  function settle() {
    address.write();
    tiles.see(state.recipe).catch(tellOf);
    canvas.dataset.labels = JSON.stringify(labels.drawn);
    const isWaiting = panel.box.hasAttribute("aria-busy");
    if (!isWaiting) canvas.dataset.star = state.chosen < 0 && state.asked?.star || "";
  }

  const panel = new Panel(byId("chosen"), {
    choose: (id) => {
      panel.focus();
      findAndShow([["id", String(id)]], false).catch(tellOf);
    },
    lit: (id) => {
      state.lit = id === null ? -1 : rowOf.get(id);
      draw();
    },
    close: () => {
      close();
      canvas.focus();
    },
    back: () => {
      choose(-1);
      panel.focus();
    },
  });

  function close() {
    if (state.chosen < 0) state.asked = null;
    choose(-1);
  }

  function layout() {
    taken = covered(canvas);
    document.body.classList.toggle("open", panel.isOpen);
    draw();
  }

  // Chooses a film; the map moves only if it is out of sight or near the edge.
  async function choose(row, { look = false } = {}) {
    Object.assign(state, { chosen: row, near: [], lit: -1 });
    if (row < 0) {
      if (state.asked) showText();
      else panel.close();
      layout();
      return;
    }
    tip.hide();
    panel.film({ title: films.titles[row], year: films.years[row], genres: films.genresOf(row),
      rating: films.ratingOf(row), href: address.link("", [["id", films.ids[row]]]),
      back: state.asked && `“${state.asked.words}”` });
    const region = regionAt(regions, places.xs[row], places.ys[row]);
    say(`${films.titles[row]} ${films.years[row] || ""}${region && `, near ${region}`}`);
    layout();
    if (look) {
      view.scale = Math.max(view.scale, view.whole * Math.sqrt(films.n) / FIRST_LOOK);
      view.isMoved = false;
    }
    const edge = free(panel, view);
    const inSight = isWithin(edge, view.toX(places.xs[row]), view.toY(places.ys[row]));
    if (look || !inSight) view.centre(places.xs[row], places.ys[row], edge);
    const [film, { results, note }] = await Promise.all([
      ask(`/movies/${films.ids[row]}`),
      ask("/recommend", { query: { id: films.ids[row], k: K, recipe: state.recipe,
        ...state.filters } }),
      named,
    ]).catch((error) => [{}, { results: [], note: sentence(error.message) }]);
    if (state.chosen !== row) return;
    state.near = onMap(results);
    panel.more({ overview: film.overview, votes: film.vote_count, note, near: results,
      heading: "Nearest films", hrefOf: (id) => address.link("map", [["id", id]]) });
    layout();
  }

  function onMap(results) {
    return remember(results).map(({ id }) => rowOf.get(id)).filter((row) => row !== undefined);
  }

  // Asks for texts, or several films, and lights the nearest.
  async function askFor(pairs, { look = true } = {}) {
    const asked = askedOf(pairs, (id) => films.titles[rowOf.get(id)] ?? titleOf(id));
    Object.assign(state, { asked, chosen: -1, near: [] });
    delete canvas.dataset.star; // not known yet
    showText(true);
    layout();
    await Promise.all([answer(asked, K, state.recipe, state.filters), named]);
    if (state.asked !== asked) return;
    asked.rows = onMap(asked.results);
    asked.set = new Set(asked.rows);
    if (state.chosen < 0) showText();
    if (look && asked.rows.length) {
      view.fit(asked.rows.map((row) => places.xs[row]), asked.rows.map((row) => places.ys[row]),
        free(panel, view));
      view.isMoved = false;
    }
    layout();
    say(`${asked.note ?? ""} ${asked.rows.length} films: ${asked.rows.map((row) => films.titles[row]).join(", ")}`);
  }

  function showText(isWaiting = false) {
    const { asked } = state;
    panel.text(asked.words, address.link("", asked.pairs));
    if (!isWaiting) {
      panel.more({ note: asked.note, near: asked.results, heading: "The ten nearest",
        hrefOf: (id) => address.link("map", [["id", id]]) });
    }
  }

  // Chooses the nearest film in the direction (dx, dy), at most 45 degrees off.
  function step(dx, dy) {
    return choose(state.chosen < 0 ? Math.max(at(view.width / 2, view.height / 2), 0)
      : nextIn(places, state.chosen, dx, dy, isNamed));
  }

  // Returns the film at a pixel, or -1.
  function at(x, y) {
    return nearestIn(grid, ...view.at(x, y), REACH / view.scale, isNamed);
  }

  function zoom(factor, x, y) {
    if (x === undefined) {
      zoomInSight(factor, state.chosen, view, free(panel, view), places, grid, isShown);
    } else view.zoomBy(factor, x, y);
    moved();
  }

  const showAll = () => {
    view.showAll();
    draw();
  };

  // Draws the map after it was moved by hand, without the instructions from then on.
  function moved() {
    const isTold = !byId("help").classList.contains("sr-only");
    byId("help").classList.add("sr-only");
    if (isTold) layout();
    else draw();
  }

  function hover(row, x, y) {
    if (row === state.hovered && row < 0) return;
    state.hovered = row;
    canvas.style.cursor = row < 0 ? "grab" : "pointer";
    tip.show(row, films, x, y);
    draw();
  }

  async function setFilters(filters) {
    state.filters = filters;
    byId("tokens").replaceChildren(...tokensOf(filters));
    byId("tokens").hidden = !Object.keys(filters).length;
    layout();
    const { same_genre: _, same_topic: __, ...own } = filters;
    await tiles.pass(own);
    if (state.chosen >= 0) choose(state.chosen);
    else if (state.asked) askFor(state.asked.pairs, { look: false });
    draw();
  }

  function setColour(by, only = null) {
    colours = colouring(by, films);
    const shown = legend(byId("legend"), colours, only, (alone) => {
      Object.assign(state, alone);
      draw();
    });
    Object.assign(state, { colour: by, ...shown });
    layout();
  }

  async function setRecipe(recipe) {
    tiles.drop(state, address.choice);
    state.recipe = recipe;
    const next = await loadPlaces(recipe);
    if (state.recipe !== recipe) return;
    regions = [];
    glide(places, next, (now, isThere) => {
      if (state.recipe !== recipe) return false;
      places = now;
      if (isThere) {
        grid = gridOf(now.xs, now.ys);
        tiles.isHeld = false;
        setRegions(recipe);
      }
      paint();
      return true;
    });
    if (state.chosen >= 0) choose(state.chosen);
    else if (state.asked) askFor(state.asked.pairs, { look: false });
  }

  async function setRegions(recipe) {
    const found = await loadRegions(recipe);
    if (state.recipe !== recipe) return;
    regions = found;
    listRegions(byId("regions"), regions);
    draw();
  }

  // Takes what was typed for a film if it is surely its title, else for a text.
  async function submit(text) {
    tell("");
    try {
      const [{ film, leftOut }] = await Promise.all([meaningOf(text), named]);
      if (film) await showFilm(film);
      else if (leftOut) tell(whyNotOf(leftOut));
      else await askFor([["text", text]]);
    } catch (error) {
      tellOf(error);
    }
  }

  const showFilm = (film) => findAndShow(remember([film]).map(({ id }) => ["id", String(id)]), true);

  const findAndShow = (pairs, look) => tiles.find(pairs, state.recipe).then(
    () => showChoice(pairs, look));

  // A film that is not on the map is asked for like a text.
  function showChoice(pairs, look) {
    const row = pairs.length === 1 && pairs[0][0] === "id" ? rowOf.get(Number(pairs[0][1])) : -1;
    if (row >= 0) return choose(row, { look });
    return pairs.length ? askFor(pairs, { look }) : null;
  }

  // Shows an entry of the history; `seen` is its view. The text that a film was chosen from stays.
  function showAgain(given, seen, isWithin) {
    const pairs = choiceIn(given), hadFocus = panel.box.contains(document.activeElement);
    const asked = isWithin ? state.asked : null;
    Object.assign(state, { chosen: -1, asked: null });
    const { recipe, colour, only, filters } = lookOf(given, recipes);
    pressColour(colour);
    if (only !== state.only) setColour(colour, only);
    pressRecipe(recipe);
    if (JSON.stringify(filters) !== JSON.stringify(state.filters)) setFilters(filters).catch(tellOf);
    const hasView = view.restoreOf(given, seen);
    state.asked = asked;
    if (pairs.length && String(pairs) !== String(asked?.pairs)) showChoice(pairs, !hasView);
    else choose(-1);
    if (hadFocus) (panel.isOpen ? panel : canvas).focus();
  }

  listenToPointers(canvas, {
    hover: (x, y) => hover(at(x, y), x, y),
    leave: () => hover(-1),
    move: (dx, dy) => {
      view.move(dx, dy);
      moved();
    },
    zoom,
    click: (x, y) => {
      const row = at(x, y);
      if (row < 0) close();
      else choose(row);
    },
  });
  const keys = {
    ArrowLeft: () => step(-1, 0), ArrowRight: () => step(1, 0), ArrowUp: () => step(0, -1),
    ArrowDown: () => step(0, 1), "+": () => zoom(1.5), "=": () => zoom(1.5),
    "-": () => zoom(1 / 1.5), 0: showAll, Escape: close,
    Enter: () => (state.chosen < 0 ? 0 : panel.focus()) };
  listenToKeys(canvas, keys);
  panel.box.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    close();
    canvas.focus();
  });
  const form = document.querySelector("form.search");
  byId("in").addEventListener("click", () => zoom(1.5));
  byId("out").addEventListener("click", () => zoom(1 / 1.5));
  byId("all").addEventListener("click", showAll);
  searchBox(form, {
    choose: (film) => named.then(() => showFilm(film)).catch(tellOf),
    submit,
    textLabel: (typed) => `Films about “${typed}”`,
    asText: (text) => askFor([["text", text]]).catch(tellOf),
  });
  form.addEventListener("input", () => tell(""));
  const pressRecipe = choice(byId("recipe"), recipes.map((name) => [name, nameOf(name)]),
    state.recipe, (recipe) => setRecipe(recipe).catch(tellOf));
  byId("recipe").hidden = recipes.length < 2;
  const pressColour = choice(byId("colour"), COLOURINGS.map((name) => [name,
    name[0].toUpperCase() + name.slice(1)]), state.colour, setColour);
  setColour(state.colour, state.only);
  new ResizeObserver(() => {
    drawing.resize();
    layout();
  }).observe(canvas);
  new ResizeObserver(() => layout()).observe(byId("key"));
  byId("tokens").addEventListener("click", (event) => {
    const { rest } = event.target.closest("button") ?? {};
    if (rest) setFilters(rest).catch(tellOf);
  });
  await setFilters(state.filters).catch(tellOf);
  listRegions(byId("regions"), regions);
  await Promise.all([named, tiles.find(choiceIn(given), state.recipe).catch(tellOf)]);
  showChoice(choiceIn(given), !hasView);
  address.begin();
  draw();
  performance.mark("whole");
  canvas.dataset.ready = films.n;
}
