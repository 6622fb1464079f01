"""A temporary folder that the processes of a server share: its counters and a Unix socket.

It is removed when the server ends, by the process that embeds texts if the server was killed, and
by the next server if that was killed, too: a lock in it tells whether its server still runs.
"""

import contextlib
import fcntl
import glob
import hashlib
import os
import shutil
import tempfile
from typing import IO, Iterator, NamedTuple

from recommender.errors import RecommenderError

_PREFIX = "movies-"
_LOCK = "lock"


@contextlib.contextmanager
def shared_folder() -> Iterator[str]:
    """Yield the path of a new folder in the system's temporary folder; remove it at the end.

    >>> with shared_folder() as folder:
    ...     os.listdir(folder)
    ['lock']
    >>> os.path.exists(folder)
    False
    """
    remove_abandoned()
    folder = tempfile.mkdtemp(prefix=_PREFIX)
    try:
        # Locked before it has its name, so that no other server takes it for abandoned. Forked
        # processes hold the lock with this one.
        new = os.path.join(folder, "new")
        with open(new, "w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            os.rename(new, lock_in(folder))
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Joined(NamedTuple):
    """A folder that several processes share, and the lock that they hold together.

    The lock ends when this process, and those forked by it, close it or end. Whoever holds it alone
    may remove the folder.
    """

    folder: str
    lock: IO[str]
    group: int


def join_folder(*settings: str) -> Joined:
    """Join the folder of all processes of one process group that give the same `settings`.

    A server and those that it forks are one group, wherever in them this is called.

    Raises
    ------
    RecommenderError
        If another user's folder has that name.
    """
    remove_abandoned()
    group = os.getpgrp()
    digest = hashlib.blake2b("\0".join(settings).encode("utf-8", "surrogateescape"), digest_size=6)
    folder = os.path.join(tempfile.gettempdir(), "{}{}-{}-{}".format(
        _PREFIX, os.geteuid(), group, digest.hexdigest()))
    while True:
        with contextlib.suppress(FileExistsError):
            os.mkdir(folder, 0o700)
        if os.lstat(folder).st_uid != os.geteuid() or os.path.islink(folder):
            raise RecommenderError("{} belongs to another user: remove it, or set TMPDIR to a "
                                   "folder of your own".format(folder))
        with contextlib.suppress(FileNotFoundError):  # it has just been removed
            lock = open(lock_in(folder), "a")  # noqa: SIM115 (stays open)
            fcntl.flock(lock, fcntl.LOCK_SH)
            if is_at(folder, lock):
                return Joined(folder, lock, group)
            lock.close()


def lock_in(folder: str) -> str:
    """Return the path of a folder's lock."""
    return os.path.join(folder, _LOCK)


def is_at(folder: str, lock: IO[str]) -> bool:
    """Return whether a lock is that of a folder which is still there."""
    with contextlib.suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(lock.fileno()), os.stat(lock_in(folder)))
    return False


def remove_abandoned() -> None:
    """Remove the folders of servers that were killed."""
    for folder in glob.glob(os.path.join(glob.escape(tempfile.gettempdir()), _PREFIX + "*")):
        # Those of other users cannot be opened for writing, and rmtree follows no link.
        with contextlib.suppress(OSError), open(lock_in(folder), "r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
