#!/usr/bin/env python3
"""Find the topics of the films of an index, and write them to a file that an index can join.

    python topics.py --index data/index.h5 --output data/topics.h5
    python build_index.py --input_file data/movies_metadata.csv --topics data/topics.h5
"""

import recommender.environment  # noqa: F401

import argparse
import json
import math
from typing import Any, Dict, List, Optional, Sequence, Tuple

from recommender import cli
from recommender.errors import RecommenderError
from recommender.index import Index, index_to_open
from recommender.topics.topic_file import DEFAULT_TOPICS, save_topics
from recommender.topics.topic_tree import Topic, TopicTree

_METHODS = ("clusters", "nmf")
_SECONDS = 0.02  # a film, for all that is tried: 2,000 films take 40 seconds on 2 cores
_LONG = 30  # seconds from which on the cost is told beforehand


def parse_flags(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    """Parse and check the flags; exit with code 2 where they are wrong."""
    flags = cli.Flags(prog="topics.py", description=__doc__.splitlines()[0])
    flags.add_argument("--index", help="index that build_index.py wrote (default: data/index.h5, "
                       "else data/sample_index.h5)")
    flags.add_argument("--output", default=DEFAULT_TOPICS, help="the file of topics to write")
    flags.add_argument("--html", help="write a page to read the topics, too, to this file")
    flags.add_argument("--method", choices=_METHODS, default=_METHODS[0],
                       help="the topics to write: clusters of the index's embeddings, or NMF on "
                       "TF-IDF; both are measured")
    flags.add_argument("--recipe", help="recipe of the index whose embeddings are clustered "
                       "(default: best if it is there, else the first)")
    flags.add_argument("--n_topics", type=cli.whole_number(2), metavar="N",
                       help="number of fine topics, instead of the most coherent of --range")
    flags.add_argument("--range", type=_range, metavar="A-B", help="numbers of fine topics among "
                       "which to choose (default: from half to twice the square root of the "
                       "number of films)")
    flags.add_argument("--samples", type=cli.whole_number(0, 100), default=5, metavar="N",
                       help="samples of four fifths of the films by which stability is measured")
    flags.add_argument("--seed", type=cli.whole_number(0, 2 ** 32 - 1), default=0,
                       help="the same seed finds the same topics")
    flags.add_argument("--json", action="store_true", help="print JSON")
    args = flags.parse_args(argv)
    if args.n_topics is not None and args.range is not None:
        flags.error("--n_topics is the number itself, --range lets it be chosen: give one of them")
    return args


def _range(text: str) -> Tuple[int, int]:
    """Convert two whole numbers with a hyphen between them."""
    try:
        least, most = map(int, text.split("-"))
    except ValueError:
        raise argparse.ArgumentTypeError("{!r} is not a range like 10-40".format(text))
    if not 2 <= least <= most:
        raise argparse.ArgumentTypeError("{}: from 2 up, and the smaller number first".format(text))
    return least, most


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Run the program; return the exit code."""
    args = parse_flags(argv)
    path, note = index_to_open(args.index)
    if note:
        cli.note(note)
    index = Index(path)
    recipe = args.recipe or ("best" if "best" in index.recipes else index.recipes[0])
    index.space(recipe)  # a wrong name is told before the work
    # Imported late for start-up time: scikit-learn takes seconds, --help and errors need it not.
    from recommender.topics.topic_page import write_page
    from recommender.topics.topic_search import find_topics, numbers_within

    if len(index) * _SECONDS > _LONG:
        cli.note("{:,} films: about {:.0f} minutes on 2 cores".format(
            len(index), len(index) * _SECONDS / 60 + 1))
    numbers = [args.n_topics] if args.n_topics else numbers_within(*args.range) if (
        args.range) else None
    _, found = find_topics(index, numbers, recipe, args.seed, args.samples, cli.progress_bar)
    chosen = next(each for each in found if each.method == args.method)
    save_topics(args.output, chosen.tree, index.ids, {
        "method": chosen.method, "recipe": recipe, "seed": str(args.seed),
        **{name: index.made_by(recipe)[name] for name in ("index", "digest")}})
    if args.html:
        write_page(args.html, index, chosen, found)
        cli.note("{} holds the topics as a page".format(args.html))
    without = int((chosen.tree.of_films[:, 0] < 0).sum())
    cli.note("{}: {} by {}; {}".format(
        args.output, ", ".join("{} {}".format(n, word) for n, word in zip(
            _per_level(chosen.tree), ("coarse", "middle", "fine topics"))), chosen.method,
        "every film has one" if not without else "{:,} films have none".format(without)))
    if args.json:
        print(json.dumps({
            "films": len(index), "recipe": recipe, "seed": args.seed, "method": chosen.method,
            "without_topic": without,
            "measured": [{"method": each.method, **_rounded(each.measures._asdict()),
                          "tried": {str(n): round(value, 4) for n, value in each.tried.items()}}
                         for each in found],
            "topics": [topic.to_dict() for topic in chosen.tree.topics]}, indent=2))
        return 0
    print(measures_as_text(found))
    print()
    print("\n".join(tree_as_lines(index, chosen.tree)))
    return 0


def _per_level(tree: TopicTree) -> List[int]:
    levels = [topic.level for topic in tree.topics]
    return [levels.count(level) for level in sorted(set(levels))]


def _rounded(values: Dict[str, Any]) -> Dict[str, Any]:
    """Return numbers as JSON has them: NaN, of nothing measured, is none."""
    return {name: None if math.isnan(value) else round(value, 4) for name, value in values.items()}


def measures_as_text(found: Sequence[Any]) -> str:
    """Return a table of both methods: measures, and the coherence of each number tried."""
    lines = ["{:<10}{:>7}{:>11}{:>11}{:>11}{:>12}".format(
        "method", "topics", "coherence", "diversity", "stability", "same films")]
    for each in found:
        measures = each.measures
        lines.append("{:<10}{:>7}{:>11.3f}{:>11.3f}{:>11}{:>12}".format(
            each.method, measures.n_topics, measures.coherence, measures.diversity,
            *("-" if math.isnan(value) else "{:.3f}".format(value)
              for value in (measures.stability, measures.same_films))))
    for each in found:
        if len(each.tried) > 1:
            lines.append("coherence by number of topics, {}: {}".format(each.method, ", ".join(
                "{} {:.3f}".format(n, value) for n, value in each.tried.items())))
    return "\n".join(lines)


def tree_as_lines(index: Index, tree: TopicTree, parent: int = -1) -> List[str]:
    """Return a line for each topic: number of films, name, words, a representative film."""
    lines = []
    for topic in tree.children(parent):
        lines.append("{}{:>5}  {} [{}]: {}".format(
            "    " * topic.level, topic.n_films, topic.name, topic.number, _told(index, topic)))
        lines += tree_as_lines(index, tree, topic.number)
    return lines


def _told(index: Index, topic: Topic) -> str:
    named = set(topic.name.split(", "))
    more = [word for word in topic.words if word not in named][:6]
    films = [index.movie(index.row_of_id(each), full=False)["title"] for each in topic.films[:2]]
    return "{} ({})".format(" ".join(more), ", ".join(films))


if __name__ == "__main__":
    cli.run(main, (RecommenderError,))
