"""The table that `make torture` prints: a line says what was tried and what was lost by it."""

from typing import Iterable, NamedTuple


class Row(NamedTuple):
    """`what` was tried, how often, and how often something was lost: 0, or it is a bug.

    A proof tells on stderr what was lost and how to try it again.
    """

    what: str
    tried: int
    lost: int


def markdown(rows: Iterable[Row]) -> str:
    """The rows as a table in Markdown."""
    lines = ["| what was tried | times | lost |", "|---|---|---|"]
    lines += ["| {} | {:,} | {:,} |".format(*row) for row in rows]
    return "\n".join(lines)
