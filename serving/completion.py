"""Completion of titles: a table of where words begin, so that a key stroke scans no catalogue.

That of an index of many films lies in its file (see `recommender.title_tables`).
"""

import threading
from bisect import bisect_left
from functools import lru_cache, partial
from typing import Callable, FrozenSet, List, Optional, Tuple, Union

import numpy as np

from recommender.index import Index
from recommender.title_tables import TitleTables, common_words, from_each_word
from recommender.titles import title_key

_LAST = "\U0010ffff"  # sorts behind every letter
_KEYS = ("title_key", "original_title_key")  # columns of titles as they are matched
_KEPT_ANSWERS = 4096  # rows of recent completions; a hundred bytes each
_SURE = 0.8  # similarity from which a mistyped title is no other's: a letter in five may be wrong
_CANDIDATES = 7  # completions among which it is looked for, as many as are mostly asked for
_FEWEST_LETTERS = 6  # of a mistyped title; shorter words are near to many others
_NEAR = 0.6  # similarity from which a title as a whole is near to what was typed
_NEAR_WORD = 0.75  # the same for a word of `_LONG_WORD` letters or more: a letter in four is wrong
_LONG_WORD = 5
_SHARED = 0.5  # part of the telling words typed that a title near in words only must have
_SORTED = 8  # times as many places as are asked for are sorted, since films are there several times
_LOOKED_AT = 20  # near titles, the nearest first, among which those are that are offered
_FEWEST_BEGUN = 4  # letters of the beginning of a title that names its film; fewer begin many words


class _Table:
    """A sorted table of all titles and original titles of an index from each of their words on.

    Attributes
    ----------
    common : frozenset of str
        Words of many titles.
    """

    def __init__(self, index: Index):
        keys, originals = (index.column(name).tolist() for name in _KEYS)
        starts, rows = [], []  # type: List[str], List[int]
        for row, titles in enumerate(zip(keys, originals)):
            for title in set(titles):
                found = list(from_each_word(title))
                starts += found
                rows += [row] * len(found)
        order = sorted(range(len(starts)), key=starts.__getitem__)
        self._starts = [starts[at] for at in order]
        self._rows = np.array(rows, np.int32)[order]
        self.common = common_words(keys)

    def beginning(self, key: str) -> np.ndarray:
        """Return what `TitleTables.beginning` does."""
        begin, end = (bisect_left(self._starts, edge) for edge in (key, key + _LAST))
        return self._rows[begin:end]


class Titles:
    """The titles of an index; the table is made when first asked for, or by `load`."""

    def __init__(self, index: Index):
        self._index = index
        self._lock = threading.Lock()
        self._rows: Optional[Callable[[str, int], Tuple[int, ...]]] = None

    def load(self) -> Callable[[str, int], Tuple[int, ...]]:
        """Return what finds the rows of a key; its table is made once."""
        with self._lock:
            if self._rows is None:
                self._index.near_rows("a", 1)  # makes its tables, too
                # No method: a cycle of references would keep an index open that was replaced.
                self._rows = lru_cache(_KEPT_ANSWERS)(
                    partial(_rows_of, self._index, *_orders(self._index),
                            self._index.title_tables or _Table(self._index)))
            return self._rows

    def complete(self, typed: str, limit: int) -> List[int]:
        """Return the rows of up to `limit` films whose title or original title has a word that
        begins as `typed` does, most votes first; if there is none, of near titles, the nearest
        first: near as a whole, or in at least half of the words typed that are rare among titles.
        A film marked as adult is found by its whole title only."""
        # More than asked for are kept, so that a near title is looked for once.
        return list(self.load()(title_key(typed), max(limit, _LOOKED_AT))[:limit])

    def meant(self, typed: str) -> Optional[int]:
        """Return the row of the film whose title, original title or IMDb id was typed, of the only
        one whose title begins so and ends no word there, or of the one title that is mistyped
        beyond doubt, the most voted of several; else None."""
        called = self._index.rows_called(typed)
        if called:
            return called[0]
        begun = self._begun(typed)
        if begun is not None:
            return begun
        # Imported late: titles that are known need no fuzzy matching.
        from rapidfuzz.distance import OSA

        key, column = title_key(typed), self._index.column("title_key")
        near = self.complete(typed, _CANDIDATES) if len(key) >= _FEWEST_LETTERS else []
        sure = {column[row]: row for row in reversed(near)
                if OSA.normalized_similarity(key, column[row]) >= _SURE}
        return next(iter(sure.values())) if len(sure) == 1 else None

    def _begun(self, typed: str) -> Optional[int]:
        """Return the row of the only film that completes `typed`, if its title begins so, inside a
        word. What ends with a word of an overview, or without a plural's s, is a text."""
        key = title_key(typed)
        rows = self.complete(typed, 2)
        if len(key) < _FEWEST_BEGUN or len(rows) != 1:
            return None
        titles = [self._index.column(name)[rows[0]] for name in _KEYS]
        ends = {title[len(key):].partition(" ")[0] for title in titles if title.startswith(key)}
        is_sure = bool(ends) and not ends & {"", "s"} and not self._is_word(key.split()[-1])
        return rows[0] if is_sure else None

    def _is_word(self, word: str) -> bool:
        """Return True if a recipe of the index that joins words has learnt that one."""
        for name in self._index.recipes:
            for _, part in self._index.space(name).fitted_recipe().parts:
                known = part.arrays.get("vocabulary", ())
                at = bisect_left(known, word)
                if at < len(known) and known[at] == word:
                    return True
        return False


def _orders(index: Index) -> Tuple[np.ndarray, np.ndarray]:
    """Return the rows of all films, those with most votes first, and the place of each film among
    them; both (n,)."""
    by_votes = index.best_first("vote_count")
    place_of = np.empty(len(by_votes), np.int32)
    place_of[by_votes] = np.arange(len(by_votes))
    return by_votes, place_of


def _rows_of(index: Index, by_votes: np.ndarray, place_of: np.ndarray,
             table: Union[_Table, TitleTables], key: str, limit: int) -> Tuple[int, ...]:
    rows = _of_most_votes(index, by_votes, place_of[table.beginning(key)], key, limit)
    return tuple(rows or [
        row for row in index.near_rows(key, limit)
        if not index.column("adult")[row] and _is_near(
            key, index.column("title_key")[row], table.common)][:limit])


def _of_most_votes(index: Index, by_votes: np.ndarray, places: np.ndarray, key: str,
                   limit: int) -> List[int]:
    """Return the rows of up to `limit` films that may be offered for a key, most votes first.

    `places` are theirs in `by_votes`, some of them several times. A letter begins the words of
    half of a million titles: so only the first are sorted, and more where many are adult films.
    """
    n_sorted = _SORTED * limit
    while True:
        some = np.partition(places, n_sorted)[:n_sorted] if n_sorted < len(places) else places
        found = by_votes[np.unique(some)]
        is_offered = ~index.column("adult")[found]
        if not is_offered.all():
            is_offered |= np.isin(found, index.rows_of_key(key))
        rows = found[is_offered][:limit].tolist()
        if len(rows) == limit or n_sorted >= len(places):
            return rows
        n_sorted *= _SORTED


def _is_near(key: str, title: str, common: FrozenSet[str]) -> bool:
    """Return True if a title is near to what was typed as a whole, or in its telling words."""
    # Imported late: a title that is found needs no fuzzy matching.
    from rapidfuzz.distance import OSA

    if OSA.normalized_similarity(key, title) >= _NEAR:
        return True
    typed, words = set(key.split()) - common, set(title.split()) - common
    shared = [word for word in typed if word in words or len(word) >= _LONG_WORD and any(
        OSA.normalized_similarity(word, other) >= _NEAR_WORD for other in words)]
    return bool(shared) and len(shared) >= _SHARED * len(typed)
