"""Measure whole extraction on a GPU beside PyTorch, and write one Markdown table.

    .venv-tf2/bin/python -m benchmarks.gpu --torch_python PYTHON

PYTHON is an interpreter with PyTorch for the GPU, transformers and tokenizers. Both get the same
overviews and random weights of the research's shape, and keep the mean over tokens of each of four
layers. Before the first round each runs once with few films, so that the driver has compiled what
it compiles once.
"""

import argparse
import json
import os
import shutil
import sys
import time
from typing import Any, Dict, List, Optional, Sequence

import numpy as np

from benchmarks.bench import DATA, RESEARCH_SHAPE, Bench, machine, note
from benchmarks.catalogues import repeated, write_csv
from benchmarks.environments import HERE, NotMeasured, versions
from benchmarks.table import Row, markdown, ratios, useful_flops
from recommender import cli
from recommender.catalogue import read_catalogue
from recommender.errors import RecommenderError
from recommender.storage.feature_store import FeatureReader

ROOT = os.path.dirname(HERE)
_FEW = 1500  # films of the run before the first round
_COMPARED = 2000  # films whose vectors are compared
_BUDGETS = ("32768", "65536")  # tokens of PyTorch's batches, of which the faster counts


def parse_flags(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    flags = cli.Flags(prog="benchmarks.gpu", description=__doc__.splitlines()[0])
    flags.add_argument("--torch_python", required=True, help="interpreter with PyTorch")
    flags.add_argument("--films", type=cli.whole_number(1), default=30000)
    flags.add_argument("--rounds", type=cli.whole_number(1), default=1)
    flags.add_argument("--precisions", nargs="+", default=["float32", "bfloat16"])
    flags.add_argument("--data_dir", default=DATA, help="folder for what is made")
    return flags.parse_args(argv)


def main(argv: Optional[Sequence[str]] = None) -> int:
    args = parse_flags(argv)
    bench = Bench(ROOT, os.path.join(ROOT, "data", "sample_movies.csv"), args.rounds, [
        machine(), versions(sys.executable, ["tensorflow", "numpy"]),
        versions(args.torch_python, ["torch", "transformers"])], os.path.abspath(args.data_dir))
    checkpoint = bench.bert_dir(RESEARCH_SHAPE)
    peer = bench.data("peers", RESEARCH_SHAPE)
    if not os.path.exists(os.path.join(peer, "model.safetensors")):
        bench.prepare("weights", checkpoint, peer)
    shutil.copyfile(os.path.join(checkpoint, "vocab.txt"), os.path.join(peer, "vocab.txt"))
    movies = read_catalogue(bench.csv).movies
    few, many = (write_csv(bench.data("gpu", name), repeated(movies, n))
                 for name, n in (("few.csv", _FEW), ("films.csv", args.films)))
    made = bench.prepare("batches", checkpoint, bench.csv, "0", bench.data("gpu", "batches"), "0")
    flops = useful_flops(bench.config(RESEARCH_SHAPE), made["lengths"]) / len(
        made["lengths"]) * args.films
    rows = []
    for precision in args.precisions:
        note(precision)
        rows += _rows(bench, args, few, many, precision, flops)
        print(markdown(rows, bench.facts), flush=True)
    return 0


def _rows(bench: Bench, args: argparse.Namespace, few: str, many: str, precision: str,
          flops: float) -> List[Row]:
    """Return the rows of one precision."""
    seconds: Dict[str, List[float]] = {"ours": []}
    peers: Dict[str, Dict[str, Any]] = {}
    _ours(bench, few, precision)
    _peer(bench, args, few, precision, _BUDGETS[0])
    for _ in range(args.rounds):
        seconds["ours"].append(_ours(bench, many, precision))
        for budget in _BUDGETS:
            begin = time.perf_counter()
            peers[budget] = _peer(bench, args, many, precision, budget)
            seconds.setdefault(budget, []).append(
                time.perf_counter() - begin - peers[budget]["of_the_rate"])
            note("PyTorch, {} tokens a batch: {:.1f} s, {:.1f} of them computing".format(
                budget, seconds[budget][-1], peers[budget]["seconds"]))
    best = min(_BUDGETS, key=lambda budget: np.median(seconds[budget]))
    rate = max(peer["rate"] for peer in peers.values())
    told = "{:.1f} and {:.1f} s, PyTorch with {} tokens a batch".format(
        np.median(seconds["ours"]), np.median(seconds[best]), best)
    return [
        Row("whole extraction on the GPU / PyTorch, 24 × 1024, " + precision,
            ratios(seconds[best], seconds["ours"]), "≥ 1.0", told, "×"),
        Row("useful arithmetic of the whole process / matrix-multiply rate, " + precision,
            [flops / one / rate for one in seconds["ours"]], "",
            "of {:,.0f} TFLOP/s".format(rate / 1e12)),
        Row("least cosine of a film's vector with PyTorch's, " + precision,
            [_least_cosine(bench, many)], "", "{:,} films".format(_COMPARED))]


def _ours(bench: Bench, csv: str, precision: str) -> float:
    output = bench.data("gpu", "features")
    shutil.rmtree(output, ignore_errors=True)
    seconds, _ = bench.program(
        "extract_features.py", "--bert_dir", bench.bert_dir(RESEARCH_SHAPE), "--pooled",
        "--precision", precision, "--input_file", csv, "--output_dir", output)
    note("extract_features.py: {:.1f} s".format(seconds))
    return seconds


def _peer(bench: Bench, args: argparse.Namespace, csv: str, precision: str,
          budget: str) -> Dict[str, Any]:
    output = bench.data("gpu", "peer.npy")
    bench.run([args.torch_python, os.path.join(HERE, "workers", "pytorch_gpu.py"),
               bench.data("peers", RESEARCH_SHAPE), csv, precision, budget, output])
    with open(output + ".json", encoding="utf-8") as file:
        return json.load(file)


def _least_cosine(bench: Bench, csv: str) -> float:
    theirs = np.load(bench.data("gpu", "peer.npy"), mmap_mode="r")
    chosen = [movie.id for movie in read_catalogue(csv).movies[:_COMPARED]]
    ours = FeatureReader(bench.data("gpu", "features")).some(chosen)
    cosines = []
    for row, movie_id in enumerate(chosen):
        a, b = ours[movie_id].layers.mean((0, 1)), theirs[row].mean(0)
        cosines.append(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
    return float(min(cosines))


if __name__ == "__main__":
    cli.run(main, (RecommenderError, NotMeasured))
