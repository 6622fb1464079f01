"""Tuples too many for memory, kept in a file that is gone when they are."""

import array
import marshal
import os
import tempfile
from typing import Any, Iterator, Sequence, Tuple

Record = Tuple[Any, ...]  # of strings, numbers and tuples of these
_BLOCK = 512  # records that are read at once, where they lie together
_APART = 4 * _BLOCK  # records among which as many as these still lie together


class Records:
    """Records in the order in which they were appended.

    They lie in a file without a name in the folder of TMPDIR, and 8 bytes of each in memory.

    Raises OSError if the disk does not hold them.
    """

    def __init__(self) -> None:
        # Open as long as the records are there.
        self._file = tempfile.TemporaryFile(prefix="records-")  # noqa: SIM115
        self._ends = array.array("q", [0])

    def __len__(self) -> int:
        return len(self._ends) - 1

    def append(self, record: Record) -> None:
        """Write one more record."""
        self._ends.append(self._ends[-1] + self._file.write(marshal.dumps(record)))

    def at(self, places: Sequence[int]) -> Iterator[Record]:
        """Yield the records at these places, in their order."""
        self._file.flush()
        for start in range(0, len(places), _BLOCK):
            some = places[start:start + _BLOCK]
            first, last = min(some), max(some)
            if last - first < _APART:
                content = memoryview(self._read(first, last))
                begin = self._ends[first]
                for place in some:
                    yield marshal.loads(
                        content[self._ends[place] - begin:self._ends[place + 1] - begin])
            else:
                for place in some:
                    yield marshal.loads(self._read(place, place))

    def _read(self, first: int, last: int) -> bytes:
        """Return the bytes of the records from `first` to `last`."""
        begin, end = self._ends[first], self._ends[last + 1]
        return os.pread(self._file.fileno(), end - begin, begin)
