"""Exact cosines of many pairs of films at once."""

from typing import Optional

import numpy as np

from recommender.halves import in_float32
from recommender.query_vectors import film_query
from recommender.words import SparseRows

_PAIRS = 4096  # pairs computed at once; bounds memory to 50 MB for embeddings of 1,024 numbers


def exact_pairs(dense: np.ndarray, words: Optional[SparseRows], films: np.ndarray,
                others: np.ndarray) -> np.ndarray:
    """Return the cosine of each film with another one, float64 (m,).

    They are the digits of `ranking.exact_scores` for the film's row as the query, so that lists
    made of both keep their order.

    Parameters
    ----------
    dense, words
        The rows of all films.
    films, others : np.ndarray
        int64 (m,): the rows of each pair.
    """
    found = np.zeros(len(films))
    asked, place = np.unique(films, return_inverse=True)
    lengths = np.array([film_query(dense, words, row).length for row in asked.tolist()],
                       np.float32)
    lengths[lengths == 0] = 1  # as a query leaves a row of zeros
    for start in range(0, len(films), _PAIRS):
        pairs = slice(start, start + _PAIRS)
        theirs, length = others[pairs], lengths[place[pairs]]
        queries = in_float32(dense[films[pairs]]) / length[:, None]
        found[pairs] = (dense[theirs].astype(np.float64) * queries).sum(axis=1)
        if words is not None and words.width:
            found[pairs] += _of_words(words, films[pairs], theirs, length)
    return found


def _of_words(words: SparseRows, films: np.ndarray, others: np.ndarray,
              lengths: np.ndarray) -> np.ndarray:
    """Return the products of the words of pairs of rows, those of `films` by their lengths."""
    asked, theirs = words.take(films), words.take(others)
    of_asked = (asked.data / np.repeat(lengths, np.diff(asked.indptr))).astype(np.float64)
    # A pair and a column make a number; those of the queries ascend.
    numbers, wanted = (_numbers(rows, words.width) for rows in (asked, theirs))
    at = np.minimum(np.searchsorted(numbers, wanted), max(len(numbers) - 1, 0))
    is_shared = numbers[at] == wanted if len(numbers) else np.zeros(len(wanted), bool)
    terms = theirs.data * np.where(is_shared, of_asked[at] if len(numbers) else 0.0, 0.0)
    found, filled = np.zeros(len(films)), np.flatnonzero(np.diff(theirs.indptr))
    if len(filled):
        found[filled] = np.add.reduceat(terms, theirs.indptr[filled])
    return found


def _numbers(rows: SparseRows, width: int) -> np.ndarray:
    return np.repeat(np.arange(len(rows.indptr) - 1), np.diff(rows.indptr)) * width + rows.indices
