// The films beyond a first look: tiles of the map that are in sight are loaded while there is room
// for more points. serving/map_tiles.py says which films a tile holds.

import { askedOf, remember, titleOf } from "./map-asking.js";
import { bytesOf, loadTile, tileOf } from "./map-data.js";

const ROOM = 5; // a first look has so many times the films that a view has room for
const COLUMNS = ["years", "first", "votes", "ratings", "topic", "ids"];

// Adds the films of tiles to `films`, behind those of the first look.
export class Tiles {
  // `places` returns the places of all films as they are; `changed` takes them when there are more
  // films or fewer; `ready` is settled when the first look has all of its names.
  constructor({ films, view, rowOf, ready, places, changed }) {
    Object.assign(this, { films, view, rowOf, ready, places, changed, base: films.n,
      loaded: new Map(), // number of films of each tile, in the order of their rows, by its path
      turn: 0, // other tiles, or other filters, are wanted since a request began
      isHeld: false, isBusy: false, isDue: false, filters: null, passing: null });
  }

  // Loads what is in sight by a recipe. Throws Failed.
  async see(recipe) {
    if (!this.films.beyond) return;
    this.isDue = true;
    if (this.isBusy) return;
    this.isBusy = true;
    try {
      await this.ready;
      while (this.isDue && !this.isHeld) {
        this.isDue = false;
        await this.load(recipe);
      }
    } finally {
      this.isBusy = false;
    }
  }

  // Loads level after level; a tile has none below it unless it is full.
  async load(recipe) {
    const { turn, loaded } = this;
    for (let front = below(0, 0, 0); front.length && this.hasRoom();) {
      const sight = front.filter((tile) => this.isInSight(...tile));
      const missing = sight.filter((tile) => !loaded.has(tile.join("/")));
      const found = await Promise.all(missing.map((tile) => this.get(tile.join("/"), recipe)));
      if (turn !== this.turn) return;
      this.add(found.filter(({ path }) => !loaded.has(path))); // `find` may have been sooner
      front = sight.filter((tile) => loaded.get(tile.join("/")).deeper).flatMap(
        (tile) => below(...tile));
    }
  }

  // Loads the tile of the film that pairs of an address choose, wherever it lies. Throws Failed.
  async find(pairs, recipe) {
    const id = pairs.length === 1 && pairs[0][0] === "id" ? Number(pairs[0][1]) : 0;
    if (!id || !this.films.beyond) return;
    await this.ready;
    if (this.rowOf.has(id)) return;
    const { turn } = this, path = await tileOf(id, recipe);
    const found = path && await this.get(path, recipe);
    if (!found || turn !== this.turn || this.isHeld || this.loaded.has(path)) return;
    this.add([found]);
  }

  async get(path, recipe) {
    const [tile, passing] = await Promise.all([loadTile(this.films, path, recipe),
      this.bitsOf(path, recipe)]);
    return { ...tile, path, recipe, passing };
  }

  async bitsOf(path, recipe) {
    return this.filters && bytesOf(`tiles/${path}/passing`, { ...this.filters, recipe });
  }

  add(tiles) {
    if (!tiles.length) return;
    const { films, rowOf } = this;
    const { xs, ys } = this.places();
    for (const name of COLUMNS.filter((name) => films[name])) {
      films[name] = joined(films[name], tiles.map((tile) => tile[name]));
    }
    films.bits = films.bits.map((plane, at) => joined(plane, tiles.map(({ bits }) => bits[at])));
    films.titles = films.titles.concat(...tiles.map(({ titles }) => titles));
    for (let row = films.n; row < films.ids.length; row += 1) rowOf.set(films.ids[row], row);
    films.n = films.ids.length;
    for (const { path, n, deeper, recipe, passing } of tiles) {
      this.loaded.set(path, { path, n, deeper, recipe, passing });
    }
    if (!tiles.some(({ n }) => n)) return;
    this.mark();
    this.changed({ xs: joined(xs, tiles.map((tile) => tile.xs)),
      ys: joined(ys, tiles.map((tile) => tile.ys)) });
  }

  // Forgets all films of tiles, until `isHeld` is set back: they lie elsewhere by another recipe.
  // A film of them that is chosen is asked for from now on.
  drop(state, choice) {
    const { films, rowOf, base } = this;
    this.turn += 1;
    this.isHeld = true;
    if (films.n === base) return;
    if (state.chosen >= base) {
      remember([{ id: films.ids[state.chosen], title: films.titles[state.chosen] }]);
      Object.assign(state, { chosen: -1, asked: askedOf(choice, titleOf) });
    }
    const kept = (rows) => rows.filter((row) => row < base);
    Object.assign(state, { near: kept(state.near), lit: -1, hovered: -1 });
    if (state.asked) {
      state.asked.rows = kept(state.asked.rows);
      state.asked.set = new Set(state.asked.rows);
    }
    for (let row = base; row < films.n; row += 1) rowOf.delete(films.ids[row]);
    for (const name of [...COLUMNS, "titles"].filter((name) => films[name])) {
      films[name] = films[name].slice(0, base);
    }
    films.bits = films.bits.map((plane) => plane.slice(0, base));
    films.n = base;
    this.loaded.clear();
    this.mark();
    const { xs, ys } = this.places();
    this.changed({ xs: xs.slice(0, base), ys: ys.slice(0, base) });
  }

  // Finds out which films pass filters, an object that may be empty. Throws Failed.
  async pass(filters) {
    this.turn += 1;
    this.isDue = this.isBusy;
    const asked = Object.keys(filters).length ? filters : null;
    this.filters = asked;
    const tiles = [...this.loaded.values()];
    const [first, ...rest] = asked ? await Promise.all([bytesOf("passing", asked),
      ...tiles.map(({ path, recipe }) => this.bitsOf(path, recipe))]) : [null];
    if (this.filters !== asked) return;
    this.passing = first;
    tiles.forEach((tile, at) => Object.assign(tile, { passing: rest[at] ?? null }));
    this.mark();
  }

  // Notes for each film whether it passes, 1 or 0, or null where there is no filter.
  mark() {
    const { films, base, passing } = this;
    films.passing = passing && joined(unpacked(passing, base),
      [...this.loaded.values()].map((tile) => unpacked(tile.passing, tile.n)));
  }

  // Returns false where so many films are in sight that more would only cover each other.
  hasRoom() {
    const { view, base } = this;
    if (view.isClosest) return true;
    const { xs, ys } = this.places();
    let room = base / ROOM;
    for (let row = 0; row < xs.length && room > 0; row += 1) {
      const x = view.toX(xs[row]), y = view.toY(ys[row]);
      if (x >= 0 && x <= view.width && y >= 0 && y <= view.height) room -= 1;
    }
    return room > 0;
  }

  isInSight(z, x, y) {
    const { view } = this, side = 1 / 2 ** z;
    return view.toX(x * side) <= view.width && view.toX((x + 1) * side) >= 0
      && view.toY(y * side) <= view.height && view.toY((y + 1) * side) >= 0;
  }
}

// Returns the four tiles below one.
function below(z, x, y) {
  return [0, 1, 2, 3].map((at) => [z + 1, 2 * x + (at & 1), 2 * y + (at >> 1)]);
}

// Returns typed arrays behind each other, of the kind of the first.
function joined(first, others) {
  const all = new first.constructor(others.reduce((n, other) => n + other.length, first.length));
  all.set(first);
  let at = first.length;
  for (const other of others) {
    all.set(other, at);
    at += other.length;
  }
  return all;
}

function unpacked(bits, n) {
  return Uint8Array.from({ length: n }, (_, row) => (bits[row >> 3] & (128 >> (row & 7)) ? 1 : 0));
}
