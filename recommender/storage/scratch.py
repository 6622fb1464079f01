"""Arrays too large for memory, kept in a file that is gone when they are."""

import os
import tempfile
from typing import Any, List, Tuple

import numpy as np

LARGE = 256 << 20  # bytes from which on an array lies in a file: those of 45,000 films do not


def scratch(shape: Tuple[int, ...], dtype: Any) -> np.ndarray:
    """Return an array of any content; a large one is mapped from a file in the folder of TMPDIR.

    The file has no name, so that it is removed with the last reference, or with the process.

    Raises OSError if the disk does not hold it.
    """
    n_bytes = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    if n_bytes < LARGE:
        return np.empty(shape, dtype)
    with tempfile.TemporaryFile(prefix="embeddings-") as file:
        if hasattr(os, "posix_fallocate"):  # else a full disk would kill the process later
            os.posix_fallocate(file.fileno(), 0, n_bytes)
        return np.memmap(file, dtype, "w+", shape=shape)


def blocks(n: int, size: int = 1 << 16) -> List[slice]:
    """Return slices of up to `size` that cover `n` rows, so that no copy of all rows is made.

    >>> blocks(5, 2)
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    return [slice(start, min(start + size, n)) for start in range(0, n, size)]
