"""The catalogue: films read from the CSV of The Movies Dataset as it was published.

Data set: The Movies Dataset, Kaggle, rounakbanik/the-movies-dataset, `movies_metadata.csv`.
The reader expects its defects: rows broken in two, ids that occur twice, missing overviews,
damaged Python literals. A row that cannot be used is left out and counted by reason.
"""

import ast
import collections
import csv
import hashlib
import io
from typing import (
    Any,
    Callable,
    Counter,
    Dict,
    List,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
    TypeVar,
)

from recommender.errors import RecommenderError

# Columns of the CSV that are read; all must be there.
COLUMNS = ("id", "imdb_id", "title", "original_title", "original_language", "overview",
           "genres", "release_date", "vote_average", "vote_count")
# Overviews that say nothing, in lower case and without the full stop; such a film is left out.
PLACEHOLDERS = {
    "", "no overview", "no overview found", "no overview available", "no movie overview available",
    "no overview yet", "overview not available", "not available", "n/a", "none",
    "released", "coming soon", "tba",
}
_MAX_CELL = 1 << 24  # characters of a cell of the CSV; a quote that never ends is seen in time
# Characters of a Python literal; Python's parser crashes at expressions of some 200,000.
_MAX_LITERAL = 1 << 15
T = TypeVar("T")


class Movie(NamedTuple):
    """A film of the catalogue. All its texts have gone through `clean_text`.

    Attributes
    ----------
    id : int
        TMDB id, the only thing that identifies a film.
    imdb_id, title, original_title : str
    language : str
        Original language, ISO 639-1.
    year : int
        Year of release, 0 if unknown.
    genres : tuple of str
        Names in the order of the file, none empty, none twice.
    overview : str
    vote_average : float
        From 0 to 10.
    vote_count : int
    """

    id: int
    imdb_id: str
    title: str
    original_title: str
    language: str
    year: int
    genres: Tuple[str, ...]
    overview: str
    vote_average: float
    vote_count: int


class Catalogue(NamedTuple):
    """Films in the order of their file, with counts of what could not be used.

    Attributes
    ----------
    path : str
    sha256 : str
        Digest of the file, in hex.
    movies : list of Movie
    n_rows : int
        Rows in the file, those left out included.
    left_out : dict
        From reason to number of rows.
    n_unreadable_genres : int
        Films kept without genres because theirs are no Python literal.
    """

    path: str
    sha256: str
    movies: List[Movie]
    n_rows: int
    left_out: Dict[str, int]
    n_unreadable_genres: int

    def __repr__(self) -> str:
        return "Catalogue({!r}: {:,} films)".format(self.path, len(self.movies))

    def report(self) -> str:
        """Return in one line how many rows were read, kept and left out."""
        text = "{}: {:,} rows read, {:,} kept".format(self.path, self.n_rows, len(self.movies))
        if self.left_out:
            text += ", {:,} left out ({})".format(
                sum(self.left_out.values()),
                ", ".join("{:,} {}".format(n, why) for why, n in self.left_out.items()))
        if self.n_unreadable_genres:
            text += "; {:,} kept without genres, theirs are unreadable".format(
                self.n_unreadable_genres)
        return text


def read_catalogue(path: str, strict: bool = False) -> Catalogue:
    """Read a CSV in the data set's format, UTF-8 with a header.

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
    movies: Dict[int, Movie] = {}
    left_out: Counter[str] = collections.Counter()
    n_rows = n_unreadable_genres = 0
    with open(path, "rb") as file:
        content = file.read()
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RecommenderError("{}: not a CSV in UTF-8 (see byte {}): convert it, or take the file "
                               "from the data set again".format(path, error.start))
    csv.field_size_limit(_MAX_CELL)
    reader = csv.DictReader(io.TextIOWrapper(io.BytesIO(content), "utf-8-sig", newline=""),
                            strict=True)
    try:
        _check_header(path, reader.fieldnames)
        row: Dict[Optional[str], str] = {}
        for row in reader:
            n_rows += 1
            movie, reason = _read_row(row)
            if movie is not None and movie.id in movies:
                same = movies[movie.id] == movie
                reason = "with an id seen before" + ("" if same else " and other values")
            if movie is not None and not reason:
                movies[movie.id] = movie
                n_unreadable_genres += not movie.genres and _genres(row["genres"]) is None
                continue
            left_out[reason] += 1
            if strict:
                raise RecommenderError("{}, line {}: row {}: mend it or leave --strict out".format(
                    path, reader.line_num, reason))
    except csv.Error as error:
        raise RecommenderError("{}, line {}: not a CSV ({}): take the file from the data set "
                               "again".format(path, reader.line_num, error))
    if None in row.values() and not content.endswith((b"\n", b"\r")):
        raise RecommenderError("{}: cut off in its last row: take the file from the data set "
                               "again".format(path))
    if not movies:
        raise RecommenderError("{}: no film with an overview in {} rows: is this the right "
                               "file?".format(path, n_rows))
    return Catalogue(path, hashlib.sha256(content).hexdigest(), list(movies.values()), n_rows,
                     dict(left_out), n_unreadable_genres)


def _check_header(path: str, names: Optional[Sequence[str]]) -> None:
    """Raise RecommenderError unless `names`, the first line of a CSV, holds all of COLUMNS."""
    if not names:
        raise RecommenderError("{} is empty: take the file from the data set again".format(path))
    if not set(COLUMNS) & set(names):
        raise RecommenderError(
            "{} is not a CSV with a header, separated by commas, in the format of The Movies "
            "Dataset: its first line begins with {!r}".format(path, names[0][:40]))
    missing = [column for column in COLUMNS if column not in names]
    if missing:
        raise RecommenderError("{}: column {} is missing: a CSV in the format of The Movies "
                               "Dataset is needed".format(path, missing[0]))


def clean_text(text: str) -> str:
    """Return `text` on one line, without what UTF-8 and HDF5 cannot hold.

    Runs of white space and NULs become one space. A pair of surrogates becomes the letter that it
    stands for, one without its other half U+FFFD.

    >>> clean_text("  Sci\\0Fi \\n and\\tmore ")
    'Sci Fi and more'
    >>> clean_text("\\ud83d\\ude00") == "\\U0001f600", clean_text("half \\ud83d") == "half \\ufffd"
    (True, True)
    """
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return " ".join(whole.replace("\0", " ").split())


def read_literal(text: str, read: Callable[[Any], T]) -> Optional[T]:
    """Return what `read` makes of the value of a Python literal.

    Returns None if `text` is no literal, if it is longer than any of the data set, or if `read`
    fails because the value is not of the form that it expects.

    >>> read_literal("{'id': 10, 'name': 'Toy Story Collection'}", lambda cell: cell["id"])
    10
    >>> read_literal("{'id': 10, 'na", lambda cell: cell["id"]) is None
    True
    """
    if len(text) > _MAX_LITERAL:
        return None
    try:
        return read(ast.literal_eval(text.strip()))
    except (ValueError, SyntaxError, TypeError, KeyError, AttributeError,
            OverflowError, MemoryError, RecursionError):
        return None


def _read_row(row: Dict[Optional[str], str]) -> Tuple[Optional[Movie], str]:
    """Return the film of a row and "", or None and the reason, worded to follow a number."""
    if None in row or None in row.values():
        return None, "broken across lines"
    id_text = row["id"].strip()
    if not (id_text.isdecimal() and 0 < len(id_text) < 19):
        return None, "with no number as id"
    title = clean_text(row["title"])
    if not title:
        return None, "without a title"
    overview = clean_text(row["overview"])
    if overview.casefold().rstrip(". ") in PLACEHOLDERS:
        return None, "without an overview"
    return Movie(
        int(id_text), clean_text(row["imdb_id"]), title, clean_text(row["original_title"]),
        clean_text(row["original_language"]), _year(row["release_date"]),
        _genres(row["genres"]) or (), overview,
        min(max(_number(row["vote_average"]), 0.0), 10.0),
        int(min(max(_number(row["vote_count"]), 0), 2 ** 31 - 1))), ""


def _year(date: str) -> int:
    year = date.strip()[:4]
    return int(year) if len(year) == 4 and year.isdecimal() else 0


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        return 0.0
    return number if abs(number) < float("inf") else 0.0


def _genres(text: str) -> Optional[Tuple[str, ...]]:
    """Return the names in a Python literal such as "[{'id': 35, 'name': 'Comedy'}]".

    Returns None if `text` is no such literal, () if it is empty.
    """
    return read_literal(text, _clean_names) if text.strip() else ()


def _clean_names(entries: Any) -> Tuple[str, ...]:
    """Return the names of `entries`, without empty ones, each once, in their order."""
    names = [clean_text(entry["name"]) for entry in entries]
    return tuple(dict.fromkeys(name for name in names if name))
