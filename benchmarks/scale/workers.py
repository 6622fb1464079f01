"""Measure extraction by workers beside two single processes started by hand on the same cores.

    python -m benchmarks.scale.workers --films 30000

Two executors of Spark, and `--num_workers 2`, against two runs of extract_features.py on a half of
the films each, pinned to a core each. Start-up counts; the three take turns. Prints texts a second
and their ratios to the two processes.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from typing import Callable, Dict, List, Sequence

from benchmarks.catalogues import repeated, write_csv
from benchmarks.engines import in_turns
from benchmarks.table import number, ratios
from recommender.catalogue import read_catalogue
from recommender.movie import Movie
from recommender.storage.feature_store import FeatureReader
from tests import spark

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_BY_HAND = "two processes started by hand"


class Extraction:
    """Runs of extract_features.py over the same films, into folders that are removed again."""

    def __init__(self, folder: str, bert_dir: str, movies: Sequence[Movie]):
        self._folder = folder
        self._bert_dir = bert_dir
        self._n_films = len(movies)
        self._whole = write_csv(os.path.join(folder, "movies.csv"), movies)
        self._halves = [write_csv(os.path.join(folder, "half{}.csv".format(n)), movies[n::2])
                        for n in range(2)]
        self._environment = spark.environment(folder) if spark.is_there() else dict(os.environ)

    def seconds(self, *flags: str) -> float:
        """Return the seconds of one run with `flags`."""
        return self._timed([self._start(self._whole, "all", *flags)])

    def by_hand(self) -> float:
        """Return the seconds until two runs, on a half of the films and a core each, have ended."""
        cores = sorted(os.sched_getaffinity(0))
        return self._timed([
            self._start(half, "half{}".format(n), core=cores[n % len(cores)])
            for n, half in enumerate(self._halves)])

    def _start(self, catalogue: str, name: str, *flags: str, core: int = -1
               ) -> "Callable[[], subprocess.Popen[bytes]]":
        pinned = ["taskset", "-c", str(core)] if core >= 0 else []
        command = pinned + [sys.executable, os.path.join(ROOT, "extract_features.py"), "--bert_dir",
                            self._bert_dir, "--input_file", catalogue, "--output_dir",
                            os.path.join(self._folder, "out", name), *flags]
        return lambda: subprocess.Popen(command, cwd=ROOT, env=self._environment,
                                        stderr=subprocess.DEVNULL)

    def _timed(self, starts: "Sequence[Callable[[], subprocess.Popen[bytes]]]") -> float:
        begun = time.perf_counter()
        for process in [start() for start in starts]:
            if process.wait():
                raise RuntimeError("an extraction ended with {}".format(process.returncode))
        seconds = time.perf_counter() - begun
        out = os.path.join(self._folder, "out")
        n_films = sum(len(FeatureReader(os.path.join(out, name)).digests())
                      for name in os.listdir(out))
        if n_films != self._n_films:
            raise RuntimeError("{:,} films came out of {:,}".format(n_films, self._n_films))
        shutil.rmtree(out)
        return seconds


def measure(extraction: Extraction, n_films: int, rounds: int) -> List[str]:
    """Return the lines of the measurement."""
    tasks: Dict[str, Callable[[], float]] = {
        _BY_HAND: extraction.by_hand,
        "--num_workers 2": lambda: extraction.seconds("--num_workers", "2")}
    if spark.is_there():
        tasks["--spark " + spark.LOCAL_CLUSTER] = lambda: extraction.seconds(
            "--spark", spark.LOCAL_CLUSTER)
    found = in_turns(rounds, tasks)
    lines = []
    for name, seconds in found.items():
        line = "{}: {} texts a second".format(
            name, ", ".join(number(n_films / each) for each in seconds))
        if name != _BY_HAND:
            line += "; {} of the {}".format(", ".join(
                "{:.2f}".format(ratio) for ratio in ratios(found[_BY_HAND], seconds)), _BY_HAND)
        lines.append(line)
    return lines


def main() -> None:
    flags = argparse.ArgumentParser(prog="benchmarks.scale.workers",
                                    description=__doc__.splitlines()[0])
    flags.add_argument("--films", type=int, default=30000)
    flags.add_argument("--rounds", type=int, default=2)
    flags.add_argument("--input_file", default="data/sample_movies.csv",
                       help="the catalogue whose overviews are taken, again and again")
    flags.add_argument("--bert_dir", default="tmp/all-MiniLM-L6-v2")
    args = flags.parse_args()
    movies = list(repeated(read_catalogue(args.input_file).movies, args.films))
    with tempfile.TemporaryDirectory() as folder:
        print("\n".join(measure(Extraction(folder, args.bert_dir, movies), args.films,
                                args.rounds)))


if __name__ == "__main__":
    main()
