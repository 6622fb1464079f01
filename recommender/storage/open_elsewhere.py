"""Recognise HDF5 files that other programs have open, or had: in use and touched is not damaged.

HDF5 locks a file that it opens for writing, sets a mark in its first bytes, the superblock, and
computes the superblock's checksum anew. On closing it restores both, and cuts the file off where
the superblock says that it ends. The mark stays if the program is killed, and HDF5 then refuses
the file. All other bytes stay as they are unless the program writes. The same was found with
HDF5 1.10, 1.14 and 2.0, by h5py and PyTables.
"""

import contextlib
import fcntl
import os
from typing import IO, Optional

import h5py

from recommender.errors import RecommenderError

SUPERBLOCK = 48  # bytes of a superblock of version 3, that of the newest format since HDF5 1.10
_START = b"\x89HDF\r\n\x1a\n\x03\x08\x08"  # signature, version 3, addresses and lengths of 8 bytes
_MARKS = 11  # place of the byte that marks an open file
_OPEN = 1 | 4  # its bits: open for writing, and for writing while others read (SWMR)
_END = slice(28, 36)  # where the superblock keeps the address of the file's end
_CHECKSUM = 44  # place of the superblock's checksum, 4 bytes
_WORD = (1 << 32) - 1  # the bits of an unsigned integer of 32 bits
_BLANK = 1 << 10  # bytes; HDF5 writes 800, or fewer, for a file that holds nothing


class FileInUse(RecommenderError):
    """A file that another program has open for writing."""


class TouchedFile(RecommenderError):
    """A sealed file that another program opened for writing, whose seal it cut off or broke."""


def refuse_in_use(file: IO[bytes]) -> None:
    """Keep other programs from opening `file` for writing while it, or a copy of it, is open.

    Raises FileInUse if one has it open for writing. Does nothing on a file system without locks.
    """
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        raise FileInUse("{} is in use: another program, such as a notebook, has it open for "
                        "writing: close it there, and look at it with h5py.File(path, "
                        "\"r\")".format(file.name))
    except OSError:
        pass


def unmarked(superblock: bytes) -> bytes:
    """Return a superblock without the mark of an open file; any other bytes as they are.

    Parameters
    ----------
    superblock : bytes
        The first SUPERBLOCK bytes of a file. They are changed only if their checksum is right, so
        that no damage passes for a mark.
    """
    if _end(superblock) is None or not superblock[_MARKS] & _OPEN:
        return superblock
    head = bytearray(superblock[:_CHECKSUM])
    head[_MARKS] &= ~_OPEN
    return bytes(head) + lookup3(head).to_bytes(4, "little")


def is_touched(superblock: bytes, n_bytes: int) -> bool:
    """Return True if another program opened a sealed file of `n_bytes` bytes for writing.

    Its superblock is whole, and has a mark or says that the file ends where the seal began.
    """
    return unmarked(superblock) != superblock or _end(superblock) == n_bytes


def is_blank(path: str) -> bool:
    """Return True for an HDF5 file that holds nothing.

    `h5py.File(path)` of h5py 2 makes one where there is no file.
    """
    with contextlib.suppress(OSError):
        if os.path.getsize(path) <= _BLANK:
            with h5py.File(path, "r") as file:
                return not len(file) and not len(file.attrs)
    return False


def _end(superblock: bytes) -> Optional[int]:
    """Return the length that a superblock says the file has, None if its checksum is wrong."""
    checksum = int.from_bytes(superblock[_CHECKSUM:], "little")
    if (len(superblock) != SUPERBLOCK or not superblock.startswith(_START)
            or lookup3(superblock[:_CHECKSUM]) != checksum):
        return None
    return int.from_bytes(superblock[_END], "little")


def lookup3(data: bytes) -> int:
    """Return the checksum that HDF5 keeps of its structures: Bob Jenkins' lookup3, hashlittle.

    `data` holds at least one byte.

    >>> hex(lookup3(b"Four score and seven years ago"))
    '0x17770551'
    """
    state = [(0xdeadbeef + len(data)) & _WORD] * 3
    blocks = [data[at:at + 12].ljust(12, b"\0") for at in range(0, len(data), 12)]
    for n, block in enumerate(blocks):
        for place in range(3):
            word = int.from_bytes(block[4 * place:4 * place + 4], "little")
            state[place] = state[place] + word & _WORD
        if n < len(blocks) - 1:
            for step, bits in enumerate((4, 6, 8, 16, 19, 4)):
                this, before, after = step % 3, (step + 2) % 3, (step + 1) % 3
                state[this] = (state[this] - state[before] & _WORD) ^ _rotated(state[before], bits)
                state[before] = state[before] + state[after] & _WORD
    for step, bits in enumerate((14, 11, 25, 16, 4, 14, 24)):
        this, before = (step + 2) % 3, (step + 1) % 3
        state[this] = (state[this] ^ state[before]) - _rotated(state[before], bits) & _WORD
    return state[2]


def _rotated(word: int, n_bits: int) -> int:
    """Return a word of 32 bits, rotated to the left."""
    return (word << n_bits | word >> 32 - n_bits) & _WORD
