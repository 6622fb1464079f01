"""Read queries from a table, a row each, and write their answers as a table."""

import csv
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, TextIO, Union

from recommender.catalogue import ALIASES
from recommender.cells import clean_text, is_missing, read_id, read_year
from recommender.errors import RecommenderError, WrongQuery
from recommender.many import Answer
from recommender.tables import Table, read_table

# Names of the columns of queries.
_COLUMNS = {
    "id": ("id", *ALIASES["id"]),
    "title": ("title", *ALIASES["title"]),
    "year": ("year", *ALIASES["release_date"], "release_date"),
    # Not "description", which in an export of IMDb is a remark.
    "overview": ("overview", "text", "query", "plot")}
# Names of the columns of answers; the last five are those of `Index.made_by`.
COLUMNS = ("query", "rank", "score", "id", "title", "year", "note",
           "recipe", "checkpoint", "index", "built", "digest")
_SHOWN = 3  # rows without an answer that are named: enough to see what is wrong with a table


class QueryTable(NamedTuple):
    """The queries of a table, in the order of its rows.

    Each is a dict of the arguments of `Recommender.wishes`, or the error why it is no query.
    `notes` say how the file was read, where it is no plain CSV.
    """

    path: str
    queries: List[Union[Dict[str, Any], RecommenderError]]
    notes: List[str]


def read_query_table(path: str) -> QueryTable:
    """Read a table with some of the columns `title`, `year`, `id` and `overview`.

    Each row is a query: for the film of the id or else of the title, for the text, or for both.

    Raises
    ------
    RecommenderError
        If the file is no such table, or has no rows.
    OSError
        If it cannot be read.
    """
    table = read_table(path, [name for names in _COLUMNS.values() for name in names])
    place = {column: table.place(names) for column, names in _COLUMNS.items()}
    if all(place[column] is None for column in ("id", "title", "overview")):
        raise RecommenderError("{} has no column title, id or overview: a row of a query says by "
                               "one of them what it asks for".format(path))
    queries = [_query(table, cells, place) for _, cells in table.rows()]
    if not queries:
        raise RecommenderError("{} has a header and no rows: write a query in each row".format(
            path))
    return QueryTable(path, queries, table.notes)


def _query(table: Table, cells: List[str],
           place: Dict[str, Optional[int]]) -> Union[Dict[str, Any], RecommenderError]:
    """Return the arguments of a query, or the error why it is none."""
    for at in (place["title"], place["overview"]):
        cells = cells if at is None else table.joined(cells, at)
    if len(cells) != len(table.names):
        return WrongQuery("the row has {} cells and the header {}: put a cell with {!r} in it in "
                          "quotes".format(len(cells), len(table.names), table.separator))
    given = {column: "" if at is None or is_missing(cells[at]) else clean_text(cells[at])
             for column, at in place.items()}
    asked: Dict[str, Any] = {}
    if given["overview"]:
        asked["overview"] = given["overview"]
    if given["id"]:
        asked["id"] = read_id(given["id"])
        if asked["id"] is None:
            return WrongQuery("{!r} in column id is no TMDB id".format(given["id"]))
    elif given["title"]:
        asked["title"], year = given["title"], read_year(given["year"])
        if year is None:
            return WrongQuery("{!r} in column year is no year of four digits".format(
                given["year"]))
        if year:
            asked["year"] = year
    return asked or WrongQuery("the row asks for nothing: it needs a title, an id or an overview")


class AnswerTable:
    """Answers as a table: a row for each film, and one for each query without a film.

    Parameters
    ----------
    file : file of text
        Is written to.
    path : str
        Path of the table of the queries, for `summary`.
    made_by : dict
        What the answers come from, as `Index.made_by` returns it; stands in every row.
    """

    def __init__(self, file: TextIO, path: str, made_by: Mapping[str, str]):
        self._writer = csv.writer(file, lineterminator="\n")
        self._writer.writerow(COLUMNS)
        self._made_by = [made_by[name] for name in COLUMNS[-5:]]
        self._path, self._n, self._unanswered = path, 0, []  # type: str, int, List[str]

    def write(self, answer: Answer) -> None:
        """Write the rows of the next query's answer; its notes stand in the first of them."""
        self._n += 1
        note = "; ".join(answer.notes)
        if not answer.results:
            why = str(answer.error or "there is no other film in the index")
            self._unanswered.append("row {}: {}".format(self._n, why))
            self._writer.writerow([self._n, "", "", "", "", "", why, *self._made_by])
        for rank, score, movie, _ in answer.results:
            self._writer.writerow([self._n, rank, "{:.4f}".format(score), movie["id"],
                                   movie["title"], movie["year"], note if rank == 1 else "",
                                   *self._made_by])

    @property
    def is_empty(self) -> bool:
        """True if no query has an answer."""
        return len(self._unanswered) == self._n

    def summary(self) -> str:
        """Return one line: how many queries were answered, and of the others the first few."""
        told = "{}: {:,} of {:,} queries answered".format(
            self._path, self._n - len(self._unanswered), self._n)
        if not self._unanswered:
            return told
        more = len(self._unanswered) - _SHOWN
        return "{}, {:,} not ({}{})".format(
            told, len(self._unanswered), "; ".join(self._unanswered[:_SHOWN]),
            "; and {:,} more: see column note".format(more) if more > 0 else "")
