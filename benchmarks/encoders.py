"""The encoder alone: every engine runs the same batches of token ids, in turns, warm."""

import contextlib
import itertools
import os
import sys
from functools import partial
from typing import Any, Dict, List, NamedTuple

import numpy as np

from benchmarks.bench import MINILM, RESEARCH_SHAPE, Bench, note
from benchmarks.engines import Worker, in_turns
from benchmarks.environments import NotMeasured, peer_python, tensorflow_2_python, versions
from benchmarks.table import Row, best_of, ratios, useful_flops

PEERS = {"PyTorch": "pytorch.py", "onnxruntime": "ort.py"}
_OWN_BATCHES = " with batches of its own"
_TF2 = "TensorFlow 2.15"
_BUDGETS = (256, 512, 1024)  # tokens a batch that a peer may choose besides our default
_MATMUL_SECONDS = 1.0  # seconds of each measurement of the matrix rate
# Root mean square by which a peer's layers may differ: peers compute GELU by erf, ours by tanh.
_AGREEMENT = 2e-3


class Rounds(NamedTuple):
    """`seconds` of each engine by round; `rate` of matrix multiplication in flop/s by round;
    `flops` that are useful in a round; `how` each engine was set; `missing` says why
    engines are missing, if any are."""

    seconds: Dict[str, List[float]]
    rate: List[float]
    flops: float
    how: Dict[str, str]
    missing: str


def minilm(bench: Bench) -> List[Row]:
    """6 layers x 384."""
    rounds = _rounds(bench, MINILM, 7, bench.rounds, all_engines=True)
    rows = []
    for peer, target in (("PyTorch", "≥ 1.15"), ("onnxruntime", "≥ 1.0")):
        for name, wanted in ((peer, target), (peer + _OWN_BATCHES, "")):
            measure = "encoder alone / {}, MiniLM".format(name)
            rows.append(_against(rounds, measure, [name], wanted))
    rows.append(_against(rounds, "encoder alone / Google's graph, MiniLM",
                         ["Google's graph"], ""))
    rows.append(_against(rounds, "encoder alone under TensorFlow 2.15 / PyTorch{}, MiniLM".format(
        _OWN_BATCHES), ["PyTorch" + _OWN_BATCHES], "≥ 1.0", _TF2))
    return rows + [_useful(rounds, "MiniLM", "≥ 0.80")]


def research_shape(bench: Bench) -> List[Row]:
    """24 layers x 1024, random weights."""
    rounds = _rounds(bench, RESEARCH_SHAPE, 1, bench.few_rounds, all_engines=False)
    better = "encoder alone / the better of PyTorch and onnxruntime{}, 24 × 1024"
    return [_against(rounds, better.format(""), list(PEERS), "≥ 1.05"),
            _against(rounds, better.format(_OWN_BATCHES),
                     [peer + _OWN_BATCHES for peer in PEERS], ""),
            _useful(rounds, "24 × 1024", "≥ 0.95")]


def _against(rounds: Rounds, measure: str, engines: List[str], target: str,
             ours: str = "ours") -> Row:
    """Return the speed of our encoder relative to the fastest of `engines`."""
    if not {ours, *engines} <= set(rounds.seconds):
        return Row(measure, [], target, rounds.missing)
    return Row(measure, ratios(best_of([rounds.seconds[engine] for engine in engines]),
                               rounds.seconds[ours]), target,
               "; ".join("{}: {}".format(engine.replace(_OWN_BATCHES, ""), rounds.how[engine])
                         for engine in engines), "×")


def _useful(rounds: Rounds, shape: str, target: str) -> Row:
    useful = [rounds.flops / seconds for seconds in rounds.seconds["ours"]]
    return Row("useful arithmetic / matrix-multiply rate, " + shape, ratios(useful, rounds.rate),
               target, "{:,.0f} of {:,.0f} Gflop/s; {}".format(
                   np.median(useful) / 1e9, np.median(rounds.rate) / 1e9, rounds.how["rate"]))


def _rounds(bench: Bench, checkpoint: str, n_groups: int, n_rounds: int,
            all_engines: bool) -> Rounds:
    """Run engines in turns; with `all_engines` Google's graph too, and ours under 2.15."""
    bert_dir, folder = bench.bert_dir(checkpoint), bench.data("peers", checkpoint)
    made = bench.prepare("batches", bert_dir, bench.csv, str(n_groups), folder, "0",
                         *map(str, _BUDGETS))
    default = {"batches": made["paths"]["0"], "streams": 1}
    missing: List[str] = []
    how = {"Google's graph": "same batches"}
    with contextlib.ExitStack() as stack:
        def start(python: str, program: str, *args: str) -> Worker:
            note("loading {} into {}".format(checkpoint, program))
            return stack.enter_context(bench.worker(python, program, *args))

        ours = start(sys.executable, "ours.py", bert_dir, "ours")
        ours.ask(**default)  # warms it up
        orders = {"ours": (ours, default)}
        if all_engines:
            google = start(sys.executable, "ours.py", bert_dir, "reference")
            google.ask(**default)
            orders["Google's graph"] = (google, default)
        try:
            python = peer_python("torch_onnxruntime")
            bench.facts.append(versions(python, ["torch", "transformers", "onnxruntime", "numpy"]))
            if not os.path.exists(os.path.join(folder, "model.safetensors")):
                bench.prepare("weights", bert_dir, folder)
            for peer, program in PEERS.items():
                worker = start(python, program, folder)
                _check_same_work(bench, ours, worker, default)
                note("looking for {}'s best setting".format(peer))
                for name, setting in zip((peer, peer + _OWN_BATCHES),
                                         _best_settings(worker, made["paths"])):
                    orders[name] = (worker, setting)
                    how[name] = "batches of {}, {} at once".format(
                        os.path.basename(setting["batches"])[:-len(".npz")], setting["streams"])
        except NotMeasured as error:
            missing.append(str(error))
        if all_engines:
            try:
                tf2 = start(tensorflow_2_python(bench.project), "ours.py", bert_dir, "ours")
                _check_same_work(bench, ours, tf2, default)
                orders[_TF2] = (tf2, default)
            except NotMeasured as error:
                missing.append(str(error))
        matmul = start(sys.executable, "matmul.py")
        product = matmul.ask(seconds=_MATMUL_SECONDS)["name"]
        how["rate"] = product
        tasks = {name: partial(_seconds, *order) for name, order in orders.items()}
        tasks["rate"] = lambda: matmul.ask(seconds=_MATMUL_SECONDS, name=product)["rate"]
        note("{} rounds of {}".format(n_rounds, ", ".join(tasks)))
        seconds = in_turns(n_rounds, tasks)
    rate = seconds.pop("rate")
    return Rounds(seconds, rate, useful_flops(bench.config(checkpoint), made["lengths"]), how,
                  "; ".join(missing))


def _best_settings(worker: Worker, paths: Dict[str, str]) -> List[Dict[str, Any]]:
    """Return the fastest setting of an engine with our batches, and with any of `paths`."""
    seconds = {}
    for budget, streams in itertools.product(paths, (1, len(os.sched_getaffinity(0)))):
        order = {"batches": paths[budget], "streams": streams}
        worker.ask(**order)  # warms it up
        seconds[budget, streams] = _seconds(worker, order)
    ours = {setting: seconds[setting] for setting in seconds if setting[0] == "0"}
    return [{"batches": paths[budget], "streams": streams}
            for budget, streams in (min(ours, key=ours.get), min(seconds, key=seconds.get))]


def _seconds(worker: Worker, order: Dict[str, Any]) -> float:
    return worker.ask(**order)["seconds"]


def _check_same_work(bench: Bench, ours: Worker, peer: Worker, order: Dict[str, Any]) -> None:
    """Raise NotMeasured if the peer's layers differ from ours by more than `_AGREEMENT`."""
    layers = []
    for worker in (ours, peer):
        path = bench.data("layers.npy")
        worker.ask(save=path, **order)
        layers.append(np.load(path))
    difference = np.sqrt(np.mean(np.square(layers[0] - layers[1])))
    if not difference < _AGREEMENT:
        raise NotMeasured("layers differ by {:.4f}: not the same work".format(difference))
    note("its layers are ours but for {:.5f}".format(difference))
