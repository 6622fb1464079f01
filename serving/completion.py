"""Completion of titles: a table of where words begin, so that a key stroke scans no catalogue."""

import threading
from bisect import bisect_left
from typing import Iterator, List, NamedTuple, Optional

import numpy as np

from recommender.index import Index
from recommender.titles import nearest, title_key

_LAST = "\U0010ffff"  # sorts behind every letter


class _Table(NamedTuple):
    """`starts`: the titles from each of their words on, sorted. `places` int32: of the film of
    each, its place in `by_votes` int64 (n,), the rows with most votes first. `keys`: the titles."""

    starts: List[str]
    places: np.ndarray
    by_votes: np.ndarray
    keys: List[str]


class Titles:
    """The titles of an index; the table is made when first asked for, or by `load`."""

    def __init__(self, index: Index):
        self._index = index
        self._lock = threading.Lock()
        self._table: Optional[_Table] = None

    def load(self) -> _Table:
        """The table, made once."""
        with self._lock:
            if self._table is None:
                self._table = _table_of(self._index)
            return self._table

    def complete(self, typed: str, limit: int) -> List[int]:
        """Rows of films whose title or original title has a word that begins as `typed` does,
        most votes first; where there is none, of near titles, the nearest first."""
        key, table = title_key(typed), self.load()
        begin, end = (bisect_left(table.starts, edge) for edge in (key, key + _LAST))
        rows = table.by_votes[np.unique(table.places[begin:end])[:limit]]
        return rows.tolist() or nearest(key, table.keys, limit)


def _table_of(index: Index) -> _Table:
    keys = index.column("title_key").tolist()
    originals = index.column("original_title_key").tolist()
    by_votes = index.best_first("vote_count")
    place_of = np.empty(len(keys), np.int32)
    place_of[by_votes] = np.arange(len(keys))
    starts, rows = [], []  # type: List[str], List[int]
    for row, titles in enumerate(zip(keys, originals)):
        for title in set(titles):
            found = list(_from_each_word(title))
            starts += found
            rows += [row] * len(found)
    order = sorted(range(len(starts)), key=starts.__getitem__)
    return _Table([starts[at] for at in order], place_of[rows][order], by_votes, keys)


def _from_each_word(title: str) -> Iterator[str]:
    """
    >>> list(_from_each_word("la la land"))
    ['la la land', 'la land', 'land']
    """
    at = 0
    while title:
        yield title[at:]
        at = title.find(" ", at) + 1
        if not at:
            return
