"""The feature store: hidden layers of every movie in HDF5, keyed by movie id.

A folder holds `shards/NNNNN.h5`, each written once and never changed, and `features.h5`, a
small file of HDF5 external links in which every movie is found under its id. A shard keeps
`(n_layers, n_tokens, hidden_size)` under each id, or their mean `(hidden_size,)` where pooled
features were asked for, and beside them what a resumed extraction
needs to know quickly: the ids, and a digest of the overview each was computed from.
"""

import glob
import hashlib
import os
import time
from typing import Any, Dict, Iterator, List, NamedTuple, Sequence, Tuple

import filelock
import h5py
import numpy as np

from recommender.errors import RecommenderError

FORMAT_VERSION = 1
LINKS = "features.h5"
MAX_SHARD_BYTES = 256 << 20
MAX_SHARD_SECONDS = 60.0
_OVERHEAD = 1024  # bytes HDF5 takes for a dataset's header, link and attribute


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


def overview_digest(overview: str) -> int:
    """64 bits that tell whether an overview is the one that features were computed from."""
    return int.from_bytes(hashlib.blake2b(overview.encode("utf-8", "surrogatepass"),
                                          digest_size=8).digest(), "little", signed=True)


def feature_bytes(n_tokens: float, n_movies: int, settings: Settings) -> int:
    """Disk that `n_tokens` tokens of `n_movies` movies take, in bytes."""
    vectors = n_movies if settings.pooled else n_tokens * len(settings.layers)
    per_vector = settings.hidden_size * np.dtype(settings.dtype).itemsize
    return int(vectors * per_vector + n_movies * _OVERHEAD)


class FeatureReader:
    """Reads a finished or unfinished feature folder."""

    def __init__(self, folder: str):
        """Raises RecommenderError if `folder` holds no features of this format."""
        self.folder = folder
        path = os.path.join(folder, LINKS)
        if not os.path.isfile(path):
            raise RecommenderError("no features in {}: extract_features.py writes them".format(
                folder))
        with _open_hdf5(path) as links:
            self.settings = _read_settings(links, path)
        self._shards = sorted(glob.glob(os.path.join(glob.escape(folder), "shards", "*.h5")))

    def digests(self) -> Dict[int, int]:
        """Movie id to the digest of the overview that its features were computed from."""
        found = {}  # type: Dict[int, int]
        for path in self._shards:
            with _open_shard(path, self.settings) as shard:
                found.update(zip(shard["ids"][:].tolist(), shard["overview_digests"][:].tolist()))
        return found

    def movies(self) -> Iterator[MovieFeatures]:
        """Every movie once, shard by shard; of one computed twice, the later is taken."""
        newest = {}
        for path in self._shards:
            with _open_shard(path, self.settings) as shard:
                newest.update((movie_id, path) for movie_id in shard["ids"][:].tolist())
        for path in self._shards:
            with _open_shard(path, self.settings) as shard:
                for movie_id, digest in zip(shard["ids"][:].tolist(),
                                            shard["overview_digests"][:].tolist()):
                    if newest[movie_id] == path:
                        dataset = shard["movies"][str(movie_id)]
                        yield MovieFeatures(movie_id, dataset[:], dataset.attrs["token_ids"],
                                            digest)

    def some(self, movie_ids: Sequence[int]) -> Dict[int, MovieFeatures]:
        """The features of some movies by id; of one computed twice, the later."""
        found = {}  # type: Dict[int, MovieFeatures]
        for path in reversed(self._shards):
            with _open_shard(path, self.settings) as shard:
                ids = shard["ids"][:]
                for at in np.flatnonzero(np.isin(ids, movie_ids)):
                    movie_id = int(ids[at])
                    if movie_id not in found:
                        dataset = shard["movies"][str(movie_id)]
                        found[movie_id] = MovieFeatures(movie_id, dataset[:],
                                                        dataset.attrs["token_ids"],
                                                        int(shard["overview_digests"][at]))
        return found


class FeatureWriter:
    """Adds movies to a feature folder; use it as a context manager.

    A shard becomes visible, complete and synced, when it holds `MAX_SHARD_BYTES` or
    `MAX_SHARD_SECONDS` of work, or at the end. What a killed run left unfinished is removed.
    """

    def __init__(self, folder: str, settings: Settings):
        """Raises RecommenderError if another process writes here, or if the folder holds
        features of other settings."""
        self._folder = folder
        self._settings = settings
        self._shards = os.path.join(folder, "shards")
        self._shard = None  # type: Optional[h5py.File]
        os.makedirs(self._shards, exist_ok=True)
        self._lock = filelock.FileLock(os.path.join(folder, ".lock"))
        try:
            self._lock.acquire(timeout=0)
        except filelock.Timeout:
            raise RecommenderError("another extraction is writing to {}: wait for it or choose "
                                   "another --output_dir".format(folder))
        try:
            self.done = self._take_stock()
        except BaseException:
            self._lock.release()
            raise

    def __enter__(self) -> "FeatureWriter":
        return self

    def __exit__(self, *error: Any) -> None:
        try:
            self._close_shard()
        finally:
            self._lock.release()

    def add(self, movie_id: int, layers: np.ndarray, token_ids: np.ndarray,
            digest: int) -> None:
        """Store `layers` of one movie: (n_layers, n_tokens, hidden_size), or (hidden_size,)
        where the folder is pooled."""
        if self._shard is None:
            self._open_new_shard()
        dataset = self._shard["movies"].create_dataset(
            str(movie_id), data=layers.astype(self._settings.dtype, copy=False))
        dataset.attrs["token_ids"] = token_ids
        self._added.append((movie_id, digest))
        self._bytes += dataset.size * dataset.dtype.itemsize + _OVERHEAD
        if (self._bytes >= MAX_SHARD_BYTES
                or time.monotonic() - self._opened >= MAX_SHARD_SECONDS):
            self._close_shard()

    def _take_stock(self) -> Dict[int, int]:
        """Movie id to overview digest of what is there; makes the links agree with it."""
        for leftover in glob.glob(os.path.join(glob.escape(self._folder), "**", "*.part"),
                                  recursive=True):
            os.remove(leftover)
        links_path = os.path.join(self._folder, LINKS)
        paths = self._shard_paths()
        for path in ([links_path] if os.path.exists(links_path) else paths[:1]):
            self._refuse_other_settings(path)
        if not os.path.exists(links_path):
            self._write_links()
        done = FeatureReader(self._folder).digests()
        if not self._is_linked(paths, len(done)):
            # Killed between a shard's renaming and its linking, or a shard was removed.
            self._write_links()
        return done

    def _refuse_other_settings(self, path: str) -> None:
        with _open_hdf5(path) as file:
            held = _read_settings(file, path)
        for name, ours in self._settings._asdict().items():
            theirs = getattr(held, name)
            if theirs != ours:
                raise RecommenderError(
                    "{} holds features with {} {}, not {}: choose another --output_dir".format(
                        self._folder, name, theirs, ours))

    def _is_linked(self, shard_paths: List[str], n_movies: int) -> bool:
        """Whether the link file holds so many movies and knows the newest shard."""
        with h5py.File(os.path.join(self._folder, LINKS), "r") as links:
            if len(links) != n_movies or not shard_paths:
                return len(links) == n_movies
            with _open_shard(shard_paths[-1], self._settings) as shard:
                link = links.get(str(shard["ids"][-1]), getlink=True)
            return (isinstance(link, h5py.ExternalLink)
                    and os.path.basename(link.filename) == os.path.basename(shard_paths[-1]))

    def _shard_paths(self) -> List[str]:
        return sorted(glob.glob(os.path.join(glob.escape(self._shards), "*.h5")))

    def _open_new_shard(self) -> None:
        paths = self._shard_paths()
        number = int(os.path.basename(paths[-1])[:-3]) + 1 if paths else 0
        self._path = os.path.join(self._shards, "{:05d}.h5".format(number))
        self._shard = h5py.File(self._path + ".part", "w", libver="latest")
        self._shard.create_group("movies")
        self._added = []  # type: List[Tuple[int, int]]
        self._bytes = 0
        self._opened = time.monotonic()

    def _close_shard(self) -> None:
        if self._shard is None:
            return
        shard, self._shard = self._shard, None
        if not self._added:  # the first movie failed
            shard.close()
            os.remove(self._path + ".part")
            return
        _write_settings(shard, self._settings)
        ids, digests = zip(*self._added)
        shard["ids"] = np.array(ids, np.int64)
        shard["overview_digests"] = np.array(digests, np.int64)
        shard.close()
        publish(self._path + ".part", self._path)
        self._write_links()

    def _write_links(self) -> None:
        path = os.path.join(self._folder, LINKS)
        with h5py.File(path + ".part", "w", libver="latest") as links:
            _write_settings(links, self._settings)
            for shard_path in self._shard_paths():
                relative = os.path.join("shards", os.path.basename(shard_path))
                with _open_shard(shard_path, self._settings) as shard:
                    for movie_id in shard["ids"][:].tolist():
                        name = str(movie_id)
                        if name in links:
                            del links[name]
                        links[name] = h5py.ExternalLink(relative, "/movies/" + name)
        publish(path + ".part", path)


def publish(written: str, final: str) -> None:
    """Sync the file `written` and give it its `final` name, so that it is there whole or not."""
    with open(written, "rb") as file:
        os.fsync(file.fileno())
    os.replace(written, final)
    folder = os.open(os.path.dirname(os.path.abspath(final)), os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _open_hdf5(path: str) -> h5py.File:
    try:
        return h5py.File(path, "r")
    except OSError:
        raise RecommenderError("{} is not a whole HDF5 file: remove it and run "
                               "extract_features.py again".format(path))


def _open_shard(path: str, settings: Settings) -> h5py.File:
    shard = _open_hdf5(path)
    if _read_settings(shard, path) != settings:
        shard.close()
        raise RecommenderError("{} was made with other settings than {}: remove it and run "
                               "extract_features.py again".format(path, LINKS))
    return shard


def _write_settings(file: h5py.File, settings: Settings) -> None:
    file.attrs["format_version"] = FORMAT_VERSION
    for name, value in settings._asdict().items():
        file.attrs[name] = np.array(value, np.int32) if name == "layers" else value


def _read_settings(file: h5py.File, path: str) -> Settings:
    version = file.attrs.get("format_version")
    if version != FORMAT_VERSION:
        raise RecommenderError("{} is not a feature file of format {}: run extract_features.py "
                               "into a new folder".format(path, FORMAT_VERSION))
    return settings_of(file)


def settings_of(file: h5py.File) -> Settings:
    """The settings in the root attributes of a feature file or an index."""
    a = file.attrs
    return Settings(tuple(int(layer) for layer in a["layers"]), int(a["max_seq_length"]),
                    bool(a["do_lower_case"]), int(a["hidden_size"]), str(a["dtype"]),
                    bool(a["pooled"]), str(a["checkpoint"]), str(a["checkpoint_sha256"]))
