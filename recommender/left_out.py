"""Films of the catalogue that an index cannot answer for, so that asking for one tells why.

They have no overview, or had no features when the index was built. The index holds them in the
table `left_out/`: `ids` int64 (m,), `year` int16 (m,), `has_overview` bool (m,) and the columns of
TEXTS; of many films these are packed, in `left_out/texts/`, beside the tables of
`recommender.title_tables`. An index without the table, such as an older one, knows of no such film.
"""

from typing import Any, Dict, List, Optional, Sequence

import numpy as np

from recommender.errors import FilmLeftOut
from recommender.near_titles import NearTitles, nearest_titles
from recommender.storage.hdf5 import PlainFile
from recommender.storage.packed_texts import read_packed
from recommender.stored_columns import TEXTS_GROUP, TITLES
from recommender.title_tables import TitleTables
from recommender.titles import described, split_year, title_key

TABLE = "left_out"  # group of the index file that holds the table
TEXTS = ("title", "imdb_id", "title_key", "original_title_key")  # columns of strings
# Reasons for which a film is left out, as errors of the API name them.
NO_OVERVIEW, NOT_IN_INDEX = "no_overview", "not_in_index"
_IN_SHORT = {NO_OVERVIEW: "no overview", NOT_IN_INDEX: "not in the index"}


class LeftOut:
    """The films that an index leaves out; a film is known by its place in the table, from 0.

    Parameters
    ----------
    file : PlainFile
        The open index. The strings are read when first needed.
    is_given : bool
        True if the index was built from given embeddings, not from features.
    """

    def __init__(self, file: PlainFile, is_given: bool):
        self._file, self._is_given = file, is_given
        n = None if file.holds(TABLE) else 0
        self._ids = self._numbers("ids", np.int64, n)
        self._years = self._numbers("year", np.int16, n if n == 0 else len(self._ids))
        self._has_overview = self._numbers("has_overview", np.bool_, n if n == 0 else len(self))
        self._columns: Dict[str, Any] = {}
        texts = "{}/{}".format(TABLE, TEXTS_GROUP)
        self._are_packed = bool(len(self)) and file.holds(texts[:-1])
        self._found: Optional[TitleTables] = None
        self._near: Optional[NearTitles] = None

    def __len__(self) -> int:
        return len(self._ids)

    def _numbers(self, name: str, dtype: Any, n: Optional[int]) -> np.ndarray:
        return np.zeros(0, dtype) if n == 0 else self._file.array(
            "{}/{}".format(TABLE, name), dtype, (n,))

    @property
    def _tables(self) -> Optional[TitleTables]:
        """The tables of many films; checked at the first call."""
        if self._found is None and self._are_packed:
            texts, titles = ("{}/{}".format(TABLE, group) for group in (TEXTS_GROUP, TITLES))
            self._found = TitleTables(self._file, texts, titles, len(self),
                                      lambda: np.zeros(len(self)))
        return self._found

    def _texts(self, name: str) -> Any:
        if name not in self._columns and self._are_packed:
            self._columns[name] = read_packed(self._file, "{}/{}{}".format(
                TABLE, TEXTS_GROUP, name), len(self))
        elif name not in self._columns:
            path = "{}/{}".format(TABLE, name)
            self._columns[name] = self._file.read(path, self._file.texts(path, len(self))) if (
                len(self)) else np.zeros(0, object)
        return self._columns[name]

    def load(self) -> None:
        """Read all columns now, so that no query waits for it."""
        for name in TEXTS:
            self._texts(name)
        self.near("a", 1)  # makes its tables, too

    def of_id(self, movie_id: int) -> List[int]:
        """Return the places of the film with a TMDB id: one or none."""
        return np.flatnonzero(self._ids == movie_id).tolist()

    def of_imdb_id(self, imdb_id: str) -> List[int]:
        """Return the places of the films with an IMDb id."""
        return self._places("imdb_id", imdb_id)

    def of_title(self, title: str, year: Optional[int] = None) -> List[int]:
        """Return the places of the films of a title, of a year if one is given or stands behind
        it, else of an original title."""
        places = self._of_key(title_key(title), year)
        split = split_year(title)
        if places or not split or year not in (None, split[1]):
            return places
        return self._of_key(title_key(split[0]), split[1])

    def _of_key(self, key: str, year: Optional[int]) -> List[int]:
        for name in ("title_key", "original_title_key"):
            found = [place for place in self._places(name, key)
                     if year is None or self._years[place] == year]
            if key and found:
                return found
        return []

    def _places(self, name: str, text: str) -> List[int]:
        """Return the places that have `text` in a column of strings."""
        # As an object: NumPy cuts the NULs off the end of a string, and "" is in the column.
        return self._tables.rows(name, text) if self._tables else np.flatnonzero(
            self._texts(name) == np.array(text, object)).tolist()

    def near(self, key: str, limit: int) -> List[int]:
        """Return the places of up to `limit` films whose titles are near to one, nearest first."""
        if not len(self):
            return []
        if self._tables:
            return self._tables.near(key, limit)
        if self._near is None:
            self._near = NearTitles(self._texts("title_key").tolist())
        return nearest_titles(key, self._texts("title_key").tolist(), limit, self._near.nearest)

    def key(self, place: int) -> str:
        """Return the key of a film's title, as `title_key` makes it."""
        return self._texts("title_key")[place]

    def reason(self, place: int) -> str:
        """Return NO_OVERVIEW or NOT_IN_INDEX."""
        return NOT_IN_INDEX if self._has_overview[place] else NO_OVERVIEW

    def brief(self, place: int) -> Dict[str, Any]:
        """Return id, title, year and the reason of a film, as the API shows it."""
        return {"id": int(self._ids[place]), "title": self._texts("title")[place],
                "year": int(self._years[place]) or None, "code": self.reason(place)}

    def describe(self, place: int, more: str = "") -> str:
        """Return title, year and id of a film in a few words, and `more` in the brackets."""
        return described(self._texts("title")[place], int(self._years[place]),
                         int(self._ids[place]), more)

    def describe_with_reason(self, place: int) -> str:
        """Return title, year, id and reason of a film in a few words."""
        return self.describe(place, _IN_SHORT[self.reason(place)])

    def note(self, title: str, year: Optional[int] = None) -> str:
        """Return a note of the films left out of a title that others have, too, or ""."""
        places = self.of_title(title, year)
        return "{!r} is also the title of {}: nothing can be recommended for {}".format(
            title, ", ".join(map(self.describe_with_reason, places)),
            "it" if len(places) == 1 else "them") if places else ""

    def error(self, places: Sequence[int]) -> FilmLeftOut:
        """Return the error for a query that asks for the films at `places`, at least one."""
        reason = self.reason(places[0])
        films = [self.describe(place) for place in places if self.reason(place) == reason]
        if reason == NO_OVERVIEW:
            why = "no overview: name another film, or describe it in your own words"
        elif self._is_given:
            why = "no embedding in {}: name another film".format(self._file.path)
        else:
            why = "no features in {}: run extract_features.py and build_index.py again".format(
                self._file.path)
        return FilmLeftOut("{} {} in the catalogue but {} {}".format(
            ", ".join(films), *("is", "has") if len(films) == 1 else ("are", "have"), why), reason)
