"""Two programs started together that write to one place: the result is whole and of one of them."""

import os
import random
import time
from typing import Any, Dict, List

import h5py
import numpy as np

from recommender.recommender import Recommender
from recommender.storage.feature_store import FeatureReader
from torture.table import Row
from torture.worlds import (
    Done,
    World,
    draw_for,
    finish,
    finished_world,
    make_world,
    start,
    tell,
    temporary_folder,
)

_BUILDS = {"mean4 with a map": ("--map",), "tfidf": ("--recipe", "tfidf")}
_APART = 1.5  # seconds at most between the starts of two builds; either takes about as long


def run(short: bool) -> List[Row]:
    return [_extractions(2 if short else 20), _builds(2 if short else 20)]


def _extractions(n_races: int) -> Row:
    """Two extractions into one folder: exactly one goes on, the other says why it does not."""
    lost = 0
    with temporary_folder() as folder:
        world = make_world(folder, 50)
        for race in range(n_races):
            output_dir = os.path.join(folder, "features{}".format(race))
            both = [start(world.extraction(output_dir)) for _ in range(2)]
            told = {process.pid: process.communicate()[1] for process in both}
            codes = {process.pid: process.returncode for process in both}
            winner, loser = sorted(codes, key=lambda pid: codes[pid])
            complete = len(FeatureReader(output_dir).digests()) == world.n_movies
            if not (sorted(codes.values()) == [0, 1] and complete
                    and "is being written by process {} ".format(winner) in told[loser]):
                lost += 1
                tell("race {}: exit codes {}\n{}".format(race, codes, told))
    return Row("two extractions started together into one folder", n_races, lost)


def _builds(n_races: int) -> Row:
    """Builds of two recipes into one index, the second started 0 to 1.5 s after the first."""
    world, draw, lost = finished_world(), draw_for("writers"), 0
    with temporary_folder() as folder:
        alone = {}
        for name, flags in _BUILDS.items():
            path = os.path.join(folder, "alone.h5")
            done = finish(world.indexing(path, *flags))
            if done.code:
                raise RuntimeError(done.err)
            alone[name] = _contents(path)
        for race in range(n_races):
            wrong = _race(world, os.path.join(folder, str(race)), draw, alone)
            if wrong:
                lost += 1
                tell("two builds, race {}: {}".format(race, "; ".join(wrong)))
    return Row("builds of two recipes into one index, up to {} s apart: the index is whole and "
               "one of the two".format(_APART), n_races, lost)


def _race(world: World, folder: str, draw: random.Random, alone: Dict[str, Any]) -> List[str]:
    """Return what is wrong with two builds into one index, and with what they leave."""
    os.mkdir(folder)
    path = os.path.join(folder, "index.h5")
    order = draw.sample(sorted(_BUILDS), 2)
    processes = []
    for name, seconds in zip(order, (draw.uniform(0, _APART), 0)):
        processes.append(start(world.indexing(path, *_BUILDS[name])))
        time.sleep(seconds)
    wrong = []
    for name, process in zip(order, processes):
        done = Done(0, *process.communicate(timeout=120))._replace(code=process.returncode)
        if done.code:
            wrong.append("{} ended with {}: {!r}".format(name, done.code, done.err[-500:]))
    if os.listdir(folder) != ["index.h5"]:
        wrong.append("the folder holds {}".format(sorted(os.listdir(folder))))
    try:
        Recommender.open(path).similar(id=7)
        if _contents(path) not in alone.values():
            wrong.append("the index is none of the two")
    except Exception as error:  # of any kind: HDF5 raises what it likes on a damaged file
        wrong.append("the index cannot be read: {!r}".format(error))
    return wrong


def _contents(path: str) -> Dict[str, Any]:
    """Return all values of an index by name, attributes included but for a path and the time."""
    found = {}

    def take(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            found[name] = item[()].tolist()

    with h5py.File(path, "r") as file:
        file.visititems(take)
        found.update(("attribute " + name, np.asarray(value).tolist())
                     for name, value in file.attrs.items()
                     # The folder of the features is relative to the index, which lies elsewhere.
                     if name not in ("features", "built"))
    return found
