"""The catalogue: films read from the CSV of The Movies Dataset as it was published.

Data set: The Movies Dataset, Kaggle, rounakbanik/the-movies-dataset, `movies_metadata.csv`.
Its defects (rows broken in two, ids that occur twice, missing overviews, Python literals)
are part of it. A row that cannot be used is left out, counted, and its reason told.
"""

import ast
import csv
import hashlib
from collections import Counter
from typing import Dict, List, NamedTuple, Optional, Tuple

from recommender.errors import RecommenderError

COLUMNS = ("id", "imdb_id", "title", "original_title", "original_language", "overview",
           "genres", "release_date", "vote_average", "vote_count")
PLACEHOLDERS = {
    "", "no overview", "no overview found", "no overview available", "no movie overview available",
    "no overview yet", "overview not available", "not available", "n/a", "none",
    "released", "coming soon", "tba",
}


class Movie(NamedTuple):
    """One film. `id` is TMDB's and the only thing that identifies it; `year` is 0 where the
    release date is unknown; `vote_average` is on TMDB's scale from 0 to 10."""

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
    """Films in the order of the file, what was left out of it by reason, and how many films
    were kept without their genres because those are no Python literal."""

    path: str
    sha256: str
    movies: List[Movie]
    n_rows: int
    left_out: Dict[str, int]
    n_unreadable_genres: int

    def report(self) -> str:
        """How many rows were read, kept and left out, in one line."""
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

    Raises RecommenderError if the file is no such CSV, if no film in it can be used, and,
    when `strict`, at the first row that would be left out.
    """
    movies = {}  # type: Dict[int, Movie]
    left_out = Counter()  # type: Counter
    n_rows = n_unreadable_genres = 0
    with open(path, "rb") as file:
        content = file.read()
    digest, ends_line = hashlib.sha256(content).hexdigest(), content.endswith((b"\n", b"\r"))
    csv.field_size_limit(1 << 24)
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            if not reader.fieldnames:
                raise RecommenderError("{} is empty: take the file from the data set "
                                       "again".format(path))
            if not set(COLUMNS) & set(reader.fieldnames):
                raise RecommenderError(
                    "{} is not a CSV with a header, separated by commas, in the format of The "
                    "Movies Dataset: its first line begins with {!r}".format(
                        path, reader.fieldnames[0][:40]))
            missing = [column for column in COLUMNS if column not in reader.fieldnames]
            if missing:
                raise RecommenderError("{}: column {} is missing: a CSV in the format of The "
                                       "Movies Dataset is needed".format(path, missing[0]))
            row = {}  # type: Dict[Optional[str], str]
            for row in reader:
                n_rows += 1
                movie, reason = _read_row(row)
                if movie is not None and movie.id in movies:
                    same = movies[movie.id] == movie
                    reason = "with an id seen before" + ("" if same else " and other values")
                if reason is None:
                    movies[movie.id] = movie
                    n_unreadable_genres += not movie.genres and _genres(row["genres"]) is None
                    continue
                left_out[reason] += 1
                if strict:
                    raise RecommenderError("{}, line {}: row {}: mend it or leave --strict "
                                           "out".format(path, reader.line_num, reason))
            if None in row.values() and not ends_line:
                raise RecommenderError("{}: cut off in its last row: take the file from the data "
                                       "set again".format(path))
    except UnicodeDecodeError as error:
        raise RecommenderError("{}: not a CSV in UTF-8 (see byte {}): convert it, or take the "
                               "file from the data set again".format(
            path, error.start))
    except csv.Error as error:
        raise RecommenderError("{}, line {}: not a CSV ({}): take the file from the data set "
                               "again".format(path, reader.line_num, error))
    if not movies:
        raise RecommenderError("{}: no film with an overview in {} rows: is this the right "
                               "file?".format(path, n_rows))
    return Catalogue(path, digest, list(movies.values()), n_rows, dict(left_out),
                     n_unreadable_genres)


def _read_row(row: Dict[Optional[str], str]) -> Tuple[Optional[Movie], Optional[str]]:
    """The film of a row, or the reason why there is none (worded to follow a number)."""
    if None in row or None in row.values():
        return None, "broken across lines"
    id_text = row["id"].strip()
    if not (id_text.isdecimal() and 0 < len(id_text) < 19):
        return None, "with no number as id"
    title = _one_line(row["title"])
    if not title:
        return None, "without a title"
    overview = _one_line(row["overview"])
    if overview.casefold().rstrip(". ") in PLACEHOLDERS:
        return None, "without an overview"
    return Movie(
        int(id_text), row["imdb_id"].strip(), title, _one_line(row["original_title"]),
        row["original_language"].strip(), _year(row["release_date"]),
        _genres(row["genres"]) or (), overview,
        min(max(_number(row["vote_average"]), 0.0), 10.0),
        int(min(max(_number(row["vote_count"]), 0), 2 ** 31 - 1))), None


def _one_line(text: str) -> str:
    return " ".join(text.replace("\0", " ").split())


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
    """Names of a Python literal such as "[{'id': 35, 'name': 'Comedy'}]"; None if it is none."""
    try:
        entries = ast.literal_eval(text.strip() or "[]")
        return tuple(str(entry["name"]) for entry in entries)
    except (ValueError, SyntaxError, TypeError, KeyError, MemoryError, RecursionError):
        return None
