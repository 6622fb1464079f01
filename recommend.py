#!/usr/bin/env python3
"""Recommends the films nearest to a title, an id, or a description in your own words.

    python recommend.py --title "The Matrix"
    python recommend.py --overview "A hacker learns that the world is a simulation"
"""

import argparse
import json
import sys
import unicodedata
from typing import List, Optional, Sequence

from bert.errors import BertError
from recommender import cli
from recommender.errors import RecommenderError
from recommender.index import Index, Result
from recommender.recipes import Source

_MAX_TITLE = 44  # columns of a title in the table


def parse_flags(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    flags = cli.Flags(prog="recommend.py", description=__doc__.splitlines()[0])
    flags.add_argument("--index", default="data/index.h5", help="what build_index.py wrote")
    query = flags.add_mutually_exclusive_group(required=True)
    query.add_argument("--title", help="a film's title; case, accents and articles do not matter")
    query.add_argument("--id", type=cli.whole_number(0, 2 ** 63 - 1), help="a film's TMDB id")
    query.add_argument("--overview", help="what the film should be about, in your own words")
    flags.add_argument("--year", type=cli.whole_number(1870, 2200),
                       help="picks among films that share the title")
    flags.add_argument("-k", type=cli.whole_number(1, 1000), default=10,
                       help="how many films to recommend")
    flags.add_argument("--bert_dir", help="the checkpoint for --overview (default: the one in "
                       "tmp/ that made the index)")
    flags.add_argument("--json", action="store_true", help="print JSON")
    flags.add_argument("--verbose", action="store_true", help="let TensorFlow talk")
    args = flags.parse_args(argv)
    if args.year is not None and args.title is None:
        flags.error("--year goes with --title")
    for name in ("title", "overview"):
        if getattr(args, name) is not None and not getattr(args, name).strip():
            flags.error("--{} is empty".format(name))
    return args


def main(argv: Optional[Sequence[str]] = None) -> int:
    args = parse_flags(argv)
    index = Index(args.index)
    if args.overview is not None:
        results = by_overview(index, args)
        query = {"overview": args.overview}
    else:
        row = by_title(index, args) if args.title is not None else index.row_of_id(args.id)
        results = index.search(index.embedding(row), args.k, without=[row])
        query = index.movie(row)
        if not args.json:
            cli.note("films like {}".format(index.describe(row)))
    if args.json:
        print(json.dumps({"query": query, "results": [result.to_dict() for result in results]},
                         ensure_ascii="utf" not in sys.stdout.encoding.lower(), indent=2))
    else:
        print(table(results))
    return 0


def by_title(index: Index, args: argparse.Namespace) -> int:
    """The row of the film called `args.title`; names the others of that title on stderr."""
    rows = index.rows_of_title(args.title, args.year)
    if len(rows) > 1:
        cli.note("{} films are called {!r}: taking {}, the one with the most votes; --year or "
                 "--id picks: {}".format(len(rows), args.title, index.describe(rows[0]),
                                         ", ".join(index.describe(row) for row in rows[1:])))
    return rows[0]


def by_overview(index: Index, args: argparse.Namespace) -> List[Result]:
    """Films near a text, embedded with the index's own checkpoint and recipe."""
    source = Source(args.overview)
    if index.recipe.uses_bert:
        # Imported here: a title query must not wait for TensorFlow.
        from bert import quiet
        quiet.silence(args.verbose)
        from bert.embedder import embedder_of

        embedder = embedder_of(index.features, args.bert_dir)
        layers, = embedder.hidden_layers([args.overview])
        token_ids, = embedder.token_ids([args.overview])
        source = Source(args.overview, layers, token_ids)
    return index.search(index.embed(source), args.k)


def table(results: Sequence[Result]) -> str:
    """One line a film: rank, score, title, year, genres, id."""
    width = min(max([5] + [_columns(result.movie["title"]) for result in results]), _MAX_TITLE)
    lines = ["{:>4}  {:>6}  {}  {:>4}  {:<36}  {:>7}".format(
        "rank", "score", _pad("title", width), "year", "genres", "id")]
    for rank, score, movie in results:
        lines.append("{:>4}  {:>6.4f}  {}  {:>4}  {}  {:>7}".format(
            rank, score, _pad(movie["title"], width), movie["year"] or "?",
            _pad(", ".join(movie["genres"]), 36), movie["id"]))
    return "\n".join(lines)


def _columns(text: str) -> int:
    """Columns of a terminal that `text` takes: East Asian letters take two."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF"
               else 1 for c in text)


def _pad(text: str, width: int) -> str:
    """`text` cut or filled to `width` columns."""
    if _columns(text) > width:
        while _columns(text) > width - 1:
            text = text[:-1]
        text += "…"
    return text + " " * (width - _columns(text))


if __name__ == "__main__":
    cli.run(main, (BertError, RecommenderError))
