#!/usr/bin/env python3
"""Write the hidden layers of every token of every overview to HDF5, keyed by movie id.

    python extract_features.py --bert_dir tmp/all-MiniLM-L6-v2 \
        --input_file data/movies_metadata.csv --output_dir data/features

Adapted from the idea of Google's extract_features.py, whose flag names and meanings it keeps.
A run that was interrupted continues when the same command is given again.
"""

import recommender.environment  # noqa: F401

import argparse
import contextlib
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from typing import (
    TYPE_CHECKING,
    Iterable,
    Iterator,
    List,
    Optional,
    Sequence,
    TypeVar,
)

from bert import quiet
from bert.checkpoint import (
    Checkpoint,
    default_bert_dir,
    open_checkpoint,
    takes_lower_case,
    top_layers,
)
from bert.errors import BertError
from bert.tokenizing import WordPieces
from extracting import on_spark, processes
from extracting.background import for_each_in_background
from extracting.film_bar import FilmBar
from extracting.tasks import Counts, Job, Overview, cut, number_of_tasks
from recommender import cli
from recommender.catalogue import read_catalogue
from recommender.collecting import without_collecting
from recommender.errors import RecommenderError
from recommender.movie import Movie
from recommender.storage.feature_store import (
    FeatureWriter,
    feature_bytes,
    overview_digest,
)
from recommender.storage.shards import Settings
from recommender.storage.worker_shards import Publisher
from recommender.upkeep import compact_folder, in_words, tell_damage, verify

if TYPE_CHECKING:
    from bert.batches import TokenFeatures

T = TypeVar("T")

_SAMPLE = 512  # overviews tokenised beforehand to estimate the disk space; takes 0.1 s


def parse_flags(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    """Parse and check the flags; exit with code 2 where they are wrong."""
    flags = cli.Flags(prog="extract_features.py", description=__doc__.splitlines()[0])
    flags.add_argument("--bert_dir", help="folder of the checkpoint, in place of the next "
                       "three flags (default: the one in tmp/)")
    flags.add_argument("--bert_config_file", help="the checkpoint's bert_config.json")
    flags.add_argument("--vocab_file", help="the checkpoint's vocab.txt")
    flags.add_argument("--init_checkpoint", help="the weights, as TensorFlow names them: "
                       ".../bert_model.ckpt")
    flags.add_argument("--input_file", help="the catalogue, a CSV in the format of The Movies "
                       "Dataset")
    flags.add_argument("--output_dir", default="data/features", help="folder of the features")
    flags.add_argument("--layers", type=cli.layers, help="hidden layers to store, -1 is the last "
                       "(default: -1,-2,-3,-4, or all of a checkpoint that has fewer)")
    flags.add_argument("--max_seq_length", default=256, type=cli.whole_number(3),
                       help="word pieces after which an overview is cut, [CLS] and [SEP] included")
    flags.add_argument("--batch_tokens", type=cli.whole_number(1),
                       help="tokens of a batch, padding included (default: 2048 a core)")
    flags.add_argument("--batch_size", type=cli.whole_number(1),
                       help="overviews of a batch, instead of --batch_tokens")
    flags.add_argument("--do_lower_case", choices=("true", "false"), type=str.lower,
                       help="true for an uncased checkpoint, false for a cased one (default: what "
                       "the checkpoint is)")
    flags.add_argument("--dtype", default="float32", choices=("float32", "float16"),
                       help="type of the stored numbers; float16 takes half the disk")
    flags.add_argument("--pooled", action="store_true", help="store only the mean over tokens of "
                       "each layer, as float32: enough for all recipes but idf and sif, at "
                       "a 70th of the disk")
    flags.add_argument("--precision", default="float32", choices=("float32", "bfloat16", "float16"),
                       help="type of the numbers computed with; the short ones are faster on a GPU "
                       "and need TensorFlow 2.15")
    flags.add_argument("--graph", default="ours", choices=("ours", "reference"),
                       help="graph to compute with: reference is Google's own, for comparison")
    flags.add_argument("--shard_mb", type=cli.whole_number(1), default=256, help="megabytes after "
                       "which a shard is closed and safe; a minute's work closes it, too")
    flags.add_argument("--num_workers", type=cli.whole_number(1), default=1, metavar="N",
                       help="processes that share the films and the cores of this machine")
    flags.add_argument("--spark", metavar="MASTER", nargs="?", const="", help="let Apache Spark "
                       "share the films among machines; MASTER is its cluster, such as local[4] or "
                       "spark://HOST:7077 (default: the one that spark-submit was given)")
    flags.add_argument("--verify", action="store_true", help="extract nothing: compare the "
                       "shards in --output_dir with their checksums and set aside damaged ones, "
                       "which the next run extracts again")
    flags.add_argument("--compact", action="store_true", help="extract nothing: rewrite the "
                       "shards in --output_dir that hold films that --input_file lacks, or older "
                       "versions of films, and give their disk back")
    flags.add_argument("--limit", type=cli.whole_number(1), help="only the first N films")
    flags.add_argument("--min_votes", type=cli.whole_number(0), default=0, metavar="N",
                       help="only films with at least N votes, which are those that people know: "
                       "most of a catalogue of a million have none")
    flags.add_argument("--strict", action="store_true",
                       help="a row of the catalogue that cannot be used is an error")
    flags.add_argument("--verbose", action="store_true",
                       help="show TensorFlow's log lines and warnings")
    args = flags.parse_args(argv)
    if not args.input_file and not args.verify:
        flags.error("--input_file is missing: the catalogue to read, or --verify")
    if args.spark is not None and args.num_workers > 1:
        flags.error("--num_workers and --spark exclude each other: Spark has workers of its own")
    return args


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Run the program; return the exit code."""
    args = parse_flags(argv)
    if args.verify:
        return verify(args.output_dir)
    if args.compact:
        return compact_folder(args.output_dir, args.input_file, args.shard_mb << 20, args.strict)
    with cli.stop_signals() as caught:
        return extract_all(args, caught)


def extract_all(args: argparse.Namespace, caught: List[int]) -> int:
    """Extract the films that --output_dir lacks, until a signal is `caught`; return the exit code.

    Raises BertError, RecommenderError or OSError if that is not possible.
    """
    quiet.silence(args.verbose)
    _check_tensorflow(args)
    if args.spark is not None:
        on_spark.check()
    bert_dir = args.bert_dir
    if bert_dir is None and not (args.bert_config_file and args.vocab_file
                                 and args.init_checkpoint):
        bert_dir = default_bert_dir()
        cli.note("checkpoint: {} (--bert_dir chooses another)".format(bert_dir))
    checkpoint = open_checkpoint(bert_dir, args.bert_config_file, args.vocab_file,
                                 args.init_checkpoint)
    if checkpoint.note:
        cli.note(checkpoint.note)
    # Where it is not remembered, it takes seconds.
    digest = ThreadPoolExecutor(1).submit(lambda: checkpoint.sha256)
    if args.max_seq_length > checkpoint.config.max_position_embeddings:
        raise BertError("--max_seq_length {} is more than the {} positions of {}".format(
            args.max_seq_length, checkpoint.config.max_position_embeddings, checkpoint.name))
    do_lower_case = takes_lower_case(
        checkpoint, None if args.do_lower_case is None else args.do_lower_case == "true")
    if not do_lower_case:
        cli.note("{} is a cased checkpoint: overviews keep their capitals".format(checkpoint.name))
    catalogue = read_catalogue(args.input_file, args.strict)
    cli.note(catalogue.report())
    if args.pooled and args.dtype != "float32":
        cli.note("pooled features are stored as float32, whatever --dtype says")
    if not digest.done():
        # It takes seconds to import, too, and is needed: with a digest that is not remembered,
        # hardly any film is there already.
        _import_tensorflow()
    layers = args.layers or top_layers(checkpoint.config)
    settings = Settings(tuple(layers), args.max_seq_length, do_lower_case,
                        checkpoint.config.hidden_size, "float32" if args.pooled else args.dtype,
                        args.pooled, checkpoint.name, digest.result())
    wanted = _known(catalogue.movies, args.min_votes)[:args.limit]
    with FeatureWriter(args.output_dir, settings, args.shard_mb << 20) as writer:
        tell_damage(writer.stock)
        del catalogue  # its other columns take as much memory as the overviews
        movies = [movie for movie in wanted
                  if writer.stock.digests.get(movie.id) != overview_digest(movie.overview)]
        if len(movies) < len(wanted):
            cli.note("{:,} of {:,} films are in {} already".format(
                len(wanted) - len(movies), len(wanted), args.output_dir))
        if not movies:
            cli.note("nothing to do")
            return 0
        _import_tensorflow()
        # Late, because it imports TensorFlow.
        from bert.tensorflow_version import computed_by

        writer.computed_by = computed_by(args.precision)
        others = sorted(writer.stock.computed_by - {writer.computed_by})
        if others:
            cli.note("{} holds films computed by {}; the others will be computed by {}".format(
                args.output_dir, " and by ".join(others), writer.computed_by))
        pieces = WordPieces(checkpoint.vocab_file, settings.do_lower_case)
        n_bytes = _check_disk(movies, pieces, settings, args.output_dir)
        if args.num_workers > 1 or args.spark is not None:
            counts = _share_out(args, writer, movies, checkpoint, settings, n_bytes, caught)
        else:
            counts = _compute(args, writer, movies, checkpoint, settings, pieces, caught)
    cli.note("{:,} films written to {}; {:,} overviews were longer than {} word pieces and "
             "were cut".format(counts.n_done, args.output_dir, counts.n_cut, args.max_seq_length))
    if counts.n_unknown:
        cli.note("{:,} overviews hold no word that {} knows: what these films are found near to "
                 "says nothing".format(counts.n_unknown, checkpoint.name))
    if counts.n_done < len(movies):
        cli.note("stopped with {:,} films to go: the same command continues from here".format(
            len(movies) - counts.n_done))
        return 128 + caught[0]
    return 0


def _compute(args: argparse.Namespace, writer: FeatureWriter, movies: List[Overview],
             checkpoint: Checkpoint, settings: Settings, pieces: WordPieces,
             caught: List[int]) -> Counts:
    """Compute the films in this process, until a signal is `caught`."""
    # Late, because TensorFlow takes seconds to import.
    from bert.extraction import default_batch_tokens, extract
    from bert.graphs import chosen_graph

    encoder = chosen_graph(args.graph, checkpoint, settings.layers, args.precision)
    texts = [movie.overview for movie in movies]
    batches = extract(encoder, pieces, texts, args.max_seq_length,
                      args.batch_tokens or default_batch_tokens(encoder, texts),
                      args.batch_size or 0, args.pooled)
    # Closed here, since TensorFlow cannot close its session when the interpreter exits.
    with contextlib.closing(batches):
        return _store(writer, movies, pieces, _until(caught, batches))


def _share_out(args: argparse.Namespace, writer: FeatureWriter, movies: List[Overview],
               checkpoint: Checkpoint, settings: Settings, n_bytes: int,
               caught: List[int]) -> Counts:
    """Let other processes compute the films, until a signal is `caught`."""
    # Late, because TensorFlow takes seconds to import.
    from bert import gpu
    from bert.extraction import available_cores

    if args.num_workers > 1 and gpu.is_there():
        raise BertError("one process keeps the GPU busy: leave out --num_workers")
    films = {movie.id: movie for movie in movies}
    with contextlib.ExitStack() as stack:
        publisher = stack.enter_context(Publisher(writer))  # it ends after all workers
        session = None
        if args.spark is not None:
            session = stack.enter_context(on_spark.Session(args.spark, args.verbose))
        n_workers = session.n_slots if session else args.num_workers
        tasks = cut(movies, number_of_tasks(movies, n_workers, n_bytes, args.shard_mb << 20,
                                            checkpoint.config), n_workers)
        bar = stack.enter_context(FilmBar(movies))

        def published(ids: List[int]) -> None:
            bar.n_done += len(ids)
            bar.update(sum(len(films[movie_id].overview) for movie_id in ids))

        job = Job(publisher.run, settings, os.path.abspath(checkpoint.config_file),
                  os.path.abspath(checkpoint.vocab_file),
                  os.path.abspath(checkpoint.init_checkpoint), args.precision, args.graph,
                  args.batch_tokens or 0, args.batch_size or 0, args.verbose)
        if session:
            counts = on_spark.run(job, tasks, session, publisher, published, caught)
        else:
            n_cores = max(1, available_cores() // args.num_workers)
            counts = processes.run(job._replace(n_cores=n_cores), tasks, args.num_workers,
                                   publisher, published, caught)
        bar.refresh()
    return Counts(bar.n_done, sum(each.n_cut for each in counts),
                  sum(each.n_unknown for each in counts))


def _known(movies: Sequence[Movie], min_votes: int) -> List[Overview]:
    """Return the overviews of films with at least `min_votes` votes, and tell how many these are.

    Raises RecommenderError if there are none.
    """
    known = [Overview(movie.id, movie.overview) for movie in movies
             if movie.vote_count >= min_votes]
    if not known:
        raise RecommenderError("no film has {:,} votes: the most that one has are {:,}, choose a "
                               "smaller --min_votes".format(
                                   min_votes, max(movie.vote_count for movie in movies)))
    if min_votes:
        cli.note("{:,} of {:,} films have at least {:,} votes".format(
            len(known), len(movies), min_votes))
    return known


def _import_tensorflow() -> None:
    """Import TensorFlow, where what can be wrong has been told."""
    with without_collecting():
        # Late, because it takes seconds.
        import tensorflow.compat.v1  # noqa: F401


def _check_tensorflow(args: argparse.Namespace) -> None:
    """Raise BertError if the TensorFlow that is there cannot compute what the flags ask for."""
    if args.graph == "reference" or args.precision != "float32":
        _import_tensorflow()
        # Late, because it imports TensorFlow, and few runs need the answer so soon.
        from bert.tensorflow_version import check_google_graph, check_precision

        check_precision(args.precision)
        if args.graph == "reference":
            check_google_graph()


def _until(caught: List[int], batches: Iterable[T]) -> Iterator[T]:
    """Yield `batches` up to the one that is being computed when a signal is caught."""
    if not caught:
        for batch in batches:
            yield batch
            if caught:
                return


def _check_disk(movies: List[Overview], pieces: WordPieces, settings: Settings,
                folder: str) -> int:
    """Return, and tell, how many bytes of disk the features of `movies` will take.

    Raises RecommenderError if the disk of `folder` has less.
    """
    sample = [movie.overview for movie in movies[::max(1, len(movies) // _SAMPLE)]]
    n_tokens = sum(len(text.token_ids) for text in pieces.encode(sample, settings.max_seq_length))
    share = len(movies) / len(sample)
    needed = feature_bytes(n_tokens * share, len(movies), settings)
    free = shutil.disk_usage(folder).free
    cli.note("{:,} films, about {:,.0f} tokens, will take about {} of disk; {} are free".format(
        len(movies), n_tokens * share, in_words(needed), in_words(free)))
    if needed > free:
        raise RecommenderError("{} has {} free and about {} are needed: free some, {}or choose "
                               "another --output_dir".format(
                                   folder, in_words(free), in_words(needed),
                                   "" if settings.pooled else "take --pooled or --dtype float16, "))
    return needed


def _store(writer: FeatureWriter, movies: List[Overview], pieces: WordPieces,
           batches: "Iterable[Iterable[TokenFeatures]]") -> Counts:
    """Write all batches, with a progress bar."""
    n_cut = n_unknown = 0
    with FilmBar(movies) as bar:

        def write(batch: "Iterable[TokenFeatures]") -> None:
            nonlocal n_cut, n_unknown
            for text in batch:
                movie = movies[text.row]
                writer.add(movie.id, text.layers, text.token_ids, overview_digest(movie.overview))
                n_cut += text.was_cut
                n_unknown += not pieces.knows_any(text.token_ids)
                bar.n_done += 1
                bar.update(len(movie.overview))

        for_each_in_background(batches, write)
        bar.refresh()
    return Counts(bar.n_done, n_cut, n_unknown)


if __name__ == "__main__":
    cli.run(main, (BertError, RecommenderError))
