"""The process that embeds texts for a server that is not ours, such as gunicorn.

That server forks and replaces its workers as it likes, and none of them may own the process. So
the first worker with a text starts a keeper, a small process that keeps the one that embeds texts
running, as server.py does, until no worker is left. Locks in a folder that the workers share tell
the keeper whether there are workers, and the workers whether there is a keeper.
"""

import argparse
import contextlib
import fcntl
import glob
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from typing import IO, Iterator, Optional, Sequence

from serving.shared_folder import Joined, is_at, lock_in, remove_abandoned
from serving.text_keeper import EmbeddingProcess, address_in, environment, listen_for_texts

_KEEPER = "keeper"  # file that the keeper holds locked
_STARTING = "starting"  # file that is locked while a keeper is being started
_GRACE_SECONDS = 10.0  # in which a worker that has died is replaced
_LOOK_SECONDS = 0.1  # between two looks for a new worker


class SharedTexts:
    """The process that embeds the texts of all workers that share a folder.

    Attributes
    ----------
    address : str
        The Unix socket at which texts are embedded, once `start` was called.
    """

    def __init__(self, joined: Joined, flags: Sequence[str]):
        """`flags` are the keeper's. May be made before the workers are forked."""
        self.address = address_in(joined.folder)
        self._joined, self._flags = joined, flags
        self._keeper: "Optional[subprocess.Popen]" = None

    def start(self) -> None:
        """Start the keeper unless there is one."""
        with _locked(os.path.join(self._joined.folder, _STARTING)), self._keeper_lock() as held:
            if held is None:
                return
            if self._keeper:
                self._keeper.poll()  # it has ended
            # The keeper inherits the socket, so that workers can ask at once, and the lock.
            with listen_for_texts(self._joined.folder) as listening:
                descriptors = [listening.fileno(), held.fileno()]
                self._keeper = subprocess.Popen(
                    [_python(), "-m", "serving.shared_texts", self._joined.folder,
                     str(self._joined.group), str(listening.fileno()), *self._flags],
                    stdin=subprocess.DEVNULL, start_new_session=True, pass_fds=descriptors,
                    env=environment())

    def leave(self) -> None:
        """Remove the folder if this is the last process and no keeper will do so."""
        self._joined.lock.close()
        with contextlib.suppress(FileNotFoundError), self._keeper_lock() as held:
            if held is not None:
                remove_abandoned()

    @contextlib.contextmanager
    def _keeper_lock(self) -> Iterator[Optional[IO[str]]]:
        """Yield the keeper's lock, held, or None if there is a keeper, which holds it."""
        with open(os.path.join(self._joined.folder, _KEEPER), "a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield None
            else:
                yield file


@contextlib.contextmanager
def _locked(path: str) -> Iterator[None]:
    with open(path, "a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _python() -> str:
    """Return the path of Python: of servers that embed it, sys.executable may be the server."""
    if "python" in os.path.basename(sys.executable or ""):
        return sys.executable
    return os.path.join(sys.exec_prefix, "bin", "python3")


def wait_for_workers(lock: IO[str], group: int) -> None:
    """Return when the last worker has ended and none has come in its place; hold `lock` then.

    `group` is their process group: when it has no process left, none will come.
    """
    while True:
        fcntl.flock(lock, fcntl.LOCK_EX)
        deadline = time.monotonic() + _GRACE_SECONDS
        while True:
            if time.monotonic() > deadline or not _lives(group):
                return
            fcntl.flock(lock, fcntl.LOCK_SH)  # lets workers in, and nobody remove the folder
            time.sleep(_LOOK_SECONDS)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                break


def _lives(group: int) -> bool:
    """Return whether a process group has a process that has not ended: one that has may wait long
    for its parent to take note."""
    for path in glob.glob("/proc/[0-9]*/stat"):
        with contextlib.suppress(OSError), open(path) as file:
            state, _, its_group = file.read().rpartition(")")[2].split()[:3]
            if int(its_group) == group and state not in "ZX":
                return True
    return False


def main() -> None:
    """Keep the process that embeds texts running until no worker is left."""
    flags = argparse.ArgumentParser()
    flags.add_argument("folder")
    flags.add_argument("group", type=int)
    flags.add_argument("listening", type=int)
    flags.add_argument("--bert_dir")
    flags.add_argument("--genre_model")
    flags.add_argument("--verbose", action="store_true")
    flags.add_argument("--text_seconds", type=float)
    args = flags.parse_args()
    # Workers that stop finish what they have begun, for which they need this process.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    with open(lock_in(args.folder), "a") as lock:
        with EmbeddingProcess(args.folder, args.bert_dir, args.verbose, args.text_seconds,
                              socket.socket(fileno=args.listening), args.genre_model):
            wait_for_workers(lock, args.group)
        if is_at(args.folder, lock):
            shutil.rmtree(args.folder, ignore_errors=True)


if __name__ == "__main__":
    main()
