"""Extraction on Apache Spark: what `--spark` asks for.

Spark's executors are the workers. They write into the output folder, which all of them and the
driver must see; the driver holds the folder's lock and publishes what they hand in.
"""

import contextlib
import functools
import glob
import importlib.util
import json
import os
import re
import shutil
import socket
import sys
import tempfile
import threading
import warnings
import zipfile
from typing import Any, Callable, Iterable, Iterator, List, Sequence, Tuple

from bert import quiet
from bert.errors import BertError
from extracting.tasks import Counts, Job, Overview, Task
from recommender.errors import RecommenderError
from recommender.storage.worker_shards import Publisher

_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_PACKAGES = ("bert", "extracting", "recommender")  # what executors import of this project
# The level of Spark's log: its warnings are of its own inner life, and errors of tasks are told.
_LOG = """rootLogger.level = {0}
logger.gateway.name = org.apache.spark.api.python.PythonGatewayServer
logger.gateway.level = {0}
rootLogger.appenderRef.stderr.ref = stderr
appender.stderr.type = Console
appender.stderr.name = stderr
appender.stderr.target = SYSTEM_ERR
appender.stderr.layout.type = PatternLayout
appender.stderr.layout.pattern = %d{{HH:mm:ss}} %p %c{{1}}: %m%n
"""
_LOOK = 0.3  # seconds between looks at signals and at shards that were handed in
_TOLD = "extract_features.py: "  # begins the line by which a worker tells an error
_SCHEMA = "task INT, id LONG, overview BINARY"


def check() -> None:
    """Raise RecommenderError if pyspark or Java is missing."""
    if importlib.util.find_spec("pyspark") is None:
        raise RecommenderError("--spark needs pyspark: `make spark-env` installs it")
    java = os.path.join(os.environ.get("JAVA_HOME", ""), "bin", "java")
    if shutil.which("java" if java == "bin/java" else java) is None:
        raise RecommenderError("--spark needs a Java runtime, of version 8, 11 or 17: install one "
                               "(Debian, Ubuntu: sudo apt-get install default-jre-headless)")


class Session:
    """A Spark session whose executors have the project's packages; a context manager.

    `master` is Spark's name of the cluster, or "" for the one that `spark-submit` was given.
    Raises RecommenderError if there is no such cluster.
    """

    def __init__(self, master: str, verbose: bool = False):
        # Late, because it is an extra, which only --spark needs.
        from pyspark.sql import SparkSession

        # The interpreter that runs this, unless the user names one for the executors.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        if master.startswith("local"):
            os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        self._room = tempfile.TemporaryDirectory(prefix="extraction-")
        log = os.path.join(self._room.name, "log4j2.properties")
        with open(log, "w", encoding="utf-8") as file:
            file.write(_LOG.format("warn" if verbose else "off"))
        builder = SparkSession.builder.appName("extract_features.py").config(
            "spark.ui.showConsoleProgress", "false").config(
            "spark.driver.extraJavaOptions", "-Dlog4j2.configurationFile='{}'".format(log))
        if master.startswith("local"):
            builder = builder.config("spark.ui.enabled", "false").config(
                "spark.local.dir", self._room.name)
        try:
            with warnings.catch_warnings():
                # Spark warns of CPython 3.7 past all filters.
                warnings.showwarning = lambda *_: None
                self.spark = (builder.master(master) if master else builder).getOrCreate()
        except Exception as error:  # of py4j or pyspark, as Java's differ
            self._room.cleanup()
            raise RecommenderError("Spark does not start with --spark {}: {}".format(
                master, _first_line(error)))
        self.spark.sparkContext.addPyFile(_zipped(self._room.name))

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *error: Any) -> None:
        with contextlib.suppress(Exception):  # a Java process that has ended
            self.spark.stop()
        self._room.cleanup()

    @property
    def n_slots(self) -> int:
        """The number of tasks that run at once, once most executors are there."""
        context = self.spark.sparkContext
        context.parallelize([0], 1).count()  # waits for them
        return int(context.defaultParallelism)


def _zipped(folder: str) -> str:
    """Write a zip of the packages that executors import into `folder`; return its path."""
    path = os.path.join(folder, "movie_recommender.zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for package in _PACKAGES:
            for module in glob.glob(os.path.join(_ROOT, package, "**", "*.py"), recursive=True):
                file.write(module, os.path.relpath(module, _ROOT))
    return path


def run(job: Job, tasks: Sequence[Task], session: Session, publisher: Publisher,
        published: Callable[[List[int]], None], caught: Sequence[int]) -> List[Counts]:
    """Compute tasks on Spark until a signal is `caught`; return their counts.

    `published` is told the movie ids of each shard. Raises BertError, RecommenderError or OSError
    as a worker does, RecommenderError if Spark gives up.
    """
    context = session.spark.sparkContext
    catalogue = session.spark.createDataFrame(
        context.parallelize(tasks, len(tasks)).flatMap(rows_of), _SCHEMA)
    results: List[Tuple[int, Counts]] = []
    failures: List[Exception] = []

    def compute() -> None:
        try:
            results.extend(catalogue.rdd.mapPartitions(
                functools.partial(compute_partition, job)).collect())
        except Exception as error:  # raised again in the main thread, in words
            failures.append(error)

    job_thread = threading.Thread(target=compute, daemon=True)
    job_thread.start()
    is_stopping = False
    while job_thread.is_alive():
        job_thread.join(_LOOK)
        if caught and not is_stopping:
            is_stopping = True
            publisher.stop()
        for ids in publisher.publish():
            published(ids)
    for ids in publisher.publish():
        published(ids)
    if failures:
        raise in_words(failures[0])
    missing = {number for number, _ in results} - publisher.tasks
    if missing:
        raise RecommenderError("what Spark computed is not in {}: it must be on storage that all "
                               "executors and the driver see".format(job.run.folder))
    return [counts for _, counts in results]


def rows_of(task: Task) -> Iterator[Tuple[int, int, bytes]]:
    """Yield the rows of a task; as bytes, since Java has no strings with half a character."""
    for film in task.films:
        yield task.number, film.id, film.overview.encode("utf-8", "surrogatepass")


_workers: List[Any] = []  # the worker of this Python process, once it has begun one: (job, Worker)


def compute_partition(job: Job, rows: Iterable[Any]) -> Iterator[Tuple[int, Counts]]:
    """Compute the task that a partition holds, in an executor; yield its number and counts.

    The graph stays in the process for the next task. An error that a user can put right is
    raised with its line after _TOLD.
    """
    films = [(row.task, Overview(row.id, bytes(row.overview).decode("utf-8", "surrogatepass")))
             for row in rows]
    task = Task(films[0][0], [film for _, film in films])
    if job.run.is_stopping():
        return iter(())
    done: List[Tuple[int, Counts]] = []
    try:
        if not job.run.is_on():
            raise RecommenderError("{} on {} is not the folder of this run: it must be on storage "
                                   "that all executors and the driver see".format(
                                       job.run.folder, socket.gethostname()))
        worker = _worker(job)
        worker.work([task], lambda task, counts: done.append((task.number, counts)))
    except (BertError, RecommenderError, OSError) as error:
        _workers.clear()
        raise RuntimeError(_TOLD + json.dumps(_told(error)))
    except BaseException:
        _workers.clear()  # its stream stands in the middle of a task
        raise
    return iter(done)


def _worker(job: Job) -> Any:
    """Return the worker of this process, which keeps its graph from task to task."""
    if not _workers or _workers[0] != job:
        _workers.clear()
        quiet.silence(job.verbose)
        # Late, because it imports TensorFlow, which only executors need and only now is silent.
        from pyspark import TaskContext

        from extracting.worker import Worker

        context = TaskContext.get()
        assert context is not None
        _workers[:] = [job, Worker(job._replace(n_cores=context.cpus()))]
    return _workers[1]


def _told(error: Exception) -> List[Any]:
    """Return an error of a worker as what JSON can hold."""
    if isinstance(error, OSError):
        return ["OSError", error.errno, error.strerror, error.filename]
    return [type(error).__name__, str(error)]


def in_words(error: Exception) -> Exception:
    """Return the error of a worker that Spark's error quotes, or one that tells what Spark says."""
    told = re.search(re.escape(_TOLD) + r"(\[.*\])", str(error))
    if told:
        kind, *values = json.loads(told.group(1))
        if kind == "OSError":
            return OSError(*values)
        return (BertError if kind == "BertError" else RecommenderError)(*values)
    return RecommenderError("Spark gave up: {}; the same command continues from here".format(
        _first_line(error)))


def _first_line(error: Exception) -> str:
    """Return what an error of Spark says, without the stack that follows."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    causes = [line for line in lines if "Exception: " in line and not line.startswith("at ")]
    return re.sub(r"^(Caused by: )?[\w.$]+Exception: ", "", (causes or lines or [repr(error)])[0])
