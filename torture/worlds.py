"""Worlds for the proofs (a tiny checkpoint, a catalogue of its words), and running programs."""

import atexit
import contextlib
import functools
import os
import random
import shutil
import subprocess
import sys
import tempfile
from typing import Any, Dict, List, NamedTuple, Sequence

import h5py
import numpy as np

from recommender.storage.feature_store import FeatureReader
from tests.reference import random_checkpoint
from tests.worlds import row, write_csv

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SEED = int(os.environ.get("TORTURE_SEED", "0"))
_WORDS = ("a", "man", "woman", "meets", ",", ".")
_TOLERANCE = 1e-5  # difference that a value may have from batch to batch
_PATIENCE = 240  # seconds until a program that hangs is killed; a busy machine slows all to a tenth
_at_exit = contextlib.ExitStack()
atexit.register(_at_exit.close)


class World(NamedTuple):
    """A folder with a small catalogue and all that is made of it."""

    folder: str
    bert_dir: str  # a checkpoint of random weights
    catalogue: str  # CSV of `n_movies` films
    n_movies: int
    features: str  # path for the features, which may not exist yet
    index: str  # path for the index, which may not exist yet

    def extraction(self, output_dir: str, *flags: str) -> List[str]:
        """Return the command that extracts this catalogue's features, about 80 films a shard."""
        return program("extract_features.py", "--bert_dir", self.bert_dir, "--input_file",
                       self.catalogue, "--output_dir", output_dir, "--shard_mb", "1", *flags)

    def indexing(self, output: str, *flags: str) -> List[str]:
        """Return the command that builds an index of this world's features."""
        return program("build_index.py", "--input_file", self.catalogue, "--features",
                       self.features, "--output", output, *flags)


class Done(NamedTuple):
    """Exit code and output of a program that ended."""

    code: int  # exit code, or minus the number of the signal that ended it
    out: str
    err: str

    @property
    def last_line(self) -> str:
        """The last line on stderr; a progress bar's updates count as lines."""
        return (self.err.replace("\r", "\n").split("\n") or [""])[-2 if "\n" in self.err else -1]


def make_world(folder: str, n_movies: int) -> World:
    """Write a world into `folder`, without features and index; the same for the same size."""
    bert_dir = random_checkpoint(os.path.join(folder, "tiny"), num_hidden_layers=4,
                                 max_position_embeddings=256)
    draw = random.Random(n_movies)
    catalogue = write_csv(os.path.join(folder, "movies.csv"), [
        row(movie_id, "Film {}".format(movie_id),
            overview=" ".join(draw.choice(_WORDS) for _ in range(draw.randint(20, 200))))
        for movie_id in range(1, n_movies + 1)])
    return World(folder, bert_dir, catalogue, n_movies, os.path.join(folder, "features"),
                 os.path.join(folder, "index.h5"))


@functools.lru_cache(maxsize=None)
def finished_world(n_movies: int = 200) -> World:
    """Return a world with features, in three shards, and an index; shared, so never change it."""
    world = make_world(_at_exit.enter_context(temporary_folder()), n_movies)
    for command in (world.extraction(world.features), world.indexing(world.index)):
        done = finish(command)
        if done.code:
            raise RuntimeError(done.err)
    return world


def remove_worlds() -> None:
    """Remove all finished worlds now, not at the end of the process."""
    finished_world.cache_clear()
    _at_exit.close()


def copy_of(path: str, target: str) -> str:
    """Copy a file or folder with its times to `target`; return `target`."""
    if os.path.isdir(path):
        shutil.copytree(path, target)
    else:
        shutil.copy2(path, target)
    return target


def temporary_folder() -> "tempfile.TemporaryDirectory[str]":
    """Return a context manager of a temporary folder."""
    return tempfile.TemporaryDirectory(prefix="torture-")


def draw_for(proof: str) -> random.Random:
    """Return the random numbers of a proof, the same for the same TORTURE_SEED."""
    return random.Random("{} {}".format(SEED, proof))


def tell(message: str) -> None:
    """Print what was lost, and the seed that repeats the try, to stderr."""
    print("{}\n(TORTURE_SEED={} tries the same again)".format(message, SEED), file=sys.stderr)


def program(name: str, *flags: str) -> List[str]:
    """Return the command that runs a program of the project as a user would."""
    return [sys.executable, os.path.join(ROOT, name)] + list(flags)


def start(command: Sequence[str], **options: Any) -> subprocess.Popen:
    """Start a command; its stdout and stderr can be read as text."""
    return subprocess.Popen(command, stdout=subprocess.PIPE, universal_newlines=True,
                            encoding="utf-8", **{"stderr": subprocess.PIPE, "cwd": ROOT, **options})


def finish(command: Sequence[str], **options: Any) -> Done:
    """Run a command to its end; kill it after four minutes."""
    with start(command, **options) as process:
        try:
            out, err = process.communicate(timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
        return Done(process.returncode, out, err)


def shards(output_dir: str) -> Dict[str, int]:
    """Return the closed shards of a feature folder with their modification times (ns)."""
    with contextlib.suppress(FileNotFoundError), os.scandir(
            os.path.join(output_dir, "shards")) as entries:
        return {entry.name: entry.stat().st_mtime_ns for entry in entries
                if entry.name.endswith(".h5")}
    return {}


def wrong_films(output_dir: str, expected_dir: str) -> List[str]:
    """Return how a feature folder differs from another that should hold the same films.

    Each film must be there once, with values within 1e-5, and be found through features.h5.
    """
    wrong = []
    reader, expected = FeatureReader(output_dir), {
        movie.movie_id: movie for movie in FeatureReader(expected_dir).movies()}
    for movie in reader.movies():
        other = expected.get(movie.movie_id)
        if (other is None or movie.digest != other.digest
                or not np.array_equal(movie.token_ids, other.token_ids)
                or np.abs(movie.layers - other.layers).max() > _TOLERANCE):
            wrong.append("film {} has other values".format(movie.movie_id))
    missing = set(expected) - set(reader.digests())
    wrong += ["film {} is missing".format(movie_id) for movie_id in sorted(missing)]
    with h5py.File(os.path.join(output_dir, "features.h5"), "r") as links:
        if {int(name) for name in links} != set(expected):
            wrong.append("features.h5 has {} films instead of {}".format(
                len(links), len(expected)))
        for movie_id in sorted(expected)[::50]:
            layers = links[str(movie_id)]  # as any HDF5 tool follows it
            if np.abs(layers[:] - expected[movie_id].layers).max() > _TOLERANCE:
                wrong.append("features.h5 leads to other values for film {}".format(movie_id))
    n_stored = sum(count for _, count in films_a_shard(output_dir))
    if n_stored != len(expected):
        wrong.append("the shards hold {} films, computed more than once or too few".format(
            n_stored))
    return wrong


def films_a_shard(output_dir: str) -> List:
    """Return the name of each closed shard and its number of films."""
    found = []
    for name in sorted(shards(output_dir)):
        with h5py.File(os.path.join(output_dir, "shards", name), "r") as file:
            found.append((name, len(file["ids"])))
    return found
