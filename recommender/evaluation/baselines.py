"""Baselines: recommendations without BERT, which a recipe must beat.

All return int (n, k): the rows of the k films recommended for each of n films.
"""

from typing import Callable, Counter, Dict, Optional, Sequence, Tuple

import numpy as np
from scipy import sparse

from recommender.movie import Movie
from recommender.words import count_words, fit_vocabulary

_K1 = 1.5  # BM25's usual value: how soon further occurrences of a word stop to count
_B = 0.75  # BM25's usual value: how much the length of a document counts, from 0 to 1


def at_random(movies: Sequence[Movie], k: int, seed: int) -> np.ndarray:
    """Return k others drawn at random."""
    draw = np.random.default_rng(seed)
    found = np.array([draw.choice(len(movies) - 1, k, replace=False)
                      for _ in movies])
    return found + (found >= np.arange(len(movies))[:, None])  # the film itself is left out


def most_popular(movies: Sequence[Movie], k: int) -> np.ndarray:
    """Return the k others with the most votes."""
    order = np.argsort([-movie.vote_count for movie in movies], kind="stable")
    return np.array([_without(order[:k + 1], row, k) for row in range(len(movies))])


def same_genre_by_rating(movies: Sequence[Movie], ratings: np.ndarray, k: int) -> np.ndarray:
    """Return the k others with the best weighted rating, those that share a genre first."""
    names = sorted({genre for movie in movies for genre in movie.genres})
    has = np.array([[genre in movie.genres for genre in names] for movie in movies],
                   bool).reshape(len(movies), len(names))
    best: Dict[Tuple[str, ...], np.ndarray] = {}
    found = []
    for row, movie in enumerate(movies):
        if movie.genres not in best:
            shares = has[:, has[row]].any(axis=1)
            best[movie.genres] = np.lexsort((-ratings, ~shares))[:k + 1]
        found.append(_without(best[movie.genres], row, k))
    return np.array(found)


def genre_scores(movies: Sequence[Movie], ratings: np.ndarray,
                 wishes: sparse.csr_matrix) -> Callable[[slice], np.ndarray]:
    """Score films by their rating, those that share a genre with a film of the wish first.

    `wishes` (m, n) is above 0 at the films of each wish.
    """
    names = sorted({genre for movie in movies for genre in movie.genres})
    has = sparse.csr_matrix(np.array([[genre in movie.genres for genre in names]
                                      for movie in movies], float).reshape(len(movies), len(names)))
    asked, most = wishes @ has, ratings.max() + 1
    return lambda rows: ((asked[rows] @ has.T).toarray() > 0) * most + ratings


def bm25_rows(texts: Sequence[str], asked: Optional[Sequence[str]] = None,
              ) -> Tuple[sparse.csr_matrix, sparse.csr_matrix]:
    """Return queries (m, n_words) and documents (n, n_words), whose product is Okapi BM25.

    Robertson and Zaragoza 2009, equation 3.15, with k1 = 1.5 and b = 0.75, and 1
    added within the logarithm of its idf, so that no word counts against a film. `texts` are the
    documents, and also the queries where none are `asked`.
    """
    counts = [count_words(text) for text in texts]
    places = {word: place for place, word in enumerate(fit_vocabulary(counts).words)}
    documents = _word_counts(counts, places)
    queries = documents.copy() if asked is None else _word_counts(
        [count_words(text) for text in asked], places)
    frequency = documents.getnnz(axis=0)
    idf = np.log(1 + (len(texts) - frequency + 0.5) / (frequency + 0.5))
    lengths = np.asarray(documents.sum(axis=1)).ravel()
    relative = np.repeat(lengths / max(lengths.mean(), 1), np.diff(documents.indptr))
    documents.data = idf[documents.indices] * documents.data * (_K1 + 1) / (
        documents.data + _K1 * (1 - _B + _B * relative))
    return queries, documents


def _word_counts(texts: Sequence[Counter[str]], places: Dict[str, int]) -> sparse.csr_matrix:
    """Return how often each text has each word that has a place, float64 (n, n_words)."""
    known = [[(places[word], n) for word, n in text.items() if word in places] for text in texts]
    indptr = np.cumsum([0] + [len(text) for text in known])
    pairs = np.array([pair for text in known for pair in text], np.float64).reshape(-1, 2)
    rows = sparse.csr_matrix((pairs[:, 1], pairs[:, 0].astype(np.int32), indptr),
                             shape=(len(texts), len(places)))
    rows.sort_indices()
    return rows


def _without(rows: np.ndarray, row: int, k: int) -> np.ndarray:
    """Return the first k of `rows` other than `row`."""
    return rows[rows != row][:k]
