"""The data of the map: as JSON for programs, and compact for the page.

The page's answers are bytes, compressed once per index and recipe. A number of several bytes is
sent as planes, all lowest bytes first: planes compress better than whole numbers.
"""

import gzip
import hashlib
import json
from collections import Counter
from typing import Any, Callable, Dict, List, NamedTuple, Optional
from weakref import WeakKeyDictionary

import numpy as np
from flask import Blueprint, Response, jsonify, request

from recommender.filters import Filters, passing
from recommender.index import Index, split_genres
from serving.library import Library
from serving.openapi import MAP_SIZE
from serving.validation import address_reader

UNRATED = 255  # byte of the rating of a film without votes; others are twentieths of 0 to 10
_NO_GENRE = 255  # byte of the first genre of a film without genres
_BYTES = "application/octet-stream"
_LEVEL = 6  # of gzip; 9 takes twice the time of the first answer for 1 % less
_VOTE_STEPS = 12  # steps of the byte of votes in a factor of 2; 255 stands for 2.5 million


class _Packed(NamedTuple):
    """An answer, compressed, and its ETag."""

    data: bytes
    tag: str


def map_data(library: Library) -> Blueprint:
    """Return the views that the page of the map asks for its data."""
    blueprint = Blueprint("map_data", __name__, url_prefix="/map")
    known = WeakKeyDictionary()  # type: WeakKeyDictionary[Index, Dict[str, _Packed]]
    read_recipe = address_reader(("recipe",))
    read_filters = address_reader(Filters._fields)

    def packed(name: str, make: Callable[[Index], bytes]) -> Response:
        """Answer with what `make` returns of the index; it is kept by `name`."""
        index = library.now.index
        kept = known.setdefault(index, {})
        if name not in kept:
            plain = make(index)
            kept[name] = _Packed(gzip.compress(plain, _LEVEL),
                                 hashlib.blake2b(plain, digest_size=12).hexdigest())
        return _answer(kept[name])

    @blueprint.get("/films")
    def films() -> Response:
        read_recipe({})
        return packed("films", film_bytes)

    @blueprint.get("/names")
    def names() -> Response:
        read_recipe({})
        return packed("names", name_bytes)

    @blueprint.get("/places")
    def places() -> Response:
        recipe = read_recipe({}).get("recipe")
        return packed("places {}".format(recipe), lambda index: place_bytes(index, recipe))

    @blueprint.get("/regions")
    def regions() -> Response:
        index, recipe = library.now.index, read_recipe({}).get("recipe")
        return jsonify([[{"x": x, "y": y, "words": words} for x, y, words in of_level]
                        for _, of_level in sorted(index.space(recipe).regions().items())])

    @blueprint.get("/passing")
    def passing_films() -> Response:
        index = library.now.index
        filters = Filters(**read_filters({}))
        return Response(np.packbits(passing(index, filters)[unmarked(index)]).tobytes(),
                        content_type=_BYTES)

    return blueprint


def _answer(packed: _Packed) -> Response:
    """Return a packed answer, plain for a client that takes no gzip; 304 if the client has it."""
    takes_gzip = "gzip" in request.accept_encodings
    response = Response(packed.data if takes_gzip else gzip.decompress(packed.data),
                        content_type=_BYTES)
    if takes_gzip:
        response.headers["Content-Encoding"] = "gzip"
    response.headers["Vary"] = "Accept-Encoding"
    response.set_etag(packed.tag, weak=True)  # of the content, compressed or not
    response.make_conditional(request)
    return response


def film_map(index: Index, recipe: Optional[str] = None) -> Dict[str, Any]:
    """Return the films, most votes first, as a list for each property that the map shows.

    Films marked as adult are not among them. The places are those by a recipe, by default the
    first.

    Raises NothingFound if the index was built without a map.
    """
    order = unmarked(index)
    places = _places(index, recipe)
    first = _first_genres(index)
    genres = _by_frequency(first)
    number = {genre: at for at, genre in enumerate(genres)}
    return {"genres": genres, "id": index.ids[order].tolist(),
            "title": index.column("title")[order].tolist(),
            "year": [year or None for year in index.column("year")[order].tolist()],
            "genre": [number.get(genre) for genre in first],
            "x": places[:, 0].tolist(), "y": places[:, 1].tolist()}


def film_bytes(index: Index) -> bytes:
    """Return what the page draws of the films, in the order of `film_map`.

    A line of JSON, `n` and `genres`, is followed by planes of n bytes: 2 of the years, 1 each of
    first genre (a place in `genres`), votes and rating, then a plane of bits for each eight
    genres, the first in the highest bit.
    """
    order = unmarked(index)
    first = _first_genres(index)
    known, has = index.genres()
    genres = _by_frequency(first)
    genres += [genre for genre in known if genre not in genres]
    number = {genre: at for at, genre in enumerate(genres)}
    votes = index.column("vote_count")[order]
    ratings = np.where(votes > 0, np.rint(index.column("vote_average")[order] * 20), UNRATED)
    head = json.dumps({"n": len(order), "genres": genres}).encode()
    return b"".join([
        head, b"\n", _planes(index.column("year")[order].astype("<u2")),
        bytes(min(number.get(genre, _NO_GENRE), _NO_GENRE) for genre in first),
        np.rint(np.log2(1 + votes) * _VOTE_STEPS).clip(0, 255).astype(np.uint8).tobytes(),
        ratings.clip(0, 255).astype(np.uint8).tobytes(),
        np.packbits(has[order][:, [known.index(genre) for genre in genres]],
                    axis=1).T.tobytes()])


def name_bytes(index: Index) -> bytes:
    """Return 8 planes of n bytes of the ids of the films, in the order of `film_map`, and their
    titles in UTF-8, one a line."""
    order = unmarked(index)
    titles = [" ".join(title.splitlines()) for title in index.column("title")[order].tolist()]
    return _planes(index.ids[order].astype("<i8")) + "\n".join(titles).encode()


def place_bytes(index: Index, recipe: Optional[str] = None) -> bytes:
    """Return the places of `film_map` by a recipe: 2 planes of n bytes for x, 2 for y."""
    places = _places(index, recipe).astype("<u2")
    return _planes(places[:, 0]) + _planes(places[:, 1])


def unmarked(index: Index) -> np.ndarray:
    """Return the rows of the films not marked as adult, int64 (n,), most votes first."""
    order = index.best_first("vote_count")
    return order[~index.column("adult")[order]]


def _planes(numbers: np.ndarray) -> bytes:
    """Return little-endian numbers (n,) as all their lowest bytes, then the next, and so on."""
    size = numbers.dtype.itemsize
    return np.ascontiguousarray(numbers).view(np.uint8).reshape(-1, size).T.tobytes()


def _places(index: Index, recipe: Optional[str]) -> np.ndarray:
    """Return the places of the films of `unmarked`, int64 (n, 2), from 0 to MAP_SIZE."""
    return np.rint(index.space(recipe).map()[unmarked(index)] * MAP_SIZE).astype(int)


def _first_genres(index: Index) -> List[str]:
    """Return the first genre of each film of `unmarked`, or ""."""
    return [(split_genres(genres) or [""])[0]
            for genres in index.column("genres")[unmarked(index)]]


def _by_frequency(genres: List[str]) -> List[str]:
    return [genre for genre, _ in Counter(filter(None, genres)).most_common()]
