"""Errors that a user can put right; each is one line: what is wrong, where, what to do."""


class RecommenderError(Exception):
    """An error that a user can put right; programs end with `exit_code`."""

    exit_code = 1


class NothingFound(RecommenderError):
    """An error for a query that has no answer, such as an unknown title."""

    exit_code = 2


class FilmLeftOut(NothingFound):
    """An error for a film that is in the catalogue and cannot be answered for.

    `code` is "no_overview" or "not_in_index".
    """

    def __init__(self, message: str, code: str):
        super().__init__(message)
        self.code = code


class WrongQuery(RecommenderError):
    """An error for arguments that are out of range or contradict each other."""

    exit_code = 2
