"""Update an index: films that came, changed or left, without building it anew.

What the recipes learnt stays as it is, but for the weights of words, which become those of the
films of now. Else vectors are made only of films that are new, or whose overview, title or genres
changed; stored neighbours and the map are mended around these. The file is written whole, as by a
build.
"""

import json
import os
from typing import Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from recommender.building import (
    BuildReport,
    Fitted,
    Mended,
    features_by_row,
    films_with_features,
    make_recipes,
    refuse_folder,
    write_index,
)
from recommender.catalogue import Catalogue, films_at
from recommender.drift import History, distance_moved, due
from recommender.errors import RecommenderError
from recommender.index import Index, join_genres
from recommender.mending import Films, mend_neighbours, place_on_map
from recommender.movie import Movie
from recommender.progress import Progress, each, silent
from recommender.recipes import Recipe
from recommender.scale import sample
from recommender.spaces import EmbeddingSpace
from recommender.storage.feature_store import FeatureReader
from recommender.storage.scratch import blocks, scratch
from recommender.storage.shards import MovieFeatures
from recommender.topics.topic_file import StoredTopics
from recommender.words import SparseRows, stacked

_SCALES = ("films", "texts", "texts_by_bert")  # scales of scores that an index may hold


class UpdateReport(NamedTuple):
    """Counts of what an update did.

    Attributes
    ----------
    build : BuildReport
        Counts of the films of the index, as of a whole build.
    n_new, n_changed, n_removed : int
        Films that came, whose vectors were made anew, and that left.
    due : str
        Why a whole build is due; "" if it is not.
    dropped : list of str
        Kinds of companion files that the index had and that an update does not make.
    """

    build: BuildReport
    n_new: int
    n_changed: int
    n_removed: int
    due: str
    dropped: List[str]


def update_index(catalogue: Catalogue, features: FeatureReader, path: str,
                 recipes: Optional[Sequence[str]] = None, layers: Optional[Sequence[int]] = None,
                 word_weight: Optional[float] = None, with_map: bool = False,
                 n_neighbours: int = 0, progress: Progress = silent,
                 topics: Optional[StoredTopics] = None,
                 ann: Optional[str] = None, dtype: Optional[str] = None) -> UpdateReport:
    """Bring an index up to a catalogue and its features, in time that goes with the change.

    The index keeps its recipes and all that it holds of each film but for the weights of its words;
    arguments that ask for another recipe, or for a part that it lacks, are refused.

    Parameters
    ----------
    catalogue, features, recipes, layers, word_weight, with_map, n_neighbours, progress, topics
        As in `recommender.building.build_index`. Without `topics` the index keeps those it has.
    path : str
        The index, replaced in one step at the end.
    ann : str, optional
        As in `build_index`; by default approximate search of the kind that the index has. It is
        built anew.
    dtype : str, optional
        One of `recommender.halves.DTYPES`; another than that of the index is refused.

    Returns
    -------
    UpdateReport

    Raises
    ------
    RecommenderError
        If there is no such index, it was made otherwise, or none of its films stay; else as
        `build_index`.
    OSError
        If the index cannot be written.
    """
    refuse_folder(path)
    if not os.path.isfile(path):
        raise RecommenderError("no index at {} to update: build it without --update first".format(
            path))
    index = Index(path)
    _refuse_others(index, features, recipes, layers, word_weight)
    _refuse_missing(index, with_map, n_neighbours, dtype)
    kept, report = films_with_features(catalogue, features)
    movies = films_at(catalogue.movies, kept)
    old_rows, n_new = _rows_before(index, movies)
    stayed = np.flatnonzero(old_rows >= 0)
    if not len(stayed):
        raise RecommenderError("none of the films of {} are in {} as they were: build it without "
                               "--update".format(path, catalogue.path))
    n_changed = len(movies) - len(stayed) - n_new
    n_removed = len(index) + n_new - len(movies)
    before = index.history
    history = History(before.whole_build,
                      before.films_updated + n_new + n_changed + n_removed)
    moved: Dict[str, float] = {}
    keeps_regions = topics is None
    if topics is None and index.has_topics:
        topics = StoredTopics(path, index.ids, index.topics())

    def fitted() -> Iterator[Fitted]:
        for name in index.recipes:
            space = index.space(name)
            films = _films(space, movies, old_rows, features, progress)
            recipe, mean = space.fitted_recipe(), space.mean_when_built()
            mean = np.pad(mean, (0, films.dense.shape[1] - len(mean)), "constant")
            moved[name] = distance_moved(films.dense, mean)
            yield Fitted(recipe, films.dense, films.words, mended=_mended(
                space, films, mean, keeps_regions, progress))

    write_index(path, catalogue, kept, fitted(), features.settings, index.space().has_map,
                features_folder=features.folder, progress=progress, topics=topics,
                attributes=history.attributes(), ann=ann or index.ann,
                dtype=index.space().dtype)
    return UpdateReport(report._replace(recipes=index.recipes), n_new, n_changed, n_removed,
                        due(history, len(movies), moved),
                        sorted(index.companions.keys() - Index(path).companions.keys()))


def _refuse_others(index: Index, features: FeatureReader, recipes: Optional[Sequence[str]],
                   layers: Optional[Sequence[int]], word_weight: Optional[float]) -> None:
    """Raise RecommenderError if the index is of other features or recipes than asked for."""
    if not index.space().recipe.parts:
        raise RecommenderError("{} holds embeddings that were given: build it again with "
                               "--from_pickle".format(index.path))
    for name, asked in features.settings._asdict().items():
        found = getattr(index.features, name)
        if asked != found:
            raise RecommenderError(
                "{} is of features with {} {}, and {} holds {} {}: build the index without "
                "--update".format(index.path, name, found, features.folder, name, asked))
    if recipes is None:
        return
    if tuple(recipes) != index.recipes:
        raise RecommenderError("{} is of recipes {}, not {}: build it without --update".format(
            index.path, ",".join(index.recipes), ",".join(recipes)))
    made, _ = make_recipes(features.settings, recipes, True, layers, word_weight)
    for recipe in made:
        if _options(recipe) != _options(index.space(recipe.name).recipe):
            raise RecommenderError("{} was built by other options of recipe {}: build it without "
                                   "--update".format(index.path, recipe.name))


def _options(recipe: Recipe) -> str:
    return json.dumps(recipe.options())


def _refuse_missing(index: Index, with_map: bool, n_neighbours: int,
                    dtype: Optional[str]) -> None:
    """Raise RecommenderError if the index lacks a part, or the dtype, that is asked for."""
    if dtype not in (None, index.space().dtype):
        raise RecommenderError("{} holds embeddings in {}, not {}: build it with --dtype and "
                               "without --update".format(index.path, index.space().dtype, dtype))
    if with_map and not index.space().has_map:
        raise RecommenderError("{} has no map: build it with --map and without --update".format(
            index.path))
    stored = index.space().neighbours()
    n_stored = 0 if stored is None else stored[0].shape[1]
    if n_neighbours and min(n_neighbours, len(index) - 1) != n_stored:
        raise RecommenderError("{} holds {} neighbours a film, not {}: build it without "
                               "--update".format(index.path, n_stored or "no", n_neighbours))


def _rows_before(index: Index, movies: Sequence[Movie]) -> Tuple[np.ndarray, int]:
    """Return the row of each film before, int64 (n,), and how many films are new.

    The row is -1 for a new film, and for one with another overview, title or other genres.
    """
    row_of, n_new = index.row_by_id, 0
    columns = [index.column(name).tolist() for name in ("overview", "title", "genres")]
    overviews, titles, genres = columns
    rows = np.full(len(movies), -1, np.int64)
    for at, movie in enumerate(movies):
        row = row_of.get(movie.id)
        if row is None:
            n_new += 1
        elif (overviews[row] == movie.overview and titles[row] == movie.title
              and genres[row] == join_genres(movie.genres)):
            rows[at] = row
    return rows, n_new


def _films(space: EmbeddingSpace, movies: Sequence[Movie], old_rows: np.ndarray,
           features: FeatureReader, progress: Progress) -> Films:
    """Return all films as vectors: those that stayed by their numbers of before, the others placed,
    and all words by their weights of now."""
    recipe = space.fitted_recipe()
    dense, words = space.all_rows()
    came = np.flatnonzero(old_rows < 0)
    if not len(came):
        return _weighed(recipe, dense[old_rows], None if words is None else words.take(old_rows),
                        old_rows)
    fresh = [movies[row] for row in came]
    known = np.flatnonzero(old_rows >= 0)
    recipe.widen(fresh, [movies[row] for row in known[sample(len(known))]], len(movies))

    def stream() -> Iterator[Tuple[int, MovieFeatures]]:
        return each(features_by_row(fresh, features), progress, "reading features", len(fresh))

    placed, their_words = recipe.place(fresh, stream)
    numbers = scratch((len(movies), placed.shape[1]), dense.dtype)
    for some in blocks(len(movies)):
        numbers[some, :dense.shape[1]] = dense[old_rows[some]]
        numbers[some, dense.shape[1]:] = 0  # columns of genres that none of these films has
    numbers[came] = placed
    if their_words is None:
        return _weighed(recipe, numbers, None, old_rows)
    if words is None:  # no film had a word
        words = their_words.no_rows(len(dense))
    elif words.text_data is None:
        their_words = their_words._replace(text_data=None)
    # The rows that came lie behind all old ones; then both are taken in the new order.
    rows = old_rows.copy()
    rows[came] = len(dense) + np.arange(len(came))
    return _weighed(recipe, numbers, stacked(words, their_words).take(rows), old_rows)


def _weighed(recipe: Recipe, dense: np.ndarray, words: Optional[SparseRows],
             old_rows: np.ndarray) -> Films:
    """Return films by the words' weights of now, from their words by those before."""
    reweighed = recipe.reweigh(words)
    return Films(dense, words if reweighed is None else reweighed.words, old_rows, reweighed)


def _mended(space: EmbeddingSpace, films: Films, mean: np.ndarray, keeps_regions: bool,
            progress: Progress) -> Mended:
    """Return what the index holds of these films beside their vectors."""
    scales = {name: scale for name, scale in ((name, space.scale(name)) for name in _SCALES)
              if scale is not None}
    stored = space.neighbours()
    if stored is None and not space.has_map:
        return Mended(scales, None, None, None, mean)
    products = films.products()
    return Mended(
        scales, None if stored is None else mend_neighbours(films, stored, products, progress),
        place_on_map(films, space.map(), products) if space.has_map else None,
        space.regions() if keeps_regions else None, mean)
