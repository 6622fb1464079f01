"""Worker processes as the benchmarks see them: started once, then asked in turns."""

import contextlib
import json
import os
import subprocess
from typing import Any, Callable, Dict, List

from benchmarks.environments import HERE, NotMeasured


class Worker:
    """A process of `workers/`, where `workers/serve.py` answers; a context manager."""

    def __init__(self, data: str, project: str, python: str, program: str, *args: str):
        """Start the process and wait until it has loaded.

        Its stderr goes to a log in `data`; `project` is the folder of the code that it imports.
        """
        self._name = program
        self._log = os.path.join(data, program.replace(".py", ".log"))
        with open(self._log, "wb") as log:
            self._process = subprocess.Popen(
                [python, os.path.join(HERE, "workers", program)] + list(args),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, cwd=data,
                env=project_environment(project), universal_newlines=True)
        self._answer()

    def ask(self, **order: Any) -> Dict[str, Any]:
        """Send one order and return its answer. Raises NotMeasured if the worker has died."""
        with contextlib.suppress(BrokenPipeError):
            print(json.dumps(order), file=self._process.stdin, flush=True)
        return self._answer()

    def _answer(self) -> Dict[str, Any]:
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            with open(self._log, encoding="utf-8", errors="replace") as log:
                last = (log.read().strip().splitlines() or ["no word"])[-1]
            raise NotMeasured("{} ended with code {}: {}".format(
                self._name, self._process.returncode, last))
        return json.loads(line)

    def close(self) -> None:
        """End the process and wait for it."""
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *error: Any) -> None:
        self.close()


def project_environment(project: str) -> Dict[str, str]:
    """Return an environment in which Python finds the packages of `project`."""
    return dict(os.environ, PYTHONPATH=project)


def in_turns(rounds: int, tasks: Dict[str, Callable[[], float]]) -> Dict[str, List[float]]:
    """Return what each task returned in each round.

    The order of tasks rotates from round to round, so that none always follows the same other.
    """
    names = list(tasks)
    found = {name: [] for name in names}  # type: Dict[str, List[float]]
    for n in range(rounds):
        first = n % len(names)
        for name in names[first:] + names[:first]:
            found[name].append(tasks[name]())
    return found
