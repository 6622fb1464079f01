"""The exception of this package."""


class BertError(Exception):
    """Something that the user can put right: one line says what is wrong, where, and what to do."""
