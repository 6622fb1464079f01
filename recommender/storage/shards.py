"""Shards: HDF5 files of features, written once and never changed, named by their checksum.

A shard keeps, under each movie id, `(n_layers, n_tokens, hidden_size)`, or the mean over tokens of
each layer, `(n_layers, hidden_size)`, where pooled features were asked for. Beside them lies a
table, so that reading does not ask HDF5 for each movie: the `ids`, the `overview_digests` of the
overviews that the features are of, the `offsets` in the file where the layers lie, `n_tokens`, and
all `token_ids` in one row. Its root attribute `computed_by`, which older shards lack, names
TensorFlow's version and the precision. The digest in a shard's name is XXH3-128 of the file, so
that a shard and its checksum appear in one step; a mark that another program left by opening the
shard does not count.
"""

import contextlib
import errno
import glob
import io
import os
import re
import time
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Tuple

import h5py
import numpy as np
import xxhash

from recommender.errors import RecommenderError
from recommender.storage.files import PART, publish
from recommender.storage.hdf5 import DamagedFile, NewFile, PlainFile
from recommender.storage.open_elsewhere import SUPERBLOCK, is_blank, refuse_in_use, unmarked

# What to do about a damaged shard, for the end of errors.
REMEDY = "remove it and run extract_features.py again, which redoes what it held"
# Versions of shards and features.h5, full and pooled; files of others are refused. They differ, so
# that a change of one does not touch the other, and from those of the index, 1 and 3. Pooled
# features of version 2 held one vector a film.
FULL_VERSION, POOLED_VERSION = 2, 4
DTYPES = ("float32", "float16")  # of the stored hidden layers
ENDING = ".h5"  # of the file names of shards
_SHARD_NAME = re.compile(r"(\d{5,})-([0-9a-f]{32})\.h5")
OVERHEAD = 1024  # bytes that HDF5 takes for a dataset's header, link and attribute
_COMPUTED_BY = "computed_by"  # name of the attribute that says what computed a shard
_BLOCK = 1 << 20  # bytes read at a time for a checksum


class Settings(NamedTuple):
    """Settings of an extraction; all features of a folder have the same.

    Attributes
    ----------
    layers : tuple of int
        Hidden layers in the order in which they are stored, -1 the last.
    max_seq_length : int
        Word pieces after which an overview was cut, [CLS] and [SEP] included.
    do_lower_case : bool
    hidden_size : int
    dtype : str
        One of DTYPES.
    pooled : bool
        True if only the mean over tokens of each layer is stored.
    checkpoint, checkpoint_sha256 : str
        Folder name and digest of the checkpoint.
    """

    layers: Tuple[int, ...]
    max_seq_length: int
    do_lower_case: bool
    hidden_size: int
    dtype: str
    pooled: bool
    checkpoint: str
    checkpoint_sha256: str


class MovieFeatures(NamedTuple):
    """Stored features of a movie.

    Attributes
    ----------
    movie_id : int
    layers : np.ndarray
        (n_layers, n_tokens, hidden_size); where the folder is pooled (n_layers, 1, hidden_size),
        the mean over tokens in place of the tokens.
    token_ids : np.ndarray
        int32 (n_tokens,).
    digest : int
        Digest of the overview that the features are of.
    """

    movie_id: int
    layers: np.ndarray
    token_ids: np.ndarray
    digest: int


class Shard:
    """A shard opened for reading; a context manager that closes it.

    Raises DamagedFile if `path` is no whole HDF5 file, RecommenderError if it is no shard.

    Attributes
    ----------
    settings : Settings
    computed_by : str
        TensorFlow's version and the precision, "" where the shard does not say it.
    ids, digests : list of int
        Movie ids, and the digests of the overviews that their features are of.
    """

    def __init__(self, path: str):
        self._file = file = PlainFile(path, REMEDY)
        self.settings = read_settings(file)
        self.computed_by: str = (file.attribute(_COMPUTED_BY, str)
                                 if file.has_attribute(_COMPUTED_BY) else "")
        self.ids = file.array("ids", np.int64, (None,)).tolist()
        self.digests = file.array("overview_digests", np.int64, (len(self.ids),)).tolist()

    def __enter__(self) -> "Shard":
        return self

    def __exit__(self, *error: Any) -> None:
        self._file.__exit__(*error)

    def movies(self) -> Iterator[MovieFeatures]:
        """Yield every movie of the shard; its layers are read-only views of the mapped file."""
        file, n, settings = self._file, len(self.ids), self.settings
        offsets = file.array("offsets", np.int64, (n,)).tolist()
        n_tokens = file.array("n_tokens", np.int64, (n,)).tolist()
        token_ids = file.array("token_ids", np.int32, (sum(n_tokens),))
        end = 0
        for movie_id, digest, offset, length in zip(self.ids, self.digests, offsets, n_tokens):
            layers = file.view(offset, settings.dtype, (
                len(settings.layers), 1 if settings.pooled else length, settings.hidden_size))
            end += length
            yield MovieFeatures(movie_id, layers, token_ids[end - length:end], digest)


class ShardWriter:
    """A new shard of a feature folder.

    Parameters
    ----------
    folder : str
        The feature folder.
    settings, computed_by
        Those of the features that are added.
    stem : str
        Beginning of its name; its checksum and `ending` follow. A process that holds the folder's
        lock takes `next_stem` and the ending that all programs read as a shard.

    Attributes
    ----------
    n_bytes : int
        Bytes of the features added so far.
    opened : float
        Time at which it was begun, by time.monotonic.
    """

    def __init__(self, folder: str, settings: Settings, computed_by: str, stem: str,
                 ending: str = ENDING):
        self._path = os.path.join(folder, "shards", stem)
        self._ending = ending
        self._settings = settings
        self._computed_by = computed_by
        self._file = NewFile(self._path + ENDING + PART)
        self._movies = self._file.file.create_group("movies").id
        self._added: List[Tuple[int, int, int, np.ndarray]] = []
        self.n_bytes = 0
        self.opened = time.monotonic()

    @property
    def failed(self) -> Optional[BaseException]:
        """The error of the first failed write, which `close` raises, or None."""
        return self._file.failed

    def add(self, movie_id: int, layers: np.ndarray, token_ids: np.ndarray, digest: int) -> None:
        """Add the features of a movie, as for `FeatureWriter.add`. `close` raises the errors."""
        if self._settings.pooled and layers.shape[1] == 1:  # a GPU has pooled them
            layers = layers[:, 0]
        elif self._settings.pooled:  # in float64, as recipes pool, so that only rounding differs
            with np.errstate(invalid="ignore"):  # infinities are refused when an index is built
                layers = layers.mean(axis=1, dtype=np.float64)
        layers = np.ascontiguousarray(layers, self._settings.dtype)
        offset = _write_movie(self._movies, movie_id, layers, token_ids)
        self._added.append((movie_id, digest, offset, token_ids))
        self.n_bytes += layers.nbytes + OVERHEAD

    def discard(self) -> None:
        """Remove what was written."""
        self._file.discard()

    def close(self) -> Tuple[str, Dict[int, int]]:
        """Complete the shard, sync it and give it its final name.

        Returns its path, "" if nothing was added, and the digests of the overviews by movie id.
        Raises OSError if the disk did not take it; nothing is left then.
        """
        if not self._added:  # the first movie failed
            self._file.discard()
            return "", {}
        ids, digests, offsets, token_ids = zip(*self._added)
        with self._file as file:
            write_format(file, self._settings, as_bytes=True)
            if self._computed_by:
                file.attrs[_COMPUTED_BY] = np.bytes_(self._computed_by.encode())
            file["ids"] = np.array(ids, np.int64)
            file["overview_digests"] = np.array(digests, np.int64)
            file["offsets"] = np.array(offsets, np.int64)
            file["n_tokens"] = np.array([len(tokens) for tokens in token_ids], np.int64)
            file["token_ids"] = np.concatenate(token_ids).astype(np.int32)
        path = "{}-{}{}".format(self._path, file_digest(self._file.path), self._ending)
        publish(self._file.path, path)
        return path, dict(zip(ids, digests))


def _write_movie(movies: h5py.h5g.GroupID, movie_id: int, layers: np.ndarray,
                 token_ids: np.ndarray) -> int:
    """Write a movie's dataset with its attribute; return the offset of the layers in the file.

    Uses HDF5's own functions: h5py's short form of them takes four times as long.
    """
    dataset = h5py.h5d.create(movies, str(movie_id).encode(), h5py.h5t.py_create(layers.dtype),
                              h5py.h5s.create_simple(layers.shape))
    dataset.write(h5py.h5s.ALL, h5py.h5s.ALL, layers)
    token_ids = np.ascontiguousarray(token_ids, np.int32)
    h5py.h5a.create(dataset, b"token_ids", h5py.h5t.STD_I32LE,
                    h5py.h5s.create_simple(token_ids.shape)).write(token_ids)
    return dataset.get_offset()


def next_stem(folder: str) -> str:
    """Return the beginning of the next shard's name. The caller must hold the folder's lock."""
    paths = shard_paths(folder)
    return "{:05d}".format(name_parts(paths[-1])[0] + 1 if paths else 0)


def shard_paths(folder: str) -> List[str]:
    """Return the paths of the shards of a feature folder, the oldest first.

    Files that hold nothing are no shards: a look at a shard that is not there may make one.
    Raises RecommenderError for another file in the folder of shards.
    """
    paths = sorted(glob.glob(os.path.join(glob.escape(folder), "shards", "*.h5")))
    paths = [path for path in paths if not is_blank(path)]
    for path in paths:
        if not is_shard_name(path) or not os.path.isfile(path):
            raise RecommenderError("{} is not a shard of features: move it elsewhere".format(path))
    return paths


def check_digest(path: str, on_read: Callable[[int], Any] = lambda n_bytes: None) -> None:
    """Compare a shard with the checksum in its name; raise DamagedFile if they differ.

    `on_read` is called with the number of bytes of each block read. Raises FileInUse if another
    program has the shard open for writing.
    """
    try:
        with open(path, "rb") as file:
            refuse_in_use(file)
            if file_digest(path, on_read) != name_parts(path)[1]:
                raise DamagedFile("{} does not have the checksum in its name: "
                                  "extract_features.py --verify sets it aside, and the same "
                                  "extraction again redoes it".format(path))
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        raise DamagedFile("{} cannot be read from the disk: {}".format(path, REMEDY))


def clear_mark(path: str) -> None:
    """Clear the mark of an open file that a killed program left in a shard, if there is one.

    HDF5 refuses to open a file with the mark. Where the shard may not be written the mark stays,
    and `Shard` opens it all the same. Raises DamagedFile if the shard is not as it was written.
    """
    with open(path, "rb") as file:
        found = file.read(SUPERBLOCK)
    if unmarked(found) != found:
        check_digest(path)
        with contextlib.suppress(OSError), open(path, "r+b") as file:
            refuse_in_use(file)
            file.write(unmarked(found))


def file_digest(path: str, on_read: Callable[[int], Any] = lambda n_bytes: None) -> str:
    """Return the XXH3-128 of an HDF5 file in hex; call `on_read` with the bytes of each block.

    The mark of a file that another program has or had open does not count.
    """
    digest = xxhash.xxh3_128()
    block = bytearray(_BLOCK)
    with io.FileIO(path) as file:
        superblock = file.read(SUPERBLOCK)
        digest.update(unmarked(superblock))
        on_read(len(superblock))
        for n_bytes in iter(lambda: file.readinto(block) or 0, 0):
            digest.update(memoryview(block)[:n_bytes])
            on_read(n_bytes)
    return digest.hexdigest()


def is_shard_name(path: str) -> bool:
    """Return True if the file name of `path` is one of a shard."""
    return _SHARD_NAME.fullmatch(os.path.basename(path)) is not None


def name_parts(path: str) -> Tuple[int, str]:
    """Return the number and the checksum in the name of a shard.

    >>> name_parts("shards/00007-{}.h5".format("0" * 32)) == (7, "0" * 32)
    True
    """
    number, _, rest = os.path.basename(path).partition("-")
    return int(number), rest[:-len(".h5")]


def write_format(file: h5py.File, settings: Settings, as_bytes: bool = False) -> None:
    """Write the format's version and `settings` into the root attributes of a feature file."""
    file.attrs["format_version"] = POOLED_VERSION if settings.pooled else FULL_VERSION
    write_settings(file, settings, as_bytes)


def write_settings(file: h5py.File, settings: Settings, as_bytes: bool = False) -> None:
    """Write `settings` into the root attributes, where `settings_of` finds them.

    HDF5 crashes at damaged variable-length strings, the only part over which it keeps no
    checksum. So strings are written `as_bytes` into files that are opened before their own
    checksum is compared.
    """
    for name, value in settings._asdict().items():
        if name == "layers":
            value = np.array(value, np.int32)
        elif as_bytes and isinstance(value, str):
            value = np.bytes_(value.encode())
        file.attrs[name] = value


def read_settings(file: PlainFile) -> Settings:
    """Return the settings of a feature file. Raises RecommenderError for another format."""
    version = file.expect("a feature file", FULL_VERSION, POOLED_VERSION)
    settings = settings_of(file)
    if settings.pooled and version != POOLED_VERSION:
        raise RecommenderError("{} holds pooled features of an older version, one vector a film: "
                               "extract them again with --pooled, into another folder".format(
                                   file.path))
    return settings


def settings_of(file: PlainFile) -> Settings:
    """Return the settings in the root attributes of a feature file or an index."""
    settings = Settings(
        tuple(file.attribute_array("layers").tolist()),
        *(file.attribute(name, kind) for name, kind in (
            ("max_seq_length", int), ("do_lower_case", bool), ("hidden_size", int),
            ("dtype", str), ("pooled", bool), ("checkpoint", str), ("checkpoint_sha256", str))))
    if settings.dtype not in DTYPES:
        raise file.refuse("its features are {}, not {}".format(
            settings.dtype, " or ".join(DTYPES)))
    return settings
