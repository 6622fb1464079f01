"""Embeddings as the research gave them away: a dict from title to vector, or from id to vector.

A title does not identify a film, so a title that fits none or several is not guessed at.
"""

import os
import pickle
from collections import defaultdict
from typing import Any, Callable, Dict, List, NamedTuple, Sequence, Tuple

import numpy as np

from recommender.catalogue import Catalogue, Movie
from recommender.errors import RecommenderError
from recommender.index import Index, write_index
from recommender.recipes import Recipe, unit
from recommender.storage.feature_store import Settings
from recommender.storage.files import new_file
from recommender.titles import title_key

GIVEN = "given"  # the recipe of an index whose embeddings nobody knows how to make


class Unmapped(NamedTuple):
    """A key of the dict that stands for no film, and why."""

    key: str
    reason: str


def build_from_embeddings(catalogue: Catalogue, embeddings: Dict[Any, Any], source: str,
                          output: str, with_map: bool = False,
                          n_neighbours: int = 0) -> Tuple[int, List[Unmapped]]:
    """Write an index of the films that `embeddings` has vectors of; how many, and the rest.

    Keys are ids, if all are numbers, else titles. Such an index answers for films, not for
    texts. `source` names where the dict is from, `with_map` and `n_neighbours` are those of
    `write_index`.
    Raises RecommenderError if a vector is none, or of another length than the others, and if no
    key stands for a film.
    """
    if os.path.isdir(output):
        raise RecommenderError("{} is a folder: --output names a file".format(output))
    of_row, unmapped = _by_row(catalogue.movies, embeddings)
    if not of_row:
        raise RecommenderError("no key of {} stands for one film of {}: it maps titles or TMDB "
                               "ids to vectors?".format(source, catalogue.path))
    kept = sorted(of_row)
    movies = [catalogue.movies[row] for row in kept]
    vectors = _vectors([of_row[row] for row in kept], [movie.title for movie in movies], source)
    rows = np.array([unit(vector) for vector in vectors], np.float32)
    settings = Settings((), 0, True, rows.shape[1], "float32", True, "", "")
    write_index(output, catalogue, kept, rows, None, Recipe(GIVEN, [], settings), settings,
                with_map, n_neighbours)
    return len(kept), unmapped


def save_embeddings(path: str, index: Index) -> None:
    """Write a pickle of a dict from id to float32 (d,), length 1, that is there whole or not."""
    rows, _ = index.rows(np.arange(len(index)))
    with new_file(path) as part, open(part, "wb") as file:
        pickle.dump({movie_id: row.copy() for movie_id, row in zip(index.ids.tolist(), rows)},
                    file, protocol=4)


def _by_row(movies: Sequence[Movie],
            embeddings: Dict[Any, Any]) -> Tuple[Dict[int, Any], List[Unmapped]]:
    """The values by the films' places, and the keys that stand for none or several."""
    by_id = all(str(key).strip().isdecimal() for key in embeddings)
    find = _find_id(movies) if by_id else _find_title(movies)
    found = {}  # type: Dict[int, Any]
    unmapped = []
    for key, value in embeddings.items():
        rows = find(str(key))
        if len(rows) != 1:
            reason = "{} films have that title".format(len(rows)) if rows else "no such film"
            unmapped.append(Unmapped(str(key), reason))
        elif rows[0] in found:
            unmapped.append(Unmapped(str(key), "its film has a vector already"))
        else:
            found[rows[0]] = value
    return found, unmapped


def _find_id(movies: Sequence[Movie]) -> Callable[[str], List[int]]:
    rows = {movie.id: [row] for row, movie in enumerate(movies)}
    return lambda key: rows.get(int(key), [])


def _find_title(movies: Sequence[Movie]) -> Callable[[str], List[int]]:
    """Places of the films of a title: as it is written, else however it is spelt."""
    written = defaultdict(list)  # type: Dict[str, List[int]]
    spelt = defaultdict(list)  # type: Dict[str, List[int]]
    for row, movie in enumerate(movies):
        written[movie.title].append(row)
        spelt[title_key(movie.title)].append(row)
    return lambda title: (written.get(" ".join(title.split()))
                          or spelt.get(title_key(title), []))


def _vectors(values: Sequence[Any], titles: Sequence[str], source: str) -> List[np.ndarray]:
    """The values as float64 (d,), all of one length."""
    vectors = []
    for value, title in zip(values, titles):
        try:
            vector = np.asarray(value, np.float64).ravel()
        except (TypeError, ValueError):
            vector = np.empty(0)
        if not np.isfinite(vector).all() or not vector.any():
            raise RecommenderError("the value for {!r} in {} is no vector, or all zero: write the "
                                   "pickle again".format(title, source))
        if len(vector) != len(vectors[0] if vectors else vector):
            raise RecommenderError("the vector for {!r} in {} has {} numbers, those before it "
                                   "{}".format(title, source, len(vector), len(vectors[0])))
        vectors.append(vector)
    return vectors
