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
import queue
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import (
    TYPE_CHECKING,
    Any,
    Callable,
    Dict,
    Iterable,
    Iterator,
    List,
    NamedTuple,
    Optional,
    Sequence,
    TypeVar,
)

from tqdm import tqdm

from bert import quiet
from bert.checkpoint import default_bert_dir, open_checkpoint, takes_lower_case, top_layers
from bert.errors import BertError
from bert.tokenizing import WordPieces
from recommender import cli
from recommender.catalogue import Movie, read_catalogue
from recommender.errors import RecommenderError
from recommender.storage.feature_store import (
    FeatureWriter,
    feature_bytes,
    overview_digest,
)
from recommender.storage.shards import Settings
from recommender.upkeep import compact_folder, in_words, tell_damage, verify

if TYPE_CHECKING:
    from bert.batches import TokenFeatures
    from bert.extraction import Graph

T = TypeVar("T")

_SAMPLE = 512  # overviews tokenised beforehand to estimate the disk space; takes 0.1 s
_WAITING = 4  # batches computed ahead of writing: enough to bridge a slow write, little memory


class Overview(NamedTuple):
    """The text of a film to extract."""

    id: int
    overview: str


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
        import tensorflow  # noqa: F401
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
        # Late, because TensorFlow takes seconds to import: what can be wrong is told before.
        from bert import gpu
        from bert.extraction import default_batch_tokens, extract
        from bert.graphs import graph_of
        from bert.tensorflow_version import computed_by

        writer.computed_by = computed_by(args.precision)
        others = sorted(writer.stock.computed_by - {writer.computed_by})
        if others:
            cli.note("{} holds films computed by {}; the others will be computed by {}".format(
                args.output_dir, " and by ".join(others), writer.computed_by))
        pieces = WordPieces(checkpoint.vocab_file, settings.do_lower_case)
        if args.graph == "reference":
            # Late, because it imports tf.contrib, which only TensorFlow 1.15 has.
            from bert.reference import ReferenceGraph

            encoder: Graph = ReferenceGraph(checkpoint, settings.layers)
        else:
            encoder = graph_of(checkpoint, settings.layers, args.precision, gpu.is_there())
        _check_disk(movies, pieces, settings, args.output_dir)
        texts = [movie.overview for movie in movies]
        batches = extract(encoder, pieces, texts, args.max_seq_length,
                          args.batch_tokens or default_batch_tokens(encoder, texts),
                          args.batch_size or 0, args.pooled)
        # Closed here, since TensorFlow cannot close its session when the interpreter exits.
        with contextlib.closing(batches):
            counts = _store(writer, movies, pieces, _until(caught, batches))
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


def _check_tensorflow(args: argparse.Namespace) -> None:
    """Raise BertError if the TensorFlow that is there cannot compute what the flags ask for."""
    if args.graph == "reference" or args.precision != "float32":
        # Late, because TensorFlow takes seconds to import, and few runs need the answer so soon.
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
                folder: str) -> None:
    """Tell how much disk the features of `movies` will take.

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


class _FilmBar(tqdm):
    """Progress bar whose time left goes by characters, and that shows films.

    The longest texts come first, so the time left would be wrong if it went by films.
    """

    n_done = 0

    def __init__(self, movies: List[Overview]):
        self._n_films = len(movies)
        super().__init__(
            total=sum(len(movie.overview) for movie in movies), unit="char",
            bar_format="{percentage:3.0f}%|{bar}| {n_done:,}/{n_films:,} films "
                       "[{elapsed}<{remaining}, {films_a_second:.1f} films/s]",
            file=cli.BarStream(), mininterval=0.5)

    @property
    def format_dict(self) -> Dict[str, Any]:
        values = super().format_dict
        elapsed = values["elapsed"]
        return dict(values, n_done=self.n_done, n_films=self._n_films,
                    films_a_second=self.n_done / elapsed if elapsed else 0.0)


class _Counts(NamedTuple):
    """Numbers of films written: all, those whose overview was cut, and those of whose overview
    no word is known."""

    n_done: int
    n_cut: int
    n_unknown: int


def _store(writer: FeatureWriter, movies: List[Overview], pieces: WordPieces,
           batches: "Iterable[Iterable[TokenFeatures]]") -> _Counts:
    """Write all batches, with a progress bar."""
    n_cut = n_unknown = 0
    with _FilmBar(movies) as bar:

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
    return _Counts(bar.n_done, n_cut, n_unknown)


def for_each_in_background(items: Iterable[T], write: Callable[[T], None]) -> None:
    """Call `write` for each item in a thread of its own, while the next item is computed.

    An error of `write` ends the loop and is raised here. What was computed before an error of
    `items`, or before Ctrl-C, is still written.
    """
    waiting = queue.Queue(_WAITING)  # type: queue.Queue[Optional[T]]
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
