"""Embeddings from elsewhere: an index of given ones, and those of an index as a pickle."""

import pickle
from collections import defaultdict
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from recommender.building import Fitted, refuse_folder, write_index
from recommender.catalogue import Catalogue
from recommender.errors import RecommenderError
from recommender.index import Index
from recommender.movie import Movie
from recommender.progress import Progress, silent
from recommender.ranking import unit
from recommender.recipes import Recipe
from recommender.storage.files import new_file
from recommender.storage.shards import Settings
from recommender.titles import split_year, title_key
from recommender.topics.topic_file import StoredTopics

_NO_SUCH_FILM = "no such film"  # reason of a key that fits nothing in the catalogue
_NO_OVERVIEW = "its film has no overview"  # reason of a key that fits only films without one
GIVEN = "given"  # recipe name of an index whose embeddings were given, which embeds no text


class Unmapped(NamedTuple):
    """A key of given embeddings that stands for no film or for several, and the reason."""

    key: str
    reason: str


def build_from_embeddings(catalogue: Catalogue, embeddings: Dict[Any, Any], source: str,
                          output: str, with_map: bool = False, n_neighbours: int = 0,
                          progress: Progress = silent, topics: Optional[StoredTopics] = None,
                          ann: Optional[str] = None,
                          dtype: str = "float32") -> Tuple[int, List[Unmapped]]:
    """Write an index of the films that `embeddings` has vectors of.

    Such an index answers for films, not for texts.

    Parameters
    ----------
    catalogue : Catalogue
    embeddings : dict
        From TMDB id, if all keys are numbers, else from title, to a vector (d,).
    source : str
        Path that errors name.
    output, with_map, n_neighbours, progress, topics, ann, dtype
        As in `build_index`.

    Returns
    -------
    n_movies : int
    unmapped : list of Unmapped
        The keys that stand for no film or for several.

    Raises
    ------
    RecommenderError
        If most keys stand for no film, or a value is no vector of the length of the others.
    OSError
        If the index cannot be written.
    """
    refuse_folder(output)
    value_at, unmapped = _by_place(catalogue, embeddings)
    n_unknown = sum(reason == _NO_SUCH_FILM for _, reason in unmapped) if value_at else (
        len(unmapped))
    if not value_at or 2 * n_unknown > len(embeddings):
        raise RecommenderError(
            "{:,} of the {:,} keys of {} stand for no film of {}: a dict from title, with its year "
            "behind it or not, or from TMDB id is needed".format(
                n_unknown, len(embeddings), source, catalogue.path))
    kept = sorted(value_at)
    titles = [catalogue.movies[place].title for place in kept]
    vectors = _vectors([value_at[place] for place in kept], titles, source)
    rows = np.array([unit(vector) for vector in vectors], np.float32)
    settings = Settings((), 0, True, rows.shape[1], "float32", True, "", "")
    write_index(output, catalogue, kept, [Fitted(Recipe(GIVEN, [], settings), rows, None)],
                settings, with_map, n_neighbours, progress=progress, topics=topics, ann=ann,
                dtype=dtype)
    return len(kept), unmapped


def save_embeddings(path: str, index: Index) -> None:
    """Write a pickled dict from TMDB id to embedding, float32 (d,), length 1.

    The embeddings are those of the index's first recipe. Raises OSError.
    """
    rows, _ = index.space().rows(np.arange(len(index)))
    with new_file(path) as part, open(part, "wb") as file:
        pickle.dump({movie_id: row.copy() for movie_id, row in zip(index.ids.tolist(), rows)},
                    file, protocol=4)


def _by_place(catalogue: Catalogue,
              embeddings: Dict[Any, Any]) -> Tuple[Dict[int, Any], List[Unmapped]]:
    """Return the values by the films' places, and the keys that stand for none or several."""
    by_id = all(str(key).strip().isdecimal() for key in embeddings)
    finder = _find_id if by_id else _find_title
    find, find_others = finder(catalogue.movies), finder(catalogue.without_overview)
    found: Dict[int, Any] = {}
    unmapped = []
    for key, value in embeddings.items():
        places = find(str(key))
        if len(places) != 1:
            reason = "{} films have that title".format(len(places)) if places else (
                _NO_OVERVIEW if find_others(str(key)) else _NO_SUCH_FILM)
            unmapped.append(Unmapped(str(key), reason))
        elif places[0] in found:
            unmapped.append(Unmapped(str(key), "its film has a vector already"))
        else:
            found[places[0]] = value
    return found, unmapped


def _find_id(movies: Sequence[Movie]) -> Callable[[str], List[int]]:
    place_of = {movie.id: [place] for place, movie in enumerate(movies)}
    return lambda key: place_of.get(int(key), [])


def _find_title(movies: Sequence[Movie]) -> Callable[[str], List[int]]:
    """Return a function from a title to the places of its films.

    They are films with the title as it is written, else as it is spelt, else of the year behind
    it, as in "Mummy, The (1999)".
    """
    written: Dict[str, List[int]] = defaultdict(list)
    spelt: Dict[str, List[int]] = defaultdict(list)
    for place, movie in enumerate(movies):
        written[movie.title].append(place)
        spelt[title_key(movie.title)].append(place)

    def find(title: str) -> List[int]:
        places = written.get(" ".join(title.split())) or spelt.get(title_key(title)) or []
        split = split_year(title)
        if split and not places:
            name, year = split
            places = [place for place in spelt.get(title_key(name), [])
                      if movies[place].year == year]
        return places

    return find


def _vectors(values: Sequence[Any], titles: Sequence[str], source: str) -> List[np.ndarray]:
    """Return the values as vectors, float64 (d,), all of one length."""
    vectors: List[np.ndarray] = []
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
