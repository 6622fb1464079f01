"""Companions of an index: files beside it that only large indexes need, named by their checksum.

A companion is called `INDEX.KIND-DIGEST`, as in `index.h5.titles-0123...`, with the XXH3-128 of
its content, and lies in the folder of the index. The index names the companions that belong to it
in its root attribute `companions`: JSON, from the kind to the name and the bytes of the file. So
index and companions are replaced together: new companions are whole on the disk before the index
that names them takes its place, and those that no index in the folder names are removed after
that. A process that has an old companion open keeps it.
"""

import contextlib
import io
import json
import os
import re
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Set

import h5py

from recommender.errors import RecommenderError
from recommender.storage.files import PART, new_file, remove_abandoned
from recommender.storage.hdf5 import PlainFile
from recommender.storage.open_elsewhere import FileInUse
from recommender.storage.shards import file_digest

_ATTRIBUTE = "companions"  # of the index that names them
_KIND = r"[a-z0-9_]+(?:-[a-z0-9_]+)*"
_NAME = re.compile(r"(?P<index>.+)\.(?P<kind>{})-(?P<digest>[0-9a-f]{{32}})".format(_KIND))
_HDF5 = b"\x89HDF"  # first bytes of an HDF5 file
_REMEDY = "build the index again with build_index.py"


class CompanionLost(RecommenderError):
    """A companion that is missing, or not as it was written."""


class Companion(NamedTuple):
    """A file that an index names.

    Attributes
    ----------
    kind : str
    path : str
    n_bytes : int
        Its length.
    """

    kind: str
    path: str
    n_bytes: int

    def open(self) -> io.FileIO:
        """Open the file for reading; only its length is compared.

        An open file stays readable when a new build removes its name. Raises CompanionLost if
        the file is missing, cannot be read or has another length.
        """
        try:
            file = io.FileIO(self.path)
        except OSError as error:
            raise CompanionLost("{} cannot be read ({}), the {} of an index: {}".format(
                self.path, error.strerror, self.kind, _REMEDY))
        found = os.fstat(file.fileno()).st_size
        if found != self.n_bytes:
            file.close()
            raise CompanionLost("{} has {:,} bytes instead of {:,}: {}".format(
                self.path, found, self.n_bytes, _REMEDY))
        return file

    def check(self, file: Optional[io.FileIO] = None) -> None:
        """Compare the content with the checksum in the name, which reads the whole file.

        `file` is what `open` returned, if it is open. Raises CompanionLost if they differ, or as
        `open` does.
        """
        if file is None:
            with self.open() as opened:
                self.check(opened)
        elif file_digest(path_of(file)) != self.path[-32:]:
            raise CompanionLost("{} does not have the checksum in its name: {}".format(
                self.path, _REMEDY))


def path_of(file: io.FileIO) -> str:
    """Return a path by which an open file can be opened once more, also when its name is gone."""
    file.seek(0)  # where the system keeps one position for all that is opened so
    return "/dev/fd/{}".format(file.fileno())


def companions_of(index: PlainFile) -> Dict[str, Companion]:
    """Return the companions that an index names, by kind; the files are not looked at.

    Raises RecommenderError if the list is damaged.
    """
    if not index.has_attribute(_ATTRIBUTE):
        return {}
    folder = os.path.dirname(os.path.realpath(index.path))
    try:
        found = {}
        for kind, (name, n_bytes) in json.loads(index.attribute(_ATTRIBUTE, str)).items():
            parts = _NAME.fullmatch(name)
            if parts is None or parts.group("kind") != kind or os.path.basename(name) != name:
                raise ValueError
            found[kind] = Companion(kind, os.path.join(folder, name), int(n_bytes))
        return found
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise index.refuse("the list of its companion files is damaged")


class NewCompanions:
    """The companions of an index that is being written."""

    def __init__(self, index: str):
        self._index = index
        self._named: Dict[str, Any] = {}

    def add(self, kind: str, write: Callable[[str], Any]) -> Companion:
        """Write a companion and publish it under its final name.

        Parameters
        ----------
        kind : str
            Small letters, digits, underscores and hyphens, such as "titles".
        write : callable
            Called with the path of an empty file, which it fills and closes.

        Raises
        ------
        OSError
            If the file cannot be written; nothing of it is left then.
        """
        if not re.fullmatch(_KIND, kind):
            raise ValueError("{!r} is no kind of companions".format(kind))
        base = "{}.{}".format(self._index, kind)
        paths: List[str] = []

        def named(part: str) -> str:
            paths.append("{}-{}".format(base, file_digest(part)))
            return paths[0]

        with new_file(base, named) as part:
            write(part)
        added = Companion(kind, paths[0], os.path.getsize(paths[0]))
        self.keep(added)
        return added

    def keep(self, companion: Companion) -> None:
        """Let the index name a companion that is there, such as one of the index before."""
        self._named[companion.kind] = [os.path.basename(companion.path), companion.n_bytes]

    def name_in(self, file: h5py.File) -> None:
        """Write the names of all that was added into the new index; the last step."""
        if self._named:
            file.attrs[_ATTRIBUTE] = json.dumps(self._named)


@contextlib.contextmanager
def new_companions(index: str) -> Iterator[NewCompanions]:
    """Let a block write an index at the path `index` together with its companions.

    The block publishes the index itself, by `new_file`, also where it has no companions. When it
    ends, by an error too, companions for `index` that no index in its folder names are removed,
    and what killed builds left. While another process writes the same index nothing is removed:
    that one does it.

    Examples
    --------
        with new_companions(path) as beside, new_file(path) as part, NewFile(part) as file:
            beside.add("titles", write_titles)
            beside.name_in(file)
    """
    try:
        yield NewCompanions(index)
    finally:
        _remove_unnamed(index)


def _remove_unnamed(index: str) -> None:
    """Remove companions for `index` that no index beside it names, and abandoned parts."""
    folder, name = os.path.split(os.path.abspath(index))
    part = re.compile(r"({}(?:\.{})?)\.[0-9a-f]{{8}}{}".format(
        re.escape(name), _KIND, re.escape(PART)))
    for found in filter(None, map(part.fullmatch, os.listdir(folder))):
        remove_abandoned(os.path.join(folder, found.group(1)))
    left = os.listdir(folder)
    if any(map(part.fullmatch, left)):
        return  # another process is writing this index: what it has published is not named yet
    try:
        named = _named_in(folder)
    except FileInUse:
        return  # the next build removes them
    for each in left:
        parts = _NAME.fullmatch(each)
        if parts and parts.group("index") == name and each not in named:
            with contextlib.suppress(OSError):
                os.remove(os.path.join(folder, each))


def _named_in(folder: str) -> Set[str]:
    """Return the names of all companions that the indexes in a folder name.

    Raises FileInUse if another program has one open for writing.
    """
    named: Set[str] = set()
    for each in os.scandir(folder):
        with contextlib.suppress(OSError):
            if not each.is_file() or not _is_hdf5(each.path):
                continue
            try:
                with PlainFile(each.path, _REMEDY) as file:
                    named.update(os.path.basename(companion.path)
                                 for companion in companions_of(file).values())
            except FileInUse:
                raise
            except RecommenderError:  # damaged: nothing can be read with its companions
                pass
    return named


def _is_hdf5(path: str) -> bool:
    with open(path, "rb") as file:
        return file.read(len(_HDF5)) == _HDF5
