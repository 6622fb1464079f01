"""The threads that answer requests."""

from waitress.channel import HTTPChannel
from waitress.task import ThreadedTaskDispatcher

from serving.batching import MAX_WAITING

_ANSWERING = 8  # more take turns more often: of 40 that shared all requests, a third of the rate
_FOR_TEXTS = 2 * MAX_WAITING  # one for each text that waits or is read; the others are refused


class Threads:
    """Some for requests that are POSTed, of which texts wait long, others for all the rest.

    What waitress expects of its dispatcher. They start at once, so none may be made before a fork.
    """

    def __init__(self) -> None:
        self._for_texts, self._others = ThreadedTaskDispatcher(), ThreadedTaskDispatcher()
        self._for_texts.set_thread_count(_FOR_TEXTS)
        self._others.set_thread_count(_ANSWERING)

    def add_task(self, task: HTTPChannel) -> None:
        """Have the request answered that has come in on a connection."""
        is_posted = getattr(task.requests[0], "command", "") == "POST"
        (self._for_texts if is_posted else self._others).add_task(task)

    def shutdown(self) -> None:
        """Let each finish what it does, for some seconds, and drop what has not begun."""
        self._for_texts.shutdown()
        self._others.shutdown()
