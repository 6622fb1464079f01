"""Read folders and archives as sources of files, and check an archive before it is used."""

import bz2
import collections
import contextlib
import errno
import gzip
import lzma
import os
import posixpath
import re
import shutil
import struct
import tarfile
import zipfile
import zlib
from typing import (
    IO,
    Any,
    Callable,
    Dict,
    Iterable,
    Iterator,
    List,
    Optional,
    Sequence,
    Tuple,
    Union,
)

from bert.other_layouts import other_weights
from fetching import FetchError
from fetching.network import discard, fetch
from recommender.cli import note
from recommender.storage.files import need_room

MAX_UNPACKED_BYTES = 8 << 30  # BERT-large in float32 has 1.3 GB, The Movies Dataset 0.9 GB
MAX_READ = 4 << 20  # bytes of one read of a tar archive; its longest header is far below
ENDINGS = re.compile(r"\.(zip|tgz|tar(\.(gz|bz2|xz))?)$")  # of the archives that are read

# First bytes of a compressed tar archive, with what unpacks it.
_PACKED: Tuple[Tuple[bytes, Callable[..., Any]], ...] = (
    (b"\x1f\x8b", gzip.open), (b"BZh", bz2.open), (b"\xfd7zXZ", lzma.open))

# Raised by zipfile for damaged bytes, which it does not check before it uses them, or for a method
# that it does not know.
_UNREADABLE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, ValueError,
               RuntimeError, OSError)


class Folder:
    """A folder as a source of files; `names` are their paths in it, with slashes."""

    def __init__(self, path: str):
        self.path = path
        self.names = [os.path.relpath(os.path.join(folder, name), path).replace(os.sep, "/")
                      for folder, _, names in os.walk(path) for name in names]

    def size(self, name: str) -> int:
        """Return the size in bytes of the file `name`."""
        return os.path.getsize(os.path.join(self.path, name))

    def copy(self, name: str, target: str) -> None:
        """Copy the file `name` to the path `target`."""
        shutil.copyfile(os.path.join(self.path, name), target)

    def local(self, name: str, room: str) -> str:
        """Return the path of the file `name`; the folder `room` is not needed."""
        return os.path.join(self.path, name)


class Archive:
    """A zip archive as a source of files; `names` are its members.

    Raises FetchError if it is no zip archive, is corrupt, has a name that leads out of its folder,
    or would unpack to more than MAX_UNPACKED_BYTES.
    """

    def __init__(self, path: str):
        self.path = path
        try:
            self._zip = zipfile.ZipFile(path)
        except _UNREADABLE as error:
            raise self._refusal(error, "not a zip archive, or only a part of one")
        _check_members(path, ((info.filename, info.file_size) for info in self._zip.infolist()))
        self._check_content()
        self.names = [name for name in self._zip.namelist() if not name.endswith("/")]

    def size(self, name: str) -> int:
        """Return the unpacked size in bytes of the member `name`."""
        return self._zip.getinfo(name).file_size

    def copy(self, name: str, target: str) -> None:
        """Unpack the member `name` to the path `target`."""
        # zipfile stops at the size that the header gives and checks the CRC there.
        with self._zip.open(name) as member, open(target, "wb") as file:
            shutil.copyfileobj(member, file)

    def local(self, name: str, room: str) -> str:
        """Unpack the member `name` into the folder `room`; return its path."""
        return _unpacked(self, name, room)

    def _check_content(self) -> None:
        note("checking {}".format(self.path))
        try:
            bad = self._zip.testzip()
        except _UNREADABLE as error:
            raise self._refusal(error, "corrupt ({})".format(error))
        if bad is not None:
            raise FetchError("{} is corrupt at {}: download it again".format(self.path, bad))

    def _refusal(self, error: Exception, what: str) -> Exception:
        """Return the error to raise for an error of zipfile; `what` describes damaged bytes."""
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            return error  # of the disk; an offset that is damaged is EINVAL, bzip2 has no number
        if isinstance(error, RuntimeError):
            return FetchError("{} cannot be unpacked here ({}): unpack it by hand and give the "
                              "folder".format(self.path, error))
        return FetchError("{} is {}: download it again".format(self.path, what))


class TarArchive:
    """A tar archive, compressed or not, as a source of files; `names` are its files.

    Nothing is unpacked but by `copy` and `local`, to the paths that they are given. Raises
    FetchError if it is no tar archive, is corrupt, holds a link, a device or a name that leads out
    of its folder, or would unpack to more than MAX_UNPACKED_BYTES.
    """

    def __init__(self, path: str):
        self.path = path
        self._members: Dict[str, tarfile.TarInfo] = {}
        note("checking {}".format(path))
        with self._readable():
            self._file: Any = _SmallReads(_unpacking(path))
            self._tar = tarfile.open(fileobj=self._file, mode="r:")  # noqa: SIM115 (stays open)
            _check_members(path, self._sizes())
            # Bytes are compared with the checksum of a compressed file when its end is read.
            for _ in range(MAX_UNPACKED_BYTES // MAX_READ):
                if not self._file.read(MAX_READ):
                    break
        self.names = list(self._members)

    def size(self, name: str) -> int:
        """Return the size in bytes of the file `name`."""
        return self._members[name].size

    def copy(self, name: str, target: str) -> None:
        """Unpack the file `name` to the path `target`."""
        with self._readable(), open(target, "wb") as file:
            member = self._tar.extractfile(self._members[name])
            assert member is not None, "only regular files are members"
            with member:
                shutil.copyfileobj(member, file)

    def local(self, name: str, room: str) -> str:
        """Unpack the file `name` into the folder `room`; return its path."""
        return _unpacked(self, name, room)

    def _sizes(self) -> Iterator[Tuple[str, int]]:
        """Yield name and size of each member, and keep those that are files."""
        for member in self._tar:
            if not member.isdir():
                if not member.isreg():
                    raise FetchError("{} holds {!r}, which is a link or a device: pack the files "
                                     "themselves (tar --dereference) or give the folder".format(
                                         self.path, member.name))
                self._members[posixpath.normpath(member.name)] = member
            yield member.name, member.size

    @contextlib.contextmanager
    def _readable(self) -> Iterator[None]:
        """Turn errors of tarfile and of what unpacks for it into FetchError."""
        try:
            yield
        except (tarfile.TarError, *_UNREADABLE) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise FetchError("{} is corrupt, or only a part of a tar archive ({}): get it "
                             "again".format(self.path, error or "its end is missing"))


class _SmallReads:
    """A file for tarfile that refuses to read much at once, which only a false header asks for."""

    def __init__(self, file: IO[bytes]):
        self._file = file
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int) -> bytes:
        if size > MAX_READ:
            raise tarfile.ReadError("a header of {:,} bytes".format(size))
        return self._file.read(size)


def _unpacking(path: str) -> IO[bytes]:
    """Open a tar archive so that reading it gives what was packed."""
    with open(path, "rb") as file:
        start = file.read(6)
    unpackers: List[Callable[..., IO[bytes]]] = [
        unpacker for magic, unpacker in _PACKED if start.startswith(magic)]
    return (unpackers or [open])[0](path, "rb")


def _is_tar(path: str) -> bool:
    """Return True for a file that is compressed or a tar archive by its first bytes."""
    with open(path, "rb") as file:
        start = file.read(265)
    return start[257:262] == b"ustar" or any(start.startswith(magic) for magic, _ in _PACKED)


def _check_members(path: str, sizes: Iterable[Tuple[str, int]]) -> None:
    """Check names and sizes of the members of an archive. Raises FetchError as its class says."""
    unpacked = 0
    for name, size in sizes:
        if re.match(r"[/\\]|[A-Za-z]:", name) or ".." in re.split(r"[/\\]", name):
            raise FetchError("{} holds the name {!r}, which leads out of its folder: do not "
                             "trust this archive".format(path, name))
        unpacked += size
        if unpacked > MAX_UNPACKED_BYTES:
            raise FetchError("{} would unpack to more than the {:,} bytes that are allowed: "
                             "unpack it by hand and give the folder".format(
                                 path, MAX_UNPACKED_BYTES))


def _unpacked(archive: Union[Archive, TarArchive], name: str, room: str) -> str:
    """Unpack the member `name` into the folder `room`; return its path."""
    target = os.path.join(room, posixpath.basename(name))
    need_room(room, archive.size(name))
    archive.copy(name, target)
    return target


Source = Union[Folder, Archive, TarArchive]


def open_source(path: str) -> Source:
    """Open the folder or archive at `path`. Raises FetchError if it is neither."""
    if os.path.isdir(path):
        return Folder(path)
    if not os.path.exists(path):
        raise FetchError("there is no file or folder {}: give an existing one, or movies to "
                         "--data".format(path))
    other = other_weights([path])
    if other:
        raise FetchError("{}: {}".format(path, other))
    if _is_tar(path):
        return TarArchive(path)
    if not ENDINGS.search(path) and not zipfile.is_zipfile(path):
        raise FetchError("{} is a file, but neither a zip nor a tar archive: give the folder that "
                         "holds it, or an archive of that".format(path))
    return Archive(path)


@contextlib.contextmanager
def downloaded(url: str, part: str, by_hand: str,
               auth: Optional[Tuple[str, str]] = None) -> Iterator[Archive]:
    """Download the zip archive at `url` to `part`, yield it, and remove it after the block.

    It is removed as well if the archive or the block raises FetchError, since continuing with it
    would fail each time; after any other error it is kept for the next run.

    Parameters
    ----------
    url, part, auth
        As for `fetching.network.fetch`.
    by_hand : str
        Advice for the user, added to the message if the download fails.

    Raises
    ------
    FetchError
        If the download fails or the archive is refused.
    """
    try:
        fetch(url, part, auth)
    except FetchError as error:
        raise FetchError("{}; or {}".format(error, by_hand))
    try:
        yield Archive(part)
    except FetchError:
        discard(part)
        raise
    discard(part)


def best_folder(names: Sequence[str], wanted: Sequence[str]) -> Dict[str, str]:
    """Find the folder that holds the most of the files `wanted`.

    Parameters
    ----------
    names : sequence of str
        Paths with slashes.
    wanted : sequence of str
        File names.

    Returns
    -------
    dict of str to str
        Each file name found to its path, all in one folder: of two that hold as many, the one
        less deep. Empty if no folder holds any.

    Examples
    --------
    >>> best_folder(["README", "bert/vocab.txt", "bert/config.json"], ["vocab.txt", "README.md"])
    {'vocab.txt': 'bert/vocab.txt'}
    """
    found = collections.defaultdict(dict)  # type: Dict[str, Dict[str, str]]
    for name in names:
        folder, file = posixpath.split(name)
        if file in wanted:
            found[folder][file] = name
    if not found:
        return {}
    best = min(found, key=lambda folder: (-len(found[folder]), folder.count("/"), folder))
    return found[best]
