"""The bytes of a file: in memory, or where they are many in a file that is gone when they are."""

import io
import mmap
import tempfile
from typing import IO, Any, Iterable, Iterator, Union, cast

from recommender.storage.scratch import LARGE

BLOCK = 1 << 20  # bytes that are read at once
Content = Union[bytes, mmap.mmap]


def keep(pieces: Iterable[bytes]) -> Content:
    """Return the bytes of all pieces; many are mapped from a file in the folder of TMPDIR.

    The file has no name, so that it is removed with the last reference, or with the process.

    Raises OSError if the disk does not hold it.
    """
    with tempfile.SpooledTemporaryFile(LARGE, prefix="contents-") as file:
        for piece in pieces:
            file.write(piece)
        n_bytes = file.tell()
        if n_bytes > LARGE:  # only then it is a file of the system
            file.flush()
            return mmap.mmap(file.fileno(), n_bytes, access=mmap.ACCESS_READ)
        file.seek(0)
        return file.read()


def blocks_of(content: Content) -> Iterator[bytes]:
    """Yield the bytes a block at a time."""
    return (content[start:start + BLOCK] for start in range(0, len(content), BLOCK))


def last_block(content: Content, without: bytes) -> bytes:
    """Return the last bytes before those of `without` at the end, b"" if there are only these.

    >>> last_block(b"a table" + bytes(3), bytes(1))
    b'a table'
    """
    for start in reversed(range(0, len(content), BLOCK)):
        found = content[start:start + BLOCK].rstrip(without)
        if found:
            return found
    return b""


def opened(content: Content) -> IO[bytes]:
    """Return the bytes as a file; closing it leaves them."""
    return cast(IO[bytes], io.BufferedReader(_Raw(content), BLOCK))


class _Raw(io.RawIOBase):
    def __init__(self, content: Content):
        super().__init__()
        self._content, self._at = content, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        begin = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: len(self._content)}[whence]
        self._at = max(0, begin + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        found = self._content[self._at:self._at + len(buffer)]
        buffer[:len(found)] = found
        self._at += len(found)
        return len(found)
