"""The table that `make torture` prints: a row for each thing tried, with its losses."""

from typing import Iterable, NamedTuple


class Row(NamedTuple):
    """A row of the table. Proofs print on stderr what was lost and how to repeat the try."""

    what: str  # description of the tries
    tried: int  # number of tries
    lost: int  # number of tries that lost data or went wrong: anything but 0 is a bug


def markdown(rows: Iterable[Row]) -> str:
    """Return the rows as a table in Markdown.

    >>> print(markdown([Row("kills", 5000, 0)]))
    | what was tried | times | lost |
    |---|---|---|
    | kills | 5,000 | 0 |
    """
    lines = ["| what was tried | times | lost |", "|---|---|---|"]
    lines += ["| {} | {:,} | {:,} |".format(*row) for row in rows]
    return "\n".join(lines)
