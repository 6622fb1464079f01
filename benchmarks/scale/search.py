"""Measure approximate search beside a comparison with all films, on made-up vectors.

    python -m benchmarks.scale.search --films 1000000 --kinds hnsw

The vectors lie as those of the sample index do: each is a mean of three near films of the sample
and noise of the sample's covariance, in equal parts, so that the cosines with any film and with
the nearest one are those of real overviews. Words are those of the same films; rare ones are told
apart from film to film, as a vocabulary grows. Prints recall of the ten nearest against the
comparison with all, queries a second as a ratio to it, the same for FAISS alone with the same
index, with a filter that keeps 1 %, and of `best` with its words; build time and size. With
`--peers RECALL` also the search by the least effort that finds at least so much, and graphs over
all numbers that hnswlib and FAISS build by themselves, which find at least so much.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from typing import Callable, List, Optional, Sequence, Tuple

import h5py
import numpy as np

from benchmarks.environments import HERE, NotMeasured, peer_python
from recommender import cli
from recommender.ann import KINDS, Ann
from recommender.ann_building import write_ann
from recommender.candidates import Candidates, n_wanted
from recommender.index import SAMPLE_INDEX, Index
from recommender.ranking import nearest_rows
from recommender.storage.companions import new_companions
from recommender.words import SparseRows, joined_row

_PARTS = 3  # films of the sample that a made-up one is a mean of
_NEAR = 20  # nearest films from which the others of these are drawn
_REAL = 0.5  # share of the variance that is theirs; the rest is noise
_BLOCK = 20_000  # vectors made at once
_EFFORTS = (8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)  # for a recall
_QUERIES, _BY_ALL = 200, 30  # queries of which recall is measured, and by which all are timed
_K = 10
_GRAPH = os.path.join(HERE, "workers", "graph.py")


class MadeUp:
    """Films as vectors, and other films that are asked for."""

    def __init__(self, dense: np.ndarray, words: Optional[SparseRows], n: int):
        self.dense = dense[:n]
        self.words = None if words is None else words.take(np.arange(n))
        self.asked = [joined_row(dense, words, row) for row in range(n, len(dense))]


def made_up(recipe: str, n: int, seed: int = 0) -> MadeUp:
    """Return `n` made-up films by a recipe of the sample index, and queries."""
    dense, words = Index(SAMPLE_INDEX).space(recipe).all_rows()
    draw = np.random.RandomState(seed)
    length = np.linalg.norm(dense, axis=1)
    mean = dense.mean(axis=0)
    centred = dense - mean
    near = np.argsort(-(centred @ centred.T), axis=1)[:, :_NEAR]
    _, spread, axes = np.linalg.svd(centred, full_matrices=False)
    shape = (spread[:, None] * axes / np.sqrt(len(dense))).astype(np.float32)
    popular = draw.dirichlet(np.full(len(dense), 0.5))
    total = n + _QUERIES
    found, bases = np.empty((total, dense.shape[1]), np.float32), []
    for start in range(0, total, _BLOCK):
        m = min(_BLOCK, total - start)
        base = draw.choice(len(dense), m, p=popular)
        films = np.concatenate([base[:, None], near[base[:, None], draw.randint(
            0, _NEAR, (m, _PARTS - 1))]], axis=1)
        weights = draw.dirichlet(np.ones(_PARTS), m).astype(np.float32)
        block = mean + np.sqrt(1 - _REAL) * (
            draw.standard_normal((m, len(shape))).astype(np.float32) @ shape)
        for part in range(_PARTS):
            block += np.sqrt(_REAL) * weights[:, part:part + 1] * centred[films[:, part]]
        found[start:start + m] = block * (
            length[base] / np.linalg.norm(block, axis=1))[:, None]
        bases.append(films[:, :2])
    films = np.concatenate(bases)
    return MadeUp(found, None if words is None else _words(words, films, draw), n)


def _words(words: SparseRows, films: np.ndarray, draw: np.random.RandomState) -> SparseRows:
    """Return about half of the words of each of two films of the sample, of their length."""
    n_known = words.width
    frequency = np.bincount(words.indices, minlength=n_known)
    n_kinds = max(len(films) // len(words.indptr), 1)  # of a rare word
    both = [words.take(films[:, part]) for part in range(2)]
    kept = [draw.random_sample(len(each.indices)) < 0.5 for each in both]
    rows = np.concatenate([np.repeat(np.arange(len(films)), np.diff(each.indptr))[keep]
                           for each, keep in zip(both, kept)])
    columns = np.concatenate([each.indices[keep] for each, keep in zip(both, kept)]).astype(
        np.int64)
    data = np.concatenate([each.data[keep] for each, keep in zip(both, kept)])
    rare = frequency[columns] < 5
    columns[rare] += n_known * draw.randint(0, n_kinds, rare.sum())
    _, columns = np.unique(columns, return_inverse=True)
    order = np.lexsort((columns, rows))
    rows, columns, data = rows[order], columns[order], data[order]
    first = np.append(True, (np.diff(rows) != 0) | (np.diff(columns) != 0))
    rows, columns, data = rows[first], columns[first], data[first]
    indptr = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(films)))])
    made = SparseRows(indptr, columns.astype(np.int32), data, int(columns.max()) + 1)
    wanted = float(words.lengths().mean())
    return made.scaled(wanted / np.maximum(made.lengths(), 1e-9))


def measure(recipe: str, kind: str, n: int, wanted: Optional[float] = None) -> List[str]:
    """Return the lines of one recipe and kind of approximate search.

    With `wanted`, of a recipe without words, also of the least effort that has this recall.
    """
    films = made_up(recipe, n)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "made.h5")
        started = time.process_time(), time.perf_counter()
        with h5py.File(path, "w") as file, new_companions(path) as beside:
            candidates = write_ann(file.create_group("made"), beside, recipe, kind, films.dense,
                                   films.words, cli.progress_bar)
            told = "recall {:.1%} of a sample at effort {}".format(
                file["made/ann/recall"][()], file["made/ann/effort"][()])
            effort = int(file["made/ann/effort"][()])
        seconds = time.process_time() - started[0], time.perf_counter() - started[1]
    if candidates is None:
        return ["{}: too few films".format(recipe)]
    lines = ["{} {}, {:,} films: built and measured in {:.0f} s of processor, {:.0f} s in all; "
             "{}; peak {:.1f} GB".format(recipe, kind, n, *seconds, told,
                                         resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6)]
    everything = np.ones(n, bool)
    few = np.random.RandomState(1).random_sample(n) < 0.01
    for what, counts in (("all films count", everything), ("a filter keeps 1 %", few)):
        recall, seconds_each, by_all = beside_all(films, candidates, counts)
        lines.append("{} {}, {}: recall@10 {:.4f}, {:.1f} times the queries of the comparison "
                     "with all ({:.2f} and {:.1f} ms of processor)".format(
                         recipe, kind, what, recall, by_all / seconds_each, 1e3 * seconds_each,
                         1e3 * by_all))
    if candidates.ann is not None:
        bare = timed(lambda vector: bare_search(candidates.ann, vector, effort), films.asked)
        lines.append("{} {}, FAISS alone, the same index and candidates: {:.2f} ms".format(
            recipe, kind, 1e3 * bare))
        if wanted is not None and films.words is None:
            lines.append("{} {}, {}".format(recipe, kind, at_recall(
                films, candidates.ann, wanted)))
    return lines


def at_recall(films: MadeUp, ann: Ann, wanted: float) -> str:
    """Tell what a query takes by the least effort that finds at least `wanted` of the nearest."""
    counts = np.ones(len(films.dense), bool)
    nearest = nearest_of(films, counts)
    for effort in _EFFORTS:
        candidates = Candidates(films.dense, None, ann, None, effort)
        recall = share_found(films, candidates, counts, nearest)
        if recall >= wanted:
            break
    whole = timed(lambda vector: candidates.nearest(vector, _K, counts), films.asked)
    bare = timed(lambda vector: bare_search(ann, vector, effort), films.asked)
    return ("recall@10 {:.4f} at effort {}: {:.2f} ms of processor a query, of it FAISS "
            "{:.2f}".format(recall, effort, 1e3 * whole, 1e3 * bare))


def nearest_of(films: MadeUp, counts: np.ndarray) -> np.ndarray:
    """Return the nearest films to each query by comparing all that count, int64 (m, k)."""
    return np.array([nearest_rows(films.dense, films.words, vector, _K, counts)[0]
                     for vector in films.asked])


def share_found(films: MadeUp, candidates: Candidates, counts: np.ndarray,
                nearest: np.ndarray) -> float:
    """Return which share of the nearest films, as of `nearest_of`, candidates find."""
    n_found = 0
    for vector, rows in zip(films.asked, nearest):
        found = candidates.nearest(vector, _K, counts)
        n_found += _K if found is None else len(np.intersect1d(rows, found[0]))
    return n_found / nearest.size


def peers(recipe: str, n: int, recall: float) -> List[str]:
    """Return the lines of graphs by other libraries alone that find at least `recall`.

    The recipe is one without words.
    """
    films = made_up(recipe, n)
    counts, lines = np.ones(len(films.dense), bool), []
    with tempfile.TemporaryDirectory() as folder:
        for name, array in (("vectors", films.dense), ("queries", np.array(films.asked)),
                            ("nearest", nearest_of(films, counts))):
            np.save(os.path.join(folder, name + ".npy"), array)
        for library in ("hnswlib", "faiss"):
            try:
                python = peer_python("hnswlib") if library == "hnswlib" else sys.executable
            except NotMeasured as error:
                lines.append("{}: {}".format(library, error))
                continue
            told = json.loads(subprocess.run(
                [python, _GRAPH, library, folder, str(recall), str(len(os.sched_getaffinity(0)))],
                stdout=subprocess.PIPE, check=True).stdout.decode())
            lines.append("{} alone, a graph over all numbers: recall@10 {:.4f} with {} rows in "
                         "view, {:.2f} ms of processor a query, built in {:.0f} s".format(
                             library, told["recall"], told["view"], told["milliseconds"],
                             told["build"]))
    return lines


def bare_search(ann: Ann, vector: np.ndarray, effort: int) -> None:
    """Search the FAISS index without comparing what it finds."""
    ann.search(vector[None, :ann.width].astype(np.float32), n_wanted(effort), effort)


def beside_all(films: MadeUp, candidates: Candidates,
               counts: np.ndarray) -> Tuple[float, float, float]:
    """Return recall, and seconds of a query by candidates and by all films."""
    seconds = timed(lambda vector: candidates.nearest(vector, _K, counts), films.asked)
    by_all = timed(lambda vector: nearest_rows(films.dense, films.words, vector, _K, counts),
                   films.asked[:_BY_ALL])
    return share_found(films, candidates, counts, nearest_of(films, counts)), seconds, by_all


def timed(answer: Callable[[np.ndarray], object], asked: Sequence[np.ndarray]) -> float:
    """Return the processor's seconds of a query, which other programs hardly disturb."""
    for vector in asked[:3]:
        answer(vector)
    started = time.process_time()
    for vector in asked:
        answer(vector)
    return (time.process_time() - started) / len(asked)


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Print the measurement; return the exit code."""
    flags = cli.Flags(prog="benchmarks.scale.search", description=__doc__.splitlines()[0])
    flags.add_argument("--films", type=cli.whole_number(10_000), default=100_000)
    flags.add_argument("--kinds", default=",".join(KINDS), help="kinds of approximate search")
    flags.add_argument("--recipes", default="mean4,best")
    flags.add_argument("--peers", type=float, metavar="RECALL", help="measure at this recall too, "
                       "and hnswlib and FAISS by themselves, by the embeddings of mean4")
    args = flags.parse_args(argv)
    for recipe in args.recipes.split(","):
        for kind in args.kinds.split(","):
            for line in measure(recipe, kind, args.films, args.peers):
                print(line, flush=True)
    for line in peers("mean4", args.films, args.peers) if args.peers else ():
        print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
