"""A full disk: one line says so, complete files stay valid, and a later run goes on."""

import contextlib
import errno
import os
import random
import resource
import shutil
import subprocess
import time
from typing import Any, Dict, Iterator, List

from recommender.storage.links import read_links
from torture.table import Row
from torture.worlds import (
    Done,
    World,
    copy_of,
    draw_for,
    finish,
    finished_world,
    shards,
    start,
    tell,
    temporary_folder,
    wrong_films,
)

_DISK = 16 << 20  # bytes of the small disk: quick to fill, with room for the features of a world


def run(short: bool) -> List[Row]:
    world, draw = finished_world(), draw_for("disks")
    rows = []
    with temporary_folder() as folder, _small_disk(folder) as disk:
        tries = [
            ("an extraction on a disk that fills up" if disk else
             "an extraction whose files may not grow (no disk could be mounted)",
             1 if short else 6, lambda at: _extraction(
                 world, at, draw, disk)),
            ("an extraction whose files may not grow", 0 if short else 4,
             lambda at: _extraction(world, at, draw, "")),
            ("features.h5 for which there is no room", 0 if short else 4,
             lambda at: _links(world, at, draw)),
            ("an index for which there is no room, over an older one", 1 if short else 6,
             lambda at: _index(world, at, draw, disk))]
        for what, n, try_once in tries:
            lost = 0
            for _ in range(n):
                at = os.path.join(disk or folder, "try")
                os.mkdir(at)
                wrong = try_once(at)
                shutil.rmtree(at)
                if wrong:
                    lost += 1
                    tell("{}: {}".format(what, "; ".join(wrong)))
            if n:
                rows.append(Row("full disk: " + what, n, lost))
    return rows


@contextlib.contextmanager
def _small_disk(folder: str) -> Iterator[str]:
    """Mount a small disk and yield its path; yield "" where mounting is not allowed."""
    path = os.path.join(folder, "disk")
    os.mkdir(path)
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size={}".format(_DISK), "tmpfs", path],
        stderr=subprocess.DEVNULL, check=False).returncode == 0
    try:
        yield path if mounted else ""
    finally:
        if mounted:
            subprocess.run(["umount", path], check=True)


def _fill(disk: str, leave: int) -> str:
    """Fill a disk up to `leave` free bytes; return the path of the file that takes the room."""
    path = os.path.join(disk, "filler")
    with open(path, "wb") as file:
        while True:
            found = os.statvfs(disk)
            n_bytes = found.f_bavail * found.f_frsize - leave
            if n_bytes <= 0:
                return path
            try:
                os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, n_bytes)
            except OSError as error:  # the program has written in the meantime
                if error.errno != errno.ENOSPC:
                    raise


def _limit(n_bytes: int) -> Dict[str, Any]:
    """Return options of `start` that keep the program's files from growing beyond `n_bytes`."""
    return {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, n_bytes))}


def _extraction(world: World, at: str, draw: random.Random, disk: str) -> List[str]:
    """Let an extraction run out of room; return what it, or the run after it, does wrong."""
    output_dir = os.path.join(at, "features")
    command = world.extraction(output_dir, "--batch_size", "1")
    if disk:
        process = start(command)
        while process.poll() is None and not _growing(output_dir):
            time.sleep(0.001)
        filler = _fill(disk, draw.choice([0, draw.randrange(1 << 20)]))
        out, err = process.communicate(timeout=300)
        failed = Done(process.returncode, out, err)
        os.remove(filler)
    else:
        failed = finish(command, **_limit(draw.randrange(1 << 20)))
    return _what_is_wrong(failed, output_dir) + _later(world, command, output_dir)


def _growing(output_dir: str) -> bool:
    """Return True once a shard holds its first bytes."""
    folder = os.path.join(output_dir, "shards")
    return os.path.isdir(folder) and any(
        os.path.getsize(os.path.join(folder, name)) for name in os.listdir(folder))


def _links(world: World, at: str, draw: random.Random) -> List[str]:
    """Let features.h5 run out of room when the last film is added; return what goes wrong.

    The shard of that one film is smaller than features.h5, so that only features.h5 fails.
    """
    output_dir = os.path.join(at, "features")
    command = world.extraction(output_dir)
    finish(command + ["--limit", str(world.n_movies - 1)])
    n_bytes = os.path.getsize(os.path.join(output_dir, "features.h5"))
    before = read_links(os.path.join(output_dir, "features.h5"))
    failed = finish(command, **_limit(draw.randrange(n_bytes * 3 // 4, n_bytes)))
    now = read_links(os.path.join(output_dir, "features.h5"))
    wrong = [] if now == before else ["features.h5 has changed"]
    return wrong + _what_is_wrong(failed, output_dir) + _later(world, command, output_dir)


def _what_is_wrong(failed: Done, output_dir: str) -> List[str]:
    """Return what is wrong with how a run without room has ended."""
    wrong = []
    if failed.code != 1 or "make room" not in failed.last_line or "Traceback" in failed.err:
        wrong.append("exit code {} and {!r}".format(failed.code, failed.err[-500:]))
    left = [name for folder, _, names in os.walk(output_dir) for name in names
            if name.endswith(".part")]
    if left:
        wrong.append("left {}".format(left))
    return wrong


def _later(world: World, command: List[str], output_dir: str) -> List[str]:
    """Return what is wrong with the complete shards, and with the run that goes on from them."""
    before, wrong = shards(output_dir), []
    if before:
        verified = finish(command[:2] + ["--verify", "--output_dir", output_dir])
        wrong += [verified.err] if verified.code else []
    done = finish(command)
    if done.code:
        return wrong + [done.err[-500:]]
    after = shards(output_dir)
    wrong += ["{} is not as it was".format(name) for name in before
              if after.get(name) != before[name]]
    return wrong + wrong_films(output_dir, world.features)


def _index(world: World, at: str, draw: random.Random, disk: str) -> List[str]:
    """Let a build run out of room over an older index; return what goes wrong."""
    output = copy_of(world.index, os.path.join(at, "index.h5"))
    with open(output, "rb") as file:
        old = file.read()
    command = world.indexing(output, "--recipe", "last")
    if disk:
        filler = _fill(disk, draw.randrange(len(old) * 3 // 4))
        failed = finish(command)
        os.remove(filler)
    else:
        failed = finish(command, **_limit(draw.randrange(len(old) * 3 // 4)))
    with open(output, "rb") as file:
        wrong = [] if file.read() == old else ["the old index has changed"]
    wrong += _what_is_wrong(failed, at)
    done = finish(command)
    return wrong + ([done.err[-500:]] if done.code else [])
