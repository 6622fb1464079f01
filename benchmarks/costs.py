"""Costs besides the encoder: tokenising, memory, building an index, first answer, a text query."""

import shutil
import sys
from typing import Dict, List

from benchmarks.bench import MINILM, RESEARCH_SHAPE, Bench, note
from benchmarks.catalogues import repeated, write_csv
from benchmarks.engines import in_turns
from benchmarks.table import Row, ratios
from recommender.catalogue import read_catalogue

_MANY, _FEW = 30000, 2000
_FULL_SIZE, _FULL_WIDTH = 45000, 1024


def tokenising(bench: Bench) -> List[Row]:
    """Measure the tokenising of all overviews."""
    found = _own(bench, ["encode"], "tokenising", bench.bert_dir(MINILM), bench.csv)
    return [Row("tokenising", [1.0 / seconds for seconds in found["encode"]], "≥ 10,000",
                "WordPieces.encode", "overviews a second")]


def memory(bench: Bench) -> List[Row]:
    """Measure the peak resident memory of extract_features.py --pooled."""
    movies = read_catalogue(bench.csv).movies

    def peak(checkpoint: str, n: int) -> int:
        note("{:,} films with {}".format(n, checkpoint))
        output = bench.data("memory", "features")
        shutil.rmtree(output, ignore_errors=True)
        csv = write_csv(bench.data("memory", "movies.csv"), repeated(movies, n))
        return bench.program("extract_features.py", "--pooled", "--bert_dir",
                             bench.bert_dir(checkpoint), "--input_file", csv,
                             "--output_dir", output)[1]

    many, few = peak(MINILM, _MANY), peak(MINILM, _FEW)
    large = peak(RESEARCH_SHAPE, 20)
    return [Row("peak memory at {:,} films / at {:,}, MiniLM".format(_MANY, _FEW), [many / few],
                "≤ 1.1", "{:,.0f} and {:,.0f} MB".format(many / 1e6, few / 1e6)),
            Row("peak memory, 24 × 1024", [large / 1e9], "< 6", "20 films", "GB")]


def index_building(bench: Bench) -> List[Row]:
    """Measure the building of an index of float32 features of four layers."""
    features = bench.data("index", "features")
    shutil.rmtree(features, ignore_errors=True)
    bench.program("extract_features.py", "--bert_dir", bench.bert_dir(MINILM),
                  "--input_file", bench.csv, "--output_dir", features)
    found = _own(bench, ["build", "read"], "index", bench.csv, features)
    return [Row("index building / reading the shards with h5py, MiniLM",
                ratios(found["read"], found["build"]), "≥ 0.7", "every number read once", "×")]


def cold_start(bench: Bench) -> List[Row]:
    """`recommend.py --title` in a new process, on an index of the research's size."""
    movies = list(repeated(read_catalogue(bench.csv).movies, _FULL_SIZE))
    csv = write_csv(bench.data("cold", "movies.csv"), movies)
    index = bench.data("cold", "index.h5")
    note("building an index of {:,} × {:,}".format(_FULL_SIZE, _FULL_WIDTH))
    bench.prepare("index", csv, str(_FULL_WIDTH), index)
    found = in_turns(max(15, bench.rounds), {
        "recommend": lambda: bench.program(
            "recommend.py", "--index", index, "--title", movies[_FULL_SIZE // 2].title)[0],
        "bare": lambda: bench.run([sys.executable, "-c", "import numpy, h5py"])[0]})
    return [Row('recommend.py --title, {:,} × {:,} / python -c "import numpy, h5py"'.format(
        _FULL_SIZE, _FULL_WIDTH), ratios(found["recommend"], found["bare"]), "≤ 2.5",
        "new processes, files in the page cache", "×")]


def text_query(bench: Bench) -> List[Row]:
    """Measure one text query in a warm process."""
    found = _own(bench, ["embed", "bare"], "query", bench.bert_dir(MINILM))
    return [Row("text query / bare session run of its graph, MiniLM",
                ratios(found["embed"], found["bare"]), "≤ 1.2",
                "{:.1f} ms a query".format(1e3 * min(found["embed"])), "×")]


def cold_text(bench: Bench) -> List[Row]:
    """Measure `recommend.py --overview` in a new process, on an index of a hundred films."""
    csv = write_csv(bench.data("text", "movies.csv"),
                    repeated(read_catalogue(bench.csv).movies, 100))
    features, index = bench.data("text", "features"), bench.data("text", "index.h5")
    shutil.rmtree(features, ignore_errors=True)
    checkpoint = bench.bert_dir(MINILM)
    bench.program("extract_features.py", "--bert_dir", checkpoint, "--input_file", csv,
                  "--output_dir", features)
    bench.program("build_index.py", "--input_file", csv, "--features", features,
                  "--output", index)
    found = in_turns(max(9, bench.rounds), {
        "recommend": lambda: bench.program(
            "recommend.py", "--index", index, "--bert_dir", checkpoint,
            "--overview", "a heist goes wrong in Paris")[0],
        "bare": lambda: bench.run([sys.executable, "-W", "ignore", "-c", "import tensorflow"])[0]})
    warm = min(_own(bench, ["embed"], "query", checkpoint)["embed"])
    return [Row('recommend.py --overview, MiniLM / python -c "import tensorflow" + a warm query',
                ratios(found["recommend"], [seconds + warm for seconds in found["bare"]]),
                "≤ 1.5", "new processes, files in the page cache: {:.1f} s".format(
                    min(found["recommend"])), "×")]


def _own(bench: Bench, tasks: List[str], *args: str) -> Dict[str, List[float]]:
    """Return the seconds of the tasks of `workers/own.py`, in turns, after one turn to warm up."""
    with bench.worker(sys.executable, "own.py", *args) as worker:
        turns = {task: lambda task=task: worker.ask(task=task)["seconds"] for task in tasks}
        in_turns(1, turns)
        return in_turns(bench.rounds, turns)
