"""Progress of long work, told to whoever wants to show it."""

import contextlib
from typing import Any, Callable, ContextManager, Iterable, Iterator, TypeVar

T = TypeVar("T")
Advance = Callable[[int], Any]  # tells that so many more steps are done
# Opens the progress of work, given what it is in a few words and how many steps it has.
Progress = Callable[[str, int], ContextManager[Advance]]


@contextlib.contextmanager
def silent(what: str, n: int) -> Iterator[Advance]:
    """Show nothing: the progress of work that nobody watches."""
    yield lambda steps: None


def each(items: Iterable[T], progress: Progress, what: str, n: int) -> Iterator[T]:
    """Yield `items`, about `n` of them, and advance `progress` by each.

    >>> list(each("abc", silent, "letters", 3))
    ['a', 'b', 'c']
    """
    with progress(what, n) as advance:
        for item in items:
            yield item
            advance(1)
