"""The feature store: hidden layers of every movie in HDF5, keyed by movie id.

A folder holds `shards/NNNNN-DIGEST.h5`, each written once and never changed, and `features.h5`,
a small file of HDF5 external links in which every movie is found under its id. A shard keeps
`(n_layers, n_tokens, hidden_size)` under each id, or their mean `(hidden_size,)` where pooled
features were asked for, and beside them a table for reading it without asking HDF5 for each: the
`ids`, the `overview_digests` of what each was computed from, the `offsets` in the file where
its layers lie, `n_tokens`, and all `token_ids` in one row. The digest in a shard's name is
XXH3-128 of the file, so that a shard and its checksum appear in one step; features.h5 is sealed.
"""

import contextlib
import glob
import hashlib
import os
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import zip_longest
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import h5py
import numpy as np

from recommender.errors import RecommenderError
from recommender.storage.files import PART, new_file, publish, remove_abandoned
from recommender.storage.hdf5 import DamagedFile, NewFile, PlainFile
from recommender.storage.locks import one_writer
from recommender.storage.shards import (
    REMEDY,
    MovieFeatures,
    Settings,
    Shard,
    check_digest,
    file_digest,
    name_parts,
    read_settings,
    shard_paths,
    write_format,
    write_movie,
)

LINKS = "features.h5"
MAX_SHARD_BYTES = 256 << 20
MAX_SHARD_SECONDS = 60.0
_OVERHEAD = 1024  # bytes HDF5 takes for a dataset's header, link and attribute


def overview_digest(overview: str) -> int:
    """64 bits that tell whether an overview is the one that features were computed from."""
    return int.from_bytes(hashlib.blake2b(overview.encode("utf-8", "surrogatepass"),
                                          digest_size=8).digest(), "little", signed=True)


def feature_bytes(n_tokens: float, n_movies: int, settings: Settings) -> int:
    """Disk that `n_tokens` tokens of `n_movies` movies take, in bytes."""
    vectors = n_movies if settings.pooled else n_tokens * len(settings.layers)
    per_vector = settings.hidden_size * np.dtype(settings.dtype).itemsize
    return int(vectors * per_vector + n_movies * _OVERHEAD)


class Stock(NamedTuple):
    """What a folder holds: the digest of the overview that each movie's features are of, the
    name of the shard where they lie, and which damaged files were set aside."""

    digests: Dict[int, int]
    shards: Dict[int, str]
    set_aside: List[str]


class FeatureReader:
    """Reads a finished or unfinished feature folder."""

    def __init__(self, folder: str):
        """Raises RecommenderError if `folder` holds no features of this format."""
        self.folder = folder
        path = os.path.join(folder, LINKS)
        if not os.path.isfile(path):
            raise RecommenderError("no features in {}: extract_features.py writes them".format(
                folder))
        self.settings, _ = _read_links(path)
        self._paths = shard_paths(folder)
        self._newest = {}  # type: Dict[int, str]

    def digests(self) -> Dict[int, int]:
        """Movie id to the digest of the overview that its features were computed from."""
        found = {}  # type: Dict[int, int]
        for path in self._paths:
            with self._open(path) as shard:
                found.update(zip(shard.ids, shard.digests))
        return found

    def movies(self) -> Iterator[MovieFeatures]:
        """Every movie once, shard by shard; of one computed twice, the later is taken.

        Holds each shard against its checksum before anything is taken of it.
        """
        newest = self._newest_shards()
        for path in _checked(self._paths):
            with self._open(path) as shard:
                for movie in shard.movies():
                    if newest[movie.movie_id] == path:
                        yield movie

    def _newest_shards(self) -> Dict[int, str]:
        """Movie id to the path of the shard where it lies; of a movie computed twice, the later."""
        if not self._newest:
            newest = {}  # type: Dict[int, str]
            for path in self._paths:
                with self._open(path) as shard:
                    newest.update(dict.fromkeys(shard.ids, path))
            self._newest = newest
        return self._newest

    def _open(self, path: str) -> Shard:
        try:
            shard = Shard(path)
        except FileNotFoundError:
            raise RecommenderError("{} is gone: run extract_features.py again".format(path))
        if shard.settings != self.settings:
            raise RecommenderError("{} was made with other settings than {}: {}".format(
                path, LINKS, REMEDY))
        return shard

    def some(self, movie_ids: Sequence[int]) -> Dict[int, MovieFeatures]:
        """The features of some movies by id; of one computed twice, the later."""
        newest = self._newest_shards()
        found = {}  # type: Dict[int, MovieFeatures]
        for path in {newest[movie_id] for movie_id in movie_ids if movie_id in newest}:
            with self._open(path) as shard:
                found.update((movie.movie_id, movie) for movie in shard.movies()
                             if movie.movie_id in movie_ids
                             and newest[movie.movie_id] == path)
        return found


class FeatureWriter:
    """Adds movies to a feature folder; use it as a context manager.

    A shard becomes visible, complete and synced, when it holds `max_shard_bytes` or
    `MAX_SHARD_SECONDS` of work, or at the end. What a killed run left unfinished is removed,
    what is damaged is set aside: `stock` says what is there.
    """

    def __init__(self, folder: str, settings: Settings, max_shard_bytes: int = MAX_SHARD_BYTES):
        """Raises RecommenderError if another process writes here, or if the folder holds
        features of other settings."""
        self._folder = folder
        self._settings = settings
        self._max_shard_bytes = max_shard_bytes
        self._shard = None  # type: Optional[NewFile]
        os.makedirs(os.path.join(folder, "shards"), exist_ok=True)
        with contextlib.ExitStack() as stack:
            stack.enter_context(one_writer(folder))
            for leftover in glob.glob(os.path.join(glob.escape(folder), "shards", "*" + PART)):
                os.remove(leftover)
            remove_abandoned(os.path.join(folder, LINKS))
            self.stock = take_stock(folder, settings)
            self._lock = stack.pop_all()

    def __enter__(self) -> "FeatureWriter":
        return self

    def __exit__(self, *error: Any) -> None:
        with self._lock:
            self._close_shard()

    def add(self, movie_id: int, layers: np.ndarray, token_ids: np.ndarray,
            digest: int) -> None:
        """Store `layers` of one movie: (n_layers, n_tokens, hidden_size), or (hidden_size,)
        where the folder is pooled. Raises OSError if the disk does not take them; what is in
        closed shards stays."""
        if self._shard is None:
            self._open_new_shard()
        layers = np.ascontiguousarray(layers, self._settings.dtype)
        offset = write_movie(self._movies, movie_id, layers, token_ids)
        self._added.append((movie_id, digest, offset, token_ids))
        self._bytes += layers.nbytes + _OVERHEAD
        if (self._bytes >= self._max_shard_bytes or self._shard.failed
                or time.monotonic() - self._opened >= MAX_SHARD_SECONDS):
            self._close_shard()

    def _open_new_shard(self) -> None:
        paths = shard_paths(self._folder)
        self._number = int(name_parts(paths[-1])[0]) + 1 if paths else 0
        self._shard = NewFile(self._path("{:05d}.h5{}".format(self._number, PART)))
        self._movies = self._shard.file.create_group("movies").id
        self._added = []  # type: List[Tuple[int, int, int, np.ndarray]]
        self._bytes = 0
        self._opened = time.monotonic()

    def _close_shard(self) -> None:
        if self._shard is None:
            return
        shard, self._shard = self._shard, None
        if not self._added:  # the first movie failed
            shard.discard()
            return
        ids, digests, offsets, token_ids = zip(*self._added)
        with shard as file:
            write_format(file, self._settings, as_bytes=True)
            file["ids"] = np.array(ids, np.int64)
            file["overview_digests"] = np.array(digests, np.int64)
            file["offsets"] = np.array(offsets, np.int64)
            file["n_tokens"] = np.array([len(tokens) for tokens in token_ids], np.int64)
            file["token_ids"] = np.concatenate(token_ids).astype(np.int32)
        name = "{:05d}-{}.h5".format(self._number, file_digest(shard.path))
        publish(shard.path, self._path(name))
        self.stock.digests.update(zip(ids, digests))
        self.stock.shards.update(dict.fromkeys(ids, name))
        _write_links(self._folder, self._settings, self.stock.shards)

    def _path(self, name: str) -> str:
        return os.path.join(self._folder, "shards", name)


def take_stock(folder: str, settings: Optional[Settings] = None,
               check: Callable[[str], None] = lambda path: None) -> Stock:
    """What `folder` holds, for one who holds its lock.

    `check` may raise DamagedFile for the path of a shard. What is damaged is renamed to end in
    .bad, so that it is work to do again, and features.h5 is made to agree with the rest. Raises
    RecommenderError if there are features of other settings than `settings`, or of two.
    """
    stock = Stock({}, {}, [])
    linked = None  # type: Optional[Dict[int, str]]
    links_path = os.path.join(folder, LINKS)
    if os.path.exists(links_path):
        try:
            held, linked = _read_links(links_path)
            settings = _refuse_others(folder, held, settings)
        except DamagedFile:
            _set_aside(links_path, stock)
    for path in shard_paths(folder):
        try:
            check(path)
            with Shard(path) as shard:
                settings = _refuse_others(folder, shard.settings, settings)
                stock.digests.update(zip(shard.ids, shard.digests))
                stock.shards.update(dict.fromkeys(shard.ids, os.path.basename(path)))
        except DamagedFile:
            _set_aside(path, stock)
    if settings is not None and linked != stock.shards:
        _write_links(folder, settings, stock.shards)
    return stock


def _checked(paths: List[str]) -> Iterator[str]:
    """Each path when its checksum is found right; meanwhile the next shard is being read."""
    with ThreadPoolExecutor(1) as ahead:
        check = None
        for path, following in zip_longest(paths, paths[1:]):
            (check or ahead.submit(check_digest, path)).result()
            check = following and ahead.submit(check_digest, following)
            yield path


def _set_aside(path: str, stock: Stock) -> None:
    os.replace(path, path + ".bad")
    stock.set_aside.append(path)


def _refuse_others(folder: str, held: Settings, settings: Optional[Settings]) -> Settings:
    """The settings of `folder`; RecommenderError names the first that is not as asked for."""
    for name, theirs in held._asdict().items():
        ours = theirs if settings is None else getattr(settings, name)
        if theirs != ours:
            raise RecommenderError("{} holds features with {} {}, not {}: choose another "
                                   "--output_dir".format(folder, name, theirs, ours))
    return held


def _read_links(path: str) -> Tuple[Settings, Dict[int, str]]:
    """Settings of a features.h5, and movie id to the name of the shard that it is in."""
    with PlainFile(path, "remove it and run extract_features.py again, which writes it anew",
                   sealed=True) as links:
        settings = read_settings(links)
        shards = {}
        for name, (file, movie) in links.external_links().items():
            folder, _, shard = file.rpartition("/")
            if folder != "shards" or not name_parts(shard) or movie != "/movies/" + name:
                raise links.refuse("{} is no link to a shard beside it but to {} in {}".format(
                    name, movie, file))
            shards[int(name)] = shard
        return settings, shards


def _write_links(folder: str, settings: Settings, shards: Dict[int, str]) -> None:
    path = os.path.join(folder, LINKS)
    with new_file(path) as part, NewFile(part, sealed=True) as links:
        write_format(links, settings)
        for movie_id, shard in shards.items():
            links[str(movie_id)] = h5py.ExternalLink("shards/" + shard,
                                                     "/movies/{}".format(movie_id))

