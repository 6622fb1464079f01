"""Contenders: recipes, indexes and baselines, each asked in the same three ways.

For the films nearest to each film, for films nearest to a wish of several films, and for films
nearest to a text.
"""

from typing import Callable, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
from scipy import sparse

from recommender.building import features_by_row
from recommender.columns import weighted_ratings
from recommender.evaluation import baselines
from recommender.evaluation.held_back import RATINGS, HeldBack, Trials
from recommender.evaluation.queries import Queries, QueryTexts, token_mean
from recommender.evaluation.ranks import Scores
from recommender.evaluation.truth import Truth
from recommender.index import Index
from recommender.movie import Movie
from recommender.neighbours import best_others, nearest_others, text_matrix
from recommender.recipes import Recipe, make_recipe
from recommender.source import Features
from recommender.storage.feature_store import FeatureReader
from recommender.storage.shards import MovieFeatures, Settings
from recommender.text_words import Words
from recommender.twins import twins_of
from recommender.words import SparseRows

K = 10  # films recommended for each film
TOPICS = "topics"  # the contender that knows only a film's mixture of topics
N_TOPICS = 100  # in a mixture: no worse than 50 and 200 on two catalogues, and best on the sample


class Task(NamedTuple):
    """All that contenders are asked, and by what their answers are measured.

    `held_back` is None without people's likes, `queries` and `texts` without --queries. `unseen`,
    bool (n,), tells the films that no genre model was trained on; None where none is measured.
    """

    movies: Sequence[Movie]
    truth: Truth
    seed: int
    held_back: Optional[HeldBack] = None
    queries: Optional[Queries] = None
    texts: Optional[QueryTexts] = None
    unseen: Optional[np.ndarray] = None

    @property
    def k(self) -> int:
        """The number of films to recommend, fewer than K in a tiny catalogue."""
        return min(K, len(self.movies) - 1)


class Contender(NamedTuple):
    """A recipe, index or baseline that is measured.

    Attributes
    ----------
    name : str
    is_baseline : bool
    top : callable, optional
        Returns int (n, k): the rows of the films recommended for each film.
    by_wish : callable
        Returns the scores of all films for the wishes of trials.
    by_text : callable, optional
        Returns the scores of all films for the texts of the queries.
    is_trained : bool
        True if it was trained on genres of films: it is measured on the unseen ones alone.
    """

    name: str
    is_baseline: bool
    top: Optional[Callable[[], np.ndarray]]
    by_wish: Callable[[Trials], Scores]
    by_text: Optional[Callable[[], Scores]] = None
    is_trained: bool = False


def n_contenders(task: Task, n_recipes: int, indexes: Sequence[Tuple[str, Index]]) -> int:
    """Return the number of contenders, for the progress bar."""
    n_baselines = 5 + (len(RATINGS) if task.held_back else 0)
    return n_baselines + n_recipes + sum(len(index.recipes) for _, index in indexes)


def baseline_contenders(task: Task) -> Iterator[Contender]:
    """Yield the baselines."""
    movies, k, n = task.movies, task.k, len(task.movies)
    ratings, votes = weighted_ratings(movies), np.array([movie.vote_count for movie in movies])

    def at_random(_: object = None) -> Scores:
        draws = np.random.default_rng(task.seed)
        return lambda rows: draws.random((rows.stop - rows.start, n))

    def by_votes(_: object = None) -> Scores:
        return lambda rows: votes[None]

    yield Contender("random", True, lambda: baselines.at_random(movies, k, task.seed),
                    at_random, at_random)
    yield Contender("most popular", True, lambda: baselines.most_popular(movies, k),
                    by_votes, by_votes)
    yield Contender("same genre by rating", True,
                    lambda: baselines.same_genre_by_rating(movies, ratings, k),
                    lambda trials: baselines.genre_scores(movies, ratings, trials.wishes))
    yield _bm25(task)
    tfidf = Recipe("tfidf", [(1.0, Words())])
    yield nearest(tfidf.name, task, *tfidf.fit(movies, lambda: ()), tfidf, is_baseline=True)
    if task.held_back:
        yield from (_of_ratings(name, task.held_back) for name in RATINGS)


def recipe_contenders(names: Iterable[str], reader: FeatureReader,
                      task: Task) -> Iterator[Contender]:
    """Yield recipes, each fitted to the features of the films."""
    def stream() -> Iterable[Tuple[int, MovieFeatures]]:
        return features_by_row(task.movies, reader)

    pooled = pooled_features(task, reader)
    for name in names:
        recipe = make_recipe(name, reader.settings)
        dense, words = recipe.fit(task.movies, stream if recipe.weighs_tokens else pooled)
        yield nearest(name, task, dense, words, recipe, reader.settings)


def pooled_features(task: Task, reader: FeatureReader) -> Features:
    """Return what goes through the films' features, each layer as its mean over tokens.

    Most recipes need no more, so one pass over the store serves them all.
    """
    means: List[Tuple[int, MovieFeatures]] = []

    def pooled() -> Iterable[Tuple[int, MovieFeatures]]:
        means.extend((row, film._replace(layers=token_mean(film.layers))) for row, film in (
            () if means else features_by_row(task.movies, reader)))
        return means

    return pooled


def topic_contender(task: Task) -> Contender:
    """Return films by their mixtures of topics: the nearest by Hellinger distance.

    A mixture p is the film's weights by NMF on TF-IDF, divided by their sum. The Hellinger
    distance of p and q is sqrt(1 - sum(sqrt(p q))), so the cosine of their square roots, which
    have length 1, ranks as it does. A film with none of the words is near to none.

    Raises RecommenderError if the overviews have too few words in common for topics.
    """
    # Imported late for start-up time: scikit-learn takes a second, and only this needs it.
    from recommender.topics.topic_models import mixtures, tfidf
    from recommender.topics.topic_words import topic_words

    words = topic_words([movie.overview for movie in task.movies])
    weights = mixtures(words, N_TOPICS, task.seed).transform(tfidf(words))
    total = weights.sum(axis=1, keepdims=True)
    roots = np.sqrt(weights / np.where(total > 0, total, 1)).astype(np.float32)
    return nearest(TOPICS, task, roots)


def index_contenders(path: str, index: Index, task: Task) -> Iterator[Contender]:
    """Yield the recipes of a built index, which holds all films of the task."""
    places = np.array([index.row_by_id[movie.id] for movie in task.movies])
    for name in index.recipes:
        space = index.space(name)
        dense, words = space.rows(places)
        recipe = space.fitted_recipe() if space.recipe.parts and task.queries else None
        yield nearest("{} ({})".format(path, name), task, dense, words, recipe, index.features)


def nearest(name: str, task: Task, dense: np.ndarray, words: Optional[SparseRows] = None,
            recipe: Optional[Recipe] = None, settings: Optional[Settings] = None,
            is_baseline: bool = False) -> Contender:
    """Return a contender that ranks by the cosine with embeddings, which are unit rows.

    Without a recipe it answers for no text; `settings` are those of the recipe's features.
    """
    n = len(dense)
    matrix = sparse.csr_matrix((n, 0), dtype=np.float32) if words is None else sparse.csr_matrix(
        (words.data, words.indices, words.indptr), shape=(n, words.width))
    transposed, for_texts = matrix.T.tocsr(), text_matrix(words)
    with_texts = transposed if for_texts is None else sparse.vstack([transposed, for_texts], "csr")

    def scores(vectors: np.ndarray, of_words: sparse.csr_matrix,
               columns: sparse.csr_matrix) -> Scores:
        vectors = vectors.astype(np.float32)
        return lambda rows: vectors[rows] @ dense.T + (of_words[rows] @ columns).toarray()

    def by_text() -> Scores:
        assert recipe is not None and task.texts is not None
        vectors, of_words = task.texts.vectors(recipe, settings, dense.shape[1])
        return scores(vectors, of_words, with_texts)

    return Contender(
        name, is_baseline, lambda: nearest_others(dense, words, task.k, twins_of(task.movies)),
        lambda trials: scores(trials.wishes @ dense, trials.wishes @ matrix, transposed),
        None if recipe is None else by_text)


def _bm25(task: Task) -> Contender:
    """Return BM25: of overviews for films and wishes, of titles, too, for texts."""
    movies = task.movies
    queries, documents = baselines.bm25_rows([movie.overview for movie in movies])
    transposed = documents.T.tocsr()

    def scores(rows_of: sparse.csr_matrix, columns: sparse.csr_matrix) -> Scores:
        return lambda rows: (rows_of[rows] @ columns).toarray()

    def by_text() -> Scores:
        assert task.queries is not None
        texts = ["{} {}".format(movie.title, movie.overview) for movie in movies]
        asked, found = baselines.bm25_rows(texts, task.queries.texts)
        return scores(asked, found.T.tocsr())

    return Contender("BM25", True, lambda: best_others(scores(queries, transposed), len(movies),
                                                       task.k, twins_of(movies)),
                     lambda trials: scores(trials.wishes @ queries, transposed), by_text)


def _of_ratings(name: str, held_back: HeldBack) -> Contender:
    """Return a baseline that knows only what others like, by its name."""
    return Contender(name, True, None, lambda trials: RATINGS[name](held_back.likes, trials))
