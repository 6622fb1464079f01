"""Workers from the runner's side: started once, asked round by round, in turns."""

import contextlib
import json
import os
import subprocess
from typing import Any, Callable, Dict, List

from benchmarks.environments import HERE, NotMeasured


class Worker:
    """A process of `workers/`; `workers/serve.py` is its other side. A context manager."""

    def __init__(self, data: str, project: str, python: str, program: str, *args: str):
        """Starts it and waits until it has loaded; what it says on stderr goes to a log in
        `data`. `project` is where it finds the code of the project."""
        self._name = program
        self._log = os.path.join(data, program.replace(".py", ".log"))
        with open(self._log, "wb") as log:
            self._process = subprocess.Popen(
                [python, os.path.join(HERE, "workers", program)] + list(args),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, cwd=data,
                env=project_environment(project), universal_newlines=True)
        self._answer()

    def ask(self, **order: Any) -> Dict[str, Any]:
        """The answer to one order. Raises NotMeasured if the worker has died."""
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
        """Let it end, and wait until it has."""
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *error: Any) -> None:
        self.close()


def project_environment(project: str) -> Dict[str, str]:
    """Variables under which a Python finds the project's packages."""
    return dict(os.environ, PYTHONPATH=project)


def in_turns(rounds: int, tasks: Dict[str, Callable[[], float]]) -> Dict[str, List[float]]:
    """What each task returns in each round. The order moves on by one from round to round, so
    that none always follows the same other."""
    names = list(tasks)
    found = {name: [] for name in names}  # type: Dict[str, List[float]]
    for n in range(rounds):
        first = n % len(names)
        for name in names[first:] + names[:first]:
            found[name].append(tasks[name]())
    return found
