"""Workers and drivers of shared extractions, by processes and on Spark, killed by SIGKILL."""

import glob
import os
import random
import subprocess
import time
from typing import Any, Dict, List, NamedTuple

from tests import spark
from torture.table import Row
from torture.worlds import (
    World,
    draw_for,
    finish,
    finished_world,
    make_world,
    start,
    tell,
    temporary_folder,
    wrong_films,
)

_PATIENCE = 240  # seconds for a worker to begin; a busy machine takes long to start Spark
_SECONDS = 30  # seconds within which workers end whose driver was killed


class _Way(NamedTuple):
    """A way to share an extraction: its name, its flags, and how its workers are recognised."""

    name: str
    flags: List[str]
    worker: str


_WAYS = (_Way("--num_workers 2", ["--num_workers", "2"], spark.WORKER),
         _Way("--spark {}".format(spark.LOCAL_CLUSTER), ["--spark", spark.LOCAL_CLUSTER],
              spark.EXECUTOR))


def run(short: bool) -> List[Row]:
    rows = []
    for way in _WAYS if spark.is_there() else _WAYS[:1]:
        with temporary_folder() as folder:
            world = finished_world() if short else make_world(folder, 3000)
            if not short:
                finish(world.extraction(world.features))
            rows += _tries(way, world, folder, 1 if short else 3)
    return rows


def _tries(way: _Way, world: World, folder: str, n_kills: int) -> List[Row]:
    """Kill workers of one extraction, then its driver, and let the next run end it."""
    draw, lost_kills, lost_films = draw_for("lost workers"), [], []
    output_dir = os.path.join(folder, "shared")
    command = world.extraction(output_dir, "--batch_size", "1", *way.flags)
    environment = spark.environment(folder) if spark.is_there() else dict(os.environ)
    process = _start(command, environment)
    for _ in range(n_kills):
        killed = _kill_a_worker(way, process, output_dir, draw)
        if not killed:
            lost_kills.append("no worker was at work: {!r}".format(_ended(process)))
            break
    else:
        _wait_for_work(way, process, output_dir)
    workers = spark.descendants(process.pid, way.worker)
    process.kill()
    process.communicate()
    if not spark.are_gone(workers, _SECONDS):
        lost_kills.append("workers outlive their driver")
    done = finish(command, env=environment)
    if done.code:
        lost_films.append(done.err)
    else:
        lost_films = wrong_films(output_dir, world.features)
    left = glob.glob(os.path.join(output_dir, "shards", "*.part"))
    if left:
        lost_films.append("left {}".format(left))
    if lost_kills or lost_films:
        tell("{}: {}".format(way.name, "; ".join((lost_kills + lost_films)[:20])))
    return [Row("SIGKILL of workers, and then of the driver, of an extraction with {}".format(
                way.name), n_kills + 1, len(lost_kills)),
            Row("films of that extraction: there once, and as by one process to 1e-5",
                world.n_movies, len(lost_films))]


def _start(command: List[str], environment: Dict[str, str]) -> "subprocess.Popen[Any]":
    # Its bar fills no pipe that nobody reads.
    return start(command, env=environment, stderr=subprocess.DEVNULL)


def _kill_a_worker(way: _Way, process: "subprocess.Popen[Any]", output_dir: str,
                   draw: random.Random) -> bool:
    """Kill a worker at a random instant of its work; return False if none is at work."""
    if not _wait_for_work(way, process, output_dir):
        return False
    time.sleep(draw.uniform(0, 0.3))
    workers = spark.descendants(process.pid, way.worker)
    if not workers:
        return False
    victim = draw.choice(workers)
    os.kill(victim, 9)
    spark.are_gone([victim], _SECONDS)
    return True


def _wait_for_work(way: _Way, process: "subprocess.Popen[Any]", output_dir: str) -> bool:
    """Wait until a shard grows that no look before has seen growing."""
    def growing() -> Dict[str, int]:
        return {path: os.stat(path).st_mtime_ns for path in glob.glob(
            os.path.join(output_dir, "shards", "*-*.h5.part")) if os.path.exists(path)}

    deadline, before = time.monotonic() + _PATIENCE, growing()
    while time.monotonic() < deadline and process.poll() is None:
        now = growing()
        if any(mtime > before.get(path, 0) for path, mtime in now.items()):
            return bool(spark.descendants(process.pid, way.worker))
        time.sleep(0.01)
    return False


def _ended(process: "subprocess.Popen[Any]") -> Any:
    return process.poll()
