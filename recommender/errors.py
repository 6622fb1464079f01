"""What this package raises for what a user can put right."""


class RecommenderError(Exception):
    """Says in one line what is wrong, where, and what to do."""

    exit_code = 1


class NothingFound(RecommenderError):
    """The question was understood and has no answer."""

    exit_code = 2


class WrongQuery(RecommenderError):
    """The question makes no sense as it was put."""

    exit_code = 2
