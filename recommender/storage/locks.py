"""One writer a folder: a lock that ends with its process, and a note that says who holds it."""

import contextlib
import json
import os
import socket
import sys
import time
from typing import Iterator

import filelock

from recommender.errors import RecommenderError

_LOCK = ".lock"
_NOTE = ".writer.json"  # beside the lock: whoever asks for the lock empties the lock file
_PATIENCE = 2.0  # seconds in which a process that has just taken the lock writes its note


@contextlib.contextmanager
def one_writer(folder: str, flag: str = "--output_dir") -> Iterator[None]:
    """Hold the lock of `folder` while the block runs.

    The system frees the lock of a process that has ended, however it did. Raises RecommenderError
    if another process holds the lock; it names that process, and `flag` as the way to choose
    another folder.
    """
    lock = filelock.FileLock(os.path.join(folder, _LOCK))
    note = os.path.join(folder, _NOTE)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise RecommenderError("{} is being written by {}: wait for it or choose another "
                               "{}".format(folder, _holder(note), flag))
    except NotImplementedError:
        raise RecommenderError("the file system of {} has no locks, so two processes could not be "
                               "kept apart: choose another {}".format(folder, flag))
    try:
        # A disk too full for the note says so itself when the work is written.
        with contextlib.suppress(OSError), open(note, "w", encoding="utf-8") as file:
            json.dump({"pid": os.getpid(), "host": socket.gethostname(),
                       "command": " ".join(" ".join(sys.argv).split())}, file)
        yield
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.remove(note)
        lock.release()


def _holder(note: str) -> str:
    """The process that holds the lock, in words. A dead writer's note is not believed: the one
    that has the lock now is about to write its own."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        try:
            with open(note, encoding="utf-8") as file:
                holder = json.load(file)
            if holder["host"] != socket.gethostname() or _is_alive(holder["pid"]):
                return "process {pid} on {host} ({command})".format(**holder)
        except (OSError, ValueError, KeyError, TypeError):
            pass
        time.sleep(0.02)
    return "another process"


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # of another user
        pass
    return True
