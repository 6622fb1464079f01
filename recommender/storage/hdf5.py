"""HDF5 files written so that they are there whole or not at all, and read without trust.

HDF5 takes a file at its word: it follows links and external storage out of it, allocates what
it declares, and crashes when it closes a file on a disk that is full. So what is written goes
through `NewFile`, and what is read through `PlainFile`.
"""

import atexit
import contextlib
import io
import mmap
import os
from typing import Any, Dict, Optional, Tuple, Type

import h5py
import numpy as np
import xxhash

from recommender.errors import RecommenderError

_HDF5_ERRORS = (OSError, RuntimeError, KeyError, ValueError, TypeError)  # what h5py turns them into


_SEAL = 16  # bytes of XXH3-128
_ALIGNMENT = 8  # bytes: NumPy copies an array over a file before use if it does not lie so


class DamagedFile(RecommenderError):
    """A file that is not as it was written."""


class _Disk(io.FileIO):
    """The file that HDF5 writes to; keeps the first error to itself.

    HDF5 must not see a write fail: it frees the file half and crashes at the next call
    (h5py issues 914 and 1642). What comes after a failed write is dropped.
    """

    failed = None  # type: Optional[BaseException]

    def write(self, data: Any) -> int:
        left = memoryview(data)
        try:
            while left and not self.failed:
                left = left[super().write(left):]
        except BaseException as error:  # raised again by NewFile.check
            self.failed = error
        return len(data)

    def truncate(self, size: Optional[int] = None) -> int:
        try:
            super().truncate(size)
        except BaseException as error:  # raised again by NewFile.check
            self.failed = self.failed or error
        return size


class NewFile:
    """An HDF5 file in the making at `path`, for `publish` to give it its final name.

    As a context manager it gives the open h5py.File, is complete at the end, and is removed
    when the block fails. A write that failed is raised as OSError with the file's name.
    One `with_texts` is in HDF5's oldest format: in its newest one, which is quicker for many small
    datasets, HDF5 1.10.4 writes one dataset over another where there are megabytes of strings.
    One that is `sealed` has the checksum of all before it as its last bytes, where HDF5 does not
    look.
    """

    def __init__(self, path: str, with_texts: bool = False, sealed: bool = False):
        self.path = path
        self._sealed = sealed
        self._disk = _Disk(path, "w+")
        access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
        access.set_fclose_degree(h5py.h5f.CLOSE_STRONG)
        access.set_libver_bounds(
            h5py.h5f.LIBVER_EARLIEST if with_texts else h5py.h5f.LIBVER_LATEST,
            h5py.h5f.LIBVER_LATEST)
        access.set_alignment(1, _ALIGNMENT)
        access.set_fileobj_driver(h5py.h5fd.fileobj_driver, self._disk)
        self.file = h5py.File(h5py.h5f.create(path.encode(), fapl=access))

    @property
    def failed(self) -> Optional[BaseException]:
        """What went wrong with a write, which `close` will raise."""
        return self._disk.failed

    def close(self) -> None:
        """Write what is left. Raises what went wrong with a write, and removes the file then."""
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
        if kind is None or self.failed:  # the block may have failed because of a write
            self.close()
        else:
            self.discard()


class PlainFile:
    """An HDF5 file opened for reading, of which nothing is taken that does not lie in it.

    Arrays are mapped, not read: a declared shape costs no memory, and no link, virtual or
    external dataset, filter or conversion comes into it. HDF5 does not see one that should be
    `sealed` and is other than it was written: damage can crash it. Raises OSError for a file that
    cannot be opened, DamagedFile for one that is no whole HDF5 file, and RecommenderError,
    each with `remedy` at its end, for content that is other than what is asked for. `identity`
    tells the file from others that were or will be at its path.
    """

    def __init__(self, path: str, remedy: str, sealed: bool = False):
        self.path = path
        self._remedy = remedy
        self._sealed = sealed
        while not self._open_both():
            pass
        self._root = self._file.id

    def _open_both(self) -> bool:
        """Map the file and open it with HDF5; False if it was replaced between the two."""
        with open(self.path, "rb") as file:
            found = os.fstat(file.fileno())
            try:
                self._pages = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
                if self._sealed and self._pages[-_SEAL:] != xxhash.xxh3_128_digest(
                        memoryview(self._pages)[:-_SEAL]):
                    raise self.damaged()
                self._file = h5py.File(self.path, "r")
            except (OSError, ValueError):  # ValueError: nothing to map in an empty file
                raise self.damaged()
            self.identity = "{}-{}-{}".format(found.st_ino, found.st_mtime_ns, found.st_size)
            return os.path.samestat(found, os.stat(self.path))

    def __enter__(self) -> "PlainFile":
        return self

    def __exit__(self, *error: Any) -> None:
        self._file.close()

    def refuse(self, what: str) -> RecommenderError:
        """The error that says `what` is wrong with what the file holds."""
        return RecommenderError("{}: {}: {}".format(self.path, what, self._remedy))

    def damaged(self) -> DamagedFile:
        """The error that says that HDF5 cannot read the file, or should not."""
        atexit.register(_hush)
        return DamagedFile("{} is not a whole HDF5 file{}: {}".format(
            self.path, " as it was written" if self._sealed else "", self._remedy))

    def expect(self, kind: str, version: int) -> None:
        """Raises RecommenderError unless the file says that it is of that format; `kind` is
        what it should be, in words."""
        try:
            found = self.attribute("format_version", int)
        except DamagedFile:
            raise
        except RecommenderError:
            found = None
        if found != version:
            raise RecommenderError("{} is not {} of format {}: {}".format(
                self.path, kind, version, self._remedy))

    def attribute(self, name: str, kind: type) -> Any:
        """A root attribute as an int, bool or str."""
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
        """A root attribute as whole numbers (n,)."""
        found = self._attribute(name)
        if (_dtype(found).kind != "i" or len(found.shape) != 1
                or _size(found) > len(self._pages)):
            raise self.refuse("its attribute {} is no row of whole numbers".format(name))
        values = np.empty(found.shape, found.dtype)
        found.read(values)
        return values

    def holds(self, name: str) -> bool:
        """Whether there is anything of that name in the root."""
        return self._root.links.exists(name.encode())

    def has_attribute(self, name: str) -> bool:
        """Return True if the root has an attribute of that name."""
        return h5py.h5a.exists(self._root, name.encode())

    def array(self, name: str, dtype: Any, shape: Tuple[Optional[int], ...]) -> np.ndarray:
        """The values of a dataset of that type and shape, where None is any length."""
        found = self._dataset(name)
        self._expect(found, name, dtype, shape)
        return self._view(found)

    def values(self, name: str) -> np.ndarray:
        """The values of a dataset of numbers, of any type and shape, or of strings (n,)."""
        found = self._dataset(name)
        if _dtype(found).kind != "O":
            return self._view(found)
        return self.texts(name, found.shape[0] if found.shape else 0)[:]

    def _view(self, found: h5py.h5d.DatasetID) -> np.ndarray:
        if not _product(found.shape):
            return np.empty(found.shape, found.dtype)  # nothing was stored, nowhere
        return self.view(found.get_offset(), found.dtype, found.shape)

    def view(self, offset: int, dtype: Any, shape: Tuple[int, ...]) -> np.ndarray:
        """What lies at `offset`, in bytes, as an array over the file's own pages, read-only."""
        n_values = _product(shape)
        if min((offset,) + shape) < 0 or (
                offset + n_values * np.dtype(dtype).itemsize > len(self._pages)):
            raise self.refuse("it declares more than it holds")
        return np.frombuffer(self._pages, dtype, n_values, offset).reshape(shape)

    def texts(self, name: str, n: int) -> h5py.Dataset:
        """A column of `n` strings, to be read whole or cell by cell."""
        found = self._dataset(name)
        self._expect(found, name, object, (n,))
        if h5py.check_dtype(vlen=found.dtype) is not str:
            raise self.refuse("{} holds no strings".format(name))
        return h5py.Dataset(found)

    def external_links(self) -> Dict[str, Tuple[str, str]]:
        """File and path of every link of the root. Nothing else than such links may be there."""
        found = {}

        def take(name: bytes, info: Any) -> None:
            if info.type != h5py.h5l.TYPE_EXTERNAL:
                raise self.refuse("{} is no link to a shard".format(_text(name)))
            file, path = self._root.links.get_val(name)
            found[_text(name)] = (_text(file), _text(path))

        try:
            self._root.links.iterate(take, info=True)
        except _HDF5_ERRORS:
            raise self.damaged()
        return found

    def _dataset(self, name: str) -> h5py.h5d.DatasetID:
        """A dataset by its path; neither it nor a group on the way to it may be elsewhere."""
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
            # First: to ask a virtual dataset for its shape opens the files that it names.
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
    """Close stderr: HDF5 complains, at the very end of a program, of damaged parts of files that
    it could not close."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def _dtype(found: Any) -> np.dtype:
    """The type of a dataset or attribute; object, as for references, where NumPy has none."""
    try:
        return found.dtype
    except _HDF5_ERRORS:
        return np.dtype(object)


def _size(found: Any) -> int:
    """Bytes that a dataset or attribute declares."""
    return _product(found.shape) * found.get_type().get_size()


def _product(shape: Tuple[int, ...]) -> int:
    """NumPy's would overflow."""
    product = 1
    for length in shape:
        product *= int(length)
    return product


def _text(name: bytes) -> str:
    return name.decode("utf-8", "replace")
