"""Write HDF5 files that survive a full disk, and read ones that may be damaged or hostile.

HDF5 trusts a file: it follows links and external storage out of it, allocates what it declares,
and crashes when it closes a file on a full disk. So the project writes through `NewFile` and
reads through `PlainFile`.
"""

import atexit
import contextlib
import mmap
import os
from typing import Any, Callable, Optional, Tuple, Type

import h5py
import numpy as np
import xxhash

from recommender.errors import RecommenderError
from recommender.storage.disk import Disk
from recommender.storage.h5py_version import as_texts
from recommender.storage.open_elsewhere import (
    SUPERBLOCK,
    TouchedFile,
    is_touched,
    refuse_in_use,
    unmarked,
)

# Errors that h5py raises for errors of HDF5.
_HDF5_ERRORS = (OSError, RuntimeError, KeyError, ValueError, TypeError)

_SEAL = 16  # bytes of the checksum, XXH3-128, at the end of a sealed file
_ALIGNMENT = 8  # bytes; NumPy copies an array that is not aligned before it computes with it


class DamagedFile(RecommenderError):
    """A file that is not as it was written, or no HDF5 file."""


class NewFile:
    """A new HDF5 file; a context manager that returns the open h5py.File.

    The file is complete when the block ends, and removed if the block or a write fails; a failed
    write is raised as OSError with the file's name.

    Parameters
    ----------
    path : str
        A temporary name, as `recommender.storage.files.new_file` yields it.
    with_texts : bool
        Write HDF5's oldest format. In that of 1.10, which is faster for many small datasets,
        HDF5 1.10.4 writes datasets over each other where there are megabytes of strings.
    sealed : bool
        Append the checksum of all bytes, where HDF5 does not read.
    """

    def __init__(self, path: str, with_texts: bool = False, sealed: bool = False):
        self.path = path
        self._sealed = sealed
        self._disk = Disk(path, "w+")
        access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
        access.set_fclose_degree(h5py.h5f.CLOSE_STRONG)
        # 1.10 is what h5py 2 has: that of a newer HDF5 it cannot read.
        access.set_libver_bounds(h5py.h5f.LIBVER_EARLIEST if with_texts else h5py.h5f.LIBVER_V110,
                                 h5py.h5f.LIBVER_V110)
        access.set_alignment(1, _ALIGNMENT)
        access.set_fileobj_driver(h5py.h5fd.fileobj_driver, self._disk)
        self.file = h5py.File(h5py.h5f.create(os.fsencode(path), fapl=access))

    @property
    def failed(self) -> Optional[BaseException]:
        """The error of the first failed write, which `close` raises, or None."""
        return self._disk.failed

    def close(self) -> None:
        """Complete the file. If a write failed, remove the file and raise the error."""
        self.file.close()
        if self._sealed:
            self._disk.seek(0)
            self._disk.write(xxhash.xxh3_128_digest(self._disk.readall()))
        self._disk.close()
        if self.failed:
            os.remove(self.path)
            if isinstance(self.failed, OSError):
                self.failed.filename = self.path
            raise self.failed

    def discard(self) -> None:
        """Close and remove the file."""
        self.file.close()
        self._disk.close()
        os.remove(self.path)

    def __enter__(self) -> h5py.File:
        return self.file

    def __exit__(self, kind: Optional[Type[BaseException]], *_: Any) -> None:
        if kind is None or self.failed:  # a failed write may have made the block fail
            self.close()
        else:
            self.discard()


class PlainFile:
    """An HDF5 file opened for reading; only data that lie in the file itself are used.

    Arrays are mapped into memory, not read: a declared shape costs no memory, and no link, no
    virtual or external dataset, no filter and no conversion is used.

    Parameters
    ----------
    path : str
    remedy : str
        What the user can do about a damaged file, for the end of errors.
    sealed : bool
        Compare the file with the checksum at its end before HDF5 opens it: damage can crash HDF5.

    Raises
    ------
    OSError
        If the file cannot be opened.
    FileInUse
        If another program has it open for writing.
    TouchedFile
        If it is sealed and another program opened it for writing.
    DamagedFile
        If it is no whole HDF5 file. Methods raise it for damage found later, and
        RecommenderError for content that is not as asked for.

    Attributes
    ----------
    identity : str
        Differs between this file and any other that was or will be at its path.
    """

    def __init__(self, path: str, remedy: str, sealed: bool = False):
        self.path = path
        self._remedy = remedy
        self._sealed = sealed
        while not self._open_both():
            pass
        self._root = self._file.id

    def _open_both(self) -> bool:
        """Map the file and open it with HDF5; return False if it was replaced in between."""
        with open(self.path, "rb") as file:
            refuse_in_use(file)
            found = os.fstat(file.fileno())
            try:
                # The map keeps a copy of the descriptor, and so the lock, as long as it lives.
                self._pages = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
                if self._sealed:
                    self._compare_seal()
                self._file = self._opened()
            except (OSError, ValueError):  # ValueError: an empty file cannot be mapped
                raise self.damaged()
            self.identity = "{}-{}-{}".format(found.st_ino, found.st_mtime_ns, found.st_size)
            return os.path.samestat(found, os.stat(self.path))

    def _compare_seal(self) -> None:
        """Raise TouchedFile or DamagedFile if the bytes and the checksum at the end differ."""
        if self._pages[-_SEAL:] != xxhash.xxh3_128_digest(memoryview(self._pages)[:-_SEAL]):
            if is_touched(self._pages[:SUPERBLOCK], len(self._pages)):
                raise TouchedFile("{} was opened for writing by another program: {}".format(
                    self.path, self._remedy))
            raise self.damaged()

    def _opened(self) -> h5py.File:
        """Return the file opened by HDF5, from a copy in memory where HDF5 would not open it.

        It opens no file that is marked as open, or that it cannot lock.
        """
        superblock = unmarked(self._pages[:SUPERBLOCK])
        if superblock == self._pages[:SUPERBLOCK]:
            try:
                return h5py.File(self.path, "r")
            except OSError as error:
                if "unable to lock file" not in str(error):
                    raise
        return h5py.File(h5py.h5f.open_file_image(
            b"".join((superblock, memoryview(self._pages)[SUPERBLOCK:]))))

    def __enter__(self) -> "PlainFile":
        return self

    def __exit__(self, *error: Any) -> None:
        self._file.close()

    def refuse(self, what: str) -> RecommenderError:
        """Return the error that says `what` is wrong with the content of the file."""
        return RecommenderError("{}: {}: {}".format(self.path, what, self._remedy))

    def damaged(self) -> DamagedFile:
        """Return the error for a file that HDF5 cannot read, or should not."""
        atexit.register(_hush)
        return DamagedFile("{} is not a whole HDF5 file{}: {}".format(
            self.path, " as it was written" if self._sealed else "", self._remedy))

    def expect(self, kind: str, *versions: int) -> int:
        """Return the file's format version. Raises RecommenderError if it is none of `versions`.

        `kind` describes the file in words, such as "an index".
        """
        try:
            found = self.attribute("format_version", int)
        except DamagedFile:
            raise
        except RecommenderError:
            found = None
        if found not in versions:
            raise RecommenderError("{} is not {} of format {}: {}".format(
                self.path, kind, " or ".join(map(str, versions)), self._remedy))
        return int(found)

    def attribute(self, name: str, kind: type) -> Any:
        """Return a root attribute as an int, bool or str."""
        found = self._attribute(name)
        dtype = _dtype(found)
        right = {int: dtype.kind == "i", bool: dtype.kind == "b",
                 str: h5py.check_dtype(vlen=dtype) is str or dtype.kind == "S"}[kind]
        if found.shape != () or not right:
            raise self.refuse("its attribute {} is no {}".format(name, kind.__name__))
        try:
            value = self._file.attrs[name]
            return value.decode() if isinstance(value, bytes) else kind(value)
        except _HDF5_ERRORS:
            raise self.damaged()

    def attribute_array(self, name: str) -> np.ndarray:
        """Return a root attribute that is an array of whole numbers, (n,)."""
        found = self._attribute(name)
        if (_dtype(found).kind != "i" or len(found.shape) != 1
                or _size(found) > len(self._pages)):
            raise self.refuse("its attribute {} is no array of whole numbers".format(name))
        values = np.empty(found.shape, found.dtype)
        found.read(values)
        return values

    def holds(self, name: str) -> bool:
        """Return True if the root holds anything of that name."""
        return self._root.links.exists(name.encode())

    def has_attribute(self, name: str) -> bool:
        """Return True if the root has an attribute of that name."""
        return h5py.h5a.exists(self._root, name.encode())

    def array(self, name: str, dtype: Any, shape: Tuple[Optional[int], ...]) -> np.ndarray:
        """Return a dataset of that dtype and shape, where None stands for any length."""
        found = self._dataset(name)
        self._expect(found, name, dtype, shape)
        return self._view(found)

    def values(self, name: str) -> np.ndarray:
        """Return a dataset of numbers of any dtype and shape, or of strings, (n,)."""
        found = self._dataset(name)
        if _dtype(found).kind != "O":
            return self._view(found)
        return self.texts(name, found.shape[0] if found.shape else 0)[:]

    def _view(self, found: h5py.h5d.DatasetID) -> np.ndarray:
        if not _product(found.shape):
            return np.empty(found.shape, found.dtype)  # nothing was stored, nowhere
        return self.view(found.get_offset(), found.dtype, found.shape)

    def view(self, offset: int, dtype: Any, shape: Tuple[int, ...]) -> np.ndarray:
        """Return the bytes from `offset` on as a read-only array over the mapped file."""
        n_values = _product(shape)
        if min((offset,) + shape) < 0 or (
                offset + n_values * np.dtype(dtype).itemsize > len(self._pages)):
            raise self.refuse("it declares more than it holds")
        return np.frombuffer(self._pages, dtype, n_values, offset).reshape(shape)

    def texts(self, name: str, n: int) -> Any:
        """Return a column of `n` strings, to be read whole or cell by cell."""
        found = self._dataset(name)
        self._expect(found, name, object, (n,))
        if h5py.check_dtype(vlen=found.dtype) is not str:
            raise self.refuse("{} holds no strings".format(name))
        return as_texts(h5py.Dataset(found))

    def read(self, name: str, column: Any, rows: Any = slice(None)) -> Any:
        """Return values of the column `name`, which `array` or `texts` returned."""
        try:
            return column[rows]
        except _HDF5_ERRORS:  # texts that lie elsewhere, or are no UTF-8
            raise self.refuse("{} cannot be read".format(name))

    def for_each_external_link(self, use: Callable[[str, str, str], None]) -> None:
        """Call `use` with name, file and path of each link in the root, which has nothing else."""
        def take(name: bytes, info: Any) -> None:
            if info.type != h5py.h5l.TYPE_EXTERNAL:
                raise self.refuse("{} is no link to a shard".format(_text(name)))
            use(_text(name), *map(_text, self._root.links.get_val(name)))

        try:
            self._root.links.iterate(take, info=True)
        except _HDF5_ERRORS:
            raise self.damaged()

    def _dataset(self, name: str) -> h5py.h5d.DatasetID:
        """Return a dataset by its path, all of which must lie in this file."""
        steps = name.split("/")
        try:
            for n in range(1, len(steps) + 1):
                step = "/".join(steps[:n]).encode()
                if not self._root.links.exists(step):
                    raise self.refuse("{} is missing".format(name))
                if self._root.links.get_info(step).type != h5py.h5l.TYPE_HARD:
                    raise self.refuse("{} is a link to elsewhere".format(name))
            found = h5py.h5d.open(self._root, name.encode())
            stored = found.get_create_plist()
            # Checked first: asking a virtual dataset for its shape opens the files it names.
            if stored.get_layout() != h5py.h5d.CONTIGUOUS or stored.get_external_count():
                raise self.refuse("{} is not stored in the file in one piece".format(name))
            offset = found.get_offset()
        except _HDF5_ERRORS:
            raise self.damaged()
        if offset is None and _product(found.shape):
            raise self.refuse("{} is not stored in the file in one piece".format(name))
        if offset is not None and offset + _size(found) > len(self._pages):
            raise self.refuse("{} is larger than the file".format(name))
        return found

    def _expect(self, found: h5py.h5d.DatasetID, name: str, dtype: Any,
                shape: Tuple[Optional[int], ...]) -> None:
        same = len(found.shape) == len(shape) and all(
            asked in (None, length) for asked, length in zip(shape, found.shape))
        if _dtype(found) != dtype or not same:
            raise self.refuse("{} is {} {} instead of {} {}".format(
                name, _dtype(found), found.shape, np.dtype(dtype),
                str(shape).replace("None", "n")))

    def _attribute(self, name: str) -> h5py.h5a.AttrID:
        try:
            if not h5py.h5a.exists(self._root, name.encode()):
                raise self.refuse("its attribute {} is missing".format(name))
            return h5py.h5a.open(self._root, name.encode())
        except _HDF5_ERRORS:
            raise self.damaged()


def _hush() -> None:
    """Close stderr: at the end of a program HDF5 prints errors about damaged parts of files."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def _dtype(found: Any) -> np.dtype:
    """Return the dtype of a dataset or attribute; object where NumPy has none."""
    try:
        return found.dtype
    except _HDF5_ERRORS:
        return np.dtype(object)


def _size(found: Any) -> int:
    """Return the number of bytes that a dataset or attribute declares."""
    return _product(found.shape) * found.get_type().get_size()


def _product(shape: Tuple[int, ...]) -> int:
    """Return the product of a shape; NumPy's would overflow."""
    product = 1
    for length in shape:
        product *= int(length)
    return product


def _text(name: bytes) -> str:
    return name.decode("utf-8", "replace")
