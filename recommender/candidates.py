"""The films nearest to a vector, found among candidates instead of by comparing all.

Candidates are the rows that approximate search finds by the embeddings, and for recipes that join
words those with the greatest product of words, by an inverted file. Their cosines are computed as
`recommender.ranking` computes those of all films, so that only which films are found can differ.
"""

from typing import Optional, Tuple

import numpy as np

from recommender.ann import Ann, n_threads
from recommender.halves import rows_times
from recommender.postings import Postings
from recommender.query_vectors import AnyVector, QueryVector, query_vector
from recommender.ranking import PRODUCT_ERROR, nearest_among, reached
from recommender.words import SparseRows

FEWEST = 10_000  # films from which on candidates save time: fewer are compared in a millisecond
NARROW = 20  # films of which one counts, from which on comparing those that count is cheapest
_USUAL = 10  # films of an answer, for which the effort was chosen
_LEAST = 100  # rows that are looked for by their embeddings at least: codes order them roughly
_BY_WORDS = 2  # rows that are looked for by their words, for each by its embedding
_RARE = 0.9  # part of the squared length of a query's words that is looked up: its rarest words
_MORE = 3  # effort for each film more: it must be greater than their number to find nearly all

Nearest = Tuple[np.ndarray, np.ndarray]  # rows int64 (k,) and their cosines float64 (k,)


class Candidates:
    """Finds the films nearest to a vector among candidates.

    Parameters
    ----------
    dense : np.ndarray
        float (n, d), the embeddings.
    words : SparseRows, optional
        The sparse part of the rows.
    ann : Ann, optional
        Approximate search of `dense`; without it only words can be searched for.
    postings : Postings, optional
        The inverted file of `words`.
    effort : int
        As in `Ann.search`, for an answer of ten films.
    """

    def __init__(self, dense: np.ndarray, words: Optional[SparseRows], ann: Optional[Ann],
                 postings: Optional[Postings], effort: int):
        self._dense, self._words = dense, words
        self.ann, self._postings = ann, postings
        self._effort = effort

    def nearest(self, vector: AnyVector, k: int, counts: np.ndarray,
                found: Optional[np.ndarray] = None) -> Optional[Nearest]:
        """Return what `ranking.nearest_rows` does, or None where comparing all is cheaper.

        Parameters
        ----------
        vector : np.ndarray or QueryVector
            Float (d + width,).
        k : int
        counts : np.ndarray
            bool (n,): the rows that may be returned.
        found : np.ndarray, optional
            Rows that `by_embeddings` found for the vector.
        """
        query = query_vector(vector, self._dense.shape[1])
        n, n_counting = len(counts), int(np.count_nonzero(counts))
        if n_counting <= max(n // NARROW, k):
            return nearest_among(self._dense, self._words, query, k, np.flatnonzero(counts))
        if found is None:
            # Where many do not count, more must be seen.
            effort = int(np.ceil(self._effort_of(k) * n / n_counting))
            found = self._by_embedding(query.numbers, effort, n)
        if found is None or len(query.numbers) and np.count_nonzero(counts[found]) < k:
            return None
        if self._words is not None:
            found = self._with_words(query, k, counts, found)
        if found is None:
            return None
        return nearest_among(self._dense, self._words, query, k, np.sort(found[counts[found]]))

    def greatest_product(self, vector: np.ndarray) -> Optional[float]:
        """Return the greatest product of an embedding with a vector, float32 (d,), if it can be
        found sooner than by all."""
        found = self._by_embedding(vector, self._effort, len(self._dense))
        return None if found is None else float(rows_times(
            self._dense[found], vector).max())

    def by_embeddings(self, dense: np.ndarray, k: int) -> Optional[np.ndarray]:
        """Return rows likely to be the `k` nearest of many vectors, float32 (m, d), by all cores.

        They are int64 (m, l), to be given to `nearest`, or None where comparing all is cheaper.
        """
        effort = self._effort_of(k)
        if self.ann is None or n_wanted(effort) > len(self._dense) // NARROW:
            return None
        return self.ann.search(dense, n_wanted(effort), effort, n_threads())

    def _effort_of(self, k: int) -> int:
        """Return the effort for `k` films: of those further than the ten nearest fewer are found
        by the same effort."""
        return self._effort + _MORE * max(k - _USUAL, 0)

    def _by_embedding(self, query: np.ndarray, effort: int, n: int) -> Optional[np.ndarray]:
        """Return rows likely to be near by their embeddings, or None if too many would be."""
        if not len(query):
            return np.zeros(0, np.int64)
        if self.ann is None:
            return None
        if n_wanted(effort) > n // NARROW:
            return None
        found = self.ann.search(query[None], n_wanted(effort), effort)[0]
        return found[found >= 0]

    def _with_words(self, query: QueryVector, k: int, counts: np.ndarray,
                    found: np.ndarray) -> Optional[np.ndarray]:
        """Return `found` and all rows whose words may bring them among the `k` nearest.

        The product of a row is that of its embedding, at most about that of a row in the middle of
        `found`, where it is not one of these, and that of its words, which is known of all rows: a
        threshold, as by Fagin, Lotem and Naor 2003. Beside embeddings, words that many films have
        and that weigh little do not count here. Returns None if too many rows are above it.
        """
        if self._postings is None:
            return None
        n = len(counts)
        by_words = self._postings.scores(query, n, _RARE if len(query.numbers) else 1)
        by_words[np.flatnonzero(~counts)] = -np.inf
        enough = min(max(_USUAL * k, _BY_WORDS * len(found)), n // NARROW,
                     np.count_nonzero(counts))
        near = np.flatnonzero(by_words >= max(reached(by_words, enough), PRODUCT_ERROR))
        if max(len(near), k) > n // NARROW:
            return None
        both = np.union1d(found[counts[found]], near)
        if len(both) < k:
            return None
        products = rows_times(self._dense[both], query.numbers) + by_words[both]
        most = float(np.median(
            rows_times(self._dense[found], query.numbers))) if len(found) else 0.0
        least = np.partition(products, -k)[-k] - 2 * PRODUCT_ERROR
        rest = np.flatnonzero(by_words >= least - most)
        return None if len(rest) > n // NARROW else np.union1d(both, rest)


def n_wanted(effort: int) -> int:
    """Return the number of rows to look for at an effort: what it finds beyond is far."""
    return max(_LEAST, effort // 2)
