"""Reckon what a catalogue of many texts would take: bytes, machine-hours, money, stage by stage.

    python -m benchmarks.scale.plan --texts 10000000 1000000000

Nothing is measured here. Each rate was measured elsewhere, as its comment says; prices are flags.
docs/scale.md shows what this prints.
"""

import argparse
from typing import Callable, List, NamedTuple, Optional, Sequence

import numpy as np

# Rates, each with its source. A core is one of machine A's in docs/performance.md.
_TOKENS = 71  # word pieces of an overview: mean of 45,000 (docs/performance.md)
_MINILM = 65.5  # overviews a core-second, MiniLM: 131 on 2 cores (benchmarks/results.md)
_LARGE_FLOPS = 136e9  # useful operations a core-second, 24 x 1024: 272 Gflop/s on 2 cores (there)
_LARGE_GPU = 2850.0  # overviews a second on an H200, 24 x 1024, bfloat16 (docs/machines.md)
_PAIRS = 6.75e6  # films compared a core-second, 1,024 numbers: 45,000^2 in 150 s on 2 cores
_MAP = 8e-3  # core-seconds a film of t-SNE: 180 s for 45,000 on 2 cores (both: build_index.py)
_SCAN = 1e10  # bytes a second of an exact scan on 2 cores: 34,524 x 384 x 4 in 5 ms
_CSV = 595.0  # bytes a film of the catalogue: 17.9 MB for 30,000 (benchmarks.scale.updates)
_COLUMNS = 1000.0  # bytes a film of an index's columns: 3,165 less embeddings and words, same run
_WORDS = 46  # words a film in the recipe best: mean of the sample
_LINK = 90.0  # bytes a film of features.h5: 2.7 MB for 30,250, same run
_MAP_DATA = 46.0  # bytes a film of the page's map: 1.6 MB for 34,524

_LAYERS, _FLOAT = 4, 4  # layers stored, bytes of a number
_SMALL, _LARGE = 384, 1024  # numbers of an embedding: MiniLM, the research's checkpoint
_OVERHEAD = 1024  # bytes of HDF5's own a film (recommender.storage.shards.OVERHEAD)
_PQ = 64  # bytes a film of product quantisation


class Prices(NamedTuple):
    """Assumed prices in dollars: an hour of a core and of a GPU, a month of a GB on object storage
    and in a server's memory."""

    core_hour: float
    gpu_hour: float
    disk_month: float
    memory_month: float


class Stage(NamedTuple):
    """Needs of a stage for n texts: bytes it leaves, core-hours and GPU-hours, each of n."""

    name: str
    n_bytes: Optional[Callable[[float], float]] = None
    core_hours: Optional[Callable[[float], float]] = None
    gpu_hours: Optional[Callable[[float], float]] = None
    in_memory: bool = False


def _large_flops() -> float:
    """Operations of a text in a BERT of 24 layers of 1,024: its matrix products, twice a weight."""
    return 2.0 * 24 * (4 * _LARGE ** 2 + 2 * _LARGE * 4 * _LARGE) * _TOKENS


STAGES = (
    Stage("catalogue, CSV", lambda n: n * _CSV),
    Stage("extraction, MiniLM, cores", None, lambda n: n / _MINILM / 3600),
    Stage("extraction, 24 x 1024, cores", None, lambda n: n * _large_flops() / _LARGE_FLOPS / 3600),
    Stage("extraction, 24 x 1024, H200", None, None, lambda n: n / _LARGE_GPU / 3600),
    Stage("features of all tokens, MiniLM",
          lambda n: n * (_LAYERS * _TOKENS * _SMALL * _FLOAT + _OVERHEAD)),
    Stage("features of all tokens, 24 x 1024",
          lambda n: n * (_LAYERS * _TOKENS * _LARGE * _FLOAT + _OVERHEAD)),
    Stage("features, --pooled, MiniLM", lambda n: n * (_LAYERS * _SMALL * _FLOAT + _OVERHEAD)),
    Stage("links of features.h5", lambda n: n * _LINK),
    Stage("embeddings, float32", lambda n: n * _SMALL * _FLOAT, in_memory=True),
    Stage("embeddings, float16", lambda n: n * _SMALL * _FLOAT / 2, in_memory=True),
    Stage("embeddings, 64 bytes of PQ", lambda n: n * _PQ, in_memory=True),
    Stage("words of best", lambda n: n * _WORDS * 12),
    Stage("columns of the index", lambda n: n * _COLUMNS),
    Stage("100 exact neighbours", lambda n: n * 1200,
          lambda n: n * n / _PAIRS / 3600 * _SMALL / 1024),
    Stage("map by t-SNE", lambda n: n * 8, lambda n: n * _MAP / 3600),
    Stage("the page's map", lambda n: n * _MAP_DATA, in_memory=True))


def table(texts: Sequence[int], prices: Prices) -> List[str]:
    """Return the lines of the table, stages by numbers of texts."""
    cell = "{:>10} {:>11} {:>12}"
    lines = [("{:34}" + "".join("  | {:^35}".format("{:,} texts".format(n)) for n in texts)).format(
        "")]
    lines.append("{:34}".format("stage") + "".join(
        "  | " + cell.format("bytes", "hours", "dollars") for _ in texts))
    for stage in STAGES:
        lines.append("{:34}".format(stage.name) + "".join(
            "  | " + cell.format(*_cells(stage, n, prices)) for n in texts))
    lines.append("{:34}".format("an exact query, seconds") + "".join(
        "  | {:>35.3g}".format(n * _SMALL * _FLOAT / _SCAN) for n in texts))
    return [line.rstrip() for line in lines]


def _cells(stage: Stage, n: float, prices: Prices) -> List[str]:
    """Return bytes, hours and dollars of a stage, dollars of disk and memory by the month."""
    if stage.core_hours:
        hours = stage.core_hours(n)
        return [in_bytes(stage.n_bytes(n)) if stage.n_bytes else "",
                "{} core".format(rounded(hours)), rounded(hours * prices.core_hour)]
    if stage.gpu_hours:
        hours = stage.gpu_hours(n)
        return ["", "{} GPU".format(rounded(hours)), rounded(hours * prices.gpu_hour)]
    assert stage.n_bytes
    month = prices.memory_month if stage.in_memory else prices.disk_month
    return [in_bytes(stage.n_bytes(n)), "", "{}/month".format(
        rounded(stage.n_bytes(n) / 1e9 * month))]


def in_bytes(n: float) -> str:
    """Return bytes to two digits, such as "1.5 TB"."""
    for unit, size in (("PB", 1e15), ("TB", 1e12), ("GB", 1e9)):
        if n >= size:
            return "{} {}".format(rounded(n / size), unit)
    return "{} MB".format(rounded(n / 1e6))


def rounded(value: float) -> str:
    """Return a number to two digits, with commas, such as "88,000"."""
    digits = 1 - int(np.floor(np.log10(value))) if value > 0 else 0
    return "{:,.{}f}".format(round(value, digits), max(digits, 0))


def main() -> None:
    flags = argparse.ArgumentParser(prog="benchmarks.scale.plan",
                                    description=__doc__.splitlines()[0])
    flags.add_argument("--texts", type=int, nargs="+", default=[10 ** 7, 10 ** 9])
    flags.add_argument("--core_hour", type=float, default=0.05, help="dollars a core-hour")
    flags.add_argument("--gpu_hour", type=float, default=3.0, help="dollars an hour of an H200")
    flags.add_argument("--disk_month", type=float, default=0.02,
                       help="dollars a GB and month of object storage")
    flags.add_argument("--memory_month", type=float, default=4.0,
                       help="dollars a GB and month of a server's memory")
    args = flags.parse_args()
    print("\n".join(table(args.texts, Prices(args.core_hour, args.gpu_hour, args.disk_month,
                                             args.memory_month))))


if __name__ == "__main__":
    main()
