"""Compute the next item while the one before it is written."""

import queue
import threading
from typing import Callable, Iterable, List, Optional, TypeVar

T = TypeVar("T")

_WAITING = 4  # batches computed ahead of writing: enough to bridge a slow write, little memory


def for_each_in_background(items: Iterable[T], write: Callable[[T], None]) -> None:
    """Call `write` for each item in a thread of its own, while the next item is computed.

    An error of `write` ends the loop and is raised here. What was computed before an error of
    `items`, or before Ctrl-C, is still written.
    """
    waiting: "queue.Queue[Optional[T]]" = queue.Queue(_WAITING)
    failed: List[BaseException] = []

    def work() -> None:
        for item in iter(waiting.get, None):
            if not failed:
                try:
                    write(item)
                except BaseException as error:  # raised again in the main thread
                    failed.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        for item in items:
            if failed:
                break
            waiting.put(item)
    finally:
        waiting.put(None)
        thread.join()
    if failed:
        raise failed[0]
