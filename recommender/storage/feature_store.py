"""The feature store: hidden layers of every movie in HDF5, keyed by movie id.

A folder holds `shards/NNNNN-DIGEST.h5`, written once and never changed, and `features.h5`, a
small sealed file of HDF5 external links in which any HDF5 tool finds every movie under its id.
"""

import contextlib
import glob
import hashlib
import os
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import zip_longest
from typing import (
    Any,
    Callable,
    Container,
    Dict,
    Iterable,
    Iterator,
    List,
    NamedTuple,
    Optional,
    Sequence,
    Set,
)

import numpy as np

from recommender.errors import RecommenderError
from recommender.storage.files import PART, publish, remove_abandoned
from recommender.storage.hdf5 import DamagedFile
from recommender.storage.links import (
    LINKS,
    are_due,
    read_links,
    read_settings_of_links,
    write_links,
)
from recommender.storage.locks import one_writer
from recommender.storage.open_elsewhere import TouchedFile, is_blank, refuse_in_use
from recommender.storage.shards import (
    ENDING,
    OVERHEAD,
    REMEDY,
    MovieFeatures,
    Settings,
    Shard,
    ShardWriter,
    check_digest,
    clear_mark,
    next_stem,
    shard_paths,
)

MAX_SHARD_BYTES = 256 << 20  # bytes after which a shard is closed; bounds what a kill costs
MAX_SHARD_SECONDS = 60.0  # seconds after which a shard is closed; bounds the work a kill costs


def overview_digest(overview: str) -> int:
    """Return a digest of 64 bits that tells whether features are of this overview."""
    return int.from_bytes(hashlib.blake2b(overview.encode("utf-8", "surrogatepass"),
                                          digest_size=8).digest(), "little", signed=True)


def feature_bytes(n_tokens: float, n_movies: int, settings: Settings) -> int:
    """Return the bytes of disk that features of `n_tokens` tokens of `n_movies` movies take."""
    vectors = len(settings.layers) * (n_movies if settings.pooled else n_tokens)
    per_vector = settings.hidden_size * np.dtype(settings.dtype).itemsize
    return int(vectors * per_vector + n_movies * OVERHEAD)


def version_of(folder: str) -> Any:
    """Return a value that changes when films are added to a folder of features."""
    paths = [os.path.join(folder, name) for name in (LINKS, "shards")]  # links may lag behind
    return all(map(os.path.exists, paths)) and tuple(
        (found.st_ino, found.st_mtime_ns) for found in map(os.stat, paths))


class Stock(NamedTuple):
    """Contents of a feature folder.

    Attributes
    ----------
    digests : dict
        From movie id to the digest of the overview that its features are of.
    shards : dict
        From movie id to the name of its shard.
    set_aside : list of str
        Paths of damaged files that were renamed to end in .bad.
    computed_by : set of str
        What the shards say that computed them.
    """

    digests: Dict[int, int]
    shards: Dict[int, str]
    set_aside: List[str]
    computed_by: Set[str]


class FeatureReader:
    """Reads a feature folder, finished or not.

    Raises RecommenderError if `folder` holds no features of this format.

        reader = FeatureReader("data/features")
        for movie in reader.movies():
            print(movie.movie_id, movie.layers.shape)
    """

    def __init__(self, folder: str):
        self.folder = folder
        path = os.path.join(folder, LINKS)
        if not os.path.isfile(path) or is_blank(path):
            raise _no_features(folder)
        self._paths = shard_paths(folder)
        try:
            self.settings = read_settings_of_links(path)
        except TouchedFile:  # the shards say the same, and each has its checksum
            if not self._paths:
                raise _no_features(folder)
            with Shard(self._paths[0]) as shard:
                self.settings = shard.settings
        self._newest: Dict[int, str] = {}

    def __repr__(self) -> str:
        return "FeatureReader({!r}: {} shards, checkpoint {}, layers {})".format(
            self.folder, len(self._paths), self.settings.checkpoint,
            ",".join(map(str, self.settings.layers)))

    def digests(self) -> Dict[int, int]:
        """Return, by movie id, the digest of the overview that its features are of."""
        found: Dict[int, int] = {}
        for path in self._paths:
            with self._open(path) as shard:
                found.update(zip(shard.ids, shard.digests))
        return found

    def movies(self, among: Optional[Container[int]] = None) -> Iterator[MovieFeatures]:
        """Yield every movie once, shard by shard; the later of two versions of a movie.

        With `among`, yield only movies of these ids; shards without any of them are not read.
        A shard is compared with its checksum before it is read. Raises DamagedFile if they differ,
        RecommenderError if a shard is gone or of other settings.
        """
        newest = {movie_id: path for movie_id, path in self._newest_shards().items()
                  if among is None or movie_id in among}
        holding = set(newest.values())
        for path in _checked([path for path in self._paths if path in holding]):
            with self._open(path) as shard:
                for movie in shard.movies():
                    if newest.get(movie.movie_id) == path:
                        yield movie

    def _newest_shards(self) -> Dict[int, str]:
        """Return, by movie id, the path of the latest shard that holds it."""
        if not self._newest:
            newest: Dict[int, str] = {}
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
        """Return the features of some movies by id; the later of two versions of a movie."""
        newest = self._newest_shards()
        found: Dict[int, MovieFeatures] = {}
        for path in {newest[movie_id] for movie_id in movie_ids if movie_id in newest}:
            with self._open(path) as shard:
                found.update((movie.movie_id, movie) for movie in shard.movies()
                             if movie.movie_id in movie_ids
                             and newest[movie.movie_id] == path)
        return found


class FeatureWriter:
    """Adds movies to a feature folder; a context manager that holds the folder's lock.

    A shard becomes visible, complete and synced, when it holds `max_shard_bytes` or
    MAX_SHARD_SECONDS of work, or at the end; features.h5 follows, at the latest at the end. At the
    start, files that a killed run left unfinished are removed and damaged ones are set aside;
    `stock` tells what is there.

    Raises RecommenderError if another process writes into the folder, or if it holds features of
    other settings.

    Attributes
    ----------
    folder : str
    stock : Stock
    computed_by : str
        What computes the features that are added; shards say it.
    """

    def __init__(self, folder: str, settings: Settings, max_shard_bytes: int = MAX_SHARD_BYTES):
        self.folder = folder
        self._settings = settings
        self._max_shard_bytes = max_shard_bytes
        self.computed_by = ""
        self._shard: Optional[ShardWriter] = None
        self._n_missing = 0  # films added since features.h5 was written
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
            try:
                self._close_shard()
            finally:
                if self._n_missing:
                    self._write_links()

    def add(self, movie_id: int, layers: np.ndarray, token_ids: np.ndarray,
            digest: int) -> None:
        """Add the features of a movie; a pooled folder keeps the mean over tokens of each layer.

        Parameters
        ----------
        movie_id : int
        layers : np.ndarray
            (n_layers, n_tokens, hidden_size).
        token_ids : np.ndarray
            int32 (n_tokens,).
        digest : int
            Digest of the overview.

        Raises
        ------
        OSError
            If the disk does not take them; shards that are closed stay.
        """
        shard = self._shard = self._shard or ShardWriter(
            self.folder, self._settings, self.computed_by, next_stem(self.folder))
        shard.add(movie_id, layers, token_ids, digest)
        if (shard.n_bytes >= self._max_shard_bytes or shard.failed
                or time.monotonic() - shard.opened >= MAX_SHARD_SECONDS):
            self._close_shard()

    def flush(self) -> None:
        """Complete the shard in progress, so that all added movies are safe. Raises OSError."""
        self._close_shard()

    def forget(self, movie_ids: Iterable[int]) -> None:
        """Take movies out of the stock and features.h5, before their shards are removed."""
        for movie_id in movie_ids:
            del self.stock.digests[movie_id], self.stock.shards[movie_id]
        self._write_links()

    def publish(self, path: str, digest: str) -> List[int]:
        """Take a complete shard, with its checksum, that a worker of this run wrote.

        Returns its movie ids. Raises RecommenderError if its settings are others, OSError if it
        cannot be renamed.
        """
        with Shard(path) as shard:
            _refuse_others(self.folder, shard.settings, self._settings)
            digests = dict(zip(shard.ids, shard.digests))
        published = os.path.join(self.folder, "shards", "{}-{}{}".format(
            next_stem(self.folder), digest, ENDING))
        publish(path, published)
        self._show(published, digests)
        return list(digests)

    def _close_shard(self) -> None:
        if self._shard is None:
            return
        shard, self._shard = self._shard, None
        path, digests = shard.close()
        if path:
            self._show(path, digests)

    def _show(self, path: str, digests: Dict[int, int]) -> None:
        """Take a new shard into the stock, and into features.h5 if that is due."""
        self.stock.digests.update(digests)
        self.stock.shards.update(dict.fromkeys(digests, os.path.basename(path)))
        self._n_missing += len(digests)
        if are_due(len(self.stock.shards) - self._n_missing, self._n_missing):
            self._write_links()

    def _write_links(self) -> None:
        write_links(os.path.join(self.folder, LINKS), self._settings, self.stock.shards)
        self._n_missing = 0


def take_stock(folder: str, settings: Optional[Settings] = None,
               check: Callable[[str], None] = lambda path: None) -> Stock:
    """Return the contents of a feature folder. The caller must hold the folder's lock.

    Damaged files are renamed to end in .bad, so that their movies are extracted again, and
    features.h5 is written anew if it does not agree with the shards. So is a features.h5 that
    another program opened for writing; what such a program left in a shard is mended.

    Parameters
    ----------
    folder : str
    settings : Settings, optional
        Those that the features must have.
    check : callable
        Called with the path of each shard; may raise DamagedFile.

    Raises
    ------
    RecommenderError
        If there are features of other settings, or of two.
    FileInUse
        If another program has a file open for writing; nothing was changed then.
    """
    stock = Stock({}, {}, [], set())
    linked: Optional[Dict[int, str]] = None
    links_path = os.path.join(folder, LINKS)
    has_links = os.path.exists(links_path) and not is_blank(links_path)
    paths = shard_paths(folder)
    for path in [links_path] * has_links + paths:
        with open(path, "rb") as file:
            refuse_in_use(file)
    if has_links:
        try:
            held, linked = read_links(links_path)
            settings = _refuse_others(folder, held, settings)
        except TouchedFile:
            pass
        except DamagedFile:
            _set_aside(links_path, stock)
    for path in paths:
        try:
            check(path)
            clear_mark(path)
            with Shard(path) as shard:
                settings = _refuse_others(folder, shard.settings, settings)
                stock.digests.update(zip(shard.ids, shard.digests))
                stock.shards.update(dict.fromkeys(shard.ids, os.path.basename(path)))
                stock.computed_by.update(filter(None, [shard.computed_by]))
        except DamagedFile:
            _set_aside(path, stock)
    if settings is not None and linked != stock.shards:
        write_links(links_path, settings, stock.shards)
    return stock


def _checked(paths: List[str]) -> Iterator[str]:
    """Yield each path once its checksum is found right, while the next shard is being read."""
    with ThreadPoolExecutor(1) as ahead:
        checks = [ahead.submit(check_digest, path) for path in paths[:1]]
        for path, following in zip_longest(paths, paths[1:]):
            checks.pop().result()
            if following:
                checks.append(ahead.submit(check_digest, following))
            yield path


def _no_features(folder: str) -> RecommenderError:
    """Return the error for a folder without features."""
    return RecommenderError("no features in {}: extract_features.py writes them".format(folder))


def _set_aside(path: str, stock: Stock) -> None:
    """Rename a damaged file to end in .bad."""
    os.replace(path, path + ".bad")
    stock.set_aside.append(path)


def _refuse_others(folder: str, held: Settings, settings: Optional[Settings]) -> Settings:
    """Return the settings that are held. Raises RecommenderError that names one that differs."""
    for name, theirs in held._asdict().items():
        ours = theirs if settings is None else getattr(settings, name)
        if theirs != ours:
            raise RecommenderError("{} holds features with {} {}, not {}: choose another "
                                   "--output_dir".format(folder, name, theirs, ours))
    return held
