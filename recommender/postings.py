"""An inverted file: for each word the films that have it, so that a query reads only its words.

It holds what `SparseRows` holds, by column instead of by row (Zobel and Moffat 2006, Inverted
Files for Text Search Engines).
"""

from typing import Any, NamedTuple, Optional, Tuple

import numpy as np

from recommender.query_vectors import QueryVector
from recommender.words import SparseRows


class Postings(NamedTuple):
    """Compressed sparse columns of words.

    Attributes
    ----------
    indptr : np.ndarray
        int64 (width + 1,): where each word begins in the others.
    rows : np.ndarray
        int32 (nnz,): rows of films, ascending within a word.
    data : np.ndarray
        float32 (nnz,): the films' values of the word.
    text_data : np.ndarray, optional
        float32 (nnz,): their values with which texts are compared.
    """

    indptr: np.ndarray
    rows: np.ndarray
    data: np.ndarray
    text_data: Optional[np.ndarray] = None

    def is_whole(self, words: SparseRows) -> bool:
        """Return True if these are as many values as `words`, all places within bounds."""
        n_values = len(words.data)
        return (len(self.indptr) == words.width + 1 and self.indptr[0] == 0
                and self.indptr[-1] == len(self.rows) == len(self.data) == n_values
                and (self.text_data is None) == (words.text_data is None)
                and (self.text_data is None or len(self.text_data) == n_values)
                and (np.diff(self.indptr) >= 0).all()
                and (not n_values or self.rows.min() >= 0
                     and self.rows.max() < len(words.indptr) - 1))

    def scores(self, query: QueryVector, n: int, part: float = 1.0) -> np.ndarray:
        """Return the product of every film's words with those of a query, float32 (n,).

        Parameters
        ----------
        query : QueryVector
            Of `width` words for a film, of twice as many for a text or a sum of both.
        n : int
            Number of films.
        part : float
            From 0 to 1: the words of the query that the fewest films have count, until they make
            up this part of its squared length. Those that most films have take most of the time.
        """
        width = len(self.indptr) - 1
        places, weights = self._rarest(query, part)
        of_films = np.searchsorted(places, width)
        scores = self._product(places[:of_films], weights[:of_films], self.data, n)
        if self.text_data is not None and of_films < len(places):
            scores += self._product(places[of_films:] - width, weights[of_films:], self.text_data,
                                    n)
        return scores

    def _rarest(self, query: QueryVector, part: float) -> Tuple[np.ndarray, np.ndarray]:
        """Return places and weights of the rarest words of a query that make up a part of it."""
        column = query.places % max(len(self.indptr) - 1, 1)
        order = np.argsort(self.indptr[column + 1] - self.indptr[column], kind="stable")
        squares = np.cumsum(np.square(query.weights[order], dtype=np.float64))
        if not len(order):
            return query.places, query.weights
        chosen = np.sort(order[:1 + np.searchsorted(squares, part * squares[-1])])
        return query.places[chosen], query.weights[chosen]

    def _product(self, columns: np.ndarray, weights: np.ndarray, data: np.ndarray,
                 n: int) -> np.ndarray:
        # Imported late for start-up time: a small index needs none of it.
        from scipy import sparse

        if not len(columns):
            return np.zeros(n, np.float32)
        here = [slice(*self.indptr[column:column + 2]) for column in columns]
        ends = np.cumsum([0] + [each.stop - each.start for each in here])
        chosen = sparse.csc_matrix((
            np.concatenate([data[each] for each in here]),
            np.concatenate([self.rows[each] for each in here]), ends), shape=(n, len(columns)))
        return chosen @ weights


def postings_of(words: SparseRows) -> Postings:
    """Return the inverted file of the words of n films."""
    # Imported late for start-up time: a small index needs none of it.
    from scipy import sparse

    n = len(words.indptr) - 1

    def by_word(data: np.ndarray) -> Any:
        return sparse.csr_matrix((data, words.indices, words.indptr),
                                 shape=(n, words.width)).tocsc()

    of_films = by_word(words.data)
    return Postings(of_films.indptr.astype(np.int64), of_films.indices.astype(np.int32),
                    of_films.data,
                    None if words.text_data is None else by_word(words.text_data).data)
