"""The one exception that this package raises for what a user can put right."""


class BertError(Exception):
    """Says in one line what is wrong, where, and what to do."""
