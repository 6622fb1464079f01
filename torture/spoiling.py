"""Functions that spoil a file of a world, or put a bad file beside it.

Each function here but `nothing` returns a `Spoiler`: a function that is given the folder of a
world (movies.csv, tiny/ with a checkpoint, features/, index.h5) and makes one file of it bad.
"""

import glob
import io
import json
import os
import pickle
import re
import struct
import tarfile
import zipfile
from typing import Any, Callable, Dict, NamedTuple

import h5py
import xxhash

from recommender.building import build_index
from recommender.catalogue import read_catalogue
from recommender.storage.feature_store import FeatureReader
from recommender.storage.shards import file_digest

Spoiler = Callable[[str], None]


class Bad(NamedTuple):
    """One bad input and how the program must answer it."""

    file: str
    wrong: str  # what is wrong with the file
    command: str  # the program that reads it, with its flags
    told: str  # part of the one line that the program must print
    code: int  # its exit code
    spoil: Spoiler  # makes the file bad


_SEAL = 16  # bytes of the checksum at the end of features.h5


def nothing(folder: str) -> None:
    """Change nothing, for tries in which the flags themselves are wrong."""


def put(name: str, content: Any) -> Spoiler:
    """Write a file of `content`, text or bytes."""
    def spoil(folder: str) -> None:
        with open(os.path.join(folder, name), "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
    return spoil


def change(name: str, how: Callable[[bytes], bytes]) -> Spoiler:
    """Replace the content of a file by `how(content)`."""
    def spoil(folder: str) -> None:
        path = os.path.join(folder, name)
        with open(path, "rb") as file:
            content = file.read()
        with open(path, "wb") as file:
            file.write(how(content))
    return spoil


def cut(name: str) -> Spoiler:
    """Truncate a file to its first half."""
    return change(name, lambda content: content[:len(content) // 2])


def flip(name: str, at: float = 0.5) -> Spoiler:
    """Flip one bit of the byte at `at`, a fraction of the file's length."""
    def how(content: bytes) -> bytes:
        place = int(at * len(content))
        return content[:place] + bytes([content[place] ^ 16]) + content[place + 1:]
    return change(name, how)


def without(name: str) -> Spoiler:
    """Remove a file."""
    return lambda folder: os.remove(os.path.join(folder, name))


def config(**values: Any) -> Spoiler:
    """Set values of the checkpoint's bert_config.json."""
    return change("tiny/bert_config.json", lambda content: json.dumps(
        {**json.loads(content.decode()), **values}).encode())


def folder_for(name: str) -> Spoiler:
    """Put an empty folder where a file should be."""
    def spoil(folder: str) -> None:
        if os.path.exists(os.path.join(folder, name)):
            os.remove(os.path.join(folder, name))
        os.mkdir(os.path.join(folder, name))
    return spoil


def hdf5(name: str, how: Callable[[h5py.File], Any]) -> Spoiler:
    """Open an HDF5 file for writing and call `how` with it."""
    def spoil(folder: str) -> None:
        with h5py.File(os.path.join(folder, name), "r+") as file:
            how(file)
    return spoil


def lacks_overview(movie_id: int, spelling: str) -> Spoiler:
    """Write a film's overview as missing into the catalogue, and build the index again."""
    def spoil(folder: str) -> None:
        cell = b'(,Film %d,)("[^"]*"|[^,]*)' % movie_id
        change("movies.csv", lambda content: re.sub(
            cell, br"\g<1>" + spelling.encode(), content))(folder)
        build_index(read_catalogue(os.path.join(folder, "movies.csv")),
                    FeatureReader(os.path.join(folder, "features")),
                    os.path.join(folder, "index.h5"), ["mean4"])
    return spoil


def links(how: Callable[[h5py.File], Any]) -> Spoiler:
    """Change features.h5 by `how` and renew its checksum, so that only the change is wrong."""
    def spoil(folder: str) -> None:
        path = os.path.join(folder, "features/features.h5")
        os.truncate(path, os.path.getsize(path) - _SEAL)
        hdf5("features/features.h5", how)(folder)
        with open(path, "r+b") as file:
            file.write(xxhash.xxh3_128_digest(file.read()))
    return spoil


def shard(how: Callable[[h5py.File], Any]) -> Spoiler:
    """Change the first shard by `how` and rename it to its new checksum."""
    def spoil(folder: str) -> None:
        path = _first_shard(folder)
        hdf5(path, how)("")
        os.rename(path, os.path.join(folder, "features/shards", "00000-{}.h5".format(
            file_digest(path))))
    return spoil


def in_shard(how: Callable[[str], Spoiler]) -> Spoiler:
    """Damage the first shard by the spoiler `how(path)` and leave its name as it was."""
    return lambda folder: how(_first_shard(folder))("")


def _first_shard(folder: str) -> str:
    return sorted(glob.glob(os.path.join(folder, "features/shards/*.h5")))[0]


def layers_of(movie_id: int, value: float) -> Spoiler:
    """Set all hidden layers of a film to `value` in its shard, and renew the checksums."""
    def how(file: h5py.File) -> None:
        if str(movie_id) in file["movies"]:
            file["movies"][str(movie_id)][...] = value

    def spoil(folder: str) -> None:
        for path in glob.glob(os.path.join(folder, "features/shards/*.h5")):
            hdf5(path, how)("")
            os.rename(path, "{}-{}.h5".format(path.rpartition("-")[0], file_digest(path)))
    return spoil


def again(name: str, **dataset: Any) -> Callable[[h5py.File], None]:
    """Return a change of an HDF5 file that puts another dataset in place of `name`.

    `dataset` is `link=LINK`, `outside=FILE` (a dataset whose values lie in another file), or the
    arguments of h5py's `create_dataset`.
    """
    def how(file: h5py.File) -> None:
        del file[name]
        if "link" in dataset:
            file[name] = dataset["link"]
        elif "outside" in dataset:
            space = h5py.h5s.create_simple((1000,))
            stored = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            stored.set_external(dataset["outside"].encode(), 0, 8000)
            h5py.h5d.create(file.id, name.encode(), h5py.h5t.NATIVE_INT64, space, stored)
        else:
            file.create_dataset(name, **dataset)
    return how


def pickled(value: Any) -> Spoiler:
    """Write emb.pickle with `value` pickled, or with `value` itself where it is bytes."""
    return put("emb.pickle", value if isinstance(value, bytes) else pickle.dumps(value, 4))


def folder_of(name: str, members: Dict[str, bytes]) -> Spoiler:
    """Make a folder with the files `members`, content by name."""
    def spoil(folder: str) -> None:
        for member, content in members.items():
            path = os.path.join(folder, name, member)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            put(path, content)("")
    return spoil


def tarred(name: str, members: Dict[str, bytes], how: Callable[[bytes], bytes] = bytes,
           link: str = "") -> Spoiler:
    """Write a .tar.gz of `members` and of a link that is named `link`; `how` changes its bytes."""
    def spoil(folder: str) -> None:
        path = os.path.join(folder, name)
        with tarfile.open(path, "w:gz") as archive:
            for member, content in members.items():
                info = tarfile.TarInfo(member)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
            if link:
                info = tarfile.TarInfo(link)
                info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
                archive.addfile(info)
        change(path, how)("")
    return spoil


class Call:
    """An object whose pickle asks the reader to call `function` with `args`."""

    def __init__(self, function: Callable, *args: Any):
        self._call = function, args

    def __reduce__(self) -> Any:
        return self._call


def zipped(name: str, members: Dict[str, bytes], how: Callable[[bytes], bytes] = bytes) -> Spoiler:
    """Write a zip archive of `members`, content by name, its bytes changed by `how`."""
    def spoil(folder: str) -> None:
        path = os.path.join(folder, name)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for member, content in members.items():
                archive.writestr(member, content)
        change(path, how)("")
    return spoil


def says_size(n_bytes: int) -> Callable[[bytes], bytes]:
    """Return a change of a zip archive that declares another unpacked size of its first member."""
    def how(content: bytes) -> bytes:
        at = content.index(b"PK\1\2") + 24
        return content[:at] + struct.pack("<I", n_bytes) + content[at + 4:]
    return how


def nested(depth: int) -> str:
    """Return JSON of lists nested `depth` deep."""
    return "[" * depth + "]" * depth
