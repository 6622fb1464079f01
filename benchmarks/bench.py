"""Settings that every measure shares: folders, rounds, facts about the machine."""

import datetime
import json
import os
import platform
import subprocess
import sys
import time
from typing import Any, Dict, List, NamedTuple, Tuple

from benchmarks.engines import Worker, project_environment
from benchmarks.environments import HERE, NotMeasured

MINILM = "all-MiniLM-L6-v2"
RESEARCH_SHAPE = "random_L-24_H-1024_A-16"


DATA = os.path.join(HERE, ".data")  # where checkpoints and indexes are kept from run to run


class Bench(NamedTuple):
    """Settings of one run of the benchmarks."""

    project: str  # folder whose code is measured
    csv: str  # the catalogue
    rounds: int
    facts: List[str]  # lines above the table; measures add to them
    folder: str = DATA

    @property
    def few_rounds(self) -> int:
        """Number of rounds of slow measures: whole programs and the large shape."""
        return max(1, self.rounds // 2)

    def data(self, *path: str) -> str:
        """Return a path in the data folder; the folder of the path is made."""
        found = os.path.join(self.folder, *path)
        os.makedirs(os.path.dirname(found), exist_ok=True)
        return found

    def bert_dir(self, name: str) -> str:
        """Return the checkpoint folder `name`; one of random weights is made when first needed."""
        if name == MINILM:
            return os.path.join(self.project, "tmp", name)
        folder = self.data(name)
        if not os.path.isdir(folder):
            note("making {} (1.3 GB)".format(folder))
            self.prepare("checkpoint", self.bert_dir(MINILM), folder)
        return folder

    def config(self, name: str) -> Dict[str, Any]:
        """Return the `bert_config.json` of a checkpoint."""
        with open(os.path.join(self.bert_dir(name), "bert_config.json"), encoding="utf-8") as file:
            return json.load(file)

    def worker(self, python: str, program: str, *args: str) -> Worker:
        return Worker(self.data(""), self.project, python, program, *args)

    def prepare(self, *args: str) -> Dict[str, Any]:
        """Run `workers/prepare.py` and return the JSON that it prints."""
        done = self.run([sys.executable, os.path.join(HERE, "workers", "prepare.py"), *args])
        return json.loads(done[1])

    def program(self, name: str, *args: str, python: str = sys.executable) -> Tuple[float, int]:
        """Run a program of the project; return its seconds and its peak memory in bytes."""
        seconds, _, peak = self.run([python, os.path.join(self.project, name), *args])
        return seconds, peak

    def run(self, command: List[str], cwd: str = "") -> Tuple[float, str, int]:
        """Run a command; return its seconds, its output and its peak resident memory in bytes.

        Raises NotMeasured with the last line of its stderr if it fails.
        """
        log_path = self.data("program.log")
        with open(log_path, "w+", encoding="utf-8", errors="replace") as log:
            start = time.perf_counter()
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log,
                                       cwd=cwd or self.project, universal_newlines=True,
                                       env=project_environment(self.project))
            printed = process.stdout.read()
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - start
            process.returncode = status  # waited for here, for what it used
            process.stdout.close()
            if status:
                log.seek(0)
                last = (log.read().strip().splitlines() or ["no word"])[-1]
                raise NotMeasured("{} failed: {}".format(os.path.basename(command[1]), last))
        return seconds, printed, usage.ru_maxrss * 1024


def note(message: str) -> None:
    print("benchmarks: " + message, file=sys.stderr, flush=True)


def machine() -> str:
    """Describe this machine (CPU, cores, memory) and the day, in one line."""
    model = platform.machine()
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            models = [line.split(":")[1].strip() for line in file if line.startswith("model name")]
        model = models[0] if models else model
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2 ** 30
    return "{}, {} cores, {:.0f} GiB, {} {}, {}".format(
        model, len(os.sched_getaffinity(0)), memory, platform.system(), platform.release(),
        datetime.date.today().isoformat())
