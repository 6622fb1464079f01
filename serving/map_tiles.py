"""The films of the map beyond those of a first look, in tiles of a quadtree.

Tile (z, x, y) is the square in column x and row y of the map, from 0, where each of its sides is
cut into 2 ** z parts. In the order of their votes films come to the largest tile of their place,
from level 1 on, that holds fewer than FULL: so each is in one tile, and a tile has no others below
it unless it is full. The page asks for those in sight while it has room for more points.
"""

import json
from typing import Optional, Tuple

import numpy as np
from flask import Blueprint, Response, jsonify

from recommender.errors import NothingFound
from recommender.filters import Filters, passing
from recommender.index import Index
from serving.library import Library, Served
from serving.map_data import (
    coarse_topics,
    film_planes,
    genre_order,
    names_of,
    on_map,
    packed_films,
    packed_names,
    packed_places,
    place_planes,
    places_of,
    unmarked,
)
from serving.openapi import MAX_ID
from serving.packed import answer, pack
from serving.validation import address_reader

FULL = 2000  # films of a tile: 50 KB, which a page gets in a moment
DEEPEST = 16  # level at which a tile is one place, and holds all films that are left there
_BYTES = "application/octet-stream"


def map_tiles(library: Library) -> Blueprint:
    """Return the views that the page of the map asks for tiles."""
    blueprint = Blueprint("map_tiles", __name__, url_prefix="/map/tiles")
    read_recipe = address_reader(("recipe",))
    read_filters = address_reader(("recipe", *Filters._fields))

    @blueprint.get("/<int:z>/<int:x>/<int:y>/films")
    def films(z: int, x: int, y: int) -> Response:
        tiles = tiles_of(library.now, read_recipe({}).get("recipe"))
        return answer(pack(tiles.film_bytes(z, x, y)), _BYTES)

    @blueprint.get("/<int:z>/<int:x>/<int:y>/passing")
    def passing_films(z: int, x: int, y: int) -> Response:
        served, given = library.now, read_filters({})
        rows = tiles_of(served, given.pop("recipe", None)).rows(z, x, y)
        return Response(np.packbits(passing(served.index, Filters(**given))[rows]).tobytes(),
                        content_type=_BYTES)

    @blueprint.get("/of/<int:movie_id>")
    def tile_of(movie_id: int) -> Response:
        tiles = tiles_of(library.now, read_recipe({}).get("recipe"))
        tile = tiles.tile_of(movie_id)
        return jsonify({"tile": tile and "/".join(map(str, tile))})

    return blueprint


def load_map(served: Served) -> None:
    """Compress all that a first look at the map needs, so that no page waits for it."""
    maps = [name for name in served.index.recipes if served.index.space(name).has_map]
    for name in maps:
        packed_places(served, name)
    if maps:
        packed_films(served)
        packed_names(served)
    if len(unmarked(served.index)) > len(on_map(served.index)):
        for name in maps:
            tiles_of(served, name)


def tiles_of(served: Served, recipe: Optional[str] = None) -> "Tiles":
    """Return the tiles by a recipe, by default the first, of the index that is served.

    Raises NothingFound if it has no such recipe, or no map by it.
    """
    name = recipe or served.index.recipes[0]
    served.index.space(name).map()  # refuses what is not there
    return served.made_once("tiles " + name, lambda: Tiles(served.index, name))


class Tiles:
    """The films of an index that are not in `map_data.on_map`, by tile.

    Parameters
    ----------
    index : Index
    recipe : str
        Whose map places them.
    """

    def __init__(self, index: Index, recipe: str):
        self._index = index
        self._recipe = recipe
        beyond = unmarked(index)[len(on_map(index)):]
        self._keys, members = _sorted_in(places_of(index, beyond, recipe))
        self._rows = beyond[members]
        self._genres = genre_order(index)
        topics, of_films = coarse_topics(index)
        self._of_films = of_films if topics else None

    def rows(self, z: int, x: int, y: int) -> np.ndarray:
        """Return the films of a tile, int64 (n,), most votes first.

        Raises NothingFound if the map has no such tile.
        """
        if not (1 <= z <= DEEPEST and x < 1 << z and y < 1 << z):
            raise NothingFound("the map has no tile {}/{}/{}: z is from 1 to {}, x and y are below "
                               "2 ** z".format(z, x, y, DEEPEST))
        key = _key(z, np.int64(x), np.int64(y))
        return self._rows[slice(*np.searchsorted(self._keys, [key, key + 1]))]

    def tile_of(self, movie_id: int) -> Optional[Tuple[int, int, int]]:
        """Return the tile (z, x, y) of a film by TMDB id, None for a film that is in none."""
        places = np.flatnonzero(self._index.ids[self._rows] == movie_id) if (
            movie_id <= MAX_ID) else ()
        if not len(places):
            return None
        key, of_axis = int(self._keys[places[0]]), (1 << DEEPEST) - 1
        return key >> 2 * DEEPEST, key & of_axis, key >> DEEPEST & of_axis

    def film_bytes(self, z: int, x: int, y: int) -> bytes:
        """Return a tile for the page.

        A line of JSON, `n` and whether there may be tiles below it, `deeper`, is followed by what
        `map_data.film_planes`, `place_planes` and `names_of` return of its films.
        """
        rows = self.rows(z, x, y)
        head = json.dumps({"n": len(rows), "deeper": len(rows) == FULL and z < DEEPEST})
        return b"".join([head.encode(), b"\n", film_planes(
            self._index, rows, self._genres, self._of_films), place_planes(places_of(
                self._index, rows, self._recipe)), names_of(self._index, rows)])


def _key(z: int, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return a number for each tile, ascending with its level."""
    return (z << 2 * DEEPEST) | (y << DEEPEST) | x


def _sorted_in(places: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Return the tile of each place of (n, 2), in the order of votes, and which place it is of.

    Both are int64 (n,), by tile and then in the order of votes.
    """
    left = np.arange(len(places))
    keys, members = [left[:0]], [left[:0]]
    for z in range(1, DEEPEST + 1):
        x, y = (places[left] >> (DEEPEST - z)).T
        # The same order by fewer bits: NumPy sorts numbers of 16 in a tenth of the time.
        order = np.argsort(((y << z) | x).astype(np.uint16 if 2 * z <= 16 else np.uint32),
                           kind="stable")
        key = _key(z, x, y)[order]
        nth = np.arange(len(key)) - np.searchsorted(key, key)  # film of its tile
        stays = nth < (FULL if z < DEEPEST else len(key))
        keys.append(key[stays])
        members.append(left[order[stays]])
        is_left = np.zeros(len(left), bool)
        is_left[order[~stays]] = True
        left = left[is_left]
    return np.concatenate(keys), np.concatenate(members)
