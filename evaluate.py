#!/usr/bin/env python3
"""Measure recipes, indexes and baselines on the films of a catalogue.

    python evaluate.py --input_file data/movies_metadata.csv --features data/features
    python evaluate.py --input_file data/movies_metadata.csv --index data/index.h5

No training: films of one collection, genres, keywords (keywords.csv beside the catalogue) and
what people liked (ratings.csv and links.csv) say how good ten recommendations a film are. Films
that people like, held back, and texts about films (--queries) are to be found.
"""

import recommender.environment  # noqa: F401

import argparse
import json
import os
from typing import Iterator, List, Optional, Sequence, Tuple

from tqdm import tqdm

from bert.checkpoint import open_checkpoint
from bert.errors import BertError
from recommender import cli
from recommender.building import films_with_features, make_recipes
from recommender.catalogue import Catalogue, read_catalogue
from recommender.errors import RecommenderError
from recommender.evaluation import agreement, html_report, report
from recommender.evaluation.agreement import agreements
from recommender.evaluation.contenders import (
    TOPICS,
    Contender,
    K,
    Task,
    baseline_contenders,
    index_contenders,
    n_contenders,
    recipe_contenders,
    topic_contender,
)
from recommender.evaluation.genre_contenders import (
    N_ROWS,
    GenreFeatures,
    genre_contenders,
    unseen_by_all,
)
from recommender.evaluation.held_back import hold_back
from recommender.evaluation.queries import Queries, QueryTexts, read_queries
from recommender.evaluation.scores import Measured, beside_tfidf, measure
from recommender.evaluation.truth import Truth, read_truth
from recommender.genres.head import KEPT_FOLD, read_head, read_unseen
from recommender.index import Index
from recommender.movie import Movie
from recommender.recipes import RECIPES
from recommender.storage.feature_store import FeatureReader
from recommender.storage.shards import Settings

Indexes = Sequence[Tuple[str, Index]]  # with their paths


def parse_flags(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    """Parse and check the flags; exit with code 2 where they are wrong."""
    flags = cli.Flags(prog="evaluate.py", description=__doc__.splitlines()[0])
    flags.add_argument("--input_file", required=True, help="the catalogue, a CSV in the format of "
                       "The Movies Dataset")
    flags.add_argument("--features", default="data/features",
                       help="the folder that extract_features.py wrote")
    flags.add_argument("--recipes", type=_recipes, help="recipes to measure, as last,best, topics "
                       "(mixtures of topics, by Hellinger distance), or all (default: all, or none "
                       "where --index is given)")
    flags.add_argument("--index", nargs="+", default=[], help="indexes to measure")
    flags.add_argument("--genre_features", nargs="+", default=[], help="features by models of "
                       "train_genres.py, to measure on films that these were not trained on, "
                       "joined with the recipe best, too")
    flags.add_argument("--beside", metavar="FOLDER", help="features of the same films that were "
                       "computed otherwise, as with --precision bfloat16: measure them, too, and "
                       "show how far they agree")
    flags.add_argument("--models_dir", default="tmp", help="folder that holds these models "
                       "(default: tmp)")
    flags.add_argument("--queries", help="measure by texts, too: a CSV with the columns id and "
                       "text, a film described by someone else in each row")
    flags.add_argument("--bert_dir", help="folder of the checkpoint for --queries (default: the "
                       "one in tmp/ that made the features)")
    flags.add_argument("--seed", type=cli.whole_number(0, 2 ** 32 - 1), default=0,
                       help="for the random baseline, the films held back and the intervals")
    flags.add_argument("--plot", help="write a picture of the tables to this PNG file")
    flags.add_argument("--html", help="write the report as a page to this file: tables, intervals "
                       "as bars, and the lists of ten films")
    flags.add_argument("--json", action="store_true", help="print JSON")
    args = flags.parse_args(argv)
    if args.recipes is None:
        args.recipes = [] if args.index else _recipes("all")
    if args.genre_features and not args.recipes:
        flags.error("--genre_features are measured beside recipes: name some with --recipes")
    if args.beside and not args.recipes:
        flags.error("--beside compares what recipes make: name some with --recipes")
    return args


def _recipes(text: str) -> List[str]:
    """Convert the names of recipes between commas, or "all"."""
    if text == "all":  # `mean` is mean4 where the usual layers are stored
        return [*(name for name in RECIPES if name not in ("mean", "tfidf")), TOPICS]
    names = [name for name in text.split(",") if name != "tfidf"]  # measured as a baseline
    for name in names:
        if name not in (*RECIPES, TOPICS):
            raise argparse.ArgumentTypeError("no recipe {!r}: there are {}, {}, or all".format(
                name, ", ".join(RECIPES), TOPICS))
    return names


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Run the program; return the exit code."""
    args = parse_flags(argv)
    catalogue = read_catalogue(args.input_file)
    cli.note(catalogue.report())
    reader = FeatureReader(args.features) if args.recipes else None
    beside = FeatureReader(args.beside) if args.beside else None
    if args.recipes == _recipes("all"):
        for each in filter(None, (reader, beside)):
            args.recipes = makeable(args.recipes, each.settings)
    indexes = [(path, Index(path)) for path in args.index]
    models = [open_genre_features(folder, args.models_dir) for folder in args.genre_features]
    readers = [each for each in (reader, beside) if each] + [model.reader for model in models]
    movies = films_to_measure(catalogue, readers, [index for _, index in indexes])
    queries = read_queries(args.queries, movies) if args.queries else None
    truth = read_truth(args.input_file, movies)
    cli.note("{:,} films are measured{}".format(len(movies), missing(truth)))
    task = task_of(movies, truth, args.seed, queries, args.bert_dir, reader, indexes)
    if models:
        unseen = unseen_by_all(models, movies)
        task = task._replace(unseen=unseen)
        cli.note("{:,} films are of the test split of {}".format(
            unseen.sum(), ", ".join(model.name for model in models)))
    by_features = [name for name in args.recipes if name != TOPICS]
    n_rows = n_contenders(task, len(args.recipes), indexes) + N_ROWS * len(models) + (
        len(by_features) if beside else 0)
    rows = measured(task, by_features, TOPICS in args.recipes, reader, beside, indexes, models)
    found = beside_tfidf(list(tqdm(rows, unit="row", leave=False, total=n_rows,
                                   file=cli.BarStream())), task)
    agreeing = list(agreements(by_features, reader, beside, task)) if reader and beside else []
    scores = [each.score for each in found]
    if args.plot:
        report.plot(scores, args.plot)
    if args.html:
        html_report.write(args.html, catalogue.path, task, found)
        cli.note("{} holds the report as a page".format(args.html))
    if args.json:
        print(json.dumps({"films": len(movies), "k": K, "seed": args.seed,
                          "scores": [report.as_dict(score) for score in scores],
                          **({"agreement": agreement.as_dict(agreeing)} if agreeing else {})},
                         indent=2))
    else:
        print("\n\n".join([*map(report.as_text, report.tables(scores)),
                           *([agreement.as_text(agreeing, args.beside)] if agreeing else [])]))
    return 0


def open_genre_features(folder: str, models_dir: str) -> GenreFeatures:
    """Open features and find the films that their genre model was tested on.

    Parameters
    ----------
    folder : str
        What extract_features.py wrote.
    models_dir : str
        Folder that holds the model's, under the name that the features tell.

    Raises
    ------
    RecommenderError, bert.errors.BertError
        If the features are not by a genre model, or the model is missing or another one.
    """
    reader = FeatureReader(folder)
    settings = reader.settings
    model = os.path.join(models_dir, settings.checkpoint)
    head = read_head(model)
    if open_checkpoint(model).sha256 != settings.checkpoint_sha256:
        raise RecommenderError("{} was trained again after the features of {} were made: extract "
                               "them again".format(model, folder))
    unseen = read_unseen(model, head)
    return GenreFeatures(settings.checkpoint, reader,
                         frozenset(unseen.ids[unseen.folds == KEPT_FOLD].tolist()))


def makeable(names: Sequence[str], settings: Settings) -> List[str]:
    """Return the recipes that features of these settings can make, and note the others."""
    made, not_made = make_recipes(settings, [name for name in names if name != TOPICS],
                                  all_needed=False)
    for name, why in not_made.items():
        cli.note("recipe {} is left out: {}".format(name, why))
    return [recipe.name for recipe in made] + [TOPICS] * (TOPICS in names)


def task_of(movies: Sequence[Movie], truth: Truth, seed: int, queries: Optional[Queries],
            bert_dir: Optional[str], reader: Optional[FeatureReader], indexes: Indexes) -> Task:
    """Return what recipes and indexes are to be asked, and note how much it is.

    Texts are embedded here already, so that a checkpoint that is missing is told at once. Raises
    RecommenderError, bert.errors.BertError.
    """
    held_back = None if truth.likes is None else hold_back(movies, truth.likes, seed)
    if held_back:
        cli.note("{:,} people hold back a film that they like, {:,} one of the less popular "
                 "half".format(len(held_back.all.held), len(held_back.rare.held)))
    if queries is None:
        return Task(movies, truth, seed, held_back)
    cli.note(queries.report)
    texts = QueryTexts(queries.texts, bert_dir)
    if reader:
        texts.means(reader.settings)
    for _, index in indexes:
        if index.uses_bert:
            texts.means(index.features)
    return Task(movies, truth, seed, held_back, queries, texts)


def measured(task: Task, by_features: Sequence[str], with_topics: bool,
             reader: Optional[FeatureReader], beside: Optional[FeatureReader], indexes: Indexes,
             models: Sequence[GenreFeatures]) -> Iterator[Measured]:
    """Yield baselines, recipes and indexes as they are measured, one after the other."""
    def contenders() -> Iterator[Contender]:
        yield from baseline_contenders(task)
        if reader:
            yield from recipe_contenders(by_features, reader, task)
        if beside:
            for each in recipe_contenders(by_features, beside, task):
                yield each._replace(name="{} ({})".format(each.name, beside.folder))
        if with_topics:
            yield from topics_if_any(task)
        if reader and models:
            yield from genre_contenders(models, reader, task)
        for path, index in indexes:
            yield from index_contenders(path, index, task)

    return (measure(contender, task) for contender in contenders())


def topics_if_any(task: Task) -> Iterator[Contender]:
    """Yield the contender by topics, or note why there is none."""
    try:
        yield topic_contender(task)
    except RecommenderError as error:
        cli.note("topics are left out: {}".format(error))


def films_to_measure(catalogue: Catalogue, readers: Sequence[FeatureReader],
                     indexes: Sequence[Index]) -> Sequence[Movie]:
    """Return the films of the catalogue that have all features and are in all indexes.

    Raises RecommenderError if they are fewer than two.
    """
    movies = catalogue.movies
    for reader in readers:
        held = {catalogue.movies[place].id for place in films_with_features(catalogue, reader)[0]}
        movies = [movie for movie in movies if movie.id in held]
    for index in indexes:
        held = set(index.ids.tolist())
        movies = [movie for movie in movies if movie.id in held]
    if len(movies) < 2:
        raise RecommenderError("{} film of {} is in all that is to be measured, and two are "
                               "needed: name the catalogue that the features and indexes were "
                               "made of".format(len(movies), catalogue.path))
    return movies


def missing(truth: Truth) -> str:
    """Return a note of the metrics that are left out and the files that they need, or ""."""
    needs = {"collections": "no collections (no column belongs_to_collection)",
             "keywords": "no keywords (no keywords.csv beside it)",
             "likes": "nobody's likes (no ratings.csv and links.csv beside it)"}
    wanting = [need for name, need in needs.items() if getattr(truth, name) is None]
    return "; the catalogue comes with " + ", ".join(wanting) if wanting else ""


if __name__ == "__main__":
    cli.run(main, (BertError, RecommenderError))
