"""The nearest other films of each of many, by comparing all with all."""

from typing import Callable, Iterable, Optional, Sequence, Tuple

import numpy as np
from scipy import sparse

from recommender.candidates import Candidates
from recommender.halves import in_float32, times_rows
from recommender.progress import Progress, silent
from recommender.query_vectors import QueryVector, film_query
from recommender.ranking import (
    PRODUCT_ERROR,
    exact_scores,
    nearest_rows,
    top_k,
)
from recommender.words import SparseRows

SPARE = 16  # candidates beyond the k stored that are compared exactly, to be sure of the k
_SAMPLE = 100  # films of which neighbours found among candidates are compared with all
_BLOCK = 512  # rows compared with all others at once; bounds memory to 512 x n floats


def nearest_films(dense: np.ndarray, words: Optional[SparseRows], k: int,
                  progress: Progress = silent, candidates: Optional[Candidates] = None
                  ) -> Tuple[np.ndarray, np.ndarray]:
    """Return the `k` nearest other films of each film, and their cosines with it.

    They are those that `EmbeddingSpace.nearest` finds, in its order. Every film is compared with
    every other, a block at a time: three minutes and about 1 GB for 45,000 films of 1,024 numbers
    on 2 cores.

    Parameters
    ----------
    dense : np.ndarray
        float32 (n, d), the films' rows as an index holds them.
    words : SparseRows, optional
        The sparse part of the rows.
    k : int
        All others are returned where there are fewer.
    progress : Progress
        Advances by films.
    candidates : Candidates, optional
        Where they are given, films are compared with candidates only: nearly all of the nearest
        are then found.

    Returns
    -------
    rows : np.ndarray
        int32 (n, k).
    cosines : np.ndarray
        float64 (n, k).
    """
    n = len(dense)
    k = min(k, n - 1)
    rows, cosines = np.empty((n, k), np.int32), np.empty((n, k))
    if not k:
        return rows, cosines
    if candidates is not None:
        _fill_by_candidates(rows, cosines, dense, words, candidates, progress)
        return rows, cosines
    near = np.sort(nearest_others(
        dense, words, min(k + SPARE, n - 1), progress=progress), axis=1)
    for row in range(n):
        rows[row], cosines[row] = exact_neighbours(dense, words, row, near[row], k)
    return rows, cosines


def exact_neighbours(dense: np.ndarray, words: Optional[SparseRows], row: int,
                  candidates: np.ndarray, k: int) -> Tuple[np.ndarray, np.ndarray]:
    """Return the `k` nearest others of a row, (k,), and their cosines with it.

    `candidates` are the rows with the greatest products with it, ascending, and some more than `k`
    of them where there are more.
    """
    n = len(dense)
    vector = film_query(dense, words, row)
    scores = exact_scores(dense, words, vector, candidates)
    best = top_k(scores, k)
    if scores[best[-1]] - scores.min() > 2 * PRODUCT_ERROR or len(candidates) == n - 1:
        return candidates[best], scores[best]
    # So many are alike that a film that is no candidate may be as near.
    return nearest_rows(dense, words, vector, k, np.arange(n) != row)


def _fill_by_candidates(rows: np.ndarray, cosines: np.ndarray, dense: np.ndarray,
                        words: Optional[SparseRows], candidates: Candidates,
                        progress: Progress) -> None:
    """Fill in the nearest others of each film, (n, k), found among candidates."""
    n, k = rows.shape
    counts = np.ones(n, bool)
    with progress("comparing films with candidates", n) as advance:
        for start in range(0, n, _BLOCK):
            block = dense[start:start + _BLOCK]
            found = candidates.by_embeddings(block, k)
            for row in range(start, start + len(block)):
                vector = film_query(dense, words, row)
                counts[row] = False
                near = candidates.nearest(vector, k, counts,
                                          None if found is None else found[row - start])
                rows[row], cosines[row] = near or nearest_rows(dense, words, vector, k, counts)
                counts[row] = True
            advance(len(block))


def share_found(rows: np.ndarray, dense: np.ndarray, words: Optional[SparseRows]) -> float:
    """Return which share of the nearest others `rows`, (n, k), has, for films of a sample."""
    n, k = rows.shape
    asked = np.unique(np.linspace(0, n - 1, _SAMPLE).astype(np.int64))
    n_found = sum(len(np.intersect1d(rows[row], nearest_rows(
        dense, words, film_query(dense, words, row), k, np.arange(n) != row)[0])) for row in asked)
    return n_found / len(asked) / k


def nearest_others(dense: np.ndarray, words: Optional[SparseRows], k: int,
                   twins: Iterable[Sequence[int]] = (),
                   progress: Progress = silent) -> np.ndarray:
    """Return the `k` nearest other rows of each row, int64 (n, k), by float32 products.

    Compares all rows with all, a block at a time. `k` is from 1 to n - 1. `twins` as in
    `best_others`.
    """
    products, matrix = Products(dense, words), None if words is None else matrix_of(words)

    def scores(rows: slice) -> np.ndarray:
        return products(dense[rows], None if matrix is None else matrix[rows])

    return best_others(scores, len(dense), k, twins, progress)


class Products:
    """Float32 products of many vectors at once with the rows of all films.

    Parameters
    ----------
    dense : np.ndarray
        float32 or float16 (n, d).
    words : SparseRows, optional
        The sparse part of the rows.
    """

    def __init__(self, dense: np.ndarray, words: Optional[SparseRows]):
        self._dense = dense
        self._words = None if words is None else matrix_of(words).T.tocsr()
        self._of_texts = text_matrix(words)

    def __call__(self, dense: np.ndarray, words: Optional[sparse.csr_matrix]) -> np.ndarray:
        """Return the products of vectors, whose parts are (m, d) and (m, width), (m, n)."""
        found = times_rows(in_float32(dense), self._dense)
        return found if self._words is None else found + (words @ self._words).toarray()

    def of_queries(self, queries: Sequence[QueryVector]) -> np.ndarray:
        """Return the products of the vectors of films and texts, (m, n)."""
        found = times_rows(np.array([query.numbers for query in queries]), self._dense)
        if self._words is None:
            return found
        width = self._words.shape[0]
        n_words = width if self._of_texts is None else 2 * width
        words = sparse.csr_matrix((
            np.concatenate([query.weights for query in queries]),
            np.concatenate([query.places for query in queries]),
            np.cumsum([0] + [len(query.places) for query in queries])),
            shape=(len(queries), n_words))
        found += (words[:, :width] @ self._words).toarray()
        if self._of_texts is not None and words[:, width:].nnz:
            found += (words[:, width:] @ self._of_texts).toarray()
        return found


def text_matrix(words: Optional[SparseRows]) -> Optional[sparse.csr_matrix]:
    """Return the values with which texts are compared, (width, n), or None without such."""
    if words is None or words.text_data is None:
        return None
    return matrix_of(words._replace(data=words.text_data)).T.tocsr()


def matrix_of(words: SparseRows) -> sparse.csr_matrix:
    """Return the words of films as a matrix of SciPy's, (n, width)."""
    return sparse.csr_matrix((words.data, words.indices, words.indptr),
                             shape=(len(words.indptr) - 1, words.width))


def best_others(scores: Callable[[slice], np.ndarray], n: int, k: int,
                twins: Iterable[Sequence[int]] = (), progress: Progress = silent) -> np.ndarray:
    """Return the `k` best others of each of `n` films, int64 (n, k), the best first.

    `scores` returns the scores of the films of a slice with all films, float (m, n). The films
    of each list in `twins` come last for each other, whatever their scores.
    """
    found = np.empty((n, k), np.int64)
    with progress("comparing films", n) as advance:
        for start in range(0, n, _BLOCK):
            block = scores(slice(start, start + _BLOCK))
            for rows in twins:
                here = [row - start for row in rows if 0 <= row - start < len(block)]
                block[np.ix_(here, rows)] = np.finfo(block.dtype).min
            block[np.arange(len(block)), np.arange(start, start + len(block))] = -np.inf
            found[start:start + len(block)] = top_k(block, k)
            advance(len(block))
    return found
