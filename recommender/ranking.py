"""Cosine similarity and the k best: one way to rank for every program.

Rows are unit vectors, so that a dot product is the cosine. A row has a dense part, float32 or
float16 (n, d), and for recipes that join words a sparse one, `SparseRows` (n, width); the vector of
a query holds both, one behind the other, or is a `QueryVector`.
"""

from typing import Optional, Tuple

import numpy as np

from recommender.errors import RecommenderError
from recommender.halves import rows_times
from recommender.query_vectors import AnyVector, query_vector
from recommender.words import SparseRows

PRODUCT_ERROR = 1e-5  # largest error of a cosine that a float32 matrix product gives
_LONG = 4096  # scores of a row from which on `reached` saves time
_SAMPLED = 4096  # scores by which one is guessed that a few more than are asked for reach
_SPARE = 16  # of these so many more must reach it, since a sample says little of the greatest


def unit(vector: np.ndarray) -> np.ndarray:
    """Return `vector` scaled to length 1; a vector of zeros stays as it is.

    >>> unit(np.array([3.0, 4.0])).tolist(), unit(np.zeros(2)).tolist()
    ([0.6, 0.8], [0.0, 0.0])
    """
    length = np.linalg.norm(vector)
    return vector / length if length else vector


def top_k(scores: np.ndarray, k: int) -> np.ndarray:
    """Return the places of the `k` greatest scores, the greatest first.

    Parameters
    ----------
    scores : np.ndarray
        Float, (n,) or (m, n), without NaN.
    k : int
        From 1 to n.

    Returns
    -------
    np.ndarray
        int64, (k,) or (m, k). Equal scores come in the order of their places, also at the
        border between the k-th and the next.

    Examples
    --------
    >>> top_k(np.array([0.5, 0.9, 0.5, 0.5]), 2).tolist()
    [1, 0]
    """
    rows = np.atleast_2d(scores)
    if rows.shape[1] >= _LONG:
        return np.array([_top_of_many(row, k) for row in rows]).reshape(scores.shape[:-1] + (k,))
    best = np.argpartition(-rows, k - 1, axis=1)[:, :k]
    least = np.take_along_axis(rows, best, axis=1).min(axis=1, keepdims=True)
    # argpartition takes any of the scores that equal the k-th: there the first ones are taken.
    n_enough = (rows >= least).sum(axis=1)
    for row in np.flatnonzero(n_enough > k):
        greater = np.flatnonzero(rows[row] > least[row])
        equal = np.flatnonzero(rows[row] == least[row])
        best[row] = np.concatenate([greater, equal[:k - len(greater)]])
    order = np.lexsort((best, -np.take_along_axis(rows, best, axis=1)), axis=1)
    return np.take_along_axis(best, order, axis=1).reshape(scores.shape[:-1] + (k,))


def _top_of_many(scores: np.ndarray, k: int) -> np.ndarray:
    """Return what `top_k` does for one row; most of a long one need only be compared once."""
    near = np.flatnonzero(scores >= reached(scores, k))
    return near[np.lexsort((near, -scores[near]))[:k]]


def exact_scores(dense: np.ndarray, words: Optional[SparseRows], vector: AnyVector,
                 rows: np.ndarray) -> np.ndarray:
    """Return the cosines of some rows with a vector, each summed alone in float64.

    A matrix product sums some rows in another order than others, so that equal rows differ by
    about 1e-7; here they are equal.

    Parameters
    ----------
    dense, words
        The rows of all films.
    vector : np.ndarray or QueryVector
        Float (d + width,), of any length but zero.
    rows : np.ndarray
        Places of the rows to compare, int (m,).

    Returns
    -------
    np.ndarray
        float64 (m,).
    """
    query = query_vector(vector, dense.shape[1])
    scores = (dense[rows].astype(np.float64) * query.numbers).sum(axis=1)
    if words is not None and words.width:
        scores += words.take(rows).dot(query.words(np.float64))
    return scores


def nearest_rows(dense: np.ndarray, words: Optional[SparseRows], vector: AnyVector, k: int,
                 counts: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Return the `k` rows nearest to a vector, the nearest first, and their cosines with it.

    A float32 product finds the candidates; their cosines are then computed exactly, so that
    equal films come in the order of the catalogue in every run.

    Parameters
    ----------
    dense, words
        The rows of all films.
    vector : np.ndarray or QueryVector
        Float (d + width,).
    k : int
        Fewer are returned where fewer count.
    counts : np.ndarray
        bool (n,): the rows that may be returned.

    Returns
    -------
    rows : np.ndarray
        int64 (k,).
    cosines : np.ndarray
        float64 (k,).

    Raises
    ------
    RecommenderError
        If a row holds NaN or infinity.
    """
    query = query_vector(vector, dense.shape[1])
    return nearest_by_scores(dense, words, query, k, counts, _products(dense, words, query))


def nearest_among(dense: np.ndarray, words: Optional[SparseRows], vector: AnyVector, k: int,
                  rows: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Return what `nearest_rows` does where only `rows` count, int (m,), ascending.

    Only they are read, so that it takes the time of m rows.
    """
    query = query_vector(vector, dense.shape[1])
    scores = _products(dense[rows], None if words is None else words.take(rows), query)
    _refuse_no_numbers(scores, rows)
    k = min(k, len(rows))
    near = rows[scores >= reached(scores, k) - PRODUCT_ERROR] if k else rows[:0]
    exact = exact_scores(dense, words, query, near)
    _refuse_no_numbers(exact, near)
    best = top_k(exact, k) if k else near
    return near[best].astype(np.int64), exact[best]


def _products(dense: np.ndarray, words: Optional[SparseRows], vector: AnyVector) -> np.ndarray:
    """Return the products of rows with a vector of length 1 made of `vector`, float32 (n,)."""
    query = query_vector(vector, dense.shape[1])
    scores = rows_times(dense, query.numbers)
    if words is not None and words.width:
        scores += words.dot(query.words())
    return scores


def _refuse_no_numbers(scores: np.ndarray, rows: Optional[np.ndarray] = None) -> None:
    """Raise RecommenderError if a score, of the rows `rows` or of all, is no finite number."""
    wrong = np.flatnonzero(~np.isfinite(scores))
    if len(wrong):
        raise RecommenderError("the embedding in row {} is not numbers: build the index again with "
                               "build_index.py".format(wrong[0] if rows is None
                                                       else rows[wrong[0]]))


def nearest_by_scores(dense: np.ndarray, words: Optional[SparseRows], vector: AnyVector, k: int,
                      counts: np.ndarray,
                      scores: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Return what `nearest_rows` does, from the scores of all rows by a float32 product.

    `scores` is float32 (n,), each within PRODUCT_ERROR of the cosine; it is overwritten.
    """
    k = min(k, np.count_nonzero(counts))
    if not k:
        return np.zeros(0, np.int64), np.zeros(0)
    _refuse_no_numbers(scores)
    scores[~counts] = -np.inf
    near = np.flatnonzero(scores >= reached(scores, k) - PRODUCT_ERROR)
    exact = exact_scores(dense, words, vector, near)
    _refuse_no_numbers(exact, near)  # those of float16 rows are known only now
    best = top_k(exact, k)
    return near[best], exact[best]


def reached(scores: np.ndarray, k: int) -> float:
    """Return the `k`-th greatest score, without NaN, in the time of a comparison of all.

    It is looked for among those above a score that hardly more than `k` exceed, by a sample.
    """
    step = len(scores) // _SAMPLED
    n_above = 2 * k // max(step, 1) + _SPARE
    if step > 1 and n_above < _SAMPLED:
        guessed = np.partition(scores[::step], -n_above)[-n_above]
        above = scores[scores > guessed]
        if len(above) >= k:
            return np.partition(above, -k)[-k]
        if np.count_nonzero(scores >= guessed) >= k:
            return guessed  # as the greater ones are fewer than k
    return np.partition(scores, -k)[-k]
