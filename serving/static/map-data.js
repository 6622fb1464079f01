// The films of the map, read from the bytes that serving/map_data.py describes.

import { Failed, ROOT } from "./api.js";

const NO_GENRE = 255;

// Returns the films as columns, most votes first. Throws Failed.
export async function readFilms(recipe) {
  const query = recipe ? `?${new URLSearchParams({ recipe })}` : "";
  let response, bytes;
  try {
    response = await fetch(`${ROOT}map/data${query}`);
    bytes = await response.arrayBuffer();
  } catch {
    throw new Failed("The server does not answer. It may have been stopped.", 0);
  }
  if (!response.ok) {
    throw new Failed(JSON.parse(new TextDecoder().decode(bytes)).error, response.status);
  }
  return columnsOf(bytes);
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
