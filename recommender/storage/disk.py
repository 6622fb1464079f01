"""The file to which HDF5 writes: it never sees a write fail."""

import io
from typing import Any, List, Optional, Tuple

_KEPT = 1 << 20  # bytes of a piece that is kept: HDF5 reads its structures again, no large array


class Disk(io.FileIO):
    """A file of which the first error is kept, and that drops what follows.

    HDF5 must not see a write fail: it frees its structures only in part and crashes at the next
    call (h5py issues 914 and 1642). Nor may it read its structures otherwise than it wrote them,
    which makes HDF5 2 crash: so small pieces that are dropped are kept in memory, and read there.

    Attributes
    ----------
    failed : BaseException or None
        The first error.
    """

    failed: Optional[BaseException] = None

    def __init__(self, path: str, mode: str):
        super().__init__(path, mode)
        self._dropped: List[Tuple[int, bytes]] = []  # places and pieces, as they came

    def write(self, data: Any) -> int:
        left, end = memoryview(data).cast("B"), self.tell() + memoryview(data).nbytes
        try:
            while left and not self.failed:
                left = left[self.put(left):]
        except BaseException as error:  # raised again by NewFile.close
            self.failed = error
        if left:
            if len(left) <= _KEPT:
                self._dropped.append((end - len(left), bytes(left)))
            self.seek(end)
        return len(data)

    def put(self, data: memoryview) -> int:
        """Write to the disk and return how many bytes. Raises OSError."""
        return super().write(data)

    def readinto(self, buffer: Any) -> int:
        begin, n = self.tell(), super().readinto(buffer) or 0
        if not self.failed:
            return n
        view = memoryview(buffer).cast("B")
        view[n:] = bytes(len(view) - n)
        for at, piece in self._dropped:
            low, high = max(begin, at), min(begin + len(view), at + len(piece))
            if low < high:
                view[low - begin:high - begin] = piece[low - at:high - at]
        return len(view)

    def truncate(self, size: Optional[int] = None) -> int:
        try:
            return super().truncate(size)
        except BaseException as error:  # raised again by NewFile.close
            self.failed = self.failed or error
            return size or 0
