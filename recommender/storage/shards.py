"""Shards: HDF5 files of features, written once and never changed, named by their checksum.

A shard keeps, under each movie id, `(n_layers, n_tokens, hidden_size)`, or their mean
`(hidden_size,)` where pooled features were asked for. Beside them lies a table, so that reading
does not ask HDF5 for each movie: the `ids`, the `overview_digests` of the overviews that the
features are of, the `offsets` in the file where the layers lie, `n_tokens`, and all `token_ids`
in one row. The digest in a shard's name is XXH3-128 of the file, so that a shard and its checksum
appear in one step.
"""

import errno
import glob
import os
import re
from typing import Any, Callable, Iterator, List, NamedTuple, Optional, Tuple

import h5py
import numpy as np
import xxhash

from recommender.errors import RecommenderError
from recommender.storage.hdf5 import DamagedFile, PlainFile

REMEDY = "remove it and run extract_features.py again, which redoes what it held"
FORMAT_VERSION = 2
DTYPES = ("float32", "float16")
_SHARD_NAME = re.compile(r"(\d{5,})-([0-9a-f]{32})\.h5")
_BLOCK = 1 << 20


class Settings(NamedTuple):
    """What made the features; two extractions with other settings never share a folder."""

    layers: Tuple[int, ...]
    max_seq_length: int
    do_lower_case: bool
    hidden_size: int
    dtype: str
    pooled: bool
    checkpoint: str
    checkpoint_sha256: str


class MovieFeatures(NamedTuple):
    """`layers` (n_layers, n_tokens, hidden_size), or their mean (hidden_size,) where the folder
    is pooled; `token_ids` int32 (n_tokens,); `digest` of the overview they are of."""

    movie_id: int
    layers: np.ndarray
    token_ids: np.ndarray
    digest: int


class Shard:
    """A shard opened for reading, as a context manager.

    Raises DamagedFile if it is no whole HDF5 file, RecommenderError if it is no shard.
    """

    def __init__(self, path: str):
        self._file = file = PlainFile(path, REMEDY)
        self.settings = read_settings(file)
        self.ids = file.array("ids", np.int64, (None,)).tolist()
        self.digests = file.array("overview_digests", np.int64, (len(self.ids),)).tolist()

    def __enter__(self) -> "Shard":
        return self

    def __exit__(self, *error: Any) -> None:
        self._file.__exit__(*error)

    def movies(self) -> Iterator[MovieFeatures]:
        """Every movie of the shard; the layers lie over the file's own pages, read-only."""
        file, n, settings = self._file, len(self.ids), self.settings
        offsets = file.array("offsets", np.int64, (n,)).tolist()
        n_tokens = file.array("n_tokens", np.int64, (n,)).tolist()
        token_ids = file.array("token_ids", np.int32, (sum(n_tokens),))
        end = 0
        for movie_id, digest, offset, length in zip(self.ids, self.digests, offsets, n_tokens):
            shape = (len(settings.layers), length, settings.hidden_size)
            layers = file.view(offset, settings.dtype, shape[2:] if settings.pooled else shape)
            end += length
            yield MovieFeatures(movie_id, layers, token_ids[end - length:end], digest)


def write_movie(movies: h5py.h5g.GroupID, movie_id: int, layers: np.ndarray,
                 token_ids: np.ndarray) -> int:
    """Write a movie's dataset with its attribute; returns where in the file the layers begin.

    By HDF5's own functions: h5py's short form of them takes four times as long.
    """
    dataset = h5py.h5d.create(movies, str(movie_id).encode(), h5py.h5t.py_create(layers.dtype),
                              h5py.h5s.create_simple(layers.shape))
    dataset.write(h5py.h5s.ALL, h5py.h5s.ALL, layers)
    token_ids = np.ascontiguousarray(token_ids, np.int32)
    h5py.h5a.create(dataset, b"token_ids", h5py.h5t.STD_I32LE,
                    h5py.h5s.create_simple(token_ids.shape)).write(token_ids)
    return dataset.get_offset()


def shard_paths(folder: str) -> List[str]:
    """The shards of a feature folder, the oldest first. Raises RecommenderError for a file
    among them that is none."""
    paths = sorted(glob.glob(os.path.join(glob.escape(folder), "shards", "*.h5")))
    for path in paths:
        if not name_parts(path) or not os.path.isfile(path):
            raise RecommenderError("{} is no shard: move it elsewhere".format(path))
    return paths


def check_digest(path: str, on_read: Callable[[int], Any] = lambda n_bytes: None) -> None:
    """Hold a shard against the checksum in its name; raises DamagedFile if they differ.

    `on_read` is told how many bytes were read.
    """
    try:
        if file_digest(path, on_read) != name_parts(path)[1]:
            raise DamagedFile("{} is not what its checksum says: extract_features.py --verify sets "
                              "it aside, and the same extraction again redoes it".format(path))
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        raise DamagedFile("{} cannot be read from the disk: {}".format(path, REMEDY))


def file_digest(path: str, on_read: Callable[[int], Any] = lambda n_bytes: None) -> str:
    """XXH3-128 of a file, in hex. `on_read` is told how many bytes were read."""
    digest = xxhash.xxh3_128()
    block = bytearray(_BLOCK)
    with open(path, "rb", buffering=0) as file:
        for n_bytes in iter(lambda: file.readinto(block), 0):
            digest.update(memoryview(block)[:n_bytes])
            on_read(n_bytes)
    return digest.hexdigest()


def name_parts(path: str) -> Optional[Tuple[str, ...]]:
    """Number and checksum in a shard's name; None if it is not the name of a shard."""
    match = _SHARD_NAME.fullmatch(os.path.basename(path))
    return match and match.groups()


def write_format(file: h5py.File, settings: Settings, as_bytes: bool = False) -> None:
    file.attrs["format_version"] = FORMAT_VERSION
    write_settings(file, settings, as_bytes)


def write_settings(file: h5py.File, settings: Settings, as_bytes: bool = False) -> None:
    """Put `settings` into the root attributes, for `settings_of` to find.

    HDF5 crashes at damaged strings, over which it keeps no checksum as it does over all else;
    texts go in `as_bytes` where a file is opened before it is held against one.
    """
    for name, value in settings._asdict().items():
        if name == "layers":
            value = np.array(value, np.int32)
        elif as_bytes and isinstance(value, str):
            value = np.bytes_(value.encode())
        file.attrs[name] = value


def read_settings(file: PlainFile) -> Settings:
    file.expect("a feature file", FORMAT_VERSION)
    return settings_of(file)


def settings_of(file: PlainFile) -> Settings:
    """The settings in the root attributes of a feature file or an index."""
    settings = Settings(
        tuple(file.attribute_array("layers").tolist()),
        *(file.attribute(name, kind) for name, kind in (
            ("max_seq_length", int), ("do_lower_case", bool), ("hidden_size", int),
            ("dtype", str), ("pooled", bool), ("checkpoint", str), ("checkpoint_sha256", str))))
    if settings.dtype not in DTYPES:
        raise file.refuse("its features are {}, not {}".format(
            settings.dtype, " or ".join(DTYPES)))
    return settings
