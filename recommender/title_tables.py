"""Titles found in mapped tables, for indexes whose titles are too many to be read into memory.

Beside the packed columns (see `recommender.storage.packed_texts`) an index of many films has
`titles/`: for each column of COLUMNS the rows in the order of its texts, `NAME` int32 (n,); each
title and original title from each of its words on, sorted, `starts/places` int64 (m,), places in
the bytes of both columns of keys one behind the other, and `starts/rows` int32 (m,); the first
letters of the words of each title, sorted, `initials` packed and `initials/rows` int32; the
trigrams of all titles, `trigrams/codes` int64 (t,) ascending, the end of each one's rows,
`trigrams/ends` int64 (t,), and `trigrams/rows` int32; and words of many titles, `common` packed.
"""

from array import array
from collections import Counter
from typing import Callable, Dict, FrozenSet, Iterator, List, Sequence, Tuple

import h5py
import numpy as np

from recommender.near_titles import near_among, trigrams
from recommender.storage.hdf5 import PlainFile
from recommender.storage.packed_texts import END, read_packed, write_packed

MANY = 100000  # films from which on an index has packed columns and these tables; fewer need none
COLUMNS = ("title_key", "original_title_key", "imdb_id")  # whose texts are looked up as a whole
_KEYS = COLUMNS[:2]
_CANDIDATES = 400  # titles that are compared with a mistyped one, those of most trigrams in common
_FREQUENT = 0.02  # part of all titles; a trigram of more is not looked at where others are there
_PART = 0.2  # of a title's trigrams, that enough others mostly have in common with it
_ROUNDING = 1e-3  # of shares in float32, by which a bound is lowered
_COMMON = 0.01  # part of all titles; a word of more titles, such as "of", tells none from others
_RARE = 5  # titles that may have a word in any case: of few films, one in a hundred is none
_FEWEST_WORDS = 3  # of a title that is called by the first letters of its words


def is_packed(n: int) -> bool:
    """Return True if a table of `n` films has packed strings, and tables for its titles."""
    return n >= MANY


def common_words(keys: Sequence[str]) -> FrozenSet[str]:
    """Return the words of so many titles that they tell none from others."""
    n_titles = Counter(word for key in keys for word in set(key.split()))
    most = max(_RARE, _COMMON * len(keys))
    return frozenset(word for word, n in n_titles.items() if n > most)


def from_each_word(title: str) -> Iterator[str]:
    """Yield a title from each of its words on.

    >>> list(from_each_word("la la land"))
    ['la la land', 'la land', 'land']
    """
    at = 0
    while title:
        yield title[at:]
        at = title.find(" ", at) + 1
        if not at:
            return


def write_tables(group: h5py.Group, columns: Dict[str, Sequence[str]]) -> None:
    """Write the tables of `columns`, by name those of COLUMNS, into a group `titles`."""
    for name in COLUMNS:
        texts = columns[name]
        group[name] = np.array(sorted(range(len(texts)), key=texts.__getitem__), np.int32)
    _write_starts(group, [columns[name] for name in _KEYS])
    keys = columns[_KEYS[0]]
    first_letters = sorted((initials, row) for row, initials in enumerate(map(_initials, keys))
                           if initials)
    write_packed(group, "initials", (initials for initials, _ in first_letters))
    group["initials/rows"] = np.array([row for _, row in first_letters], np.int32)
    codes, rows = trigrams(keys)
    order = np.argsort(codes, kind="stable")
    codes, rows = codes[order], rows[order]
    is_new = np.ones(len(codes), bool)  # a trigram counts once a title
    is_new[1:] = (codes[1:] != codes[:-1]) | (rows[1:] != rows[:-1])
    codes, rows = codes[is_new], rows[is_new]
    firsts = np.flatnonzero(np.append(True, codes[1:] != codes[:-1])[:len(codes)])
    group["trigrams/codes"] = codes[firsts]
    group["trigrams/ends"] = np.append(firsts[1:], len(codes)).astype(np.int64)
    group["trigrams/rows"] = rows.astype(np.int32)
    write_packed(group, "common", sorted(common_words(keys)))


def _write_starts(group: h5py.Group, columns: Sequence[Sequence[str]]) -> None:
    # Numbers in arrays: as objects those of a million titles would take half a gigabyte.
    texts: List[bytes] = []
    places, rows, begin = array("q"), array("i"), 0
    for column in columns:
        for row, key in enumerate(column):
            encoded = key.encode()
            for start in from_each_word(key):
                texts.append(start.encode())
                places.append(begin + len(encoded) - len(texts[-1]))
                rows.append(row)
            begin += len(encoded) + len(END)
    order = np.argsort(np.array(texts, object), kind="stable")
    group["starts/places"] = np.array(places, np.int64)[order]
    group["starts/rows"] = np.array(rows, np.int32)[order]


def _initials(key: str) -> str:
    """Return the first letters of the words of a title, "" for one of few words."""
    words = key.split()
    return "".join(word[0] for word in words) if len(words) >= _FEWEST_WORDS else ""


class TitleTables:
    """The tables of an open index, mapped.

    Parameters
    ----------
    file : PlainFile
        The index.
    texts, titles : str
        Groups of the packed columns and of the tables.
    n : int
        Number of films.
    votes : callable
        Returns the number of votes of each film, (n,); of equally near titles those of most votes
        come first.

    Raises
    ------
    RecommenderError
        If the file does not hold them whole.
    """

    def __init__(self, file: PlainFile, texts: str, titles: str, n: int,
                 votes: Callable[[], np.ndarray]):
        self._n, self._votes = n, votes
        self._columns = {name: read_packed(file, texts + name, n) for name in COLUMNS}
        self._orders = {name: file.array(titles + name, np.int32, (n,)) for name in COLUMNS}
        self._n_bytes = len(self._columns[_KEYS[0]].data)  # of the titles, before the original ones
        self._starts = file.array(titles + "starts/places", np.int64, (None,))
        self._rows = file.array(titles + "starts/rows", np.int32, self._starts.shape)
        self._initials_rows = file.array(titles + "initials/rows", np.int32, (None,))
        self._initials = read_packed(file, titles + "initials", len(self._initials_rows))
        self._codes = file.array(titles + "trigrams/codes", np.int64, (None,))
        self._ends = file.array(titles + "trigrams/ends", np.int64, self._codes.shape)
        self._of_trigrams = file.array(titles + "trigrams/rows", np.int32, (None,))
        for found, least, end in (
                *((order, 0, n) for order in self._orders.values()), (self._rows, 0, n),
                (self._initials_rows, 0, n), (self._of_trigrams, 0, n),
                (self._starts, 0, self._n_bytes + len(self._columns[_KEYS[1]].data)),
                (self._ends, 1, len(self._of_trigrams) + 1), (np.diff(self._ends), 1, None)):
            if len(found) and (found.min() < least or end is not None and found.max() >= end):
                raise file.refuse("its titles are damaged")
        n_common = file.array(titles + "common/ends", np.int64, (None,)).shape[0]
        self.common = frozenset(read_packed(file, titles + "common", n_common))

    def rows(self, name: str, text: str) -> List[int]:
        """Return the rows that have `text` in a column of COLUMNS, in ascending order."""
        if not text:
            return []
        column, order, wanted = self._columns[name], self._orders[name], text.encode()
        begin = _bisect(self._n, lambda at: column.encoded(order[at]) >= wanted)
        end = begin
        while end < self._n and column.encoded(order[end]) == wanted:
            end += 1
        return order[begin:end].tolist()

    def beginning(self, key: str) -> np.ndarray:
        """Return the rows of films of which a word of title or original title begins as `key`
        does, int32 (m,); a film may be among them several times."""
        return self._rows[self._range(key.encode())]

    def _range(self, prefix: bytes) -> slice:
        """Return where the starts are that begin with `prefix`."""
        return _prefixed(prefix, len(self._starts), self._start)

    def _start(self, at: int, length: int) -> bytes:
        place, data = int(self._starts[at]), self._columns[_KEYS[0]].data
        if place >= self._n_bytes:
            place, data = place - self._n_bytes, self._columns[_KEYS[1]].data
        return data[place:place + length].tobytes()

    def related(self, key: str, limit: int) -> List[int]:
        """Return the rows of up to `limit` films as `recommender.titles.related` finds them, those
        of most votes first where it says no other order."""
        containing = np.concatenate([self._of_titles(self._range(key.encode() + after))
                                     for after in (b" ", END)])
        found = self._best(containing, limit)
        words = key.split()
        parts = {" ".join(words[begin:end]) for begin in range(len(words))
                 for end in range(begin + 1, len(words) + 1)} - {key}
        for part in sorted((part for part in parts if 3 * len(part) >= len(key)),
                           key=lambda part: (-len(part), part)):
            found += self._best(np.array(self.rows(_KEYS[0], part), np.int64), limit)
        if len(key) >= _FEWEST_WORDS and len(found) < limit:
            called = _prefixed(key.encode(), len(self._initials),
                               lambda at, _: self._initials.encoded(at))
            found += self._best(self._initials_rows[called], limit)
        return list(dict.fromkeys(found))[:limit]

    def _of_titles(self, starts: slice) -> np.ndarray:
        """Return the rows of starts that are of titles, not of original titles."""
        return self._rows[starts][self._starts[starts] < self._n_bytes]

    def _best(self, rows: np.ndarray, limit: int) -> List[int]:
        """Return up to `limit` of the rows, each once, those of most votes first."""
        rows = np.unique(rows)
        return rows[np.argsort(-self._votes()[rows], kind="stable")[:limit]].tolist()

    def near(self, key: str, limit: int) -> List[int]:
        """Return the rows of up to `limit` titles near to one, as `nearest_titles` orders them."""
        rows = self.related(key, limit)
        mistyped = self.mistyped(key, limit) if len(rows) < limit else []
        return [*rows, *(row for row in mistyped if row not in rows)][:limit]

    def mistyped(self, key: str, limit: int) -> List[int]:
        """Return the rows of up to `limit` titles that look like a mistyped one, the nearest first.

        Only titles of most trigrams in common with it are compared.
        """
        rows = self._candidates(key)
        keys = self._columns[_KEYS[0]][rows].tolist()
        return [int(rows[at]) for at in near_among(key, keys, limit)]

    def _candidates(self, key: str) -> np.ndarray:
        """Return up to _CANDIDATES rows in ascending order, int64."""
        codes = np.unique(trigrams([key])[0])
        at = np.searchsorted(self._codes, codes)
        at = at[at < len(self._codes)]
        at = at[np.isin(self._codes[at], codes)]
        ends = self._ends[at]
        begins = np.where(at > 0, self._ends[at - 1], 0)
        lengths = ends - begins
        is_rare = lengths <= max(_FREQUENT * self._n, _CANDIDATES)
        scores = np.zeros(self._n, np.float32)
        weights = np.log1p(self._n / np.maximum(lengths, 1)).astype(np.float32)
        for begin, end, weight in zip(begins[is_rare], ends[is_rare], weights[is_rare]):
            scores[self._of_trigrams[begin:end]] += weight
        return np.sort(self._best_shared(scores, weights))

    def _best_shared(self, scores: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Return up to _CANDIDATES rows that have most in common with a title, int64.

        Parameters
        ----------
        scores : np.ndarray
            float32 (n,): the sum of the weights of what each row has in common with it.
        weights : np.ndarray
            float32 (m,): those of all trigrams of the title.
        """
        whole = weights.sum() if len(weights) else 0.0

        def best(least: float) -> Tuple[np.ndarray, np.ndarray]:
            """The best of the rows from a score on, and their shares."""
            rows = np.flatnonzero(scores > least)
            # A part of what both have, so that a long title is no candidate for its length alone.
            n_letters = self._columns[_KEYS[0]].lengths(rows)
            shares = scores[rows] / (whole + weights.mean() * n_letters) if len(rows) else rows
            order = np.argpartition(-shares, _CANDIDATES)[:_CANDIDATES] if (
                len(rows) > _CANDIDATES) else np.arange(len(rows))
            return rows[order], shares[order]

        # Most rows have little in common with it: none of them is as good as the worst of those
        # that have more, whatever its length.
        rows, shares = best(whole * _PART)
        least = whole * shares.min() * (1 - _ROUNDING) if len(rows) == _CANDIDATES else 0.0
        return best(least)[0]


def _prefixed(prefix: bytes, n: int, text: Callable[[int, int], bytes]) -> slice:
    """Return where those of `n` sorted texts are that begin with `prefix`; `text` returns the one
    at a place, of which so many bytes are compared."""
    length = len(prefix)
    begin = _bisect(n, lambda at: text(at, length)[:length] >= prefix)
    return slice(begin, _bisect(n, lambda at: text(at, length)[:length] > prefix, begin))


def _bisect(n: int, is_behind: Callable[[int], bool], low: int = 0) -> int:
    """Return the first place from `low` to `n` at which `is_behind` is true; it stays so."""
    high = n
    while low < high:
        middle = (low + high) // 2
        if is_behind(middle):
            high = middle
        else:
            low = middle + 1
    return low
