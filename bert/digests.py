"""Compute the digest of files once, and remember it until one of them changes."""

import contextlib
import hashlib
import json
import os
import time
from typing import Any, Dict, List, Sequence

_SETTLED_NS = 2 * 10 ** 9  # nanoseconds after which a file system's clock has surely moved on


def digest_of(files: Sequence[str], path: str) -> str:
    """Return the SHA-256 over sizes and contents of files, in this order, as hex digits.

    It is remembered in the file `path`, where that can be written, with the size and the times of
    each file, and is taken from there as long as these stay the same.
    """
    before = _states(files)
    with contextlib.suppress(OSError, ValueError), open(path, encoding="utf-8") as file:
        remembered = json.load(file)
        if isinstance(remembered, dict) and remembered.get("files") == before:
            return str(remembered["sha256"])
    digest = hashlib.sha256()
    for name in files:
        digest.update(str(os.path.getsize(name)).encode())
        add_file(digest, name)
    if _states(files) == before:
        _remember(path, {"sha256": digest.hexdigest(), "files": before})
    return digest.hexdigest()


def add_file(digest: "hashlib._Hash", path: str) -> None:
    """Add the content of a file to a digest of hashlib."""
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)


def _states(files: Sequence[str]) -> List[List[Any]]:
    """Return path, size, inode and times of each file: others after any change of its content."""
    states = []
    for path in files:
        found = os.stat(path)
        states.append([os.path.abspath(path), found.st_size, found.st_ino, found.st_mtime_ns,
                       found.st_ctime_ns])
    return states


def _remember(path: str, content: Dict[str, Any]) -> None:
    """Write `content` to `path` as JSON, where the folder can be written.

    Files that have just changed may change again within the same tick of the file system's clock,
    so they are not remembered yet.
    """
    newest = max(state[-1] for state in content["files"])  # when it or its content changed
    if time.time_ns() - newest < _SETTLED_NS:
        return
    temporary = "{}.{}".format(path, os.getpid())
    with contextlib.suppress(OSError):
        try:
            with open(temporary, "w", encoding="utf-8") as file:
                json.dump(content, file)
            os.replace(temporary, path)
        except OSError:
            os.remove(temporary)
