"""TF-IDF: a text as its words, each weighted by how few films it occurs in.

The rows of many films are stored as compressed sparse rows: `indices[indptr[i]:indptr[i + 1]]`
are the words of row i, and `data` at the same places are their weights.
"""

import re
import textwrap
from collections import Counter
from typing import Iterable, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from recommender.halves import in_float32
from recommender.storage.scratch import blocks

_WORD = re.compile(r"\w\w+")
_COMMON = 0.2  # share of the films above which a word is dropped: it says nothing about a film
_SHOWN = 5  # words that a message lists
_AT_LEAST = 20  # films in which a word must be to be dropped, so that tiny catalogues keep words


class SparseRows(NamedTuple):
    """Compressed sparse rows.

    Attributes
    ----------
    indptr : np.ndarray
        int64 (n + 1,): where each row begins in the other two.
    indices : np.ndarray
        int32 (nnz,): columns, ascending within a row.
    data : np.ndarray
        float (nnz,): values.
    width : int
        Number of columns.
    text_data : np.ndarray, optional
        float (nnz,): other values of the same words, with which texts are compared.
    """

    indptr: np.ndarray
    indices: np.ndarray
    data: np.ndarray
    width: int
    text_data: Optional[np.ndarray] = None

    @property
    def text_width(self) -> int:
        """Numbers of the vector of a text: zeros in place of films' values, before its own."""
        return self.width if self.text_data is None else 2 * self.width

    def is_whole(self, n: int) -> bool:
        """Return True if these are `n` rows with all places and columns within bounds."""
        return (len(self.indptr) == n + 1 and self.indptr[0] == 0
                and len(self.indices) == len(self.data) == self.indptr[-1]
                and (self.text_data is None or len(self.text_data) == len(self.data))
                and (np.diff(self.indptr) >= 0).all()
                and (not len(self.indices)
                     or self.indices.min() >= 0 and self.indices.max() < self.width))

    def lengths(self) -> np.ndarray:
        """Return the Euclidean length of each row, float64 (n,)."""
        return self._lengths(self.data)

    def _lengths(self, data: np.ndarray) -> np.ndarray:
        found = np.empty(len(self.indptr) - 1)
        for rows, values, row_of in self.in_blocks():
            found[rows] = np.bincount(row_of, np.square(data[values]), rows.stop - rows.start)
        return np.sqrt(found)

    def in_blocks(self) -> Iterator[Tuple[slice, slice, np.ndarray]]:
        """Yield some rows after the other, so that no copy is made of all.

        Yields
        ------
        rows, values : slice
            The rows, and where their values are.
        row_of : np.ndarray
            int64: the row of each value, of these rows the first is 0.
        """
        for rows in blocks(len(self.indptr) - 1):
            n_words = np.diff(self.indptr[rows.start:rows.stop + 1])
            yield (rows, slice(int(self.indptr[rows.start]), int(self.indptr[rows.stop])),
                   np.repeat(np.arange(len(n_words)), n_words))

    def _times(self, data: np.ndarray, factors: np.ndarray) -> np.ndarray:
        """Return values (nnz,) multiplied by a factor for each row (n,), float32."""
        found = np.empty(len(data), np.float32)
        for rows, values, row_of in self.in_blocks():
            found[values] = data[values] * factors[rows][row_of]
        return found

    def scaled(self, scales: np.ndarray) -> "SparseRows":
        """Return each row multiplied by its own factor, `scales` (n,), in float32.

        The values for texts come to the same length in each row.
        """
        data = self._times(self.data, scales)
        if self.text_data is None:
            return self._replace(data=data)
        lengths = self._lengths(self.text_data)
        factors = scales * self.lengths() / np.where(lengths > 0, lengths, 1)
        return self._replace(data=data, text_data=self._times(self.text_data, factors))

    def reweighed(self, ratios: np.ndarray) -> "Reweighed":
        """Return the rows with each column multiplied by its ratio, float64 (width,), above 0.

        Each row keeps its length, and so do its values for texts.
        """
        data, scales = self._reweighed(self.data, ratios)
        text_data = None if self.text_data is None else self._reweighed(self.text_data, ratios)[0]
        return Reweighed(self._replace(data=data, text_data=text_data), ratios, scales)

    def _reweighed(self, data: np.ndarray, ratios: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        """Return values (nnz,) times the ratios of their columns and a factor for each row that
        keeps its length, float32, and these factors, float64 (n,)."""
        found, scales = np.empty(len(data), np.float32), np.ones(len(self.indptr) - 1)
        for rows, values, row_of in self.in_blocks():
            before = data[values].astype(np.float64)
            now = before * ratios[self.indices[values]]
            then_squares, squares = (np.bincount(row_of, np.square(each), rows.stop - rows.start)
                                     for each in (before, now))
            scales[rows] = np.sqrt(np.where(squares > 0, then_squares, 1)
                                   / np.where(squares > 0, squares, 1))
            found[values] = now * scales[rows][row_of]
        return found, scales

    def with_columns(self, columns: np.ndarray) -> "SparseRows":
        """Return the rows with some of their columns, int64 (m,), in that order.

        They must be all that hold a value.
        """
        place, order = np.zeros(self.width, np.int32), np.empty(len(self.indices), np.int64)
        place[columns] = np.arange(len(columns))
        for _, values, row_of in self.in_blocks():
            numbers = row_of * len(columns) + place[self.indices[values]]
            order[values] = values.start + np.argsort(numbers, kind="stable")
        return SparseRows(self.indptr, place[self.indices[order]], self.data[order], len(columns),
                          None if self.text_data is None else self.text_data[order])

    def row(self, at: int) -> np.ndarray:
        """Return one row with its zeros, float32 (width,)."""
        found = np.zeros(self.width, np.float32)
        columns, values = self.of_row(at)
        found[columns] = values
        return found

    def of_row(self, at: int) -> Tuple[np.ndarray, np.ndarray]:
        """Return the columns of one row, int32 (m,), and its values there."""
        here = slice(self.indptr[at], self.indptr[at + 1])
        return self.indices[here], self.data[here]

    def dot(self, vector: np.ndarray) -> np.ndarray:
        """Return the product of every row with `vector`, of its dtype, (n,).

        The vector is that of a film (width,), or of a text (text_width,), or the sum of such.
        """
        products = np.zeros(len(self.indptr) - 1, vector.dtype)
        filled = np.flatnonzero(np.diff(self.indptr))
        if len(filled):
            products[filled] = np.add.reduceat(self._terms(vector), self.indptr[filled])
        return products

    def _terms(self, vector: np.ndarray) -> np.ndarray:
        """Return the products of all values with those of `vector` at their columns, (nnz,)."""
        of_films, of_texts = vector[:self.width], vector[self.width:]
        if self.text_data is None or not of_texts.any():
            return self.data * of_films[self.indices]
        terms = self.text_data * of_texts[self.indices]
        return terms + self.data * of_films[self.indices] if of_films.any() else terms

    def no_rows(self, n: int) -> "SparseRows":
        """Return `n` rows without a value, of the same columns and dtypes."""
        return SparseRows(np.zeros(n + 1, np.int64), self.indices[:0], self.data[:0], self.width,
                          None if self.text_data is None else self.text_data[:0])

    def take(self, rows: np.ndarray) -> "SparseRows":
        """Return some of the rows, in the order given."""
        lengths = self.indptr[rows + 1] - self.indptr[rows]
        indptr = np.concatenate([[0], np.cumsum(lengths)])
        places = np.repeat(self.indptr[rows] - indptr[:-1], lengths) + np.arange(indptr[-1])
        return SparseRows(indptr, self.indices[places], self.data[places], self.width,
                          None if self.text_data is None else self.text_data[places])


class Reweighed(NamedTuple):
    """Rows whose columns were weighed anew: value times `ratios[column]` times `scales[row]`.

    Attributes
    ----------
    words : SparseRows
        The rows by the weights of now.
    ratios : np.ndarray
        float64 (width,): the weight of each column over that before.
    scales : np.ndarray
        float64 (n,): the factor that keeps the length of each row.
    """

    words: SparseRows
    ratios: np.ndarray
    scales: np.ndarray


def stacked(above: SparseRows, below: SparseRows) -> SparseRows:
    """Return the rows of one and then of another; the width is that of `below`."""
    both = zip(above[1:3], below[1:3])
    indices, data = (np.concatenate(pair) for pair in both)
    return SparseRows(
        np.concatenate([above.indptr, above.indptr[-1] + below.indptr[1:]]), indices, data,
        below.width, None if above.text_data is None or below.text_data is None
        else np.concatenate([above.text_data, below.text_data]))


def joined_row(dense: np.ndarray, words: Optional[SparseRows], at: int) -> np.ndarray:
    """Return one row of numbers (n, d) with its words behind it, float32 (d + width,)."""
    row = in_float32(dense[at])
    return row if words is None else np.concatenate([row, words.row(at)])


def sparse_rows(rows: Iterable[Tuple[np.ndarray, np.ndarray]], width: int) -> SparseRows:
    """Return rows from the columns, ascending, and the values of each."""
    # As bytes: arrays of a few numbers each would take many times their size.
    indices, data, n_words = bytearray(), bytearray(), [0]
    dtype = np.dtype(np.float64)
    for words, weights in rows:
        indices += np.asarray(words, np.int32).tobytes()
        data += weights.tobytes()
        n_words.append(len(words))
        dtype = weights.dtype
    return SparseRows(np.cumsum(n_words), np.frombuffer(indices, np.int32),
                      np.frombuffer(data, dtype), width)


def words_of(text: str) -> Iterator[Tuple[str, int, int]]:
    """Yield the words of a text in lower case, each with its begin and end in characters.

    >>> list(words_of("Rocky II, a fight"))
    [('rocky', 0, 5), ('ii', 6, 8), ('fight', 12, 17)]
    """
    for match in _WORD.finditer(text):
        yield match.group().lower(), match.start(), match.end()


def count_words(text: str) -> Counter:
    """Return how often each word occurs in a text."""
    return Counter(word for word, _, _ in words_of(text))


def quoted(text: str) -> str:
    """Return the beginning of a text in quotes."""
    return '"{}"'.format(textwrap.shorten(text, 60, placeholder="…"))


def some_of(words: Sequence[str]) -> str:
    """Return the first words of a list, enough to see what they are.

    >>> some_of(["a", "b"]), some_of("abcdefg")
    ('a, b', 'a, b, c, d, e, …')
    """
    return ", ".join([*words[:_SHOWN], *["…"] * (len(words) > _SHOWN)])


class Vocabulary(NamedTuple):
    """Words of many texts.

    Attributes
    ----------
    words : list of str
        Those that tell texts apart, sorted.
    idf : np.ndarray
        float64 (n_words,): the inverse document frequency of each.
    common : list of str
        Those that are in too many texts to tell them apart, sorted.
    """

    words: List[str]
    idf: np.ndarray
    common: List[str]


def fit_vocabulary(texts: Iterable[Counter], n_texts: Optional[int] = None) -> Vocabulary:
    """Return the words of many texts with their inverse document frequencies.

    ln((1 + n) / (1 + df)) + 1 with n texts, df of which hold the word: Salton and Buckley 1988,
    smoothed as in scikit-learn's TfidfVectorizer, whose rows ours equal. Words of more than a
    fifth of the texts are dropped instead of a list of stop words, which would be of one
    language; words of a single text are kept, since a query may hold them. `n_texts` counts also
    texts that hold none of these words, by default there are none.
    """
    found: Counter = Counter()
    n_here = 0
    for words in texts:
        n_here += 1
        found.update(words.keys())
    n_texts = n_here if n_texts is None else n_texts
    most = max(_COMMON * n_texts, _AT_LEAST)
    telling = sorted(word for word, n in found.items() if n <= most)
    frequency = np.array([found[word] for word in telling], np.float64)
    return Vocabulary(telling, inverse_frequency(frequency, n_texts),
                      sorted(word for word, n in found.items() if n > most))


def inverse_frequency(frequency: np.ndarray, n_texts: int) -> np.ndarray:
    """Return the inverse document frequency of words that are in so many of `n_texts` texts."""
    return np.log((1 + n_texts) / (1 + frequency)) + 1
