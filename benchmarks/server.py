"""Measure the server under load from another process and write one Markdown table.

    make bench-server

The index has the research's size, the checkpoint its shape with random weights. What is compared
runs in turns; the exit code says whether measuring worked, never how fast anything was.
"""

import argparse
import contextlib
import json
import os
import sys
import time
import urllib.request
from functools import partial
from typing import Any, Dict, Iterator, List, Optional, Sequence

import numpy as np

from benchmarks.bench import DATA, MINILM, RESEARCH_SHAPE, Bench, machine, note
from benchmarks.catalogues import evenly, repeated, write_csv
from benchmarks.engines import Worker, in_turns
from benchmarks.environments import versions
from benchmarks.run import ROOT
from benchmarks.table import Row, markdown, ratios
from recommender import cli
from recommender.catalogue import read_catalogue
from recommender.errors import RecommenderError
from recommender.index import Index
from recommender.storage.files import write_text
from tests.served import Program, running
from torture.requests import own_bytes

_NEIGHBOURS = 100  # stored for each film, as `--neighbours 100` does
_CONNECTIONS = 16  # clients at once, each on a connection that is kept
_WISHES = (
    "A hacker learns that the world around him is a simulation run by machines",
    "a heist goes wrong in Paris", "two friends drive across America", "in a submarine",
    "a boy befriends a robot", "war seen by a child", "love letters cross the ocean",
    "a detective hunts a killer who quotes poets", "an old man and his dog",
    "a chess master plays against death", "a band on its last tour", "strangers in a lift",
    "a nun doubts her faith", "dinosaurs brought back to life", "a shark near a seaside town",
    "the youngest son takes over the family")
_BODIES = [json.dumps({"overview": wish + " #"}) for wish in _WISHES]


def opens(path: str) -> bool:
    """Return True if this version reads the index at `path`, with all of its recipes."""
    try:
        Index(path).read_columns()
    except RecommenderError as error:
        if os.path.exists(path):
            note("{}; building it anew".format(error))
        return False
    return True


class Served:
    """A served index of `n_films` with its checkpoint, and the load on it, `seconds` a turn."""

    def __init__(self, bench: Bench, load: Worker, args: argparse.Namespace):
        self.bench, self.load, self.n_workers = bench, load, args.workers
        self.n_films, self.seconds, self.checkpoint = args.films, args.seconds, args.checkpoint
        self.bert_dir = bench.bert_dir(args.checkpoint)
        self.width = bench.config(args.checkpoint)["hidden_size"]
        self.index = self._index()
        titles = Index(self.index).column("title")
        self.titles = ["/api/v1/recommend?id={}".format(n) for n in range(1, args.films + 1, 7)]
        self.starts = ["/api/v1/movies?q=" + urllib.request.quote(title[:n])
                       for title in evenly(titles, 500) for n in (1, 2, 3, 5, 8)]

    def _index(self) -> str:
        folder = "{} films, {}".format(self.n_films, self.checkpoint)
        path = self.bench.data("server", folder, "index.h5")
        if not opens(path):
            note("building an index of {:,} × {:,} with {} neighbours{}".format(
                self.n_films, self.width, _NEIGHBOURS,
                ": five minutes" if self.n_films > 10000 else ""))
            csv = write_csv(self.bench.data("server", folder, "movies.csv"),
                            repeated(read_catalogue(self.bench.csv).movies, self.n_films))
            self.bench.prepare("index", csv, str(self.width), path, str(_NEIGHBOURS),
                               self.bert_dir)
        return path

    @contextlib.contextmanager
    def server(self, *flags: str) -> Iterator[Program]:
        with running("--index", self.index, "--bert_dir", self.bert_dir, "--port", 0,
                     "--rate_limit", 0, "--workers", self.n_workers, *flags) as program:
            yield program

    def ask(self, port: int, seconds: float, *groups: Dict[str, Any]) -> List[Dict[str, Any]]:
        return self.load.ask(port=port, seconds=seconds, groups=list(groups))["groups"]


def queries(served: Served) -> List[Row]:
    """Measure queries for films and completions, beside a bare Flask route."""
    def at(port: int, addresses: List[str]) -> Dict[str, Any]:
        found, = served.ask(port, served.seconds, {
            "connections": _CONNECTIONS, "addresses": addresses})
        if set(found["statuses"]) != {"200"}:
            raise RecommenderError("a server answered {}".format(found["statuses"]))
        return found

    with served.server() as program:
        answer = served.bench.data("server", "answer.json")
        with open(answer, "w", encoding="utf-8") as file:
            json.dump(program.get(served.titles[0])[1], file, ensure_ascii=False)
        with running(answer, served.n_workers,
                     command=("-m", "benchmarks.workers.bare")) as bare:
            for port, addresses in ((program.port, served.titles), (program.port, served.starts),
                                    (bare.port, ["/json"])):
                at(port, addresses)  # warms it up
            found = in_turns(served.bench.rounds, {
                "films": partial(at, program.port, served.titles),
                "completion": partial(at, program.port, served.starts),
                "json": partial(at, bare.port, ["/json"]),
                "bytes": partial(at, bare.port, ["/bytes"])})
    rates = {name: [one["rate"] for one in all_of] for name, all_of in found.items()}
    how = "any of {:,} films".format(len(served.titles))
    return [
        Row("queries for a film, 16 connections", rates["films"], "≥ 1,000", how, "a second"),
        Row("their median", [one["p50"] for one in found["films"]], "", how, "ms"),
        Row("their 99th percentile", [one["p99"] for one in found["films"]], "< 50", how, "ms"),
        Row("their rate / a bare Flask route's", ratios(rates["films"], rates["json"]), "≥ 0.5",
            "which returns the same JSON: {:,.0f} a second".format(np.median(rates["json"])), "×"),
        Row("their rate / that of a route that has its bytes ready",
            ratios(rates["films"], rates["bytes"]), "",
            "{:,.0f} a second".format(np.median(rates["bytes"])), "×"),
        Row("completion, 16 connections, 95th percentile",
            [one["p95"] for one in found["completion"]], "",
            "{:,.0f} a second".format(np.median(rates["completion"])), "ms"),
        Row("completion, 1 connection, 95th percentile", _alone(served), "< 10",
            "as one types", "ms")]


def _alone(served: Served) -> List[float]:
    with served.server() as program:
        return [served.ask(program.port, served.seconds, {
            "connections": 1, "addresses": served.starts})[0]["p95"] for _ in range(3)]


def texts(served: Served) -> List[Row]:
    """Measure text queries of 16 clients at once and of one, and compare their answers."""
    with served.server("--preload") as program:
        def rate(n: int) -> float:
            found, = served.ask(program.port, 3 * served.seconds, {
                "connections": n, "bodies": _BODIES})
            if set(found["statuses"]) != {"200"}:
                raise RecommenderError("a server answered {}".format(found["statuses"]))
            return found["rate"]

        rate(_CONNECTIONS)
        rates = in_turns(served.bench.few_rounds, {
            "one": partial(rate, 1), "many": partial(rate, _CONNECTIONS)})
    return [Row("text queries, 16 clients / 1 client, " + _shape(served),
                ratios(rates["many"], rates["one"]), "≥ 2.5", "{:.1f} and {:.1f} a second".format(
                    np.median(rates["many"]), np.median(rates["one"])), "×"),
            Row("a text's embedding in a batch of 16 and alone: greatest 1 − cosine", [
                served.bench.prepare("equality", served.bert_dir, json.dumps(_WISHES))[
                    "distance"] * 1e6], "≤ 10", "mean of the four layers and all tokens", "e-6")]


def _shape(served: Served) -> str:
    return "{num_hidden_layers} × {hidden_size}".format(**served.bench.config(served.checkpoint))


def mixed(served: Served, minutes: float) -> List[Row]:
    """Measure queries for films while twice as many clients send texts as can wait."""
    groups = ({"connections": 64, "bodies": _BODIES},
              {"connections": _CONNECTIONS, "addresses": served.titles, "pause": 0.1})
    with served.server("--preload") as program:
        served.ask(program.port, 4 * served.seconds, *groups)
        before = _memory(program.pid)
        texts, films = served.ask(program.port, 60 * minutes, *groups)
        grown = _memory(program.pid) - before
    statuses = {**films["statuses"]}
    for status, n in texts["statuses"].items():
        statuses[status] = statuses.get(status, 0) + n
    wrong = sum(n for status, n in statuses.items() if status not in ("200", "503"))
    how = "{:g} minutes, 64 text clients, 16 that ask for a film each 0.1 s".format(minutes)
    return [Row("answers under mixed load that are neither 200 nor 503", [float(wrong)], "0", how),
            Row("of the text queries refused with 503", [
                texts["statuses"].get("503", 0) / sum(texts["statuses"].values())], "",
                "{:.1f} a second are answered".format(texts["rate"])),
            Row("queries for a film meanwhile, 99th percentile", [films["p99"]], "< 100",
                "{:,.0f} a second".format(films["rate"]), "ms"),
            Row("memory of all processes, grown by", [grown / 1e6], "flat",
                "from {:,.0f} MB".format(before / 1e6), "MB")]


def start(served: Served) -> List[Row]:
    """Measure the seconds from the start of server.py to its first answers."""
    def seconds() -> Dict[str, float]:
        begin = time.perf_counter()
        with running("--index", served.index, "--bert_dir", served.bert_dir, "--port", 0) as one:
            one.get("/healthz")
            healthy = time.perf_counter() - begin
            one.get(served.titles[0])
            first = time.perf_counter() - begin
            one.request("POST", "/api/v1/recommend", _BODIES[0],
                        {"Content-Type": "application/json"})
            return {"healthz": healthy, "film": first, "text": time.perf_counter() - begin}

    found = [seconds() for _ in range(served.bench.few_rounds)]
    return [Row(what, [one[name] for one in found], target, "python server.py", "s")
            for what, name, target in (
                ("start until /healthz answers", "healthz", "< 1"),
                ("start until a first query for a film is answered", "film", ""),
                ("start until a first text query is answered, " + _shape(served),
                 "text", "≤ 5"))]


def _memory(pid: int) -> int:
    """Return the resident bytes of a process and its descendants, without pages of files."""
    with open("/proc/{0}/task/{0}/children".format(pid)) as file:
        below = [int(child) for child in file.read().split()]
    return own_bytes(pid) + sum(map(_memory, below))


def parse_flags(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    flags = cli.Flags(prog="benchmarks.server", description=__doc__.splitlines()[0])
    flags.add_argument("--rounds", type=cli.whole_number(1), default=5, help="turns of each")
    flags.add_argument("--seconds", type=float, default=5, help="that a turn lasts")
    flags.add_argument("--minutes", type=float, default=10, help="of mixed load")
    flags.add_argument("--workers", type=cli.whole_number(1), default=2,
                       help="those of server.py, but where its start is measured")
    flags.add_argument("--films", type=cli.whole_number(1), default=45000, help="in the index")
    flags.add_argument("--checkpoint", choices=(RESEARCH_SHAPE, MINILM), default=RESEARCH_SHAPE,
                       help="the checkpoint, whose width the index has")
    flags.add_argument("--only", nargs="+", choices=("start", "queries", "texts", "mixed"),
                       default=("start", "queries", "texts", "mixed"), metavar="NAME",
                       help="measure only these: start, queries, texts, mixed")
    flags.add_argument("--data_dir", default=DATA, help="folder for checkpoint and index, kept for "
                       "later runs (default: benchmarks/.data)")
    flags.add_argument("--output", help="the Markdown file to write (default: none)")
    return flags.parse_args(argv)


def main(argv: Optional[Sequence[str]] = None) -> int:
    args = parse_flags(argv)
    csv = os.path.join(ROOT, "data", "sample_movies.csv")
    bench = Bench(ROOT, csv, args.rounds, [
        machine(), "{:,} films of {}, {} neighbours each; {} workers".format(
            args.films, args.checkpoint, _NEIGHBOURS, args.workers),
        versions(sys.executable, ["tensorflow", "Flask", "waitress", "numpy"])],
        os.path.abspath(args.data_dir))
    rows = []
    with bench.worker(sys.executable, "load.py") as load:
        served = Served(bench, load, args)
        for name, measure in (("start", start), ("queries", queries), ("texts", texts),
                              ("mixed", partial(mixed, minutes=args.minutes))):
            if name in args.only:
                note(name)
                rows += measure(served)
    text = markdown(rows, bench.facts)
    if args.output:
        write_text(args.output, text)
    print(text)
    return 0


if __name__ == "__main__":
    cli.run(main, (RecommenderError,))
