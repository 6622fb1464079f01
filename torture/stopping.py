"""Ctrl-C and SIGTERM at random instants: the shard in progress is kept, and a later run goes on."""

import os
import re
import signal
import time
from typing import List

from torture.table import Row
from torture.worlds import (
    Done,
    draw_for,
    films_a_shard,
    finish,
    finished_world,
    start,
    tell,
    temporary_folder,
    wrong_films,
)

_SECONDS = 10.0  # limit for a stopped extraction to end; its batches take milliseconds


def run(short: bool) -> List[Row]:
    # So many films that the signal comes long before the last one.
    world, draw = finished_world() if short else finished_world(1000), draw_for("stopping")
    rows = []
    for number, flags in ((signal.SIGINT, ()), (signal.SIGTERM, ()),
                          (signal.SIGINT, ("--num_workers", "2"))):
        n, lost = 1 if short else 10, 0
        for _ in range(n):
            with temporary_folder() as folder:
                output_dir = os.path.join(folder, "features")
                command = world.extraction(output_dir, "--batch_size", "1", *flags)
                process = start(command)
                said = ""
                # Wait for the end of the first batch: the limit counts from a batch on.
                while not re.search(r" [1-9][\d,]*/[\d,]+ films", said) and process.poll() is None:
                    said += process.stderr.read(1)
                time.sleep(draw.uniform(0, 0.3))
                process.send_signal(number)
                sent = time.monotonic()
                out, err = process.communicate(timeout=300)
                seconds = time.monotonic() - sent
                stopped = Done(process.returncode, out, said + err)
                kept = sum(count for _, count in films_a_shard(output_dir))
                wrong = _what_is_wrong(stopped, number, kept, world.n_movies)
                if seconds > _SECONDS and not short:  # a busy machine must not fail a test
                    wrong.append("it took {:.1f} s".format(seconds))
                done = finish(command)
                wrong += [done.err] if done.code else wrong_films(output_dir, world.features)
            if wrong:
                lost += 1
                tell("{}: {}".format(signal.Signals(number).name, "; ".join(wrong)))
        rows.append(Row("{} at random instants of an extraction{}: ended within {:.0f} s, kept "
                        "all, went on".format(signal.Signals(number).name, " with {} {}".format(
                            *flags) if flags else "", _SECONDS), n, lost))
    return rows


def _what_is_wrong(stopped: Done, number: int, kept: int, n_movies: int) -> List[str]:
    """Return what is wrong with how a stopped run ended.

    A run that had written its last film may end with 0, or by the signal like any program.
    """
    wrong = []
    if kept == n_movies and stopped.code in (0, -number):
        return wrong
    if stopped.code != 128 + number or "Traceback" in stopped.err:
        wrong.append("exit code {}".format(stopped.code))
    to_go = "stopped with {:,} films to go: the same command continues from here".format(
        n_movies - kept)
    if not re.search(r"^{:,} films written".format(kept), stopped.err, re.M) or (
            to_go not in stopped.err):
        wrong.append("it did not say that {} films are kept: {!r}".format(
            kept, stopped.err[-500:]))
    return wrong
