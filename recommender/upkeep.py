"""Keep a folder of features in order: compare it with its checksums, give disk back."""

import contextlib
import os
from typing import Any, Callable, List

from tqdm import tqdm

from recommender import cli
from recommender.catalogue import read_catalogue
from recommender.errors import RecommenderError
from recommender.storage.compaction import compact
from recommender.storage.feature_store import Stock, overview_digest, take_stock
from recommender.storage.locks import one_writer
from recommender.storage.shards import check_digest, shard_paths


def verify(folder: str) -> int:
    """Compare all shards of `folder` with their checksums; return the exit code.

    Raises RecommenderError if a shard is damaged or there are none.
    """
    paths = shard_paths(folder)
    if not paths:
        raise RecommenderError("no features in {}: extract_features.py writes them".format(folder))
    n_bytes = sum(os.path.getsize(path) for path in paths)
    with one_writer(folder), tqdm(total=n_bytes, unit="B", unit_scale=True,
                                  file=cli.BarStream()) as bar:
        stock = take_stock(folder, check=lambda path: check_digest(path, bar.update))
    tell_damage(stock)
    if stock.set_aside:
        raise RecommenderError("damaged in {}: {:,} of {:,} files; the same extraction again "
                               "computes what they held".format(
                                   folder, len(stock.set_aside), len(paths) + 1))
    print("{}: {:,} shards with {:,} films, {}, are as they were written".format(
        folder, len(paths), len(stock.shards), in_words(n_bytes)))
    return 0


def compact_folder(folder: str, input_file: str, shard_bytes: int, strict: bool = False) -> int:
    """Compact `folder` by the catalogue `input_file`; return the exit code.

    Says what it gave back and what it did not touch. Raises what `compact` and `read_catalogue` do.
    """
    catalogue = read_catalogue(input_file, strict)
    cli.note(catalogue.report())
    with contextlib.ExitStack() as stack:
        bars: List[Callable[[int], Any]] = []

        def show(n_copied: int, n_films: int) -> None:
            if not bars:  # only now is it known how many films are copied
                bars.append(stack.enter_context(cli.progress_bar("copying films", n_films)))
            bars[0](n_copied)

        done = compact(folder, {movie.id: overview_digest(movie.overview)
                                for movie in catalogue.movies}, shard_bytes, show)
    if done.n_outdated:
        cli.note("{:,} films stay with features of another overview than the catalogue's: extract "
                 "first, then --compact drops these".format(done.n_outdated))
    for path in done.damaged:
        cli.note("{} is damaged and was not touched: --verify sets it aside".format(path))
    for path in done.set_aside:
        cli.note("{} was set aside as damaged: remove it if you do not need it".format(path))
    print("{}: {} of disk given back by rewriting {:,} shards; {:,} films that left and {:,} older "
          "versions are gone, {:,} films stay".format(
              folder, in_words(done.n_bytes), done.n_shards, done.n_left, done.n_older,
              done.n_films))
    return 0


def tell_damage(stock: Stock) -> None:
    """Note the damaged files that were set aside."""
    for path in stock.set_aside:
        cli.note("{0} is damaged: set aside as {0}.bad, which you may remove".format(path))


def in_words(n_bytes: float) -> str:
    """Return a size on disk in words, such as "295 MB"."""
    return "{:,.1f} GB".format(n_bytes / 1e9) if n_bytes >= 1e9 else "{:,.0f} MB".format(
        n_bytes / 1e6)
