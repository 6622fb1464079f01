"""The data of the map: as JSON for programs, and compact for the page.

The page's answers are bytes, compressed once per index and recipe. A number of several bytes is
sent as planes, all lowest bytes first: planes compress better than whole numbers.
"""

import json
from collections import Counter
from typing import Any, Dict, List, Optional, Tuple

import numpy as np
from flask import Blueprint, Response, jsonify

from recommender.filters import Filters, passing
from recommender.index import Index, split_genres
from serving.library import Library, Served
from serving.openapi import MAP_SIZE
from serving.packed import Packed, answer
from serving.validation import address_reader

# Films whose names come with the points: as many as the page tries for titles, so that a first look
# has all of its titles before the names of the other films are there.
NAMED = 900
# Films that the map shows at first, those of most votes: a page gets 2 MB for them.
MOST = 100000
UNRATED = 255  # byte of the rating of a film without votes; others are twentieths of 0 to 10
_NO_GENRE = 255  # byte of the first genre of a film without genres
_NO_TOPIC = 255  # byte of the coarse topic of a film without one
_BYTES = "application/octet-stream"
_VOTE_STEPS = 12  # steps of the byte of votes in a factor of 2; 255 stands for 2.5 million


def map_data(library: Library) -> Blueprint:
    """Return the views that the page of the map asks for its data."""
    blueprint = Blueprint("map_data", __name__, url_prefix="/map")
    read_recipe = address_reader(("recipe",))
    read_filters = address_reader(Filters._fields)

    @blueprint.get("/films")
    def films() -> Response:
        read_recipe({})
        return answer(packed_films(library.now), _BYTES)

    @blueprint.get("/names")
    def names() -> Response:
        read_recipe({})
        return answer(packed_names(library.now), _BYTES)

    @blueprint.get("/places")
    def places() -> Response:
        return answer(packed_places(library.now, read_recipe({}).get("recipe")), _BYTES)

    @blueprint.get("/regions")
    def regions() -> Response:
        index, recipe = library.now.index, read_recipe({}).get("recipe")
        return jsonify([[{"x": x, "y": y, "words": words} for x, y, words in of_level]
                        for _, of_level in sorted(index.space(recipe).regions().items())])

    @blueprint.get("/passing")
    def passing_films() -> Response:
        index = library.now.index
        filters = Filters(**read_filters({}))
        return Response(np.packbits(passing(index, filters)[on_map(index)]).tobytes(),
                        content_type=_BYTES)

    return blueprint


def packed_films(served: Served) -> Packed:
    """Return what `film_bytes` does of the index that is served, compressed."""
    return served.bodies.get("films", lambda: film_bytes(served.index))


def packed_names(served: Served) -> Packed:
    """Return what `name_bytes` does, compressed."""
    return served.bodies.get("names", lambda: name_bytes(served.index))


def packed_places(served: Served, recipe: Optional[str] = None) -> Packed:
    """Return what `place_bytes` does, compressed. Raises NothingFound as it does."""
    name = recipe or served.index.recipes[0]
    return served.bodies.get("places " + name, lambda: place_bytes(served.index, name))


def film_map(index: Index, recipe: Optional[str] = None) -> Dict[str, Any]:
    """Return the films, most votes first, as a list for each property that the map shows.

    Films marked as adult are not among them, nor any beyond MOST. The places are those by a
    recipe, by default the first.

    Raises NothingFound if the index was built without a map.
    """
    order = on_map(index)
    places = places_of(index, order, recipe)
    first = _first_genres(index, order)
    genres = _by_frequency(first)
    number = {genre: at for at, genre in enumerate(genres)}
    return {"genres": genres, "id": index.ids[order].tolist(),
            "title": index.column("title")[order].tolist(),
            "year": [year or None for year in index.column("year")[order].tolist()],
            "genre": [number.get(genre) for genre in first],
            "x": places[:, 0].tolist(), "y": places[:, 1].tolist()}


def film_bytes(index: Index) -> bytes:
    """Return what the page draws of the films, in the order of `film_map`.

    A line of JSON, `n`, `genres` and the names of the coarse `topics`, is followed by planes of n
    bytes: 2 of the years, 1 each of first genre (a place in `genres`), votes and rating, then a
    plane of bits for each eight genres, the first in the highest bit; and if there are topics, 1
    of the coarse topic (a place in `topics`). In the end stands `name_bytes` of the `named` films
    with most votes. Where films come in tiles (see `serving.map_tiles`), `beyond` says how many.
    """
    order, genres = on_map(index), genre_order(index)
    topics, of_films = coarse_topics(index)
    n_beyond = len(unmarked(index)) - len(order)
    head = json.dumps({"n": len(order), "genres": genres, "named": min(len(order), NAMED), **(
        {"topics": topics} if topics else {}), **({"beyond": n_beyond} if n_beyond else {})})
    return b"".join([head.encode(), b"\n", film_planes(
        index, order, genres, of_films if topics else None), name_bytes(index, NAMED)])


def genre_order(index: Index) -> List[str]:
    """Return the names of all genres in the order in which the map's data number them."""
    genres = _by_frequency(_first_genres(index, on_map(index)))
    return genres + [genre for genre in index.genres()[0] if genre not in genres]


def film_planes(index: Index, rows: np.ndarray, genres: List[str],
                of_films: Optional[np.ndarray]) -> bytes:
    """Return the planes of `film_bytes` of some films; `of_films` are the topics, if any."""
    first, (known, has) = _first_genres(index, rows), index.genres()
    number = {genre: at for at, genre in enumerate(genres)}
    votes = index.column("vote_count")[rows]
    ratings = np.where(votes > 0, np.rint(index.column("vote_average")[rows] * 20), UNRATED)
    return b"".join([
        planes(index.column("year")[rows].astype("<u2")),
        bytes(min(number.get(genre, _NO_GENRE), _NO_GENRE) for genre in first),
        np.rint(np.log2(1 + votes) * _VOTE_STEPS).clip(0, 255).astype(np.uint8).tobytes(),
        ratings.clip(0, 255).astype(np.uint8).tobytes(),
        np.packbits(has[rows][:, [known.index(genre) for genre in genres]],
                    axis=1).T.tobytes(),
        b"" if of_films is None else of_films[rows].tobytes()])


def coarse_topics(index: Index) -> Tuple[List[str], np.ndarray]:
    """Return the names of the coarse topics, those of the most films first, and the place of each
    film's among them, uint8 (n,), _NO_TOPIC where it has none; no names without topics."""
    place_of = np.full(len(index), _NO_TOPIC, np.uint8)
    if not index.has_topics:
        return [], place_of
    tree = index.topics()
    topics = sorted(tree.children(), key=lambda topic: -topic.n_films)[:_NO_TOPIC]
    for place, topic in enumerate(topics):
        place_of[tree.of_films[:, 0] == topic.number] = place
    return [topic.name for topic in topics], place_of


def name_bytes(index: Index, most: Optional[int] = None) -> bytes:
    """Return 8 planes of n bytes of the ids of the films, in the order of `film_map`, and their
    titles in UTF-8, one a line; of the first `most` films, by default of all."""
    return names_of(index, on_map(index)[:most])


def names_of(index: Index, rows: np.ndarray) -> bytes:
    """Return what `name_bytes` does, of some films."""
    titles = [" ".join(title.splitlines()) for title in index.column("title")[rows].tolist()]
    return planes(index.ids[rows].astype("<i8")) + "\n".join(titles).encode()


def place_bytes(index: Index, recipe: Optional[str] = None) -> bytes:
    """Return the places of `film_map` by a recipe: 2 planes of n bytes for x, 2 for y."""
    return place_planes(places_of(index, on_map(index), recipe))


def place_planes(places: np.ndarray) -> bytes:
    """Return places, (n, 2), as 2 planes of n bytes for x and 2 for y."""
    return b"".join(planes(axis.astype("<u2")) for axis in places.T)


def unmarked(index: Index) -> np.ndarray:
    """Return the rows of the films not marked as adult, int64 (n,), most votes first."""
    order = index.best_first("vote_count")
    return order[~index.column("adult")[order]]


def on_map(index: Index) -> np.ndarray:
    """Return the rows of the films that the map shows at first, int64 (n,), most votes first."""
    return unmarked(index)[:MOST]


def planes(numbers: np.ndarray) -> bytes:
    """Return little-endian numbers (n,) as all their lowest bytes, then the next, and so on."""
    size = numbers.dtype.itemsize
    return np.ascontiguousarray(numbers).view(np.uint8).reshape(-1, size).T.tobytes()


def places_of(index: Index, rows: np.ndarray, recipe: Optional[str]) -> np.ndarray:
    """Return the places of some films, int64 (n, 2), from 0 to MAP_SIZE."""
    return np.rint(index.space(recipe).map()[rows] * MAP_SIZE).astype(int)


def _first_genres(index: Index, rows: np.ndarray) -> List[str]:
    """Return the first genre of each of some films, or ""."""
    of_films = index.column("genres")[rows].tolist()
    # Films share few sets of genres, so only the different ones are split.
    first = {genres: (split_genres(genres) or [""])[0] for genres in set(of_films)}
    return [first[genres] for genres in of_films]


def _by_frequency(genres: List[str]) -> List[str]:
    return [genre for genre, _ in Counter(filter(None, genres)).most_common()]
