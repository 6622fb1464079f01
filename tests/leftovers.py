"""A temporary folder for one run of the tests, and the check that the run left nothing behind."""

import os
import shutil
import subprocess
import tempfile
import time
from typing import List, Set

_SECONDS = 10  # for programs that were just stopped to remove their folders
# Caches that Python, the tools and the programs keep in a checkout; git ignores them. The last
# is the digest that the programs remember beside a checkpoint (bert/digests.py).
_CACHES = ("__pycache__/", ".pytest_cache/", ".hypothesis/", ".mypy_cache/", ".ruff_cache/",
           ".import_linter_cache/", ".coverage", "/sha256.json")


class Leftovers:
    """Temporary folder of this run, which every program that it starts inherits as TMPDIR.

    So whatever lies in it at the end, beside the folders of pytest, would have been left in the
    system's temporary folder. `checkout` is the folder in which no new file may appear.
    """

    def __init__(self, checkout: str):
        self._checkout = checkout
        self._before = self._files()
        # Short: the path of a Unix socket in it must not exceed 107 bytes.
        self.folder = tempfile.mkdtemp(prefix="mt-")
        self.basetemp = os.path.join(self.folder, "t")  # of pytest's own folders
        self.site = os.path.join(self.folder, "site")  # on the PYTHONPATH of all programs
        os.mkdir(self.site)
        os.environ["TMPDIR"] = tempfile.tempdir = self.folder

    def found(self) -> List[str]:
        """Return what was left, one line each; wait a moment for programs that are ending."""
        deadline = time.monotonic() + _SECONDS
        while self._temporary() and time.monotonic() < deadline:
            time.sleep(0.1)
        return (["in the temporary folder: " + name for name in self._temporary()]
                + ["in the checkout: " + name for name in sorted(self._files() - self._before)])

    def remove(self) -> None:
        """Remove the temporary folder with all that is in it."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _temporary(self) -> List[str]:
        return sorted(name for name in os.listdir(self.folder) if name not in ("t", "site"))

    def _files(self) -> Set[str]:
        """Return the files of the checkout that git does not track; none without git."""
        try:
            listed = subprocess.run(
                ["git", "status", "--porcelain", "--ignored", "--untracked-files=all"],
                cwd=self._checkout, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                universal_newlines=True, encoding="utf-8", check=False).stdout
        except FileNotFoundError:
            return set()
        return {line[3:] for line in listed.splitlines() if line[:2] in ("??", "!!")
                and not any(cache in line for cache in _CACHES)}
