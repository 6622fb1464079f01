#!/usr/bin/env python3
"""Measure recipes, indexes and baselines on the films of a catalogue.

    python evaluate.py --input_file data/movies_metadata.csv --features data/features
    python evaluate.py --input_file data/movies_metadata.csv --index data/index.h5

No training: films of one collection, genres, keywords (keywords.csv beside the catalogue) and
what people liked (ratings.csv and links.csv) say how good ten recommendations a film are.
"""

import recommender.environment  # noqa: F401

import argparse
import itertools
import json
import sys
from typing import Any, Dict, List, Optional, Sequence

from tqdm import tqdm

from recommender import cli
from recommender.building import films_with_features, make_recipes
from recommender.catalogue import Catalogue, Movie, read_catalogue
from recommender.errors import RecommenderError
from recommender.evaluation.metrics import Estimate
from recommender.evaluation.scores import (
    N_BASELINES,
    K,
    Score,
    Truth,
    baseline_scores,
    index_score,
    read_truth,
    recipe_scores,
)
from recommender.index import Index
from recommender.recipes import RECIPES
from recommender.storage.feature_store import FeatureReader
from recommender.storage.files import new_file
from recommender.storage.shards import Settings

# Metrics of single films in `Score`, with the heads of their columns.
MEASURES = {"collection_recall": "collection recall", "collection_hit": "collection hit",
            "genre_jaccard": "genre Jaccard", "keyword_ndcg": "keyword nDCG",
            "people_agreement": "people agreement"}


def parse_flags(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    """Parse and check the flags; exit with code 2 where they are wrong."""
    flags = cli.Flags(prog="evaluate.py", description=__doc__.splitlines()[0])
    flags.add_argument("--input_file", required=True, help="the catalogue, a CSV in the format of "
                       "The Movies Dataset")
    flags.add_argument("--features", default="data/features",
                       help="the folder that extract_features.py wrote")
    flags.add_argument("--recipes", type=_recipes, help="recipes to measure, as last,best, or all "
                       "(default: all, or none where --index is given)")
    flags.add_argument("--index", nargs="+", default=[], help="indexes to measure")
    flags.add_argument("--seed", type=cli.whole_number(0, 2 ** 32 - 1), default=0,
                       help="for the random baseline and the intervals")
    flags.add_argument("--plot", help="write a picture of the table to this PNG file")
    flags.add_argument("--json", action="store_true", help="print JSON")
    args = flags.parse_args(argv)
    if args.recipes is None:
        args.recipes = [] if args.index else _recipes("all")
    return args


def _recipes(text: str) -> List[str]:
    """Convert the names of recipes between commas, or "all"."""
    if text == "all":  # `mean` is mean4 where the usual layers are stored
        return [name for name in RECIPES if name not in ("mean", "tfidf")]
    names = [name for name in text.split(",") if name != "tfidf"]  # measured as a baseline
    for name in names:
        if name not in RECIPES:
            raise argparse.ArgumentTypeError("no recipe {!r}: there are {}, or all".format(
                name, ", ".join(RECIPES)))
    return names


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Run the program; return the exit code."""
    args = parse_flags(argv)
    catalogue = read_catalogue(args.input_file)
    cli.note(catalogue.report())
    reader = FeatureReader(args.features) if args.recipes else None
    if reader and args.recipes == _recipes("all"):
        args.recipes = makeable(args.recipes, reader.settings)
    indexes = [(path, Index(path)) for path in args.index]
    movies = films_to_measure(catalogue, reader, [index for _, index in indexes])
    truth = read_truth(args.input_file, movies)
    cli.note("{:,} films are measured{}".format(len(movies), missing(truth)))
    found = itertools.chain(
        baseline_scores(movies, truth, args.seed),
        recipe_scores(args.recipes, movies, reader, truth, args.seed) if reader else (),
        (index_score(path, index, movies, truth, args.seed) for path, index in indexes))
    n = N_BASELINES + len(args.recipes) + len(indexes)
    scores = list(tqdm(found, total=n, unit="row", file=sys.stderr, leave=False))
    if args.plot:
        plot(scores, args.plot)
    if args.json:
        print(json.dumps({"films": len(movies), "k": K, "seed": args.seed,
                          "scores": [as_dict(score) for score in scores]}, indent=2))
    else:
        print(table(scores))
    return 0


def makeable(names: Sequence[str], settings: Settings) -> List[str]:
    """Return the recipes that features of these settings can make, and note the others."""
    made, not_made = make_recipes(settings, names, all_needed=False)
    for name, why in not_made.items():
        cli.note("recipe {} is left out: {}".format(name, why))
    return [recipe.name for recipe in made]


def films_to_measure(catalogue: Catalogue, reader: Optional[FeatureReader],
                     indexes: Sequence[Index]) -> List[Movie]:
    """Return the films of the catalogue that have features, if these are read, and are in all
    indexes. Raises RecommenderError if they are fewer than two.
    """
    movies = catalogue.movies
    if reader is not None:
        places, _ = films_with_features(catalogue, reader)
        movies = [movies[place] for place in places]
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


def measures(scores: Sequence[Score]) -> List[str]:
    """Return the names of the metrics that the scores have."""
    return [name for name in MEASURES if getattr(scores[0], name) is not None]


def table(scores: Sequence[Score]) -> str:
    """Return a table with a line for each recipe: every metric with its 95 % interval."""
    names = measures(scores)
    corner = "at {} recommendations".format(K)
    width = max(len(name) for name in [corner, *(score.name for score in scores)])
    lines = ["{:<{}}".format(corner, width)
             + "".join("  {:>18}".format(MEASURES[name]) for name in names)
             + "  never shown  most often"]
    for score in scores:
        cells = ["  {:>18}".format(interval(getattr(score, name))) for name in names]
        lines.append("{:<{}}{}  {:>10.1f}%  {:>10,}".format(
            score.name, width, "".join(cells), 100 * score.never_recommended,
            score.most_recommended))
    return "\n".join(lines)


def interval(estimate: Estimate) -> str:
    """Return a mean with its interval.

    >>> interval(Estimate(0.781, 0.72, 0.839, 99)), interval(Estimate(None, None, None, 0))
    ('0.781 .720-.839', '-')
    """
    if estimate.mean is None or estimate.low is None or estimate.high is None:
        return "-"
    low, high = ("{:.3f}".format(bound).replace("0.", ".", 1)
                 for bound in (estimate.low, estimate.high))
    return "{:.3f} {}-{}".format(estimate.mean, low, high)


def as_dict(score: Score) -> Dict[str, Any]:
    """Return a score for JSON."""
    return {name: value._asdict() if isinstance(value, Estimate) else value
            for name, value in score._asdict().items()}


def plot(scores: Sequence[Score], path: str) -> None:
    """Write a PNG with bars of every metric and their intervals. Raises OSError."""
    # Imported late for start-up time: it takes a second, and a table needs no picture.
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot

    names = measures(scores)
    figure, axes = pyplot.subplots(1, len(names), sharey=True, squeeze=False,
                                   figsize=(2.6 * len(names) + 2, 0.3 * len(scores) + 1.2))
    for axis, name in zip(axes[0], names):
        for place, score in enumerate(scores):
            found = getattr(score, name)
            if found.mean is not None:
                axis.barh(place, found.mean, color="#9aa5b1" if score.is_baseline else "#2b6cb0",
                          xerr=[[found.mean - found.low], [found.high - found.mean]])
        axis.set_title(MEASURES[name], fontsize=10)
        axis.margins(y=0.01)
    axes[0][0].set_yticks(range(len(scores)))
    axes[0][0].set_yticklabels([score.name for score in scores])
    axes[0][0].invert_yaxis()
    figure.tight_layout()
    with new_file(path) as part:
        figure.savefig(part, format="png", dpi=150)


if __name__ == "__main__":
    cli.run(main, (RecommenderError,))
