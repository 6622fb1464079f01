"""Measure a catalogue of a million made-up films: build, start, queries, completion, memory.

    python -m benchmarks.scale.million --films 100000

What is made is kept in the data folder for later runs. The exit code says whether measuring
worked, never how fast anything was.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import time
import urllib.parse
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence

from benchmarks.bench import DATA, machine, note
from benchmarks.catalogues import write_csv
from benchmarks.run import ROOT
from benchmarks.scale.made_up import Maker
from benchmarks.table import Row, markdown
from recommender import cli
from recommender.catalogue import read_catalogue
from recommender.errors import RecommenderError
from recommender.index import Index
from recommender.storage.feature_store import FeatureReader
from tests.served import Program, running
from torture.requests import own_bytes

_LOOK = 0.2  # seconds between two looks at a program's memory
_ASKED = 500  # requests of each kind
_LETTERS = (1, 2, 3, 5, 8)  # typed of a title when it is completed


class Used(NamedTuple):
    """Time and memory of a program that has ended: seconds, bytes of its own at the most, and
    resident bytes at the most with the pages of mapped files."""

    seconds: float
    own: int
    resident: int


def world(folder: str, n: int, sample: str, features: str) -> str:
    """Make catalogue and features of `n` films unless they are there; return their folder."""
    found = os.path.join(folder, "{} made-up films".format(n))
    if os.path.isdir(found):
        return found
    part = found + ".part"
    shutil.rmtree(part, ignore_errors=True)
    os.makedirs(part)
    maker = Maker(read_catalogue(sample).movies, FeatureReader(features))
    note("making {:,} films in {}".format(n, found))
    write_csv(os.path.join(part, "movies.csv"), (
        maker.film(number).movie for number in range(1, n + 1)))
    maker.write_features(os.path.join(part, "features"), map(maker.film, range(1, n + 1)))
    os.rename(part, found)
    return found


def watched(command: Sequence[str]) -> Used:
    """Run a program to its end and watch its memory. Raises RecommenderError if it fails."""
    begin, own, resident = time.perf_counter(), 0, 0
    with subprocess.Popen(command, cwd=ROOT) as process:
        while process.poll() is None:
            try:
                own = max(own, own_bytes(process.pid))
                resident = max(resident, _peak(process.pid))
            except (OSError, StopIteration, ValueError):
                pass  # it has just ended
            time.sleep(_LOOK)
    if process.returncode:
        raise RecommenderError("{} failed".format(" ".join(command)))
    return Used(time.perf_counter() - begin, own, resident)


def _peak(pid: int) -> int:
    """Return the most bytes that were resident of a process, pages of files included."""
    with open("/proc/{}/status".format(pid)) as file:
        return 1024 * next(int(line.split()[1]) for line in file if line.startswith("VmHWM"))


def built(folder: str, flags: Sequence[str]) -> List[Row]:
    """Build the index of a world anew, by the program, and return its time and memory."""
    used = watched([sys.executable, "build_index.py",
                    "--input_file", os.path.join(folder, "movies.csv"),
                    "--features", os.path.join(folder, "features"),
                    "--output", os.path.join(folder, "index.h5"), *flags])
    how = " ".join(["build_index.py", *flags])
    return [Row("build", [used.seconds / 60], "< 60", how, "minutes"),
            Row("memory of its own at the most", [used.own / 1e9], "< 4", how, "GB"),
            Row("with pages of mapped files", [used.resident / 1e9], "", how, "GB"),
            Row("size of the index", [
                os.path.getsize(os.path.join(folder, "index.h5")) / 1e9], "", how, "GB")]


def served(index: str, flags: Sequence[str] = ()) -> List[Row]:
    """Start the server; return what its first answers, queries and completions take."""
    begin = time.perf_counter()
    with running("--index", index, "--port", 0, *flags) as program:
        program.get("/healthz")
        healthy = time.perf_counter() - begin
        program.get("/api/v1/recommend?id=1")
        first = time.perf_counter() - begin
        program.get("/api/v1/movies?q=a")
        completed = time.perf_counter() - begin
        opened = Index(index)
        draw = random.Random(0)
        rows = [draw.randrange(len(opened)) for _ in range(_ASKED)]
        titles = [opened.movie(row)["title"] for row in rows]
        of_titles = ["/api/v1/recommend?title=" + _quoted(title) for title in titles]
        asked = [
            ("title query", "< 20", of_titles),
            *(("title query by " + recipe, "", ["{}&recipe={}".format(address, recipe)
                                                for address in of_titles])
              for recipe in opened.recipes[1:]),
            ("completion", "< 10", ["/api/v1/movies?q=" + _quoted(title[:draw.choice(_LETTERS)])
                                    for title in titles]),
            ("completion of a mistyped title", "< 10", [
                "/api/v1/movies?q=" + _quoted(mistyped(title, draw)) for title in titles])]
        found = [Row("start until `/healthz` answers", [healthy], "< 1", "server.py", "s"),
                 Row("start until a first query is answered", [first], "", "server.py", "s"),
                 Row("start until a first title is completed", [completed], "", "server.py", "s")]
        for name, target, addresses in asked:
            took = sorted(_milliseconds(program, address) for address in addresses)
            how = "{} one after the other; median {:.1f} ms".format(
                len(took), took[len(took) // 2])
            found.append(Row(name + ", 95th percentile", [took[len(took) * 95 // 100]], target,
                             how, "ms"))
        found.append(Row("memory of the server's own", [own_bytes(program.pid) / 1e9], "< 1",
                         "after these", "GB"))
        return found


def mistyped(title: str, draw: random.Random) -> str:
    """Return a title with two letters that follow each other swapped.

    >>> mistyped("ab", random.Random(0))
    'ba'
    """
    at = draw.randrange(max(len(title) - 1, 1))
    return title[:at] + title[at + 1:at + 2] + title[at:at + 1] + title[at + 2:]


def _milliseconds(program: Program, address: str) -> float:
    begin = time.perf_counter()
    status, _ = program.get(address)
    if status not in (200, 404):
        raise RecommenderError("the server answered {} to {}".format(status, address))
    return 1e3 * (time.perf_counter() - begin)


def _quoted(text: str) -> str:
    return urllib.parse.quote(text, safe="")


def parse_flags(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    flags = cli.Flags(prog="benchmarks.scale.million", description=__doc__.splitlines()[0])
    flags.add_argument("--films", type=cli.whole_number(10), default=1000000, help="in the index")
    flags.add_argument("--build_flags", default="--map --ann hnsw", help="further "
                       "flags of build_index.py, as one argument (default: --map --ann hnsw)")
    flags.add_argument("--only", choices=("build", "serve"), help="measure only this")
    flags.add_argument("--sample", default=os.path.join(ROOT, "data", "sample_movies.csv"),
                       help="the catalogue that the films are made of")
    flags.add_argument("--features", default=os.path.join(ROOT, "data", "sample_features"),
                       help="its features; `make demo` writes those of the sample")
    flags.add_argument("--data_dir", default=DATA, help="folder for what is made, kept for later "
                       "runs (default: benchmarks/.data)")
    return flags.parse_args(argv)


def main(argv: Optional[Sequence[str]] = None) -> int:
    args = parse_flags(argv)
    folder = world(args.data_dir, args.films, args.sample, args.features)
    index = os.path.join(folder, "index.h5")
    measures: Dict[str, Callable[[], List[Row]]] = {
        "build": lambda: built(folder, args.build_flags.split()),
        "serve": lambda: served(index)}
    rows: List[Row] = []
    for name, measure in measures.items():
        if args.only in (None, name):
            note(name)
            rows += measure()
    print(markdown(rows, [machine(), "{:,} made-up films".format(args.films)]))
    return 0


if __name__ == "__main__":
    cli.run(main, (RecommenderError,))
