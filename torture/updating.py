"""An update of an index and a compaction of features, killed at random instants, lose nothing."""

import glob
import os
import random
import time
from typing import List, NamedTuple

from recommender.catalogue import read_catalogue
from recommender.index import Index
from recommender.storage.feature_store import FeatureReader
from tests.worlds import random_layers, row, write_csv, write_features
from torture.table import Row
from torture.worlds import (
    World,
    copy_of,
    draw_for,
    finish,
    finished_world,
    program,
    start,
    tell,
    temporary_folder,
    wrong_films,
)

_LEFT = 20  # films of the catalogue that left, one of ten
_NEW = (1001, 1002, 1003)  # ids of films that came
_LONGEST = 2.5  # seconds within which a kill comes, from the start of the program
_WRITING = 0.1  # the same from the first byte that is written


class _Changed(NamedTuple):
    """A world whose catalogue changed, and what an update and a compaction make of it."""

    world: World
    updated: str  # digest of the updated index
    compacted: str  # folder of the compacted features


def run(short: bool) -> List[Row]:
    draw, n_kills = draw_for("updating"), 2 if short else 20
    rows = []
    with temporary_folder() as folder:
        changed = _change(finished_world(), folder)
        for what, try_once in (
                ("updates of an index killed at random instants: it is the old one or the new one, "
                 "whole, and the next update makes the new one", _update),
                ("compactions killed at random instants: every film is there, and the next one "
                 "gives the disk back", _compaction)):
            lost = 0
            for n in range(n_kills):
                with temporary_folder() as at:
                    wrong = try_once(changed, at, draw, n % 2 == 0)
                if wrong:
                    lost += 1
                    tell("{}: {}".format(what, "; ".join(wrong)))
            rows.append(Row(what, n_kills, lost))
    return rows


def _change(old: World, folder: str) -> _Changed:
    features = copy_of(old.features, os.path.join(folder, "features"))
    movies = read_catalogue(old.catalogue).movies
    new = [row(movie_id, "Newcomer {}".format(movie_id)) for movie_id in _NEW]
    catalogue = write_csv(os.path.join(folder, "movies.csv"), [
        row(movie.id, movie.title, overview=movie.overview) for movie in movies
        if movie.id % 10 or movie.id > 10 * _LEFT] + new)
    settings = FeatureReader(features).settings
    write_features(features, {each: random_layers(20, each, settings) for each in _NEW}, settings,
                   {cells["id"]: cells["overview"] for cells in new})
    world = old._replace(folder=folder, catalogue=catalogue, features=features)
    index = copy_of(old.index, os.path.join(folder, "index.h5"))
    compacted = copy_of(features, os.path.join(folder, "compacted"))
    for command in (world.indexing(index, "--update"), _compacting(world, compacted)):
        done = finish(command)
        if done.code:
            raise RuntimeError(done.err)
    return _Changed(world._replace(index=old.index), _digest(index), compacted)


def _compacting(world: World, output_dir: str) -> List[str]:
    return program("extract_features.py", "--compact", "--input_file", world.catalogue,
                   "--output_dir", output_dir, "--shard_mb", "1")


def _digest(index: str) -> str:
    return Index(index).made_by()["digest"]


def _update(changed: _Changed, at: str, draw: random.Random, is_writing: bool) -> List[str]:
    """Kill an update; return what is wrong with the index then, and after the next update."""
    world, index = changed.world, copy_of(changed.world.index, os.path.join(at, "index.h5"))
    command = world.indexing(index, "--update")
    _kill(command, index + ".*.part", draw, is_writing)
    wrong = []
    with open(index, "rb") as ours, open(world.index, "rb") as theirs:
        if ours.read() != theirs.read() and _digest(index) != changed.updated:
            wrong.append("the index is neither the old one nor the new one")
    done = finish(command)
    if done.code or _digest(index) != changed.updated:
        wrong.append("the next update made another index: {}".format(done.err[-500:]))
    if os.listdir(at) != ["index.h5"]:
        wrong.append("the folder holds {}".format(sorted(os.listdir(at))))
    return wrong


def _compaction(changed: _Changed, at: str, draw: random.Random, is_writing: bool) -> List[str]:
    """Kill a compaction; return what is wrong with the features then, and after the next one."""
    output_dir = copy_of(changed.world.features, os.path.join(at, "features"))
    command = _compacting(changed.world, output_dir)
    _kill(command, os.path.join(output_dir, "shards", "*.part"), draw, is_writing)
    staying = set(FeatureReader(changed.compacted).digests())
    lost = staying - {movie.movie_id for movie in FeatureReader(output_dir).movies()}
    wrong = ["film {} is gone".format(movie_id) for movie_id in sorted(lost)]
    done = finish(command)
    if done.code:
        return [*wrong, done.err[-500:]]
    return wrong + wrong_films(output_dir, changed.compacted)


def _kill(command: List[str], part: str, draw: random.Random, is_writing: bool) -> None:
    """Start a command and kill it, after a file like `part` was begun if `is_writing`."""
    process = start(command)
    while is_writing and process.poll() is None and not glob.glob(part):
        time.sleep(0.001)
    time.sleep(draw.uniform(0, _WRITING if is_writing else _LONGEST))
    process.kill()
    process.communicate()
