"""Shards that worker processes write, and that only the process with the folder's lock publishes.

A run has a fresh token. While the file `shards/TOKEN.run.part` is there, its workers write
`TOKEN-TASK-TRY.h5.part` and rename it, complete and synced, to `TOKEN-TASK-TRY-CHECKSUM.h5.part`.
The run renames the first one of each task to a shard's name and removes all others. What a killed
run leaves, its token included, is removed when the next one takes the lock, and nobody publishes
what its workers write after that.
"""

import contextlib
import glob
import os
import re
import secrets
from typing import Any, Iterator, List, NamedTuple, Set

from recommender.storage.feature_store import FeatureWriter
from recommender.storage.files import PART
from recommender.storage.shards import ENDING, Settings, ShardWriter

# The name of a complete shard of a worker, after the token: its task and its checksum.
_COMPLETE = re.compile(r"-(\d{6,})-[0-9a-f]{8}-([0-9a-f]{32})" + re.escape(ENDING + PART))


class Run(NamedTuple):
    """An extraction that has workers, as they know it.

    Attributes
    ----------
    folder : str
        Absolute path of the feature folder.
    token : str
        Hex digits that no other run has.
    """

    folder: str
    token: str

    def mark(self, name: str) -> str:
        """Return the path of the file whose existence says that the run is `name`."""
        return os.path.join(self.folder, "shards", "{}.{}{}".format(self.token, name, PART))

    def is_on(self) -> bool:
        """Return False once the run has ended, or another has taken the folder."""
        return os.path.exists(self.mark("run"))

    def is_stopping(self) -> bool:
        """Return True once the run wants its workers to hand in what they have."""
        return os.path.exists(self.mark("stop"))

    def new_shard(self, task: int, settings: Settings, computed_by: str) -> ShardWriter:
        """Return a new shard for a task; closing it hands it in."""
        stem = "{}-{:06d}-{}".format(self.token, task, secrets.token_hex(4))
        return ShardWriter(self.folder, settings, computed_by, stem, ENDING + PART)


class Publisher:
    """Publishes the shards of one run's workers; a context manager that begins and ends the run.

    Attributes
    ----------
    run : Run
    tasks : set of int
        Tasks of which a shard is published.
    """

    def __init__(self, writer: FeatureWriter):
        self._writer = writer
        self.run = Run(os.path.abspath(writer.folder), secrets.token_hex(8))
        self.tasks: Set[int] = set()

    def __enter__(self) -> "Publisher":
        open(self.run.mark("run"), "w").close()
        return self

    def __exit__(self, *error: Any) -> None:
        for path in self._files(""):
            with contextlib.suppress(FileNotFoundError):  # handed in at this moment
                os.remove(path)

    def stop(self) -> None:
        """Ask the workers to hand in what they have."""
        open(self.run.mark("stop"), "w").close()

    def publish(self) -> Iterator[List[int]]:
        """Publish what was handed in; yield the movie ids of each shard.

        Raises OSError if the disk does not take it.
        """
        for path in self._files("-"):
            complete = _COMPLETE.fullmatch(os.path.basename(path)[len(self.run.token):])
            if not complete:
                continue
            task = int(complete.group(1))
            if task in self.tasks:  # tried twice
                os.remove(path)
            else:
                self.tasks.add(task)
                yield self._writer.publish(path, complete.group(2))

    def _files(self, after: str) -> List[str]:
        """Return the paths of the run's files in whose name `after` follows the token."""
        return sorted(glob.glob(os.path.join(
            glob.escape(self.run.folder), "shards", "{}{}*{}".format(self.run.token, after, PART))))
