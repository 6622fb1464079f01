"""Fetch checkpoints and The Movies Dataset: the work of `download.py`."""


class FetchError(Exception):
    """Something that cannot be fetched: one line says what is wrong, where, and what to do."""

    def __init__(self, message: str):
        # Servers' answers and names in archives may hold ends of lines.
        super().__init__(" ".join(message.split()))
