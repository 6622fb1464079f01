"""The catalogue: films read from a CSV, that of The Movies Dataset or another.

Data set: The Movies Dataset, Kaggle, rounakbanik/the-movies-dataset, `movies_metadata.csv`.
The reader expects its defects: rows broken in two, ids that occur twice, missing overviews,
damaged Python literals. A row that cannot be used is left out and counted by reason; a cell that
cannot be read is counted by column.
"""

import collections
import re
import sys
from typing import (
    Any,
    Counter,
    Dict,
    Iterator,
    List,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
    Union,
    overload,
)

import numpy as np

from recommender.cells import (
    MISSING,
    clean_text,
    read_flag,
    read_genres,
    read_id,
    read_numbers,
    read_year,
)
from recommender.errors import RecommenderError
from recommender.movie import Movie
from recommender.storage.records import Records
from recommender.tables import Table, read_table

NEEDED = ("id", "title", "overview")  # columns without which there is no catalogue
# Columns that may be missing, with what is then lost, or "" where that need not be told.
OPTIONAL = {"imdb_id": "IMDb ids", "original_title": "original titles",
            "original_language": "languages", "genres": "genres", "release_date": "years",
            "vote_average": "ratings", "vote_count": "numbers of votes",
            "adult": "", "poster_path": ""}
# Names of the same columns in other data sets: TMDB's and Udacity's exports, MovieLens, IMDb.
ALIASES = {
    "id": ("tmdb_id", "tmdbid", "movie_id", "movieid"),
    "imdb_id": ("imdbid", "imdb", "tconst"),
    "title": ("name", "movie_title", "primarytitle", "original_title", "originaltitle"),
    "original_title": ("originaltitle",),
    "original_language": ("language",),
    "overview": ("plot", "description", "synopsis", "summary", "storyline"),
    "genres": ("genre",),
    "release_date": ("date", "released", "release_year", "year", "startyear"),
    "vote_average": ("rating", "averagerating", "imdb_rating"),
    "vote_count": ("votes", "numvotes", "num_votes"),
    "adult": ("isadult", "is_adult"),
    "poster_path": ()}
# Overviews that say nothing, in lower case and without the full stop; such a film is left out.
PLACEHOLDERS = MISSING | {
    "no overview", "no overview found", "no overview available", "no movie overview available",
    "no overview yet", "overview not available", "not available",
    "released", "coming soon", "tba",
}
POSTER_PATH = re.compile(r"/[A-Za-z0-9_-]{1,100}\.(?:jpe?g|png|webp)")  # appended to an address
MANY = 100000  # films from which on they are kept on the disk: as objects they take 2 KB each
Place = Dict[str, Optional[int]]  # from a column's name to its place in a row, if it is there


_VOTES = Movie._fields.index("vote_average")  # vote_count is behind it


class FilmsOnDisk(Sequence[Movie]):
    """Films of a large catalogue, each of which is made when it is asked for.

    Parameters
    ----------
    films : iterable of Movie
        The first ones, without votes.
    """

    def __init__(self, films: Sequence[Movie] = ()):
        self._records = Records()
        self._places: Optional[np.ndarray] = None  # of the films of a part, among the records
        self._averages = self._counts = np.empty(0)
        for movie in films:
            self.append(movie)

    def append(self, movie: Movie) -> None:
        """Add a film, without votes."""
        self._records.append(tuple(movie))

    def with_votes(self, averages: Sequence[float], counts: Sequence[int]) -> "FilmsOnDisk":
        """Return the same films with votes, one number each."""
        return self._view(self._places, np.array(averages, np.float64), np.array(counts, np.int64))

    def take(self, places: Sequence[int]) -> "FilmsOnDisk":
        """Return the films at these places."""
        chosen = np.array(places, np.int64)
        return self._view(chosen if self._places is None else self._places[chosen],
                          self._averages, self._counts)

    def _view(self, places: Optional[np.ndarray], averages: np.ndarray,
              counts: np.ndarray) -> "FilmsOnDisk":
        view = FilmsOnDisk.__new__(FilmsOnDisk)
        view._records, view._places = self._records, places
        view._averages, view._counts = averages, counts
        return view

    def __len__(self) -> int:
        return len(self._records) if self._places is None else len(self._places)

    @overload
    def __getitem__(self, at: int) -> Movie: ...

    @overload
    def __getitem__(self, at: slice) -> List[Movie]: ...

    def __getitem__(self, at: Union[int, slice]) -> Any:
        everything = range(len(self))
        if isinstance(at, slice):
            return list(self._at(everything[at]))
        place = everything[at]  # raises IndexError beyond the end
        return next(self._at(range(place, place + 1)))

    def __iter__(self) -> Iterator[Movie]:
        return self._at(range(len(self)))

    def _at(self, chosen: range) -> Iterator[Movie]:
        places: Sequence[int] = chosen if self._places is None else self._places[list(chosen)]
        for place, record in zip(places, self._records.at(places)):
            if len(self._counts):
                record = (*record[:_VOTES], float(self._averages[place]), int(self._counts[place]),
                          *record[_VOTES + 2:])
            yield Movie._make(record)


def films_at(movies: Sequence[Movie], places: Sequence[int]) -> Sequence[Movie]:
    """Return the films at these places; those of a large catalogue stay on the disk."""
    if isinstance(movies, FilmsOnDisk):
        return movies.take(places)
    return [movies[place] for place in places]


class Catalogue(NamedTuple):
    """Films in the order of their file, with counts of what could not be used.

    Attributes
    ----------
    path : str
    sha256 : str
        Digest of the file, in hex.
    movies : sequence of Movie
        Those of MANY films or more are on the disk, in a file that is gone with them.
    n_rows : int
        Rows in the file, those left out included.
    left_out : dict
        From reason to number of rows.
    unreadable : dict
        From column to number of values that could not be read and were left empty.
    notes : list of str
        How the file was read, where it is no plain CSV with all columns.
    without_overview : list of Movie
        Films that are left out because they have no overview; genres and votes are not read.
    """

    path: str
    sha256: str
    movies: Sequence[Movie]
    n_rows: int
    left_out: Dict[str, int]
    unreadable: Dict[str, int]
    notes: List[str]
    without_overview: List[Movie]

    def __repr__(self) -> str:
        return "Catalogue({!r}: {:,} films)".format(self.path, len(self.movies))

    def report(self) -> str:
        """Return in one line how many rows were read, kept and left out, and how."""
        text = "{}: {:,} rows read, {:,} kept".format(self.path, self.n_rows, len(self.movies))
        if self.left_out:
            text += ", {:,} left out ({})".format(sum(self.left_out.values()), ", ".join(
                "{:,} {}".format(n, why) for why, n in self.left_out.items()))
        if self.unreadable:
            text += "; unreadable and left empty: " + ", ".join(
                "{:,} in {}".format(n, column) for column, n in self.unreadable.items())
        if self.notes:
            text += "; " + "; ".join(self.notes)
        return text


def read_catalogue(path: str, strict: bool = False) -> Catalogue:
    """Read a catalogue from a CSV; `recommender.tables` says which files are understood.

    Parameters
    ----------
    path : str
    strict : bool
        Refuse the file at the first row that would be left out.

    Returns
    -------
    Catalogue

    Raises
    ------
    RecommenderError
        If the file is no such CSV, no film in it can be used, or `strict` finds a row to leave
        out.
    OSError
        If the file cannot be read.
    """
    aliases = [name for names in ALIASES.values() for name in names]
    table = read_table(path, [*NEEDED, *OPTIONAL, *aliases])
    place = _places(table)
    movies: Union[List[Movie], FilmsOnDisk] = []
    at: Dict[int, int] = {}  # from a film's id to its place among these
    votes: List[Tuple[str, str]] = []
    without_overview: Dict[int, Movie] = {}
    left_out: Counter[str] = collections.Counter()
    unreadable: Counter[str] = collections.Counter()
    n_rows, cells = 0, []  # type: int, List[str]
    for line, cells in table.rows():
        n_rows += 1
        movie, reason = _read_row(cells, place, len(table.names), unreadable)
        if movie is not None and not movie.overview:
            without_overview.setdefault(movie.id, movie)
        elif movie is not None and movie.id in at:
            before = at[movie.id]
            same = (movies[before], votes[before]) == (movie, _votes(cells, place))
            reason = "with an id seen before" + ("" if same else " and other values")
        if movie is not None and not reason:
            at[movie.id] = len(movies)
            movies.append(movie)
            votes.append(_votes(cells, place))
            if len(movies) == MANY:
                movies = FilmsOnDisk(movies)
            continue
        left_out[reason] += 1
        if strict:
            raise RecommenderError("{}, line {}: row {}: mend it or leave --strict out".format(
                path, line, reason))
    if len(cells) < len(table.names) and table.is_cut_off:
        raise RecommenderError("{}: cut off in its last row: take the file from the data set "
                               "again".format(path))
    if not movies:
        if n_rows and left_out["with no number as id"] == n_rows:
            raise RecommenderError("{}: no row has a number as id: name the column of the films' "
                                   "TMDB ids id".format(path))
        raise RecommenderError("{}: no film with an overview in {} rows: is this the right "
                               "file?".format(path, n_rows))
    notes = [*table.notes, *_without(place)]
    rated = _with_votes(movies, votes, unreadable, notes)
    return Catalogue(path, table.sha256, rated, n_rows, dict(left_out),
                     {name: n for name, n in unreadable.items() if n}, notes,
                     [movie for movie in without_overview.values() if movie.id not in at])


def _places(table: Table) -> Place:
    """Return the place of each column, by its name or an alias.

    Raises RecommenderError if one of NEEDED is missing.
    """
    place: Place = {}
    for column in (*NEEDED, *OPTIONAL):
        names = [name for name in (column, *ALIASES[column]) if name in table.names]
        place[column] = table.names.index(names[0]) if names else None
    for column in NEEDED:
        if place[column] is None:
            raise RecommenderError(
                "{}: column {} is missing: a CSV with at least the columns {} is needed".format(
                    table.path, column, ", ".join(NEEDED)))
    return place


def _without(place: Place) -> List[str]:
    """Return a note of the columns that are missing, if any."""
    missing = [column for column, lost in OPTIONAL.items() if lost and place[column] is None]
    return ["no column {}: {} are unknown".format(
        ", ".join(missing), ", ".join(OPTIONAL[column] for column in missing))] if missing else []


def _cell(cells: Sequence[str], place: Place, column: str) -> str:
    """Return a cell of a row, "" where the table has no such column."""
    at = place[column]
    return "" if at is None else cells[at]


def _votes(cells: Sequence[str], place: Place) -> Tuple[str, str]:
    # One object for all films with the same.
    average, count = _cell(cells, place, "vote_average"), _cell(cells, place, "vote_count")
    return sys.intern(average), sys.intern(count)


def _read_row(cells: Sequence[str], place: Place, n_columns: int,
              unreadable: Counter[str]) -> Tuple[Optional[Movie], str]:
    """Return the film of a row, without votes, and "", or the reason why it is left out.

    The reason is worded to follow a number. With a reason there is no film, or one without an
    overview. Counts the cells that cannot be read.
    """
    if len(cells) != n_columns:
        return None, "broken across lines"
    movie_id = read_id(_cell(cells, place, "id"))
    if movie_id is None:
        return None, "with no number as id"
    title = clean_text(_cell(cells, place, "title"))
    if not title:
        return None, "without a title"
    overview = clean_text(_cell(cells, place, "overview"))
    year = read_year(_cell(cells, place, "release_date"))
    movie = Movie(
        movie_id, clean_text(_cell(cells, place, "imdb_id")), title,
        clean_text(_cell(cells, place, "original_title")),
        # One object for all films of a language.
        sys.intern(clean_text(_cell(cells, place, "original_language"))),
        year or 0, (), overview, 0.0, 0)
    if overview.casefold().rstrip(". ") in PLACEHOLDERS:
        return movie._replace(overview=""), "without an overview"
    genres = read_genres(_cell(cells, place, "genres"))
    unreadable["genres"] += genres.n_unreadable
    unreadable["release_date"] += year is None
    adult = read_flag(_cell(cells, place, "adult"))
    unreadable["adult"] += adult is None
    poster = clean_text(_cell(cells, place, "poster_path"))
    is_path = bool(POSTER_PATH.fullmatch(poster))
    unreadable["poster_path"] += bool(poster) and not is_path
    return movie._replace(genres=genres.names, adult=bool(adult),
                          poster_path=poster if is_path else ""), ""


def _with_votes(movies: Union[List[Movie], FilmsOnDisk], votes: List[Tuple[str, str]],
                unreadable: Counter[str], notes: List[str]) -> Sequence[Movie]:
    """Return the films with their votes, which are read a column at a time."""
    averages = read_numbers((average for average, _ in votes), whole=False)
    counts = read_numbers((count for _, count in votes), whole=True)
    for name, column in (("vote_average", averages), ("vote_count", counts)):
        unreadable[name] += sum(value is None for value in column.values)
        if column.note:
            notes.append("{} read {}".format(name, column.note))
    of_ten = [min(max(average or 0.0, 0.0), 10.0) for average in averages.values]
    whole = [int(min(max(count or 0.0, 0), 2 ** 31 - 1)) for count in counts.values]
    if isinstance(movies, FilmsOnDisk):
        return movies.with_votes(of_ten, whole)
    return [movie._replace(vote_average=average, vote_count=count)
            for movie, average, count in zip(movies, of_ten, whole)]
