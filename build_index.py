#!/usr/bin/env python3
"""Build the index that queries read from the stored features of every movie.

    python build_index.py --input_file data/movies_metadata.csv \
        --features data/features --output data/index.h5
"""

import recommender.environment  # noqa: F401

import argparse
import os
from typing import Dict, List, Optional, Sequence

import numpy as np

from bert.errors import BertError
from recommender import cli
from recommender.ann import KINDS, load_faiss
from recommender.building import BuildReport, ReadTexts, build_index
from recommender.candidates import FEWEST
from recommender.catalogue import Catalogue, read_catalogue
from recommender.checkpoint_texts import CheckpointTexts
from recommender.errors import RecommenderError
from recommender.film_map import ALL_BY_TSNE, BY_TSNE
from recommender.given_embeddings import build_from_embeddings, save_embeddings
from recommender.halves import DTYPES
from recommender.index import Index
from recommender.recipes import DEFAULT_RECIPES, POOLED, RECIPES
from recommender.storage.feature_store import FeatureReader
from recommender.storage.pickles import load_embeddings
from recommender.topics.topic_file import StoredTopics, load_topics
from recommender.updating import update_index

# Seconds on 2 cores, as measured with 45,000 films and with a million: t-SNE and placing beside it,
# a film; comparing with all, a number of a film and another film; by candidates, and making these
# ready, a film.
_MAP_SECONDS, _PLACING_SECONDS = 180 / 45000, 3e-4
_COMPARING_SECONDS = 150 / 45000 / 45000 / 1024
_CANDIDATES_SECONDS, _ANN_SECONDS = 3e-3, 4e-4
_LONG = 30  # seconds from which on the cost is told beforehand


def parse_flags(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    """Parse and check the flags; exit with code 2 where they are wrong."""
    flags = cli.Flags(prog="build_index.py", description=__doc__.splitlines()[0])
    flags.add_argument("--input_file", required=True, help="the catalogue, a CSV in the format of "
                       "The Movies Dataset")
    flags.add_argument("--features", default="data/features",
                       help="the folder that extract_features.py wrote")
    flags.add_argument("--output", default="data/index.h5", help="the index to write")
    flags.add_argument("--update", action="store_true", help="bring the index at --output up to "
                       "the catalogue and the features, in time that goes with what changed: "
                       "films that are new, changed or gone; all that was learnt stays")
    flags.add_argument("--recipe", type=_recipes, metavar="NAMES",
                       help="one or several, as mean4,best, of {}: how a film becomes the vector "
                       "by which films are compared; the first answers where no other is asked "
                       "for (default: {}, as far as the features can make them)".format(
                           ", ".join(RECIPES), ",".join(DEFAULT_RECIPES)))
    flags.add_argument("--layers", type=cli.layers,
                       help="hidden layers that the recipe takes instead of its own, such as -1,-2")
    flags.add_argument("--word_weight", type=cli.share, help="weight of the words, from 0 to "
                       "1, in a recipe that joins them with BERT, instead of its own")
    flags.add_argument("--from_pickle", help="take the embeddings from this pickled dict of title, "
                       "or id, to vector instead of from features and a recipe")
    flags.add_argument("--to_pickle", help="also write the embeddings as a pickled dict of id to "
                       "vector")
    flags.add_argument("--map", action="store_true", help="also place the films on the map "
                       "that server.py shows; takes a few minutes for 45,000 films")
    flags.add_argument("--neighbours", type=cli.whole_number(1), metavar="N", default=0,
                       help="also store the N nearest films of each film, so that server.py "
                       "answers many more queries a second; takes 3 minutes for 45,000 films, "
                       "and 12 bytes x N of disk a film")
    flags.add_argument("--ann", choices=KINDS, help="also store what finds the nearest of 10,000 "
                       "films and more without comparing all: hnsw, the quickest, is read into "
                       "memory, 280 bytes a film; ivfpq, 60 bytes a film, is not; needs "
                       "faiss-cpu (make faiss-env)")
    flags.add_argument("--dtype", choices=DTYPES, help="numbers of the embeddings: float16 takes "
                       "half of the disk and of the memory that maps it, and changes scores by "
                       "about 0.0001 (default: float32; with --update that of the index)")
    flags.add_argument("--topics", metavar="FILE", help="join the topics of this file, which "
                       "topics.py wrote, so that results show them and filters know them")
    flags.add_argument("--bert_dir", help="folder of the checkpoint, which reads short texts for "
                       "the scale of scores (default: the one in tmp/ that made the features)")
    flags.add_argument("--strict", action="store_true",
                       help="fail at a row of the catalogue that cannot be used")
    args = flags.parse_args(argv)
    for name in ("from_pickle", "to_pickle"):
        if args.update and getattr(args, name):
            flags.error("--update goes with --features, not with --{}".format(name))
    for name in ("recipe", "layers", "word_weight"):
        if args.from_pickle and getattr(args, name) != flags.get_default(name):
            flags.error("--{} goes with --features, not with --from_pickle".format(name))
    for name in ("layers", "word_weight"):
        if getattr(args, name) is not None and (args.recipe is None or len(args.recipe) > 1):
            flags.error("--{} goes with a single --recipe".format(name))
    if args.to_pickle and (args.recipe or DEFAULT_RECIPES)[0] not in POOLED:
        flags.error("--to_pickle writes the embeddings of the first recipe, one of the recipes of "
                    "BERT alone: {}".format(", ".join(POOLED)))
    return args


def _recipes(text: str) -> List[str]:
    """Convert names of recipes between commas."""
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in RECIPES:
            raise argparse.ArgumentTypeError("no recipe {!r}: there are {}".format(
                name, ", ".join(RECIPES)))
    if len(set(names)) < len(names):
        raise argparse.ArgumentTypeError("{} names a recipe twice".format(text))
    return names


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Run the program; return the exit code."""
    args = parse_flags(argv)
    if args.ann:
        load_faiss()  # what is missing is said before hours of work
    topics = load_topics(args.topics) if args.topics else None
    catalogue = read_catalogue(args.input_file, args.strict)
    cli.note(catalogue.report())
    if args.from_pickle:
        from_pickle(catalogue, args, topics)
    elif args.update:
        update(catalogue, args, topics)
    else:
        from_features(catalogue, args, topics)
    if topics:
        note_topics(args.output, topics)
    note_recall(Index(args.output), is_asked_for=args.ann is not None)
    if args.to_pickle:
        save_embeddings(args.to_pickle, Index(args.output))
    return 0


def note_topics(output: str, topics: StoredTopics) -> None:
    """Note how many films of the index have a topic."""
    index = Index(output)
    n_without = int((index.topics().of_films[:, 0] < 0).sum())
    cli.note("{}: topics of {}; {}".format(output, topics.path, "{:,} films have none".format(
        n_without) if n_without else "every film has one"))


def note_recall(index: Index, is_asked_for: bool) -> None:
    """Note which share of the nearest films the approximate search of an index finds."""
    found = [(name, index.space(name).candidates) for name in index.recipes]
    told = ", ".join("{:.1%} by {}".format(each.recall, name) for name, each in found
                     if each.recall is not None)
    of_neighbours = ", ".join("{:.1%} by {}".format(each.neighbours_recall, name)
                              for name, each in found if each.neighbours_recall is not None)
    if told:
        cli.note("{}: approximate search ({}) finds of the ten nearest films {}{}".format(
            index.path, index.ann, told, of_neighbours and "; of the stored neighbours "
            + of_neighbours))
    elif is_asked_for:
        cli.note("{}: --ann is left out: {:,} films are compared as soon".format(
            index.path, len(index)))


def from_features(catalogue: Catalogue, args: argparse.Namespace,
                  topics: Optional[StoredTopics]) -> None:
    """Build the index by a recipe and say which films it could not take."""
    features = FeatureReader(args.features)
    tell_cost(len(catalogue.movies), features.settings.hidden_size,
              len(args.recipe or DEFAULT_RECIPES), args)
    read_texts = reader_of_texts(features, args.bert_dir)
    report = build_index(catalogue, features, args.output, args.recipe, args.layers,
                         args.word_weight, args.map, args.neighbours, read_texts, cli.progress_bar,
                         topics, args.ann, args.dtype or DTYPES[0])
    for name, why in report.not_made.items():
        cli.note("recipe {} is left out: {}".format(name, why))
    note_films(args.output, report)
    if read_texts is None:
        cli.note("there is no checkpoint {} in tmp/: scores of texts get no scale; --bert_dir "
                 "names its folder".format(features.settings.checkpoint))
    note_other_overviews(report)


def update(catalogue: Catalogue, args: argparse.Namespace,
           topics: Optional[StoredTopics]) -> None:
    """Update the index and say what changed, and whether a whole build is due."""
    report = update_index(catalogue, FeatureReader(args.features), args.output, args.recipe,
                          args.layers, args.word_weight, args.map, args.neighbours,
                          cli.progress_bar, topics, args.ann, args.dtype)
    note_films(args.output, report.build)
    note_other_overviews(report.build)
    cli.note("{}: {:,} films are new, {:,} changed, {:,} left".format(
        args.output, report.n_new, report.n_changed, report.n_removed))
    if report.dropped:
        cli.note("{} had files beside it that an update does not make ({}): a whole build makes "
                 "them".format(args.output, ", ".join(report.dropped)))
    if report.due:
        cli.note("a whole build, without --update, is due: {}".format(report.due))


def note_films(output: str, report: BuildReport) -> None:
    """Note how many films the index has, and how many it could not take."""
    cli.note("{}: {:,} films by {}; {:,} of the catalogue have no features, {:,} with "
             "features are not in the catalogue".format(
                 output, report.n_movies, _named(report.recipes), report.without_features,
                 report.without_catalogue))


def note_other_overviews(report: BuildReport) -> None:
    """Note how many films were left out because their overview changed."""
    if report.of_other_overviews:
        cli.note("{:,} films were left out, their features are of another overview than the "
                 "catalogue's: run extract_features.py again".format(report.of_other_overviews))


def _named(recipes: Sequence[str]) -> str:
    return "recipe{} {}".format("s" if len(recipes) > 1 else "", ", ".join(recipes))


def tell_cost(n_films: int, width: int, n_recipes: int, args: argparse.Namespace) -> None:
    """Note how long the slow parts of a build will take, if it is long, and the disk needed."""
    seconds = cost_of(n_films, width, n_recipes, args)
    n_bytes = n_recipes * n_films * (np.dtype(args.dtype or DTYPES[0]).itemsize * width
                                     + 12 * args.neighbours)
    if sum(seconds.values()) > _LONG:
        cli.note("{:,} films by {}: about {:.0f} minutes on 2 cores for {}, and {:,.0f} MB of "
                 "disk".format(n_films, "a recipe" if n_recipes == 1 else
                               "{} recipes".format(n_recipes), sum(seconds.values()) / 60 + 1,
                               " and ".join(seconds), n_bytes / 1e6))


def cost_of(n_films: int, width: int, n_recipes: int,
            args: argparse.Namespace) -> Dict[str, float]:
    """Return about how many seconds each slow part of a build will take on 2 cores.

    >>> args = argparse.Namespace(map=True, neighbours=0, ann=None)
    >>> cost_of(45000, 1024, 1, args), cost_of(1000000, 384, 2, args)
    ({'the map': 180.0}, {'the map': 680.0})
    """
    by_candidates = args.ann is not None and n_films >= FEWEST
    of_all = {
        "approximate search": by_candidates * _ANN_SECONDS * n_films,
        "the map": args.map * (
            _MAP_SECONDS * n_films if n_films <= ALL_BY_TSNE
            else _MAP_SECONDS * BY_TSNE + _PLACING_SECONDS * n_films),
        "neighbours": bool(args.neighbours) * n_films * (
            _CANDIDATES_SECONDS if by_candidates
            else _COMPARING_SECONDS * n_films * width)}
    return {name: round(n_recipes * seconds, 1) for name, seconds in of_all.items() if seconds}


def reader_of_texts(features: FeatureReader, bert_dir: Optional[str]) -> Optional[ReadTexts]:
    """Return the function that reads texts by the checkpoint of `features`, if it is there."""
    made_by = features.settings
    if bert_dir or os.path.isdir(os.path.join("tmp", made_by.checkpoint)):
        return CheckpointTexts(made_by, bert_dir).embed_all
    return None


def from_pickle(catalogue: Catalogue, args: argparse.Namespace,
                topics: Optional[StoredTopics]) -> None:
    """Build the index from given embeddings and print the keys that fit no film."""
    embeddings = load_embeddings(args.from_pickle)
    tell_cost(len(embeddings), max(map(np.size, embeddings.values()), default=0), 1, args)
    n_movies, unmapped = build_from_embeddings(
        catalogue, embeddings, args.from_pickle, args.output,
        args.map, args.neighbours, cli.progress_bar, topics, args.ann,
        args.dtype or DTYPES[0])
    for key, reason in unmapped:
        print("{}: {}".format(key, reason))
    cli.note("{}: {:,} films with embeddings of {}; {:,} of its keys stand for no film or for "
             "several{}".format(args.output, n_movies, args.from_pickle, len(unmapped),
                                ", as listed" if unmapped else ""))


if __name__ == "__main__":
    cli.run(main, (RecommenderError, BertError))
