// Loads the films and their places as the compact bytes of serving/map_data.py.

import { Failed, ROOT } from "./api.js";

const SIDE = 65535; // of the map, in the units of the places
const NO_VOTES = 255; // byte of the rating of a film without votes
const VOTE_STEPS = 12; // steps of the byte of votes in a factor of 2
const decoder = new TextDecoder();

// Returns the body of an answer as bytes. Throws Failed.
export async function bytesOf(path, query = {}) {
  let response;
  try {
    response = await fetch(`${ROOT}map/${path}?${new URLSearchParams(query)}`);
  } catch {
    throw new Failed("The server does not answer. It may have been stopped.", 0);
  }
  if (!response.ok) throw new Failed((await response.json()).error, response.status);
  return new Uint8Array(await response.arrayBuffer());
}

// Returns a number for each film from planes of their bytes, the lowest bytes first.
function fromPlanes(bytes, n, size, Numbers) {
  const numbers = new Numbers(n);
  for (let plane = size - 1; plane >= 0; plane -= 1) {
    for (let row = 0, at = plane * n; row < n; row += 1, at += 1) {
      numbers[row] = numbers[row] * 256 + bytes[at];
    }
  }
  return numbers;
}

// Reads ids and titles of n films.
function namesIn(bytes, n) {
  return { ids: fromPlanes(bytes.subarray(0, 8 * n), n, 8, Float64Array),
    titles: n ? decoder.decode(bytes.subarray(8 * n)).split("\n") : [] };
}

// Reads what `film_planes` writes of n films; returns it and the bytes behind it.
function columnsIn(bytes, n, genres, topics) {
  let at = 0;
  const take = (size) => bytes.subarray(at, at += size * n);
  const columns = { years: fromPlanes(take(2), n, 2, Uint16Array), first: take(1), votes: take(1),
    ratings: take(1), bits: Array.from({ length: Math.ceil(genres.length / 8) }, () => take(1)),
    topic: topics.length ? take(1) : null }; // coarse ones
  return [columns, bytes.subarray(at)];
}

function placesIn(bytes, n) {
  const axis = (from) => Float32Array.from(
    fromPlanes(bytes.subarray(from, from + 2 * n), n, 2, Uint16Array), (place) => place / SIDE);
  return { xs: axis(0), ys: axis(2 * n) };
}

// Splits the line of JSON from the bytes behind it.
function headOf(bytes) {
  const end = bytes.indexOf(10);
  return [JSON.parse(decoder.decode(bytes.subarray(0, end))), bytes.subarray(end + 1)];
}

// Returns all films, most votes first, as columns. Ids and titles, which take the longest, are
// those of the first films only, until `named` has those of all.
export async function loadFilms() {
  const [{ n, genres, topics = [], named, beyond = 0 }, bytes] = headOf(await bytesOf("films"));
  const [columns, names] = columnsIn(bytes, n, genres, topics);
  return { n, genres, topics, beyond, passing: null, ...columns, ...namesIn(names, named),
    genresOf(row) {
      return genres.filter((_, genre) => this.bits[genre >> 3][row] & (128 >> (genre & 7)));
    },
    async named() {
      if (named < n) Object.assign(this, namesIn(await bytesOf("names"), n));
    },
    votesOf(row) {
      return Math.round(2 ** (this.votes[row] / VOTE_STEPS)) - 1;
    },
    ratingOf(row) {
      return this.ratings[row] === NO_VOTES ? null : this.ratings[row] / 20;
    } };
}

// Returns a tile of the map as columns, with the places by a recipe, and whether there may be tiles
// below it.
export async function loadTile({ genres, topics }, path, recipe) {
  const [{ n, deeper }, bytes] = headOf(await bytesOf(`tiles/${path}/films`, { recipe }));
  const [columns, rest] = columnsIn(bytes, n, genres, topics);
  return { n, deeper, ...columns, ...placesIn(rest, n), ...namesIn(rest.subarray(4 * n), n) };
}

// Returns the path of the tile of a film by a recipe, or null for a film that is in none.
export async function tileOf(id, recipe) {
  return JSON.parse(decoder.decode(await bytesOf(`tiles/of/${id}`, { recipe }))).tile;
}

// Returns the places by a recipe, from 0 to 1.
export async function loadPlaces(recipe) {
  const bytes = await bytesOf("places", { recipe });
  return placesIn(bytes, bytes.length / 4);
}
