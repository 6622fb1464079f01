"""The threads that answer requests."""

import contextlib
import threading
from typing import Iterator

from waitress.task import ThreadedTaskDispatcher

_COMPUTING = 8  # more would not answer sooner, but take turns more often: a third of the rate


class Threads(ThreadedTaskDispatcher):
    """Those that compute, and one more for each that waits for the process that embeds texts."""

    def __init__(self) -> None:
        """None is started: a process may still be forked."""
        super().__init__()
        self._n, self._changing = 0, threading.Lock()
        self._is_over = False

    def start(self) -> None:
        """Start those that compute."""
        self._add(_COMPUTING)

    @contextlib.contextmanager
    def one_more(self) -> Iterator[None]:
        """While the block waits, another thread takes its place."""
        self._add(1)
        try:
            yield
        finally:
            self._add(-1)

    def _add(self, n: int) -> None:
        with self._changing:
            self._n += n
            if not self._is_over:
                self.set_thread_count(self._n)

    def shutdown(self, cancel_pending: bool = True, timeout: int = 5) -> bool:
        with self._changing:
            self._is_over = True
        return super().shutdown(cancel_pending, timeout)
