#!/usr/bin/env python3
"""Writes the hidden layers of every token of every overview to HDF5, keyed by movie id.

    python extract_features.py --bert_dir tmp/all-MiniLM-L6-v2 \
        --input_file data/movies_metadata.csv --output_dir data/features

Adapted from the idea of Google's extract_features.py, whose flag names and meanings it keeps.
A run that was interrupted goes on where it was when the same command is given again.
"""

import argparse
import contextlib
import os
import queue
import shutil
import sys
import threading
from typing import Callable, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from tqdm import tqdm

from bert import quiet
from bert.checkpoint import default_bert_dir, open_checkpoint
from bert.errors import BertError
from recommender import cli
from recommender.catalogue import read_catalogue
from recommender.errors import RecommenderError
from recommender.parts import mean
from recommender.storage.feature_store import (
    FeatureWriter,
    Stock,
    feature_bytes,
    overview_digest,
    take_stock,
)
from recommender.storage.locks import one_writer
from recommender.storage.shards import Settings, check_digest, shard_paths

_SAMPLE = 512  # overviews that are tokenised beforehand to say how much disk it will take


class Overview(NamedTuple):
    """What is extracted of a film."""

    id: int
    overview: str


def parse_flags(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    flags = cli.Flags(prog="extract_features.py", description=__doc__.splitlines()[0])
    flags.add_argument("--bert_dir", help="folder of the checkpoint: stands for the next three "
                       "(default: the one in tmp/)")
    flags.add_argument("--bert_config_file", help="the checkpoint's bert_config.json")
    flags.add_argument("--vocab_file", help="the checkpoint's vocab.txt")
    flags.add_argument("--init_checkpoint", help="the weights, as TensorFlow names them: "
                       ".../bert_model.ckpt")
    flags.add_argument("--input_file", help="the catalogue, a CSV in the format of The Movies "
                       "Dataset")
    flags.add_argument("--output_dir", default="data/features", help="folder of the features")
    flags.add_argument("--layers", default="-1,-2,-3,-4", type=cli.layers,
                       help="hidden layers to store, -1 is the last")
    flags.add_argument("--max_seq_length", default=256, type=cli.whole_number(3),
                       help="word pieces after which an overview is cut")
    flags.add_argument("--batch_tokens", type=cli.whole_number(1),
                       help="tokens of a batch (default: 2048 a core)")
    flags.add_argument("--batch_size", type=cli.whole_number(1),
                       help="overviews of a batch, instead of --batch_tokens")
    flags.add_argument("--do_lower_case", default="true", choices=("true", "false"),
                       help="true for an uncased checkpoint")
    flags.add_argument("--dtype", default="float32", choices=("float32", "float16"),
                       help="how numbers are stored; float16 takes half the disk")
    flags.add_argument("--pooled", action="store_true", help="store only the mean over layers and "
                       "tokens: enough for an index, at a 280th of the disk")
    flags.add_argument("--graph", default="ours", choices=("ours", "reference"),
                       help="reference computes with Google's own graph, for comparison")
    flags.add_argument("--shard_mb", type=cli.whole_number(1), default=256, help="megabytes after "
                       "which a file of features is closed and safe; a minute's work closes it too")
    flags.add_argument("--verify", action="store_true", help="only read what --output_dir holds "
                       "against its checksums and set aside what is damaged, for the next run to "
                       "extract again")
    flags.add_argument("--limit", type=cli.whole_number(1), help="only the first N films")
    flags.add_argument("--strict", action="store_true",
                       help="a row of the catalogue that cannot be used is an error")
    flags.add_argument("--verbose", action="store_true", help="let TensorFlow talk")
    args = flags.parse_args(argv)
    if not args.input_file and not args.verify:
        flags.error("--input_file is missing: the catalogue to read, or --verify")
    return args


def main(argv: Optional[Sequence[str]] = None) -> int:
    args = parse_flags(argv)
    if args.verify:
        return verify(args.output_dir)
    with cli.stop_signals() as caught:
        return extract_all(args, caught)


def extract_all(args: argparse.Namespace, caught: List[int]) -> int:
    """Extract what is not there yet, until a signal is `caught`; returns the exit code."""
    quiet.silence(args.verbose)
    bert_dir = args.bert_dir
    if bert_dir is None and not (args.bert_config_file and args.vocab_file
                                 and args.init_checkpoint):
        bert_dir = default_bert_dir()
        cli.note("checkpoint: {} (--bert_dir chooses another)".format(bert_dir))
    checkpoint = open_checkpoint(bert_dir, args.bert_config_file, args.vocab_file,
                                 args.init_checkpoint)
    if args.max_seq_length > checkpoint.config.max_position_embeddings:
        raise BertError("--max_seq_length {} is more than the {} positions of {}".format(
            args.max_seq_length, checkpoint.config.max_position_embeddings, checkpoint.name))
    catalogue = read_catalogue(args.input_file, args.strict)
    cli.note(catalogue.report())
    settings = Settings(tuple(args.layers), args.max_seq_length, args.do_lower_case == "true",
                        checkpoint.config.hidden_size, args.dtype, args.pooled, checkpoint.name,
                        checkpoint.sha256)
    with FeatureWriter(args.output_dir, settings, args.shard_mb << 20) as writer:
        _tell_damage(writer.stock)
        wanted = [Overview(movie.id, movie.overview) for movie in catalogue.movies[:args.limit]]
        del catalogue  # what else it says of the films takes as much memory again
        movies = [movie for movie in wanted
                  if writer.stock.digests.get(movie.id) != overview_digest(movie.overview)]
        if len(movies) < len(wanted):
            cli.note("{:,} of {:,} films are in {} already".format(
                len(wanted) - len(movies), len(wanted), args.output_dir))
        if not movies:
            cli.note("nothing to do")
            return 0
        # Imported here: TensorFlow takes seconds, and what can be wrong was looked at first.
        from bert.encoder import Encoder
        from bert.extraction import default_batch_tokens, extract
        from bert.reference import ReferenceGraph
        from bert.tokenizing import WordPieces

        pieces = WordPieces(checkpoint.vocab_file, settings.do_lower_case)
        graph = ReferenceGraph if args.graph == "reference" else Encoder
        encoder = graph(checkpoint, args.layers)
        _check_disk(movies, pieces, settings, args.output_dir)
        texts = [movie.overview for movie in movies]
        batches = extract(encoder, pieces, texts, args.max_seq_length,
                          args.batch_tokens or default_batch_tokens(), args.batch_size or 0)
        # Closed here: at the interpreter's end TensorFlow could not close its session any more.
        with contextlib.closing(batches):
            n_done, n_cut = _store(writer, movies, _until(caught, batches), args.pooled)
    cli.note("{:,} films written to {}; {:,} overviews were longer than {} word pieces and "
             "were cut".format(n_done, args.output_dir, n_cut, args.max_seq_length))
    if n_done < len(movies):
        cli.note("stopped with {:,} films to go: the same command goes on from here".format(
            len(movies) - n_done))
        return 128 + caught[0]
    return 0


def verify(folder: str) -> int:
    """Read all shards of `folder` against their checksums; returns the exit code."""
    paths = shard_paths(folder)
    if not paths:
        raise RecommenderError("no features in {}: extract_features.py writes them".format(folder))
    n_bytes = sum(os.path.getsize(path) for path in paths)
    with one_writer(folder), tqdm(total=n_bytes, unit="B", unit_scale=True,
                                  file=sys.stderr) as bar:
        stock = take_stock(folder, check=lambda path: check_digest(path, bar.update))
    _tell_damage(stock)
    if stock.set_aside:
        raise RecommenderError("damaged in {}: {:,} of {:,} files; the same extraction again "
                               "redoes what they held".format(
                                   folder, len(stock.set_aside), len(paths) + 1))
    print("{}: {:,} shards with {:,} films, {}, are as they were written".format(
        folder, len(paths), len(stock.shards), _size(n_bytes)))
    return 0


def _tell_damage(stock: Stock) -> None:
    for path in stock.set_aside:
        cli.note("{0} is damaged: set aside as {0}.bad, which you may remove".format(path))


def _until(caught: List[int], batches: Iterable) -> Iterator:
    """`batches` up to the one that is running when a signal is caught."""
    if not caught:
        for batch in batches:
            yield batch
            if caught:
                return


def _check_disk(movies: List[Overview], pieces, settings: Settings, folder: str) -> None:
    """Say what the features of `movies` will take; stop if the disk has less."""
    sample = [movie.overview for movie in movies[::max(1, len(movies) // _SAMPLE)]]
    n_tokens = sum(len(text.token_ids) for text in pieces.encode(sample, settings.max_seq_length))
    share = len(movies) / len(sample)
    needed = feature_bytes(n_tokens * share, len(movies), settings)
    free = shutil.disk_usage(folder).free
    cli.note("{:,} films, about {:,.0f} tokens, will take about {} of disk; {} are free".format(
        len(movies), n_tokens * share, _size(needed), _size(free)))
    if needed > free:
        raise RecommenderError("{} has {} free and about {} are needed: free some, take "
                               "--dtype float16, or choose another --output_dir".format(
                                   folder, _size(free), _size(needed)))


def _size(n_bytes: float) -> str:
    return "{:,.1f} GB".format(n_bytes / 1e9) if n_bytes >= 1e9 else "{:,.0f} MB".format(
        n_bytes / 1e6)


def _store(writer: FeatureWriter, movies: List[Overview], batches: Iterable,
           pooled: bool) -> Tuple[int, int]:
    """Write all batches, with a progress bar; returns how many films were written
    and how many of their overviews were cut.

    Time left goes by characters: the longest texts come first, so films would mislead.
    """
    n_cut = 0
    n_done = 0
    with tqdm(total=sum(len(movie.overview) for movie in movies), unit="char",
              bar_format="{percentage:3.0f}%|{bar}| {postfix[0]:,}/{postfix[1]:,} films "
                         "[{elapsed}<{remaining}, {postfix[2]:.1f} films/s]",
              postfix=[0, len(movies), 0.0], file=sys.stderr, mininterval=0.5) as bar:

        def write(batch: Iterable) -> None:
            nonlocal n_cut, n_done
            for text in batch:
                movie = movies[text.row]
                layers = mean(text.layers) if pooled else text.layers
                writer.add(movie.id, layers, text.token_ids, overview_digest(movie.overview))
                n_cut += text.was_cut
                n_done += 1
                bar.update(len(movie.overview))
            elapsed = bar.format_dict["elapsed"]
            bar.postfix[0], bar.postfix[2] = n_done, n_done / elapsed if elapsed else 0.0

        for_each_in_background(batches, write)
        bar.refresh()
    return n_done, n_cut


def for_each_in_background(items: Iterable, write: Callable) -> None:
    """`write` each item in a thread of its own, so that the next is computed meanwhile.

    An error of `write` ends the loop and is raised here; what was computed before an error of
    `items`, or before Ctrl-C, is still written.
    """
    waiting = queue.Queue(maxsize=4)  # type: queue.Queue
    failed = []  # type: List[BaseException]

    def work() -> None:
        for item in iter(waiting.get, None):
            if not failed:
                try:
                    write(item)
                except BaseException as error:  # raised again in the main thread
                    failed.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        for item in items:
            if failed:
                break
            waiting.put(item)
    finally:
        waiting.put(None)
        thread.join()
    if failed:
        raise failed[0]


if __name__ == "__main__":
    cli.run(main, (BertError, RecommenderError))
