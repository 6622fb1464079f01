"""Threads that answer requests."""

from waitress.channel import HTTPChannel
from waitress.task import ThreadedTaskDispatcher

from serving.batching import MAX_WAITING

_ANSWERING = 8  # threads for short requests; 40 take turns so often that the rate falls to a third
_FOR_TEXTS = 2 * MAX_WAITING  # threads for texts: one batch that runs and one that waits


class Threads:
    """A dispatcher for waitress: texts, which are sent by POST and wait long, have threads of
    their own, so that all other requests are answered meanwhile.

    The threads start at once, so make it after a fork.
    """

    def __init__(self) -> None:
        self._for_texts, self._others = ThreadedTaskDispatcher(), ThreadedTaskDispatcher()
        self._for_texts.set_thread_count(_FOR_TEXTS)
        self._others.set_thread_count(_ANSWERING)

    def add_task(self, task: HTTPChannel) -> None:
        """Have a thread answer the request that has come in on a connection."""
        is_posted = getattr(task.requests[0], "command", "") == "POST"
        (self._for_texts if is_posted else self._others).add_task(task)

    def shutdown(self) -> None:
        """Let each thread finish its request, for some seconds, and drop requests not begun."""
        self._for_texts.shutdown()
        self._others.shutdown()
