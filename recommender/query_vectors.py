"""The vector that films are compared with: its numbers, and of its words only those that it has.

With a million words in the catalogue the vector of a film has some sixty of them, and zeros else.
"""

from typing import NamedTuple, Optional, Union

import numpy as np

from recommender.halves import in_float32
from recommender.words import SparseRows


class QueryVector(NamedTuple):
    """A vector scaled to length 1; one of zeros stays as it is.

    Attributes
    ----------
    numbers : np.ndarray
        float32 (d,): its dense part.
    places : np.ndarray
        int64 (m,), ascending: the places in its sparse part that are not zero.
    weights : np.ndarray
        float32 (m,): the numbers there.
    n_words : int
        Numbers of its sparse part, zeros included: `width` of the films' words, or `text_width`.
    length : float
        Length of the vector before it was scaled.
    """

    numbers: np.ndarray
    places: np.ndarray
    weights: np.ndarray
    n_words: int
    length: float

    def words(self, dtype: type = np.float32) -> np.ndarray:
        """Return its sparse part with the zeros, (n_words,), as `SparseRows.dot` takes it."""
        # The system gives zeros without writing them, so this takes the time of the words.
        found = np.zeros(self.n_words, dtype)
        found[self.places] = self.weights
        return found


AnyVector = Union[np.ndarray, QueryVector]  # float (d + n_words,), or made of such a vector before


def query_vector(asked: AnyVector, d: int) -> QueryVector:
    """Return a vector, whose first `d` numbers are its dense part, as films are compared with it.

    >>> query_vector(np.array([0.0, 3.0, 0.0, 4.0]), 2).places.tolist()
    [1]
    """
    if isinstance(asked, QueryVector):
        return asked
    places = np.flatnonzero(asked[d:])
    return _scaled(asked[:d], places, asked[d:][places], len(asked) - d)


def film_query(dense: np.ndarray, words: Optional[SparseRows], row: int) -> QueryVector:
    """Return the vector of a film: what `query_vector` makes of `words.joined_row`.

    `dense` and `words` are the rows of all films, as in an index.
    """
    numbers = in_float32(dense[row])
    if words is None:
        return _scaled(numbers, np.zeros(0, np.int64), np.zeros(0, np.float32), 0)
    columns, values = words.of_row(row)
    return _scaled(numbers, columns.astype(np.int64), values, words.width)


def _scaled(numbers: np.ndarray, places: np.ndarray, values: np.ndarray,
            n_words: int) -> QueryVector:
    length = np.linalg.norm(np.concatenate([numbers, values]))
    divisor = length or 1
    return QueryVector((numbers / divisor).astype(np.float32), places,
                       (values / divisor).astype(np.float32), n_words, float(length))
