"""Find the films of a title in an index, and near titles where there is none."""

import re
from typing import Callable, Dict, List, Optional, Tuple

import numpy as np

from recommender.errors import NothingFound
from recommender.titles import related, split_year, title_key

_IMDB_ID = re.compile("tt[0-9]{5,10}", re.IGNORECASE)


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
    rows_of_keys : dict
        Filled at the first lookup and read by the next.
    """

    def __init__(self, column: Callable[[str], np.ndarray], describe: Callable[[int], str],
                 mistyped: Callable[[str, int], List[int]], rows_of_keys: RowsOfKeys):
        self._column, self._describe, self._mistyped = column, describe, mistyped
        self._rows_of_keys = rows_of_keys

    def load(self) -> None:
        """Read the titles now, so that no query waits for it."""
        self._rows_by_column("")

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
        NothingFound
            If there is none; names up to five near titles, or the years that there are.
        """
        if _IMDB_ID.fullmatch(title.strip()):
            rows = np.flatnonzero(self._column("imdb_id") == title.strip().lower()).tolist()
            if rows:
                return rows
        name, found = title, self._rows_by_column(title)
        split = split_year(title)
        if split and not any(found):
            name, found = split[0], self._rows_by_column(split[0])
            if year not in (None, split[1]):
                raise NothingFound("no film is of {} and of {}: name one year".format(
                    split[1], year))
            year = split[1]
        if not any(found):
            near = self.near(name, 5)
            hint = "; near: " + ", ".join(map(self._describe, near)) if near else ""
            raise NothingFound("no film is called {!r}{}".format(name, hint))
        of_year = [[row for row in rows if year in (None, int(self._column("year")[row]))]
                   for rows in found]
        if not any(of_year):
            raise NothingFound("no film called {!r} is of {}; there is {}".format(
                name, year, ", ".join(self._describe(row) for rows in found for row in rows)))
        return of_year[0] or of_year[1]

    def _rows_by_column(self, title: str) -> Tuple[List[int], List[int]]:
        """Return the rows of films of that title, and of that original title only, most votes
        first."""
        by_title, by_original = (self._rows_of_key(column, title_key(title))
                                 for column in ("title_key", "original_title_key"))
        return by_title, [row for row in by_original if row not in by_title]

    def _rows_of_key(self, column: str, key: str) -> List[int]:
        """Return the rows that have `key` in a column of keys, most votes first."""
        if column not in self._rows_of_keys:
            rows_of: Dict[str, List[int]] = {}
            for row, other in enumerate(self._column(column)):
                rows_of.setdefault(other, []).append(row)
            rows_of.pop("", None)  # a film may have no original title; no title asks for it
            self._rows_of_keys[column] = rows_of
        votes = self._column("vote_count")
        return sorted(self._rows_of_keys[column].get(key, ()),
                      key=lambda row: (-int(votes[row]), row))

    def near(self, title: str, limit: int) -> List[int]:
        """Return the rows of up to `limit` films with titles near to one, the nearest first.

        First come titles that contain it or are contained in it, those with most votes first,
        then titles that look like a mistyped one.
        """
        key, keys = title_key(title), self._column("title_key").tolist()
        # Sorted by votes first, so that of titles equally related the best known come first.
        by_votes = np.argsort(-self._column("vote_count"), kind="stable").tolist()
        rows = [by_votes[place] for place in related(key, [keys[row] for row in by_votes])]
        if len(rows) < limit:
            rows += [row for row in self._mistyped(title, limit) if row not in rows]
        return rows[:limit]
