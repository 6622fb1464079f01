"""A temporary folder that the processes of a server share: its counters and a Unix socket.

It is removed when the server ends, by the process that embeds texts if the server was killed, and
by the next server if that was killed, too: a lock in it tells whether its server still runs.
"""

import contextlib
import fcntl
import glob
import os
import shutil
import tempfile
from typing import Iterator

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
            os.rename(new, os.path.join(folder, _LOCK))
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remove_abandoned() -> None:
    """Remove the folders of servers that were killed."""
    for folder in glob.glob(os.path.join(glob.escape(tempfile.gettempdir()), _PREFIX + "*")):
        # Those of other users cannot be opened for writing, and rmtree follows no link.
        with contextlib.suppress(OSError), open(os.path.join(folder, _LOCK), "r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
