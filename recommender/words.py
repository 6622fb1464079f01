"""TF-IDF: a text as the words in it, each weighted by how few films it occurs in.

The rows of many films are kept as compressed sparse rows: `indices[indptr[i]:indptr[i + 1]]`
are the words of row i and `data` at the same places their weights.
"""

import re
from collections import Counter
from typing import Iterable, Iterator, List, NamedTuple, Sequence, Tuple

import numpy as np

_WORD = re.compile(r"\w\w+")
_COMMON = 0.2   # a word in a larger share of the films says nothing
_AT_LEAST = 20  # films a word must be in to be common, for catalogues of a few films


class SparseRows(NamedTuple):
    """`indptr` int64 (n + 1,), `indices` int32 (nnz,) ascending within a row, `data` float (nnz,);
    `width` is the number of columns."""

    indptr: np.ndarray
    indices: np.ndarray
    data: np.ndarray
    width: int

    def is_whole(self, n: int) -> bool:
        """Whether these are `n` rows, their places and columns within bounds."""
        return (len(self.indptr) == n + 1 and self.indptr[0] == 0
                and len(self.indices) == len(self.data) == self.indptr[-1]
                and (np.diff(self.indptr) >= 0).all()
                and (not len(self.indices)
                     or self.indices.min() >= 0 and self.indices.max() < self.width))

    def lengths(self) -> np.ndarray:
        """The Euclidean length of each row, float64 (n,)."""
        row_of = np.repeat(np.arange(len(self.indptr) - 1), np.diff(self.indptr))
        return np.sqrt(np.bincount(row_of, np.square(self.data), len(self.indptr) - 1))

    def scaled(self, scales: np.ndarray) -> "SparseRows":
        """Each row multiplied by its own of `scales`, (n,), in float32."""
        data = self.data * np.repeat(scales, np.diff(self.indptr))
        return self._replace(data=data.astype(np.float32))

    def row(self, at: int) -> np.ndarray:
        """One row in full, float32 (width,)."""
        found = np.zeros(self.width, np.float32)
        here = slice(self.indptr[at], self.indptr[at + 1])
        found[self.indices[here]] = self.data[here]
        return found

    def dot(self, vector: np.ndarray) -> np.ndarray:
        """The product of every row with `vector`, (width,); of its dtype, (n,)."""
        products = np.zeros(len(self.indptr) - 1, vector.dtype)
        filled = np.flatnonzero(np.diff(self.indptr))
        if len(filled):
            products[filled] = np.add.reduceat(self.data * vector[self.indices],
                                               self.indptr[filled])
        return products

    def take(self, rows: np.ndarray) -> "SparseRows":
        """Some of the rows, in the order given."""
        lengths = np.diff(self.indptr)[rows]
        indptr = np.concatenate([[0], np.cumsum(lengths)])
        places = np.repeat(self.indptr[rows] - indptr[:-1], lengths) + np.arange(indptr[-1])
        return SparseRows(indptr, self.indices[places], self.data[places], self.width)


def sparse_rows(rows: Iterable[Tuple[np.ndarray, np.ndarray]], width: int) -> SparseRows:
    """Rows from the words and the weights of each."""
    indices, data = [], []
    for words, weights in rows:
        indices.append(words)
        data.append(weights)
    return SparseRows(np.concatenate([[0], np.cumsum([len(words) for words in indices])]),
                      np.concatenate(indices).astype(np.int32),
                      np.concatenate(data), width)


def words_of(text: str) -> Iterator[Tuple[str, int, int]]:
    """The words of a text in lower case, each with where it begins and ends.

    >>> list(words_of("Rocky II, a fight"))
    [('rocky', 0, 5), ('ii', 6, 8), ('fight', 12, 17)]
    """
    for match in _WORD.finditer(text):
        yield match.group().lower(), match.start(), match.end()


def count_words(text: str) -> Counter:
    """How often each word occurs in a text."""
    return Counter(word for word, _, _ in words_of(text))


def fit_vocabulary(texts: Sequence[Counter]) -> Tuple[List[str], np.ndarray]:
    """The words of many texts, sorted, and the inverse document frequency of each, (n_words,).

    ln((1 + n) / (1 + df)) + 1 with n texts, df of which hold the word: Salton and Buckley 1988,
    smoothed as in scikit-learn's TfidfVectorizer, whose rows ours equal. Words of more than a
    fifth of the texts are left out in place of a list of stop words, which would be of one
    language; words of one text are kept, since a query may hold them.
    """
    found = Counter()  # type: Counter
    for words in texts:
        found.update(words.keys())
    most = max(_COMMON * len(texts), _AT_LEAST)
    vocabulary = sorted(word for word, n in found.items() if n <= most)
    frequency = np.array([found[word] for word in vocabulary], np.float64)
    return vocabulary, np.log((1 + len(texts)) / (1 + frequency)) + 1
