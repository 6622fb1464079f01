"""Runs of the programs on Apache Spark that leave nothing behind, and the processes they start."""

import importlib.util
import os
import shutil
import time
from typing import Any, Dict, Iterator, List

LOCAL_CLUSTER = "local-cluster[2,1,4096]"  # two executors of a core each, in processes of their own
EXECUTOR = "CoarseGrainedExecutorBackend"  # in the command line of an executor
WORKER = "multiprocessing.spawn"  # in the command line of a process of --num_workers


def is_there() -> bool:
    """Return True if pyspark and Java are there."""
    return importlib.util.find_spec("pyspark") is not None and shutil.which("java") is not None


def environment(folder: Any) -> Dict[str, str]:
    """Return the environment in which Spark writes its logs and files of its own into `folder`.

    A local cluster logs into the folder `work` of Spark's home, which an installed pyspark is.
    """
    import pyspark

    home = os.path.join(str(folder), "spark")
    if not os.path.exists(home):
        os.mkdir(home)
        for name in ("bin", "jars", "python"):
            os.symlink(os.path.join(os.path.dirname(pyspark.__file__), name),
                       os.path.join(home, name))
    return {**os.environ, "SPARK_HOME": home, "TMPDIR": str(folder)}


def descendants(pid: int, command: str) -> List[int]:
    """Return the processes below `pid` in whose command line `command` is."""
    return [each for each in _all_below(pid) if command in _command_line(each)]


def _all_below(pid: int) -> Iterator[int]:
    try:
        threads = os.listdir("/proc/{}/task".format(pid))
        for thread in threads:
            with open("/proc/{}/task/{}/children".format(pid, thread)) as file:
                children = [int(child) for child in file.read().split()]
            for child in children:
                yield child
                yield from _all_below(child)
    except (FileNotFoundError, ProcessLookupError):  # it has ended
        return


def _command_line(pid: int) -> str:
    try:
        with open("/proc/{}/cmdline".format(pid), "rb") as file:
            return file.read().decode(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def are_gone(pids: List[int], seconds: float) -> bool:
    """Return True once all processes have ended, False if they have not after `seconds`."""
    deadline = time.monotonic() + seconds
    while any(_command_line(pid) for pid in pids):  # a zombie has none
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
