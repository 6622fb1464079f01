"""Counters of the server, for Prometheus.

If PROMETHEUS_MULTIPROC_DIR is set when this module is imported, several processes count together,
in files of that folder.
"""

import contextlib
import glob
import os
import re
from typing import Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

CONTENT_TYPE = CONTENT_TYPE_LATEST
_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_OF_LIVE = re.compile(r"gauge_live\w+_(\d+)\.db")  # file of gauges that end with their process
# Upper bounds of the histogram, in seconds: from a completion to a first text.
_SECONDS = (.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10)
_own = CollectorRegistry()

REQUESTS = Counter("movies_http_requests", "Requests that were answered, by the rule of their "
                   "address, which is empty where none fits", ["route", "method", "status"],
                   registry=_own)
SECONDS = Histogram("movies_http_request_duration_seconds", "Time in which they were answered",
                    ["route", "method"], buckets=_SECONDS, registry=_own)
REFUSED = Counter("movies_http_refused", "Requests that were refused: the client asked too often, "
                  "or too many texts waited", ["reason"], registry=_own)
TEXTS = Counter("movies_text_queries", "Texts that were embedded", registry=_own)
TEXTS_WAITING = Gauge("movies_text_queries_waiting", "Texts that wait to be embedded, or are being "
                      "so", multiprocess_mode="livesum", registry=_own)
BATCHES = Counter("movies_text_batches", "Runs of the graph, each for all texts that waited",
                  registry=_own)
RELOADS = Counter("movies_index_reloads", "Times that a process read the index anew, and whether "
                  "it took the new one or kept the old", ["result"], registry=_own)


class _Films(Collector):
    """The number of films, which no process counts: it is read from the index."""

    def __init__(self, n_films: int):
        self._n_films = n_films

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield GaugeMetricFamily("movies_index_films", "Films in the index", self._n_films)


class _AllProcesses(Collector):
    """The counters in the files of all processes.

    As prometheus_client's own collector, but it passes over a file that a process has created and
    not filled yet, on which that one fails, and over what waited in a process that has ended: under
    another server than ours nobody would say that it has.
    """

    def collect(self) -> Iterable[Metric]:
        files = []
        for path in glob.glob(os.path.join(glob.escape(os.environ[_FOLDER]), "*.db")):
            with contextlib.suppress(FileNotFoundError):  # its process has just ended
                if os.path.getsize(path) and not _is_over(os.path.basename(path)):
                    files.append(path)
        return MultiProcessCollector.merge(files, accumulate=True)


def text(n_films: int) -> bytes:
    """Return all counters of all processes in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Films(n_films))
    if _FOLDER in os.environ:
        registry.register(_AllProcesses())
    else:
        registry.register(_own)
    return generate_latest(registry)


def _is_over(name: str) -> bool:
    """Return whether a file holds what only mattered while its process ran."""
    of_live = _OF_LIVE.fullmatch(name)
    return of_live is not None and not os.path.exists("/proc/" + of_live.group(1))
