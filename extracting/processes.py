"""Extraction by several processes on this machine: what `--num_workers` asks for."""

import collections
import multiprocessing
import os
import queue
import signal
import threading
from multiprocessing.connection import Connection, wait
from typing import Callable, Counter, Deque, Dict, List, Sequence

from bert import quiet
from bert.errors import BertError
from extracting.tasks import TRIES, Counts, Job, Task
from recommender import cli
from recommender.errors import RecommenderError
from recommender.storage.worker_shards import Publisher

_AHEAD = 2  # tasks that a worker has: one to compute, and one to go on with while that is written
_LOOK = 0.2  # seconds between looks at signals and at shards that were handed in
_PATIENCE = 30.0  # seconds for a worker to end once it has nothing left to do
# Signals that stop the run: a terminal sends them to workers, too, which go on to the safe place.
_STOPPING = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}


class _Process:
    """A worker process, and the tasks that it was given and has not done."""

    def __init__(self, job: Job):
        spawn = multiprocessing.get_context("spawn")  # a copy of a process with threads may hang
        self.connection, theirs = spawn.Pipe()
        self.tasks: Dict[int, Task] = {}
        self._process = spawn.Process(target=_serve, args=(theirs, job))
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPING)  # which the worker inherits
        try:
            self._process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        theirs.close()

    def give(self, task: Task) -> None:
        """Let the worker compute a task after those that it has."""
        self.tasks[task.number] = task
        try:
            self.connection.send(task)
        except OSError:  # it has died, which the next look at its connection finds
            pass

    def end(self) -> int:
        """End the process, by force if it does not; return its exit code."""
        self.connection.close()
        self._process.join(_PATIENCE)
        self._process.kill()
        self._process.join()
        return self._process.exitcode or 0


def _serve(connection: Connection, job: Job) -> None:
    """Compute the tasks that come over `connection`; end with the process at its other end."""
    waiting: "queue.Queue[Task]" = queue.Queue()

    def listen() -> None:
        try:
            while True:
                waiting.put(connection.recv())
        except (EOFError, OSError):
            os._exit(0)  # in the middle of a task that nobody would publish

    threading.Thread(target=listen, daemon=True).start()
    try:
        quiet.silence(job.verbose)
        # Late, because it imports TensorFlow, which only now is silent.
        from extracting.worker import Worker

        Worker(job).work(
            iter(waiting.get, None), lambda task, counts: connection.send((task.number, counts)),
            lambda: waiting.put(None))  # type: ignore[arg-type]
    except (BertError, RecommenderError, OSError) as error:
        connection.send(error)
    os._exit(0)  # TensorFlow's session takes long to end, and nothing is left to write


class _Workers:
    """The worker processes of a run; a context manager that ends them.

    Attributes
    ----------
    waiting : deque of Task
        Tasks that no worker has.
    counts : dict
        From a task's number to what became of its films.
    """

    def __init__(self, job: Job, tasks: Sequence[Task], n_workers: int):
        self.waiting: Deque[Task] = collections.deque(tasks)
        self.counts: Dict[int, Counts] = {}
        self._job = job
        self._tries: Counter[int] = collections.Counter()
        self._processes: List[_Process] = []
        self._n_workers = n_workers

    def __enter__(self) -> "_Workers":
        return self

    def __exit__(self, *error: object) -> None:
        for process in self._processes:
            process.connection.close()
        for process in self._processes:
            process.end()

    def give(self) -> None:
        """See that there are as many workers as were asked for, and that each has work."""
        while len(self._processes) < self._n_workers and len(self.waiting) > 0:
            self._processes.append(_Process(self._job))
            self._processes[-1].give(self.waiting.popleft())
        for n_ahead in range(1, _AHEAD):
            for process in self._processes:
                if self.waiting and len(process.tasks) <= n_ahead:
                    process.give(self.waiting.popleft())

    def listen(self, is_stopping: bool, seconds: float) -> bool:
        """Take what the workers tell, waiting for it; return False if none has work.

        Raises the error of a worker, or RecommenderError if the tasks of one that died have been
        tried too often.
        """
        ready = wait([process.connection for process in self._processes], seconds)
        for process in [each for each in self._processes if each.connection in ready]:
            try:
                told = process.connection.recv()
            except (EOFError, OSError):
                self._processes.remove(process)
                self._take_back(process, is_stopping)
                continue
            if isinstance(told, Exception):
                raise told
            number, self.counts[number] = told
            del process.tasks[number]
        return any(process.tasks for process in self._processes)

    def _take_back(self, process: _Process, is_stopping: bool) -> None:
        """Give the tasks of a worker that ended to another."""
        code = process.end()
        if is_stopping:
            return
        how = "was killed by signal {}".format(-code) if code < 0 else "failed"
        for task in process.tasks.values():
            self._tries[task.number] += 1
            if self._tries[task.number] == TRIES:
                raise RecommenderError(
                    "a worker {} at each of {} tries of the same {:,} films: if memory runs out, "
                    "take a smaller --num_workers or --batch_tokens; the same command continues "
                    "from here".format(how, TRIES, len(task.films)))
        cli.note("a worker {}: its {:,} films are given to another".format(
            how, sum(len(task.films) for task in process.tasks.values())))
        self.waiting.extendleft(reversed(list(process.tasks.values())))


def run(job: Job, tasks: Sequence[Task], n_workers: int, publisher: Publisher,
        published: Callable[[List[int]], None], caught: Sequence[int]) -> List[Counts]:
    """Compute tasks in worker processes until a signal is `caught`; return their counts.

    `published` is told the movie ids of each shard. Raises BertError, RecommenderError or OSError
    as a worker does.
    """
    is_stopping = False
    with _Workers(job, tasks, n_workers) as workers:
        while len(workers.counts) < len(tasks):
            if caught and not is_stopping:
                is_stopping = True
                publisher.stop()
            if not is_stopping:
                workers.give()
            if not workers.listen(is_stopping, _LOOK) and is_stopping:
                break
            for ids in publisher.publish():
                published(ids)
    for ids in publisher.publish():
        published(ids)
    return list(workers.counts.values())
