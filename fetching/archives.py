"""Read folders and zip archives as sources of files, and check an archive before it is used."""

import collections
import contextlib
import errno
import lzma
import os
import posixpath
import re
import shutil
import struct
import zipfile
import zlib
from typing import Dict, Iterator, Optional, Sequence, Tuple, Union

from fetching import FetchError
from fetching.network import discard, fetch
from recommender.cli import note
from recommender.storage.files import need_room

MAX_UNPACKED_BYTES = 8 << 30  # BERT-large in float32 has 1.3 GB, The Movies Dataset 0.9 GB
PICKLES = (".bin", ".pt", ".pth")  # endings of the weights that PyTorch pickles

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
        self._check_headers()
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
        target = os.path.join(room, posixpath.basename(name))
        need_room(room, self.size(name))
        self.copy(name, target)
        return target

    def _check_headers(self) -> None:
        for name in self._zip.namelist():
            if re.match(r"[/\\]|[A-Za-z]:", name) or ".." in re.split(r"[/\\]", name):
                raise FetchError("{} holds the name {!r}, which leads out of its folder: do not "
                                 "trust this archive".format(self.path, name))
        unpacked = sum(info.file_size for info in self._zip.infolist())
        if unpacked > MAX_UNPACKED_BYTES:
            raise FetchError("{} would unpack to {:,} bytes, more than the {:,} that are "
                             "allowed: unpack it by hand and give the folder".format(
                                 self.path, unpacked, MAX_UNPACKED_BYTES))

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


Source = Union[Folder, Archive]


def open_source(path: str) -> Source:
    """Open the folder or zip archive at `path`. Raises FetchError if it is neither."""
    if os.path.isdir(path):
        return Folder(path)
    if not os.path.exists(path):
        raise FetchError("there is no file or folder {}: give an existing one, or wwm or minilm "
                         "to --model, movies to --data".format(path))
    if path.endswith(PICKLES):
        raise FetchError(pickle_refused(path))
    return Archive(path)


def pickle_refused(name: str) -> str:
    """Return the message for the pickled weights `name`."""
    return ("{} is a pickle, which can run code when it is opened: save the model as "
            "model.safetensors (model.save_pretrained(folder, safe_serialization=True)) and give "
            "that".format(name))


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
