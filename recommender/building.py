"""Build an index: choose the films, embed them by a recipe or take given vectors, write the file.

The file's layout is that of `recommender.index`, which reads it.
"""

import os
import pickle
from collections import defaultdict
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import h5py
import numpy as np

from recommender.catalogue import Catalogue, Movie
from recommender.errors import RecommenderError
from recommender.film_map import place_films
from recommender.index import (
    FORMAT_VERSION,
    NUMBER_COLUMNS,
    TEXT_COLUMNS,
    WORDS,
    Index,
    join_genres,
)
from recommender.left_out import TABLE, TEXTS
from recommender.neighbours import nearest_films
from recommender.ranking import unit
from recommender.recipes import Recipe, make_recipe
from recommender.storage.feature_store import FeatureReader, overview_digest
from recommender.storage.files import new_file
from recommender.storage.hdf5 import NewFile
from recommender.storage.shards import MovieFeatures, Settings, write_settings
from recommender.titles import split_year, title_key
from recommender.twins import twins_of
from recommender.words import SparseRows

_NO_SUCH_FILM = "no such film"  # reason of a key that fits nothing in the catalogue
_NO_OVERVIEW = "its film has no overview"  # reason of a key that fits only films without one
GIVEN = "given"  # recipe name of an index whose embeddings were given, which embeds no text


class BuildReport(NamedTuple):
    """Counts of the films that an index holds and of those that it could not take."""

    n_movies: int
    without_features: int
    without_catalogue: int
    of_other_overviews: int


class Unmapped(NamedTuple):
    """A key of given embeddings that stands for no film or for several, and the reason."""

    key: str
    reason: str


def weighted_ratings(movies: Sequence[Movie]) -> np.ndarray:
    """Return IMDb's weighted rating of each film, float32 (n,), from 0 to 10.

    v / (v + m) * R + m / (v + m) * C with the film's votes v and average R, the catalogue's mean
    average C and its 70th percentile of votes m, at least 1 (the formula of IMDb's Top 250 page).
    """
    votes = np.array([movie.vote_count for movie in movies], np.float64)
    average = np.array([movie.vote_average for movie in movies], np.float64)
    m = max(np.percentile(votes, 70), 1.0)
    return ((votes * average + m * average.mean()) / (votes + m)).astype(np.float32)


def build_index(catalogue: Catalogue, features: FeatureReader, recipe: str, output: str,
                layers: Optional[Sequence[int]] = None,
                word_weight: Optional[float] = None, with_map: bool = False,
                n_neighbours: int = 0) -> BuildReport:
    """Embed every film by a recipe and write the index.

    Films whose features are of another overview than the catalogue's are left out and counted.
    Reads the features of one film at a time.

    Parameters
    ----------
    catalogue : Catalogue
    features : FeatureReader
    recipe : str
        One of `recommender.recipes.RECIPES`.
    output : str
        Path of the index, replaced in one step at the end.
    layers, word_weight
        As in `recommender.recipes.make_recipe`.
    with_map, n_neighbours
        As in `write_index`.

    Returns
    -------
    BuildReport

    Raises
    ------
    RecommenderError
        If the recipe cannot use these features, no film has any, or those of a film hold NaN,
        infinity or only zeros.
    OSError
        If the index cannot be written.
    """
    _refuse_folder(output)
    made_by = make_recipe(recipe, features.settings, layers, word_weight)
    kept, report = films_with_features(catalogue, features)
    movies = [catalogue.movies[place] for place in kept]
    embeddings, words = made_by.fit(movies, lambda: features_by_row(movies, features))
    write_index(output, catalogue, kept, embeddings, words, made_by, features.settings, with_map,
                n_neighbours, features.folder)
    return report


def films_with_features(catalogue: Catalogue,
                        features: FeatureReader) -> Tuple[List[int], BuildReport]:
    """Return the places in the catalogue of films with features of their present overview.

    Raises RecommenderError if there is none.
    """
    digests = features.digests()
    kept, of_other_overviews = [], 0
    for place, movie in enumerate(catalogue.movies):
        if digests.get(movie.id) == overview_digest(movie.overview):
            kept.append(place)
        else:
            of_other_overviews += movie.id in digests
    if not kept:
        raise RecommenderError("{} and {} have no overview in common: extract the features of this "
                               "catalogue first".format(catalogue.path, features.folder))
    n_both = len(kept) + of_other_overviews
    return kept, BuildReport(len(kept), len(catalogue.movies) - n_both, len(digests) - n_both,
                             of_other_overviews)


def features_by_row(movies: Sequence[Movie],
                    features: FeatureReader) -> Iterator[Tuple[int, MovieFeatures]]:
    """Yield the features of `movies` in the order of the store, each with its place."""
    rows = {movie.id: row for row, movie in enumerate(movies)}
    for movie in features.movies():
        if movie.movie_id in rows:
            yield rows[movie.movie_id], movie


def build_from_embeddings(catalogue: Catalogue, embeddings: Dict[Any, Any], source: str,
                          output: str, with_map: bool = False,
                          n_neighbours: int = 0) -> Tuple[int, List[Unmapped]]:
    """Write an index of the films that `embeddings` has vectors of.

    Such an index answers for films, not for texts.

    Parameters
    ----------
    catalogue : Catalogue
    embeddings : dict
        From TMDB id, if all keys are numbers, else from title, to a vector (d,).
    source : str
        Path that errors name.
    output, with_map, n_neighbours
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
    _refuse_folder(output)
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
    write_index(output, catalogue, kept, rows, None, Recipe(GIVEN, [], settings), settings,
                with_map, n_neighbours)
    return len(kept), unmapped


def save_embeddings(path: str, index: Index) -> None:
    """Write a pickled dict from TMDB id to embedding, float32 (d,), length 1. Raises OSError."""
    rows, _ = index.rows(np.arange(len(index)))
    with new_file(path) as part, open(part, "wb") as file:
        pickle.dump({movie_id: row.copy() for movie_id, row in zip(index.ids.tolist(), rows)},
                    file, protocol=4)


def write_index(output: str, catalogue: Catalogue, kept: Sequence[int], embeddings: np.ndarray,
                words: Optional[SparseRows], recipe: Recipe, settings: Settings,
                with_map: bool = False, n_neighbours: int = 0,
                features_folder: Optional[str] = None) -> None:
    """Write an index, whole or not at all.

    Parameters
    ----------
    output : str
        Path of the index; its folder is made.
    catalogue : Catalogue
    kept : sequence of int
        Places in the catalogue of the n films.
    embeddings : np.ndarray
        float32 (n, d), of length 1 together with `words`.
    words : SparseRows, optional
        The sparse part of the rows.
    recipe : Recipe
        The fitted recipe.
    settings : Settings
        Those of the features.
    with_map : bool
        Also place the films on the map; minutes for 45,000 films.
    n_neighbours : int
        Also store so many nearest others of each film; minutes for 45,000 films.
    features_folder : str, optional
        Folder of the features, which the index names for explanations.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    movies = [catalogue.movies[place] for place in kept]
    ratings = weighted_ratings(catalogue.movies)[kept]
    os.makedirs(os.path.dirname(os.path.abspath(output)), exist_ok=True)
    with new_file(output) as part, NewFile(part, with_texts=True) as file:
        file.attrs["format_version"] = FORMAT_VERSION
        file.attrs["catalogue"] = os.path.basename(catalogue.path)
        file.attrs["catalogue_sha256"] = catalogue.sha256
        write_settings(file, settings)
        if features_folder is not None:  # from the index, so that both can be moved together
            file.attrs["features"] = os.path.relpath(
                os.path.realpath(features_folder), os.path.dirname(os.path.realpath(output)))
        file["ids"] = np.array([movie.id for movie in movies], np.int64)
        file["embeddings"] = embeddings
        if words is not None:
            for name in WORDS:
                file["words/" + name] = getattr(words, name)
            file["words/width"] = words.width
        if with_map:
            file["map"] = place_films(embeddings, words)
        if n_neighbours:
            file["neighbours/rows"], file["neighbours/cosines"] = nearest_films(
                embeddings, words, n_neighbours)
        recipe.save(file)
        _write_columns(file, movies, ratings)
        _write_twins(file, movies)
        _write_left_out(file, catalogue, kept)


def _write_columns(file: h5py.File, movies: Sequence[Movie], ratings: np.ndarray) -> None:
    _write_texts(file, TEXT_COLUMNS, movies)
    for name, dtype in NUMBER_COLUMNS.items():
        values = ratings if name == "weighted_rating" else [
            getattr(movie, name) for movie in movies]
        file[name] = np.array(values, dtype)


def _write_twins(file: h5py.File, movies: Sequence[Movie]) -> None:
    """Write the films that are told apart only by their id, if there are any."""
    twins = twins_of(movies)
    if twins:
        file["twins"] = np.array([(row, number) for number, rows in enumerate(twins)
                                  for row in rows], np.int32)


def _write_left_out(file: h5py.File, catalogue: Catalogue, kept: Sequence[int]) -> None:
    """Write the table of the films that are not `kept`, if there are any."""
    held = set(kept)
    movies = [*catalogue.without_overview, *(
        movie for place, movie in enumerate(catalogue.movies) if place not in held)]
    if movies:
        group = file.create_group(TABLE)
        group["ids"] = np.array([movie.id for movie in movies], np.int64)
        group["year"] = np.array([movie.year for movie in movies], np.int16)
        group["has_overview"] = np.array([bool(movie.overview) for movie in movies])
        _write_texts(group, TEXTS, movies)


def _write_texts(group: h5py.Group, names: Sequence[str], movies: Sequence[Movie]) -> None:
    """Write columns of strings of `movies`, by their names in an index."""
    derived = {"genres": lambda movie: join_genres(movie.genres),
               "title_key": lambda movie: title_key(movie.title),
               "original_title_key": lambda movie: title_key(movie.original_title)
               }  # type: Dict[str, Callable[[Movie], str]]
    for name in names:
        texts = [derived[name](movie) if name in derived else getattr(movie, name)
                 for movie in movies]
        group.create_dataset(name, data=np.array(texts, object),
                             dtype=h5py.special_dtype(vlen=str))


def _refuse_folder(output: str) -> None:
    """Raise RecommenderError if `output` is a folder, before hours of work."""
    if os.path.isdir(output):
        raise RecommenderError("{} is a folder: --output names a file".format(output))


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
