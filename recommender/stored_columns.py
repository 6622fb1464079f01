"""The columns of an open index: a value for each film, mapped or read when first needed."""

from typing import Any, Dict, Iterator, List, Mapping, Tuple

import numpy as np

from recommender.storage.hdf5 import PlainFile
from recommender.storage.packed_texts import read_packed

# Columns of strings, (n,).
TEXT_COLUMNS = ("imdb_id", "title", "original_title", "title_key", "original_title_key",
                 "language", "genres", "overview")
# Columns of numbers, (n,), with their dtypes.
NUMBER_COLUMNS = {"year": np.int16, "vote_average": np.float32, "vote_count": np.int32,
                   "weighted_rating": np.float32}
TEXTS_GROUP = "texts/"  # group of the columns of strings in an index of many films
TITLES = "titles/"  # group of the tables in which it finds titles


class Columns:
    """Columns by name.

    Parameters
    ----------
    file : PlainFile
        The index.
    ids : np.ndarray
        TMDB ids, int64 (n,).

    Attributes
    ----------
    are_packed : bool
        The strings are mapped, not read; see `recommender.storage.packed_texts`.
    has_posters : bool
        The column `poster_path` is there.
    """

    def __init__(self, file: PlainFile, ids: np.ndarray):
        n = self._n = len(ids)
        self._file = file
        self.are_packed = file.holds(TEXTS_GROUP[:-1])
        group = TEXTS_GROUP if self.are_packed else ""
        self.has_posters = file.holds(group + "poster_path")
        self._stored = {name: file.array(name, dtype, (n,))
                        for name, dtype in NUMBER_COLUMNS.items()}  # type: Dict[str, Any]
        for name in (*TEXT_COLUMNS, *["poster_path"] * self.has_posters):
            # One that is packed is opened, and checked, when it is first needed.
            self._stored[name] = None if self.are_packed else file.texts(name, n)
        self._read: Dict[str, Any] = {"id": ids}
        if file.holds("adult"):
            self._stored["adult"] = file.array("adult", np.bool_, (n,))
        else:  # no film is marked
            self._read["adult"] = np.zeros(n, np.bool_)
        if not self.has_posters:
            self._read["poster_path"] = np.full(n, "", object)
        self._orders: Dict[str, np.ndarray] = {}
        self._codes: Dict[str, Tuple[List[str], np.ndarray]] = {}

    def __iter__(self) -> Iterator[str]:
        """Yield the names of the stored columns."""
        return iter(self._stored)

    def column(self, name: str) -> Any:
        """Return a column, (n,): an array, or packed strings; it is read once."""
        if name not in self._read:
            stored = self._stored[name]
            self._read[name] = self._file.read(name, stored) if stored is not None else \
                read_packed(self._file, TEXTS_GROUP + name, self._n)
        return self._read[name]

    def cell(self, name: str, row: int) -> Any:
        """Return one value, from the column if it was read, else from the file."""
        stored = None if name in self._read else self._stored[name]
        return self._file.read(name, self.column(name) if stored is None else stored, row)

    def codes(self, name: str) -> Tuple[List[str], np.ndarray]:
        """Return the different texts of a column that has few, in the order in which they come,
        and the place of each film's among them, int32 (n,)."""
        if name not in self._codes:
            place_of: Dict[str, int] = {}
            column = self.column(name)
            places = np.fromiter((place_of.setdefault(text, len(place_of)) for text in column),
                                 np.int32, len(column))
            self._codes[name] = list(place_of), places
        return self._codes[name]

    def best_first(self, name: str) -> np.ndarray:
        """Return all rows by a column of numbers, int64 (n,), the greatest first.

        Equal ones come in the order of the catalogue. Sorted once.
        """
        if name not in self._orders:
            self._orders[name] = np.argsort(-self.column(name), kind="stable")
        return self._orders[name]


class RowsOfIds(Mapping[int, int]):
    """The rows of films by TMDB id, found in a sorted array.

    >>> rows = RowsOfIds(np.array([603, 5]))
    >>> rows[5], rows.get(6), 603 in rows
    (1, None, True)
    """

    def __init__(self, ids: np.ndarray):
        self._order = np.argsort(ids, kind="stable").astype(np.int32)
        self._ids = ids[self._order]

    def __getitem__(self, movie_id: int) -> int:
        try:
            at = int(np.searchsorted(self._ids, np.int64(movie_id)))
        except OverflowError:  # no id is so large
            raise KeyError(movie_id)
        if at == len(self._ids) or self._ids[at] != movie_id:
            raise KeyError(movie_id)
        return int(self._order[at])

    def __iter__(self) -> Iterator[int]:
        return iter(self._ids.tolist())

    def __len__(self) -> int:
        return len(self._ids)
