"""Measure embeddings in float16 beside float32: answers of real films, bytes, time of a query.

    python -m benchmarks.scale.halves --films 100000

Builds an index of a catalogue and its features by both, and asks for each film. Prints the greatest
difference of a score, and the share of the ten nearest films that are the same; then bytes and time
of a query of made-up vectors (see `benchmarks.scale.search`), compared with all films, asked in
turns.
"""

import os
import sys
import tempfile
from typing import Dict, List, Optional, Sequence

import numpy as np

from benchmarks.scale.search import made_up, timed
from recommender import cli
from recommender.building import build_index
from recommender.catalogue import read_catalogue
from recommender.halves import DTYPES, stored_as
from recommender.index import Index
from recommender.ranking import exact_scores, nearest_rows
from recommender.recipes import DEFAULT_RECIPES
from recommender.storage.feature_store import FeatureReader

_K = 10
_TURNS = 5  # times that each dtype is timed; the least is told, which other work disturbs least


def answers(input_file: str, features: str) -> List[str]:
    """Return the lines about the films of a catalogue."""
    with tempfile.TemporaryDirectory() as folder:
        indexes = []
        for dtype in DTYPES:
            path = os.path.join(folder, dtype + ".h5")
            build_index(read_catalogue(input_file), FeatureReader(features), path,
                        DEFAULT_RECIPES, progress=cli.progress_bar, dtype=dtype)
            indexes.append(Index(path))
        lines = ["{:,} films, {}: the file takes {:.2f} of the bytes ({:.2f} and {:.2f} MB)".format(
            len(indexes[0]), " and ".join(DEFAULT_RECIPES), *_ratio(
                {index.space().dtype: os.path.getsize(index.path) for index in indexes}, 1e6))]
        return lines + [_agreement(*indexes, name) for name in DEFAULT_RECIPES]


def _agreement(whole: Index, half: Index, name: str) -> str:
    """Return the line about one recipe of two indexes of the same films."""
    n, apart, n_same, n_lists = len(whole), 0.0, 0, 0
    for row in range(n):
        others = np.arange(n) != row
        theirs, _ = whole.space(name).nearest(whole.space(name).embedding(row), _K, [row])
        ours, cosines = half.space(name).nearest(half.space(name).embedding(row), _K, [row])
        exact = exact_scores(*whole.space(name).all_rows(), whole.space(name).embedding(row), ours)
        apart = max(apart, float(np.abs(exact - cosines).max()))
        same = len(np.intersect1d(ours, theirs))
        n_same, n_lists = n_same + same, n_lists + (same == min(_K, others.sum()))
    return "{}: scores differ by {:.6f} at the most; {:.2%} of the ten nearest are the same, " \
           "{:.2%} of the lists of ten whole".format(name, apart, n_same / n / _K, n_lists / n)


def queries(recipe: str, n: int) -> str:
    """Return the line about the time of a query among `n` made-up films."""
    films = made_up(recipe, n)
    dense = {dtype: stored_as(films.dense, dtype) for dtype in DTYPES}
    everything = np.ones(n, bool)

    def seconds(dtype: str) -> float:
        return timed(lambda vector: nearest_rows(dense[dtype], films.words, vector, _K,
                                                 everything), films.asked[:20])

    found = [{dtype: seconds(dtype) for dtype in DTYPES} for _ in range(_TURNS)]
    least = {dtype: min(each[dtype] for each in found) for dtype in DTYPES}
    return "{}, {:,} x {} made-up: a query takes {:.2f} of the time ({:.1f} and {:.1f} ms of " \
           "processor), the embeddings {:.2f} of the bytes".format(
               recipe, n, films.dense.shape[1], *_ratio(least, 1e-3), _ratio(
                   {dtype: float(rows.nbytes) for dtype, rows in dense.items()}, 1)[0])


def _ratio(by_dtype: Dict[str, float], unit: float) -> List[float]:
    """Return float16 over float32, then float16 and float32 in the unit."""
    whole, half = (by_dtype[dtype] for dtype in DTYPES)
    return [half / whole, half / unit, whole / unit]


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Print the measurement; return the exit code."""
    flags = cli.Flags(prog="benchmarks.scale.halves", description=__doc__.splitlines()[0])
    flags.add_argument("--films", type=cli.whole_number(1), default=100_000,
                       help="made-up films (default: 100,000)")
    flags.add_argument("--input_file", default="data/sample_movies.csv",
                       help="catalogue of real films")
    flags.add_argument("--features", default="data/sample_features", help="their features")
    args = flags.parse_args(argv)
    for line in answers(args.input_file, args.features):
        print(line, flush=True)
    for recipe in DEFAULT_RECIPES:
        print(queries(recipe, args.films), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
