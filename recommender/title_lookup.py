"""Find the films of a title in an index, and near titles where there is none."""

import re
from typing import Callable, Dict, List, Optional, Tuple

import numpy as np

from recommender.errors import NothingFound
from recommender.left_out import LeftOut
from recommender.near_titles import nearest_titles
from recommender.title_tables import TitleTables
from recommender.titles import split_year, title_key

_IMDB_ID = re.compile("tt[0-9]{5,10}", re.IGNORECASE)


_KEYS = ("title_key", "original_title_key")  # columns
RowsOfKeys = Dict[str, Dict[str, List[int]]]  # column of keys, key, rows


class TitleLookup:
    """The titles of an index.

    Parameters
    ----------
    column : callable
        Returns a column of the index by name, (n,).
    describe : callable
        Returns title, year and id of a row in a few words, for errors.
    mistyped : callable
        Returns the rows of up to so many films whose titles look like a mistyped one.
    left_out : LeftOut
        The films that the index leaves out.
    rows_of_keys : dict
        Empty for a column after its first lookup, filled at the second, and read by the next.
    tables : TitleTables, optional
        Those of an index of many films, from which no dict is filled.
    """

    def __init__(self, column: Callable[[str], np.ndarray], describe: Callable[[int], str],
                 mistyped: Callable[[str, int], List[int]], left_out: LeftOut,
                 rows_of_keys: RowsOfKeys, tables: Optional[TitleTables] = None):
        self._tables = tables
        self._column, self._describe, self._mistyped = column, describe, mistyped
        self._left_out, self._rows_of_keys = left_out, rows_of_keys

    def load(self) -> None:
        """Read the titles now, so that no query waits for it."""
        if self._tables:
            self._rows_by_column("")
        else:
            for column in _KEYS:
                self._dict_of(column)

    def rows(self, title: str, year: Optional[int] = None) -> List[int]:
        """Return the rows of the films of a title, most votes first.

        Films that have it as their original title are returned where no film has it as its
        title, or where none that has it as its title is of the year asked for.

        Parameters
        ----------
        title : str
            Case, accents, punctuation and articles do not matter; a year may stand behind it, as
            in "Heat (1995)". An IMDb id, such as tt0113277, names its film.
        year : int, optional
            Only films of this year.

        Raises
        ------
        FilmLeftOut
            If the index leaves out all films of the title.
        NothingFound
            If there is none; names up to five near titles, or the years that there are.
        """
        rows = self._rows_of_imdb_id(title)
        if rows:
            return rows
        if _IMDB_ID.fullmatch(title.strip()):
            left_out = self._left_out.of_imdb_id(title.strip().lower())
            if left_out:
                raise self._left_out.error(left_out)
        rows = [row for row in self._rows_of_key("title_key", title_key(title))
                if year in (None, int(self._column("year")[row]))]
        if rows:  # as a rule, without reading original titles
            return rows
        name, found = title, self._rows_by_column(title)
        split, left_out = split_year(title), self._left_out.of_title(title, year)
        if split and not any(found):
            name, found = split[0], self._rows_by_column(split[0])
            if year not in (None, split[1]):
                raise NothingFound("no film is of {} and of {}: name one year".format(
                    split[1], year))
            year = split[1]
        of_year = [[row for row in rows if year in (None, int(self._column("year")[row]))]
                   for rows in found]
        if left_out and not any(of_year):
            raise self._left_out.error(left_out)
        if not any(found):
            near = self.describe_near(name, 5)
            hint = "; near: " + ", ".join(near) if near else ""
            raise NothingFound("no film is called {!r}{}".format(name, hint))
        if not any(of_year):
            raise NothingFound("no film called {!r} is of {}; there is {}".format(
                name, year, ", ".join(self._describe(row) for rows in found for row in rows)))
        return of_year[0] or of_year[1]

    def rows_called(self, title: str, year: Optional[int] = None) -> List[int]:
        """Return what `rows` does for a title or an IMDb id, or no rows where it raises; films of
        the year before or after `year` where none is of `year`."""
        years = self._column("year")
        for off in (0, 1):
            for rows in self._rows_by_column(title):
                near = [row for row in rows if year is None or abs(int(years[row]) - year) <= off]
                if near:
                    return near
        split = split_year(title) if year is None else None
        return self.rows_called(*split) if split else self._rows_of_imdb_id(title)

    def _rows_of_imdb_id(self, typed: str) -> List[int]:
        """Return the rows of the film of an IMDb id, none if `typed` is no such id."""
        if not _IMDB_ID.fullmatch(typed.strip()):
            return []
        if self._tables:
            return self._tables.rows("imdb_id", typed.strip().lower())
        return np.flatnonzero(self._column("imdb_id") == typed.strip().lower()).tolist()

    def _rows_by_column(self, title: str) -> Tuple[List[int], List[int]]:
        """Return the rows of films of that title, and of that original title only, most votes
        first."""
        by_title, by_original = (self._rows_of_key(column, title_key(title))
                                 for column in _KEYS)
        return by_title, [row for row in by_original if row not in by_title]

    def rows_of_key(self, key: str) -> List[int]:
        """Return the rows of films whose title or original title has a key of `title_key`."""
        return [row for column in _KEYS for row in self._rows_of_key(column, key)]

    def _rows_of_key(self, column: str, key: str) -> List[int]:
        """Return the rows that have `key` in a column of keys, most votes first."""
        votes = self._column("vote_count")
        if self._tables:
            rows = self._tables.rows(column, key)
        elif column not in self._rows_of_keys:  # a single lookup is faster without a dict
            self._rows_of_keys[column] = {}
            rows = [row for row, other in enumerate(self._column(column)) if key == other != ""]
        else:
            rows_of = self._rows_of_keys[column] or self._dict_of(column)
            rows = rows_of.get(key, [])
        return sorted(rows, key=lambda row: (-int(votes[row]), row))

    def _dict_of(self, column: str) -> Dict[str, List[int]]:
        """Make, keep and return the dict from the keys of a column to their rows."""
        rows_of: Dict[str, List[int]] = {}
        for row, key in enumerate(self._column(column)):
            rows_of.setdefault(key, []).append(row)
        rows_of.pop("", None)  # a film may have no original title; no title asks for it
        self._rows_of_keys[column] = rows_of  # whole, since other threads may read it
        return rows_of

    def near(self, title: str, limit: int) -> List[int]:
        """Return the rows of up to `limit` films with titles near to one, the nearest first.

        First come titles that contain it or are contained in it, those with most votes first,
        then titles that look like a mistyped one.
        """
        if self._tables:
            return self._tables.near(title_key(title), limit)
        # Sorted by votes first, so that of titles equally related the best known come first.
        by_votes = np.argsort(-self._column("vote_count"), kind="stable")
        place_of = np.argsort(by_votes)
        return by_votes[nearest_titles(
            title_key(title), self._column("title_key")[by_votes].tolist(), limit,
            lambda _, limit: [int(place_of[row]) for row in self._mistyped(title, limit)])].tolist()

    def describe_near(self, title: str, limit: int) -> List[str]:
        """Describe up to `limit` films with titles near to one, the nearest first.

        Films that the index leaves out are among them, with the reason.
        """
        key, column, left_out = title_key(title), self._column("title_key"), self._left_out
        films = [(column[row], self._describe(row)) for row in self.near(title, limit)]
        others = [(left_out.key(place), left_out.describe_with_reason(place))
                  for place in left_out.near(key, limit)]
        if not others:
            return [film for _, film in films]
        films += others
        keys = [key for key, _ in films]
        return [films[place][1] for place in nearest_titles(key, keys, limit)]
