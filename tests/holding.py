"""Another program, in a process of its own, that has an HDF5 file open as a notebook would."""

import contextlib
import os
import subprocess
import sys
from typing import Any, Iterator, Optional

# Opens a file, reads in it, says so, and closes it at the end of its input. Without a mode h5py 2
# tries these three in this order; h5py 3 would only read, and notebooks with h5py 2 go on.
_PROGRAM = """
import sys
import h5py

path, mode, library = sys.argv[1:]
for mode in ("r+", "r", "x") if mode == "default" else (mode,):
    try:
        file = h5py.File(path, mode, libver=library)
        break
    except OSError as error:
        print(path, mode, error, file=sys.stderr)
else:
    sys.exit(1)
if library == "latest":
    file.swmr_mode = True
found = []
file.visit(found.append)
for item in [file] + [file[name] for name in list(file)[:3]]:
    dict(item.attrs)
    if isinstance(item, h5py.Dataset):
        item[()]
print("open", flush=True)
sys.stdin.read()
file.close()
"""


class Holder:
    """The process that has the file open."""

    def __init__(self, path: Any, mode: str, library: str, env: Optional[dict]):
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", _PROGRAM, str(path), mode, library],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env)

    def wait(self) -> None:
        """Return when the file is open; raise RuntimeError if it could not be opened."""
        assert self._process.stdout
        if self._process.stdout.readline() != b"open\n":
            raise RuntimeError("the file could not be opened")

    def close(self) -> None:
        """Let the process close the file and end."""
        self._process.communicate()

    def kill(self) -> None:
        """End the process with SIGKILL, which leaves the file as it is."""
        self._process.kill()
        self._process.communicate()


@contextlib.contextmanager
def held(path: Any, mode: str = "default", library: str = "earliest",
         locks: bool = True) -> Iterator[Holder]:
    """Have a file open in another process while the block runs, unless the block ends that.

    Parameters
    ----------
    path
    mode : str
        That of h5py.File, or "default" for what h5py 2 does without one.
    library : str
        "latest" writes while others may read (SWMR), "earliest" does not.
    locks : bool
        False for a program that does without HDF5's file locking.
    """
    env = None if locks else {**os.environ, "HDF5_USE_FILE_LOCKING": "FALSE"}
    holder = Holder(path, mode, library, env)
    try:
        holder.wait()
        yield holder
    finally:
        holder.close()


def look(path: Any, mode: str = "default", is_killed: bool = False, **options: Any) -> None:
    """Open a file in another process, read in it, and close it, or kill the process before."""
    with held(path, mode, **options) as holder:
        if is_killed:
            holder.kill()
