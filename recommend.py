#!/usr/bin/env python3
"""Recommends the films nearest to films, or to a description in your own words.

    python recommend.py --title "The Matrix"
    python recommend.py --overview "A hacker learns that the world is a simulation"
    python recommend.py --title Alien --title "The Thing (1982)" --not "Mars Attacks!" --to 1999
    python recommend.py --genres Horror
"""

import argparse
import json
import shutil
import sys
import textwrap
import unicodedata
from typing import List, Optional, Sequence

from bert.errors import BertError
from recommender import Recommender, cli
from recommender.errors import NothingFound, RecommenderError
from recommender.explain import Share, Why
from recommender.filters import NONE, Filters
from recommender.index import Index, Result
from recommender.recommender import Wishes

_MAX_TITLE = 44  # columns of a title in the table
_STRONG = (1.5, 2.5, 4.0)  # so many times what a word has on average earn 1, 2, 3 asterisks


def parse_flags(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    flags = cli.Flags(prog="recommend.py", description=__doc__.splitlines()[0])
    flags.add_argument("--index", default="data/index.h5", help="what build_index.py wrote")
    wishes = flags.add_argument_group(
        "what is asked for", "each may be given several times, and all together; without any, "
        "filters list the best rated films")
    wishes.add_argument("--title", type=_text, action="append", help="a film's title; case, "
                        "accents and articles do not matter; a year may follow: \"Heat (1995)\"")
    wishes.add_argument("--id", type=cli.whole_number(0, 2 ** 63 - 1), action="append",
                        help="a film's TMDB id")
    wishes.add_argument("--overview", type=_text, action="append",
                        help="what the film should be about, in your own words")
    wishes.add_argument("--not", type=_text, action="append", dest="unlike", metavar="TITLE",
                        help="a film to keep away from")
    wishes.add_argument("--not-id", type=cli.whole_number(0, 2 ** 63 - 1), action="append",
                        dest="unlike_id", metavar="ID", help="the same by its TMDB id")
    flags.add_argument("--year", type=cli.whole_number(1870, 2200),
                       help="picks among films that share the title")
    filters = flags.add_argument_group("filters", "what every recommended film must meet")
    filters.add_argument("--genres", type=_names, default=(), metavar="GENRE,...",
                         help="it has all of these genres")
    filters.add_argument("--any-genre", action="store_true",
                         help="one of the --genres is enough")
    filters.add_argument("--same-genre", action="store_true",
                         help="it shares a genre with a film asked for")
    filters.add_argument("--top-rated", type=cli.whole_number(1), metavar="N",
                         help="it is among the N best of the index by IMDb's weighted rating")
    filters.add_argument("--min-votes", type=cli.whole_number(0), metavar="N",
                         help="at least N people have rated it")
    filters.add_argument("--from", type=cli.whole_number(1870, 2200), dest="year_from",
                         metavar="YEAR", help="it is of that year or later")
    filters.add_argument("--to", type=cli.whole_number(1870, 2200), dest="year_to",
                         metavar="YEAR", help="it is of that year or earlier")
    filters.add_argument("--language", type=_text, help="its original language, such as fr")
    flags.add_argument("-k", type=cli.whole_number(1, 1000), default=10,
                       help="how many films to recommend")
    flags.add_argument("--diverse", type=cli.share, default=0.0,
                       help="from 0 to 1: how much variety counts against nearness")
    flags.add_argument("--explain", action="store_true", help="mark the words that carried each "
                       "match; reads --features")
    flags.add_argument("--features", default="data/features",
                       help="the folder that the index was made of, for --explain")
    flags.add_argument("--bert_dir", help="the checkpoint for --overview and --explain (default: "
                       "the one in tmp/ that made the index)")
    flags.add_argument("--json", action="store_true", help="print JSON")
    flags.add_argument("--verbose", action="store_true", help="let TensorFlow talk")
    args = flags.parse_args(argv)
    if not (args.title or args.id or args.overview) and filters_of(args) == NONE:
        flags.error("name a film with --title or --id, describe one with --overview, or list the "
                    "best rated with a filter such as --genres")
    if args.year is not None and len(args.title or ()) != 1:
        flags.error("--year goes with a single --title: behind each of several, write the year as "
                    "in \"Heat (1995)\"")
    return args


def _text(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("it is empty")
    return text


def _names(text: str) -> List[str]:
    return [_text(name).strip() for name in text.split(",")]


def filters_of(args: argparse.Namespace) -> Filters:
    """The filters among the flags: they have the same names."""
    return Filters(*(getattr(args, name) for name in Filters._fields))


def main(argv: Optional[Sequence[str]] = None) -> int:
    args = parse_flags(argv)
    recommender = Recommender.open(args.index, args.bert_dir, args.verbose)
    index, filters = recommender.index, filters_of(args)
    wishes = recommender.wishes(args.title, args.id, args.overview, args.year, args.unlike,
                                args.unlike_id)
    for title, rows in wishes.shared:
        cli.note("{} films are called {!r}: taking {}, the one with the most votes; --year or "
                 "--id picks: {}".format(len(rows), title, index.describe(rows[0]),
                                         ", ".join(map(index.describe, rows[1:]))))
    results = recommender.recommend(wishes, args.k, filters, args.diverse)
    if not results and filters != NONE:
        raise NothingFound("no film meets all of the filters: leave one out")
    for text in recommender.cut_texts(wishes):
        cli.note("{} is longer than {} word pieces: what follows them was not read".format(
            quoted(text), index.features.max_seq_length))
    why = recommender.explain(wishes, results, args.features) if args.explain else []
    if args.json:
        answer = recommender.question(wishes, filters, args.diverse)
        answer["results"] = [result.to_dict() for result in results]
        for result, reasons in zip(answer["results"], why):
            result["why"] = reasons.to_dict()
        print(json.dumps(answer, ensure_ascii="utf" not in sys.stdout.encoding.lower(), indent=2))
        return 0
    tell(index, wishes)
    print(table(results))
    for result, reasons in zip(results, why):
        print("\n" + explanation(index, wishes, result, reasons))
    if len(results) < args.k and filters != NONE:
        cli.note("the filters leave no more than {}".format(len(results)))
    return 0


def tell(index: Index, wishes: Wishes) -> None:
    """Say on stderr what the films are like, where the table does not show it."""
    wanted = names(index, wishes)
    if wishes.films or len(wanted) > 1:
        unlike = ", unlike " + " and ".join(map(index.describe, wishes.unlike))
        cli.note("films like " + " and ".join(wanted[:len(wanted) - len(wishes.unlike)])
                 + (unlike if wishes.unlike else ""))
    elif not wanted:
        cli.note("the best rated films; their score is IMDb's weighted rating, from 0 to 10")


def names(index: Index, wishes: Wishes) -> List[str]:
    """What was asked for in a few words each, and last what was not wanted."""
    return ([index.describe(row) for row in wishes.films]
            + [quoted(text) for text in wishes.texts]
            + [index.describe(row) for row in wishes.unlike])


def quoted(text: str) -> str:
    """The beginning of a text."""
    return '"{}"'.format(textwrap.shorten(text, 60, placeholder="…"))


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


def explanation(index: Index, wishes: Wishes, result: Result, why: Why) -> str:
    """The texts of what was asked for and of a film found, their strong words in asterisks, and
    what each of their parts adds to the score."""
    films = wishes.films + wishes.unlike
    overviews = [index.movie(row)["overview"] for row in films]
    overviews[len(wishes.films):len(wishes.films)] = wishes.texts
    # What is not wanted counts against the film: there the strong words are those that do.
    signs = [1] * len(overviews) + [1]
    signs[len(overviews) - len(wishes.unlike):-1] = [-1] * len(wishes.unlike)
    lines = ["{}. {}: score {:.4f}".format(result.rank, result.movie["title"], result.score)]
    for name, overview, shares, sign in zip(
            [*names(index, wishes), result.movie["title"]],
            [*overviews, result.movie["overview"]], [*why.asked, why.found], signs):
        lines.append(textwrap.fill(
            "{}{}: {} [{}]".format("" if sign > 0 else "unlike ", name,
                                   marked(overview, shares, sign), sums(shares)),
            min(shutil.get_terminal_size().columns, 100), initial_indent="   ",
            subsequent_indent="     "))
    return "\n".join(lines)


def marked(overview: str, shares: Sequence[Share], sign: int = 1) -> str:
    """The overview with asterisks around the words that add most, or take most off where `sign`
    is -1; the more asterisks, the more."""
    words = [share for share in shares if share.of == "overview"]
    average = sum(abs(share.share) for share in words) / max(len(words), 1)
    text, end = "", 0
    for share in words:
        is_word = any(c.isalnum() for c in share.word)
        strength = sum(sign * share.share >= times * average for times in _STRONG)
        asterisks = "*" * (strength if average and is_word else 0)
        text += overview[end:share.start] + asterisks + share.word + asterisks
        end = share.end
    return text + overview[end:]


def sums(shares: Sequence[Share]) -> str:
    """What overview, title, genres and BERT's own marks add to the score, each in all."""
    told = []
    for of in dict.fromkeys(share.of for share in shares):
        parts = [(share.word, "{:.4f}".format(share.share)) for share in shares if share.of == of]
        total = "{:.4f}".format(sum(share.share for share in shares if share.of == of))
        single = ["{} {}".format(word, share) for word, share in parts
                  if of in ("title", "genres") and float(share)]
        if of == "overview" or float(total) or single:
            told.append("{} {}".format("[CLS] and [SEP]" if of == "marks" else of, total)
                        + (" ({})".format(", ".join(single)) if single else ""))
    return "; ".join(told)


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
