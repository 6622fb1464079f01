"""Differences between h5py 2 and 3: the only module that asks for the version."""

from typing import Any

import h5py

_IS_2 = h5py.version.version_tuple[0] == 2


def as_texts(column: h5py.Dataset) -> Any:
    """Return a view of a dataset of UTF-8 strings that gives str, as h5py 2 does by itself."""
    return column if _IS_2 else column.asstr()
