"""SIGKILL at random instants of one extraction costs at most the shard in progress each time."""

import contextlib
import glob
import os
import random
import subprocess
import time
from collections import Counter
from typing import Dict, List, Tuple

import h5py

from torture.table import Row
from torture.worlds import (
    draw_for,
    finish,
    finished_world,
    make_world,
    shards,
    start,
    tell,
    temporary_folder,
    wrong_films,
)

_ALMOST_FULL = 1000000  # bytes of a shard that is soon closed: `--shard_mb 1` closes it at 2 ** 20
# The sign that is waited for, then seconds within which the kill comes, and its share in eighths.
_MOMENTS = {"start": (2.5, 1), "growth": (0.7, 3), "almost full": (0.03, 2), "links": (0.1, 2)}


def run(short: bool) -> List[Row]:
    n_kills, n_movies = (2, 200) if short else (50, 6000)
    draw = draw_for("kills")
    with temporary_folder() as folder:
        world = finished_world() if short else make_world(folder, n_movies)
        moments = ["growth", "links"] if short else draw.choices(
            list(_MOMENTS), [n for _, n in _MOMENTS.values()], k=n_kills)
        output_dir = os.path.join(folder, "killed")
        command = world.extraction(output_dir, "--batch_size", "4")
        lost, phases = 0, Counter()
        for n, moment in enumerate(moments):
            before = shards(output_dir)
            if moment == "links":  # which the run then begins with; it finds that they are due
                with contextlib.suppress(FileNotFoundError):
                    os.remove(os.path.join(output_dir, "features.h5"))
            process = start(command)
            _wait(moment, process, output_dir, draw)
            process.kill()
            process.communicate()
            phase, wrong = _look(process, output_dir, before)
            phases[phase] += 1
            if wrong:
                lost += 1
                tell("kill {}, {}: {}".format(n, phase, wrong))
        done = finish(command)
        if not short:
            finish(world.extraction(world.features, "--shard_mb", "16"))  # as a run alone would
        wrong_at_end = wrong_films(output_dir, world.features) if not done.code else [done.err]
        if wrong_at_end:
            tell("after {} kills: {}".format(n_kills, "; ".join(wrong_at_end[:20])))
    return [Row("SIGKILL at random instants over one extraction ({})".format(", ".join(
                "{} {}".format(n, phase) for phase, n in phases.most_common())),
                sum(phases.values()), lost),
            Row("films of that extraction: there once, and as uninterrupted to 1e-5", n_movies,
                len(wrong_at_end))]


def _wait(moment: str, process: subprocess.Popen, output_dir: str, draw: random.Random) -> None:
    """Wait for a sign of the process, then for a random time."""
    launched = time.time()

    def size(pattern: str) -> int:
        """Return the bytes of the file in progress; 0 for a file that the run before left."""
        for path in glob.glob(os.path.join(output_dir, pattern)):
            with contextlib.suppress(FileNotFoundError):
                found = os.stat(path)
                if found.st_mtime > launched:
                    return found.st_size
        return 0

    signs = {
        "start": lambda: True,
        "growth": lambda: size("shards/*.part") > 0,
        "almost full": lambda: size("shards/*.part") > _ALMOST_FULL,
        "links": lambda: size("features.h5.*.part") > 0}
    while process.poll() is None and not signs[moment]():
        time.sleep(0.001)
    time.sleep(draw.uniform(0, _MOMENTS[moment][0]))


def _look(process: subprocess.Popen, output_dir: str,
          before: Dict[str, int]) -> Tuple[str, str]:
    """Return the phase in which a process was killed, told by its files, and what is wrong."""
    after = shards(output_dir)
    in_progress = glob.glob(os.path.join(output_dir, "shards", "*.part"))
    if process.returncode >= 0:
        return "too late", "the extraction had ended with {}".format(process.returncode)
    lost = [name for name in before if after.get(name) != before[name]]
    if lost or len(in_progress) > 1:
        return "losing", "lost {}, in progress {}".format(lost, in_progress)
    if glob.glob(os.path.join(output_dir, "features.h5.*.part")):
        return "writing the links", ""
    if in_progress:
        return "closing a shard" if _is_complete(in_progress[0]) else "computing", ""
    return "starting" if after == before else "between two shards", ""


def _is_complete(path: str) -> bool:
    """Return True for a shard that HDF5 has closed and that was not yet renamed."""
    try:
        with h5py.File(path, "r") as file:
            return "token_ids" in file
    except OSError:
        return False
