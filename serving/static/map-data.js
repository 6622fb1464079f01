// The films of the map, read from the bytes that serving/map_data.py describes.

import { Failed, ROOT } from "./api.js";

const NO_GENRE = 255;

// Returns the films as columns, most votes first. Throws Failed.
export async function readFilms(recipe) {
  return columnsOf(await bytesOf("data", recipe ? { recipe } : {}));
}

// Returns 1 for each film that passes filters and 0 for others, or null without filters.
// Throws Failed.
export async function readPassing(filters, n) {
  if (!Object.keys(filters).length) return null;
  const bits = new Uint8Array(await bytesOf("passing", filters));
  return Uint8Array.from({ length: n }, (_, row) => bits[row >> 3] >> 7 - (row & 7) & 1);
}

// Returns a filter's values as the JSON of a request has them.
export function inJson(filters) {
  return Object.fromEntries(Object.entries(filters).map(([name, value]) => [name,
    name === "genres" ? value.split(",") : /^(true|false|-?[\d.]+)$/.test(value)
      ? JSON.parse(value) : value]));
}

async function bytesOf(path, query) {
  const asked = new URLSearchParams(query).toString();
  let response, bytes;
  try {
    response = await fetch(`${ROOT}map/${path}${asked && `?${asked}`}`);
    bytes = await response.arrayBuffer();
  } catch {
    throw new Failed("The server does not answer. It may have been stopped.", 0);
  }
  if (!response.ok) {
    throw new Failed(JSON.parse(new TextDecoder().decode(bytes)).error, response.status);
  }
  return bytes;
}

function columnsOf(bytes) {
  const decoder = new TextDecoder();
  const [length] = new Uint32Array(bytes, 0, 1);
  const { n, genres } = JSON.parse(decoder.decode(new Uint8Array(bytes, 4, length)));
  let at = 4 + length;
  const next = (Kind) => {
    const column = new Kind(bytes, at, n);
    at += column.byteLength;
    return column;
  };
  const films = { n, genres, id: next(Int32Array), x: next(Uint16Array), y: next(Uint16Array),
    year: next(Uint16Array), genre: next(Uint8Array), votes: next(Uint8Array),
    rating: next(Uint8Array) };
  films.title = decoder.decode(new Uint8Array(bytes, at)).split("\n").slice(0, n);
  return films;
}

export function genreOf(films, row) {
  return films.genre[row] === NO_GENRE ? "" : films.genres[films.genre[row]];
}
