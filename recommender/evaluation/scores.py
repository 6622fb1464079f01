"""Measure recipes, indexes and baselines side by side on the films of a catalogue.

The metrics use what the data set holds besides the texts: the collection that a film belongs to,
its genres, its keywords, and what people liked.
"""

import os
from typing import Any, Callable, Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import pandas as pd
from scipy import sparse

from recommender.building import features_by_row, weighted_ratings
from recommender.catalogue import ALIASES, Movie
from recommender.cells import read_id, read_literal
from recommender.errors import RecommenderError
from recommender.evaluation import baselines, metrics
from recommender.evaluation.metrics import Estimate
from recommender.index import Index
from recommender.neighbours import best_others, nearest_others
from recommender.parts import Words
from recommender.recipes import Recipe, make_recipe
from recommender.storage.feature_store import FeatureReader
from recommender.storage.shards import MovieFeatures
from recommender.tables import Table, read_table
from recommender.twins import twins_of

K = 10  # films recommended for each film
N_BASELINES = 5  # rows of `baseline_scores`, for the progress bar
LIKED = 4.0  # stars, of five, from which on a film counts as liked


class Truth(NamedTuple):
    """Metadata of the films, in their order; None where the file of the data set is missing.

    `likes` is (n, n_users), 1 where a user likes a film.
    """

    collections: Optional[List[Optional[int]]]
    keywords: Optional[List[Sequence[str]]]
    likes: Optional[sparse.csr_matrix]


class Score(NamedTuple):
    """A row of the table; a metric is None where the metadata it needs are missing."""

    name: str
    is_baseline: bool
    collection_recall: Optional[Estimate]
    collection_hit: Optional[Estimate]
    genre_jaccard: Estimate
    keyword_ndcg: Optional[Estimate]
    people_agreement: Optional[Estimate]
    never_recommended: float
    most_recommended: int


def read_truth(catalogue_path: str, movies: Sequence[Movie]) -> Truth:
    """Read the metadata of `movies` from the catalogue and the files beside it.

    The files are keywords.csv, ratings.csv and links.csv, as in The Movies Dataset. Raises
    RecommenderError for a file that is no such CSV.
    """
    folder = os.path.dirname(catalogue_path)
    table = read_table(catalogue_path, ["id", "belongs_to_collection"])
    collections = _literals(table, "belongs_to_collection", _collection) if (
        "belongs_to_collection" in table.names) else None
    keywords_path = os.path.join(folder, "keywords.csv")
    keywords = _literals(read_table(keywords_path, ["keywords"]), "keywords", _names) if (
        os.path.isfile(keywords_path)) else None
    return Truth(
        None if collections is None else [collections.get(movie.id) for movie in movies],
        None if keywords is None else [keywords.get(movie.id, ()) for movie in movies],
        _likes(os.path.join(folder, "ratings.csv"), os.path.join(folder, "links.csv"), movies))


def score(name: str, top: np.ndarray, movies: Sequence[Movie], truth: Truth, seed: int,
          is_baseline: bool = False) -> Score:
    """Return all metrics of the recommendations `top`, int (n, k)."""
    recall = hit = ndcg = people = None
    if truth.collections is not None:
        recall, hit = (metrics.estimate(values, seed) for values in
                       metrics.collection_recall(top, truth.collections))
    if truth.keywords is not None:
        ndcg = metrics.estimate(metrics.keyword_ndcg(top, truth.keywords), seed)
    if truth.likes is not None:
        people = metrics.estimate(metrics.people_agreement(top, truth.likes), seed)
    jaccard = metrics.genre_jaccard(top, [movie.genres for movie in movies])
    return Score(name, is_baseline, recall, hit, metrics.estimate(jaccard, seed), ndcg, people,
                 *metrics.hubness(top))


def baseline_scores(movies: Sequence[Movie], truth: Truth, seed: int) -> Iterable[Score]:
    """Yield the scores of the baselines."""
    k, ratings = _k(movies), weighted_ratings(movies)
    tfidf = Recipe("tfidf", [(1.0, Words())])
    for name, recommend in (
            ("random", lambda: baselines.at_random(movies, k, seed)),
            ("most popular", lambda: baselines.most_popular(movies, k)),
            ("same genre by rating", lambda: baselines.same_genre_by_rating(movies, ratings, k)),
            ("BM25", lambda: _bm25(movies, k)),
            ("tfidf", lambda: nearest_others(*tfidf.fit(movies, lambda: ()), k,
                                             twins_of(movies)))):
        yield score(name, recommend(), movies, truth, seed, is_baseline=True)


def recipe_scores(names: Iterable[str], movies: Sequence[Movie], reader: FeatureReader,
                  truth: Truth, seed: int) -> Iterable[Score]:
    """Yield the scores of recipes, each fitted to the features of `movies`."""
    means: List[Tuple[int, MovieFeatures]] = []

    def stream() -> Iterable[Tuple[int, MovieFeatures]]:
        return features_by_row(movies, reader)

    def pooled() -> Iterable[Tuple[int, MovieFeatures]]:
        # The recipes need only the mean over tokens, so one pass over the store serves them all.
        means.extend((row, _token_mean(film)) for row, film in (() if means else stream()))
        return means

    for name in names:
        recipe = make_recipe(name, reader.settings)
        dense, words = recipe.fit(movies, stream if recipe.weighs_tokens else pooled)
        top = nearest_others(dense, words, _k(movies), twins_of(movies))
        yield score(name, top, movies, truth, seed)


def index_score(path: str, index: Index, movies: Sequence[Movie], truth: Truth,
                seed: int) -> Score:
    """Return the scores of a built index, which holds all of `movies`."""
    rows = {movie_id: row for row, movie_id in enumerate(index.ids.tolist())}
    space = index.space()
    dense, words = space.rows(np.array([rows[movie.id] for movie in movies]))
    return score("{} ({})".format(path, space.recipe.name),
                 nearest_others(dense, words, _k(movies), twins_of(movies)), movies, truth, seed)


def _k(movies: Sequence[Movie]) -> int:
    """Return the number of films to recommend, fewer than K in a tiny catalogue."""
    return min(K, len(movies) - 1)


def _bm25(movies: Sequence[Movie], k: int) -> np.ndarray:
    queries, documents = baselines.bm25_rows(movies)
    transposed = documents.T.tocsr()
    return best_others(lambda rows: (queries[rows] @ transposed).toarray(), len(movies), k,
                       twins_of(movies))


def _token_mean(film: MovieFeatures) -> MovieFeatures:
    if film.layers.ndim == 1:
        return film
    return film._replace(layers=film.layers.mean(axis=1, keepdims=True, dtype=np.float32))


def _literals(table: Table, column: str, read: Callable[[Any], Any]) -> Dict[int, Any]:
    """Return a column of Python literals by TMDB id, without what is no literal.

    Raises RecommenderError if the table lacks the column or one of ids.
    """
    id_name = next((name for name in ("id", *ALIASES["id"]) if name in table.names), "id")
    if not {id_name, column} <= set(table.names):
        raise RecommenderError("{}: not a CSV with the columns id, {}: take it from the data set "
                               "again".format(table.path, column))
    id_at, at = table.names.index(id_name), table.names.index(column)
    found: Dict[int, Any] = {}
    for _, cells in table.rows():
        movie_id = read_id(cells[id_at]) if len(cells) == len(table.names) else None
        if movie_id is not None and movie_id not in found:
            value = read_literal(cells[at], read)
            if value is not None:
                found[movie_id] = value
    return found


def _collection(cell: Dict[str, Any]) -> int:
    return int(cell["id"])


def _names(cell: Sequence[Dict[str, Any]]) -> List[str]:
    return [str(entry["name"]) for entry in cell]


def _likes(ratings_path: str, links_path: str,
           movies: Sequence[Movie]) -> Optional[sparse.csr_matrix]:
    """Return a matrix (n, n_users) with 1 where a user likes a film; None without the files."""
    if not (os.path.isfile(ratings_path) and os.path.isfile(links_path)):
        return None
    rows = {str(movie.id): row for row, movie in enumerate(movies)}
    row_of = {movie: rows[tmdb] for links in _chunks(links_path, ["movieId", "tmdbId"])
              for movie, tmdb in zip(links["movieId"], links["tmdbId"].str.split(".").str[0])
              if tmdb in rows}
    liking, liked = [], []
    for chunk in _chunks(ratings_path, ["userId", "movieId", "rating"]):
        chunk = chunk[pd.to_numeric(chunk["rating"], errors="coerce") >= LIKED]
        film = chunk["movieId"].map(row_of)
        liking.append(chunk["userId"][film.notna()])
        liked.append(film.dropna().astype(np.int64))
    users, names = pd.factorize(pd.concat(liking))
    likes = sparse.csr_matrix((np.ones(len(users)), (pd.concat(liked), users)),
                              shape=(len(movies), max(len(names), 1)))
    likes.data[:] = 1  # two of the links may lead to one film
    return likes


def _chunks(path: str, columns: Sequence[str]) -> Iterable[pd.DataFrame]:
    """Yield columns of a CSV as text, a million rows at a time."""
    try:
        yield from pd.read_csv(path, usecols=columns, dtype=str, keep_default_na=False,
                               chunksize=10 ** 6)
    except ValueError as error:
        raise RecommenderError("{}: not a CSV with the columns {} ({}): take it from the data set "
                               "again".format(path, ", ".join(columns), error))

