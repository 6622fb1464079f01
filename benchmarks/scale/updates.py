"""Measure an update of an index beside a whole build, on a made-up catalogue.

    python -m benchmarks.scale.updates --films 30000

One film in 100 is new, one in 300 has another overview, and one in 600 has left. Prints how many
films an extraction would compute, how far the updated index answers as one built from nothing,
how many neighbours its lists still hold, and the time of the update over that of the whole build,
both with neighbours and without a map: time on the clock, and of processors, which other work on
the machine changes less.
"""

import argparse
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from typing import List, NamedTuple, Sequence, Tuple

import numpy as np

from benchmarks.catalogues import write_csv
from benchmarks.scale.made_up import Made, Maker
from recommender.building import films_with_features
from recommender.catalogue import read_catalogue
from recommender.index import Index
from recommender.recommender import Recommender
from recommender.storage.feature_store import FeatureReader

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_NEW, _CHANGED, _LEFT = 100, 300, 600  # one film in so many
_QUERIES = 1000  # films whose ten nearest are compared


class Change(NamedTuple):
    """A catalogue before and after: the films in their order, and those to extract."""

    before: List[Made]
    after: List[Made]
    fresh: List[Made]


class Taken(NamedTuple):
    """Seconds that a program took, on the clock and of all processors."""

    clock: float
    processors: float


def change_of(maker: Maker, n: int) -> Change:
    """Return a catalogue of `n` films and what becomes of it; new films come at any place."""
    draw = random.Random(n)
    before = [maker.film(number) for number in range(1, n + 1)]
    picked = draw.sample(range(n), n // _CHANGED + n // _LEFT)
    changed, left = picked[:n // _CHANGED], set(picked[n // _CHANGED:])
    after, fresh = list(before), []
    for place in changed:
        after[place] = maker.film(place + 1, version=1)
        fresh.append(after[place])
    after = [made for place, made in enumerate(after) if place not in left]
    for number in range(n + 1, n + 1 + n // _NEW):
        fresh.append(maker.film(number))
        after.insert(draw.randrange(len(after) + 1), fresh[-1])
    return Change(before, after, fresh)


def measure(folder: str, maker: Maker, n: int, n_neighbours: int, rounds: int) -> List[str]:
    """Return the lines of the measurement; `folder` is an empty one."""
    change = change_of(maker, n)
    features, index = os.path.join(folder, "features"), os.path.join(folder, "index.h5")
    maker.write_features(features, change.before)
    csv = os.path.join(folder, "movies.csv")
    flags = ["--input_file", csv, "--features", features, "--neighbours", str(n_neighbours)]
    _write(csv, change.before)
    _build(*flags, "--output", index)
    _write(csv, change.after)
    _, report = films_with_features(read_catalogue(csv), FeatureReader(features))
    to_extract = report.without_features + report.of_other_overviews
    lines = ["films that an extraction would compute: {:,} of {:,}".format(
        to_extract, len(change.after))]
    maker.write_features(features, change.fresh)
    updated, whole = (os.path.join(folder, name) for name in ("updated.h5", "whole.h5"))
    rounds_taken: List[Tuple[Taken, Taken]] = []
    for _ in range(rounds):
        shutil.copy(index, updated)
        rounds_taken.append((_build("--update", *flags, "--output", updated),
                             _build(*flags, "--output", whole)))
    lines += agreement(Index(updated), Index(whole)) + listed(Index(updated))
    for name, at in (("time", 0), ("processors' time", 1)):
        lines.append("{} of the update / of a whole build ({} neighbours, no map): {}".format(
            name, n_neighbours, ", ".join("{:.3f} ({:.1f} s / {:.1f} s)".format(
                short[at] / long[at], short[at], long[at]) for short, long in rounds_taken)))
    return lines


def agreement(updated: Index, whole: Index) -> List[str]:
    """Return lines that tell how far two indexes of the same films answer alike."""
    lines, recommenders = [], [Recommender(index) for index in (updated, whole)]
    ids = random.Random(0).sample(whole.ids.tolist(), min(_QUERIES, len(whole)))
    for recipe in whole.recipes:
        same, shared, apart = 0, 0, 0.0
        for movie_id in ids:
            ours, theirs = ({result.movie["id"]: result.score for result in recommender.similar(
                id=movie_id, recipe=recipe)} for recommender in recommenders)
            same += ours.keys() == theirs.keys()
            shared += len(ours.keys() & theirs.keys())
            apart = max([apart, *(abs(ours[each] - theirs[each])
                                  for each in ours.keys() & theirs.keys())])
        lines.append("{}: the same ten films for {:.1%} of {:,} queries, {:.2f} of ten on average, "
                     "scores within {:.1e}".format(recipe, same / len(ids), len(ids),
                                                   shared / len(ids), apart))
    return lines


def listed(updated: Index) -> List[str]:
    """Return lines that tell how many neighbours the lists of an updated index hold."""
    lines = []
    for recipe in updated.recipes:
        rows, _ = updated.space(recipe).neighbours()
        n_listed = (rows != np.arange(len(rows))[:, None]).sum(axis=1)
        lines.append("{}: the median list holds {:.0f} of {} neighbours, the shortest {}".format(
            recipe, np.median(n_listed), rows.shape[1], n_listed.min()))
    return lines


def _write(path: str, films: Sequence[Made]) -> None:
    write_csv(path, (made.movie for made in films))


def _build(*flags: str) -> Taken:
    """Run build_index.py; return what it took."""
    begun, before = time.perf_counter(), _of_processors()
    subprocess.run([sys.executable, os.path.join(ROOT, "build_index.py"), *flags], check=True,
                   cwd=ROOT, stderr=subprocess.DEVNULL)
    return Taken(time.perf_counter() - begun, _of_processors() - before)


def _of_processors() -> float:
    """Return the seconds that all processors spent on programs that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    flags = argparse.ArgumentParser(prog="benchmarks.scale.updates",
                                    description=__doc__.splitlines()[0])
    flags.add_argument("--films", type=int, default=30000)
    flags.add_argument("--neighbours", type=int, default=100)
    flags.add_argument("--rounds", type=int, default=2, help="updates and builds, in turns")
    flags.add_argument("--input_file", default="data/sample_movies.csv",
                       help="the catalogue whose sentences are taken")
    flags.add_argument("--features", default="data/sample_features", help="features of its films")
    args = flags.parse_args()
    maker = Maker(read_catalogue(args.input_file).movies, FeatureReader(args.features))
    with tempfile.TemporaryDirectory() as folder:
        print("\n".join(measure(folder, maker, args.films, args.neighbours, args.rounds)))


if __name__ == "__main__":
    main()
