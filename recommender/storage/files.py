"""Write a file or folder whole or not at all.

Everything is written under a temporary name of its own in the folder of its final name, synced
to the disk and renamed, so that two writers never touch each other's work and a reader sees the
old content or the new one, never a part. The temporary file or folder is locked while it is
written: one that a killed process left behind is recognised by its free lock and removed by the
next writer.
"""

import contextlib
import errno
import fcntl
import glob
import os
import secrets
import shutil
import tempfile
from typing import Callable, Iterator, Optional

PART = ".part"  # ending of every temporary name


@contextlib.contextmanager
def new_file(path: str, final: Optional[Callable[[str], str]] = None) -> Iterator[str]:
    """Yield the path of an empty file that becomes `path` when the block ends.

    Parameters
    ----------
    path : str
        Final name, in a folder that exists. An existing file is replaced in one step.
    final : callable, optional
        Returns the final name, given the path of the finished file, instead of `path`: for a name
        that depends on the content.

    Raises
    ------
    OSError
        If the file cannot be made, synced or renamed; `filename` is then `path`. On this and on
        any error of the block the temporary file is removed and `path` stays as it was.

    Examples
    --------
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = os.path.join(folder.name, "index.txt")
    >>> with new_file(path) as part:
    ...     _ = open(part, "w").write("whole")
    >>> open(path).read(), os.listdir(folder.name)
    ('whole', ['index.txt'])
    >>> folder.cleanup()
    """
    part = ""
    try:
        remove_abandoned(path)
        with _locked_part(path) as part:
            try:
                yield part
                publish(part, final(part) if final else path)
            finally:
                with contextlib.suppress(FileNotFoundError):
                    os.remove(part)
    except OSError as error:
        if error.filename is None or str(error.filename).endswith(PART):
            error.filename = path
        raise


def write_text(path: str, text: str) -> None:
    """Write `text` as UTF-8 to `path`, whole or not at all. Raises OSError."""
    with new_file(path) as part, open(part, "w", encoding="utf-8") as file:
        file.write(text)


@contextlib.contextmanager
def new_folder(path: str) -> Iterator[str]:
    """Yield the path of an empty folder that becomes `path` when the block ends.

    Parameters
    ----------
    path : str
        Final name, which must not exist. Missing folders above it are made.

    Raises
    ------
    OSError
        If the folder cannot be made, synced or renamed; `filename` is then `path`. On this and
        on any error of the block the temporary folder is removed.
    """
    parent, name = os.path.split(os.path.abspath(path))
    os.makedirs(parent, exist_ok=True)
    ready = ""
    try:
        with scratch_folder(path) as room:
            ready = os.path.join(room, name)
            os.mkdir(ready)
            yield ready
            for folder, _, names in os.walk(ready):
                for each in names:
                    sync(os.path.join(folder, each))
                sync(folder)
            os.rename(ready, path)
            sync(parent)
    except OSError as error:
        if error.filename is None or ready and str(error.filename).startswith(ready):
            error.filename = path
        raise


@contextlib.contextmanager
def scratch_folder(path: str) -> Iterator[str]:
    """Yield an empty temporary folder beside `path`; it is removed when the block ends.

    It lies on the disk of `path`, so that files can be renamed from it to there.
    """
    parent, name = os.path.split(os.path.abspath(path))
    prefix = ".{}-".format(name)
    for left in glob.glob(os.path.join(glob.escape(parent), glob.escape(prefix) + "?" * 8)):
        with contextlib.suppress(OSError), _locked(left):
            shutil.rmtree(left)
    while True:
        with tempfile.TemporaryDirectory(prefix=prefix, dir=parent) as room:
            with contextlib.ExitStack() as stack:
                with contextlib.suppress(OSError):  # as in _locked_part
                    stack.enter_context(_locked(room))
                if os.path.exists(room):
                    yield room
                    return
            os.makedirs(room, exist_ok=True)  # removed by another writer; the `with` does it again


def publish(part: str, path: str) -> None:
    """Sync the file `part` and rename it to `path` in one step.

    For a writer that learns the final name only at the end and holds its folder's lock; all
    others use `new_file`. Raises OSError, and removes `part` then.
    """
    try:
        sync(part)
        os.replace(part, path)
    except OSError:
        with contextlib.suppress(FileNotFoundError):
            os.remove(part)
        raise
    sync(os.path.dirname(os.path.abspath(path)))


def sync(path: str) -> None:
    """Bring a file or folder to the disk. Raises OSError with its name."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        error.filename = path
        raise
    finally:
        os.close(descriptor)


def need_room(folder: str, n_bytes: int) -> None:
    """Raise OSError (ENOSPC) unless the disk of `folder` has `n_bytes` bytes free."""
    free = shutil.disk_usage(folder or ".").free
    if free < n_bytes:
        raise OSError(errno.ENOSPC, "{:,} bytes are needed and {:,} are free".format(n_bytes, free),
                      folder or ".")


@contextlib.contextmanager
def _locked_part(path: str) -> Iterator[str]:
    """Yield a new temporary file for `path`, locked while the block runs."""
    while True:
        part = "{}.{}{}".format(path, secrets.token_hex(4), PART)
        # Not mkstemp: it takes away the permissions that the user's umask grants.
        os.close(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666))
        with contextlib.ExitStack() as stack:
            with contextlib.suppress(OSError):  # a file system without locks: nothing is removed
                # Shared, since it lasts until after the renaming and a reader takes one, too.
                stack.enter_context(_locked(part, fcntl.LOCK_SH))
            if os.path.exists(part):  # no other writer removed it before it was locked
                yield part
                return


@contextlib.contextmanager
def _locked(path: str, kind: int = fcntl.LOCK_EX) -> Iterator[None]:
    """Hold the lock of a file or folder. Raises OSError if it is gone or another holds it."""
    # NFS locks only what is open for writing, which a folder cannot be.
    descriptor = os.open(path, os.O_RDONLY if os.path.isdir(path) else os.O_RDWR)
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def remove_abandoned(path: str) -> None:
    """Remove temporary files for `path` whose writer has ended without removing them."""
    for part in glob.glob("{}.{}{}".format(glob.escape(path), "[0-9a-f]" * 8, PART)):
        with contextlib.suppress(OSError), _locked(part):
            os.remove(part)
