"""The garbage collector, switched off while much is made that stays."""

import contextlib
import gc
from typing import Iterator


@contextlib.contextmanager
def without_collecting() -> Iterator[None]:
    """Switch the garbage collector off, and have it overlook what is there at the end.

    Importing TensorFlow makes hundreds of thousands of objects that stay. Looking through them
    for garbage again and again is an eighth of the time.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()
