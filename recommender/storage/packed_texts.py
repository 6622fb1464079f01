"""Columns of strings that are mapped, not read: the bytes of all texts, and where each ends.

An index of many films keeps its strings so: as Python objects they would take gigabytes and
minutes to read. A group holds `NAME/bytes` uint8, all texts in UTF-8, each with a line feed behind
it, and `NAME/ends` int64 (n,), the place behind that line feed.
"""

from typing import Any, Iterable, Iterator, List

import h5py
import numpy as np

from recommender.storage.hdf5 import PlainFile

END = b"\n"  # behind each text; it sorts before every letter, and no text of a catalogue has one
_BLOCK = 4096  # texts that are decoded at once


class PackedTexts:
    """A column of strings over mapped arrays.

    A row gives a str, a slice or an array of rows an object array.

    Parameters
    ----------
    data : np.ndarray
        uint8, as above.
    ends : np.ndarray
        int64 (n,).
    """

    def __init__(self, data: np.ndarray, ends: np.ndarray):
        self.data, self._ends = data, ends

    def __len__(self) -> int:
        return len(self._ends)

    def begin(self, row: int) -> int:
        """Return the place of a text in `data`."""
        return int(self._ends[row - 1]) if row else 0

    def lengths(self, rows: np.ndarray) -> np.ndarray:
        """Return how many bytes each of some texts takes, int64 (m,)."""
        return self._ends[rows] - self._begins(rows) - len(END)

    def _begins(self, rows: np.ndarray) -> np.ndarray:
        """Return what `begin` does of some texts, int64 (m,)."""
        return np.where(rows > 0, self._ends[rows - 1], 0)

    def encoded(self, row: int) -> bytes:
        """Return a text in UTF-8."""
        return self.data[self.begin(row):int(self._ends[row]) - len(END)].tobytes()

    def __getitem__(self, rows: Any) -> Any:
        if isinstance(rows, (int, np.integer)):
            return self.encoded(range(len(self))[rows]).decode()
        if isinstance(rows, slice) and rows == slice(None):
            return np.array(list(self), object)
        chosen = np.arange(len(self))[rows]
        edges = zip(self._begins(chosen).tolist(), (self._ends[chosen] - len(END)).tolist())
        text = memoryview(self.data)  # arrays take four times as long to be cut
        return np.array([str(text[begin:end], "utf-8") for begin, end in edges], object)

    def __iter__(self) -> Iterator[str]:
        for start in range(0, len(self), _BLOCK):
            end = min(start + _BLOCK, len(self))
            block = self.data[self.begin(start):int(self._ends[end - 1])].tobytes()
            yield from block.decode().split(END.decode())[:-1]

    def tolist(self) -> List[str]:
        """Return all texts."""
        return list(self)


def write_packed(group: h5py.Group, name: str, texts: Iterable[str]) -> None:
    """Write a column of strings; line feeds in them become spaces."""
    data, ends = bytearray(), []  # type: bytearray, List[int]
    for text in texts:
        data += text.replace("\n", " ").encode() + END
        ends.append(len(data))
    group[name + "/bytes"] = np.frombuffer(data, np.uint8)
    group[name + "/ends"] = np.array(ends, np.int64)


def read_packed(file: PlainFile, name: str, n: int) -> PackedTexts:
    """Return the column that `write_packed` wrote, of `n` strings, mapped.

    Raises RecommenderError if the file does not hold it whole.
    """
    data = file.array(name + "/bytes", np.uint8, (None,))
    ends = file.array(name + "/ends", np.int64, (n,))
    is_whole = (not n and not len(data)) or (n and ends[-1] == len(data) and ends[0] > 0)
    if not is_whole or (np.diff(ends) <= 0).any():
        raise file.refuse("{} is damaged".format(name))
    return PackedTexts(data, ends)
