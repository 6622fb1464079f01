#!/usr/bin/env python3
"""Recommend the films nearest to films, or to a description in your own words.

    python recommend.py "The Matrix"
    python recommend.py --overview "A hacker learns that the world is a simulation"
    python recommend.py --title Alien --title "The Thing (1982)" --not "Mars Attacks!" --to 1999
    python recommend.py --genres Horror
"""

import recommender.environment  # noqa: F401

import argparse
import json
import shutil
import sys
import textwrap
import unicodedata
from typing import List, Optional, Sequence

from bert.errors import BertError
from recommender import Recommender, cli
from recommender.errors import FilmLeftOut, NothingFound, RecommenderError
from recommender.explain import Share, Why
from recommender.filters import NONE, Filters
from recommender.index import Index, Result, index_to_open
from recommender.recommender import Wishes
from recommender.words import quoted

_MAX_TITLE = 44  # columns of a title in the table, so that a line fits 120 columns
_STRONG = (1.5, 2.5, 4.0)  # multiples of the mean share of a word that earn 1, 2, 3 asterisks


def parse_flags(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    """Parse and check the flags; exit with code 2 where they are wrong."""
    flags = cli.Flags(prog="recommend.py", description=__doc__.splitlines()[0])
    flags.add_argument("--index", help="index that build_index.py wrote (default: data/index.h5, "
                       "else data/sample_index.h5)")
    wishes = flags.add_argument_group(
        "query", "films and texts; each flag may be given several times; with filters alone, the "
        "best rated films are listed")
    wishes.add_argument("words", nargs="*", metavar="TITLE", help="title of a film, without a flag")
    wishes.add_argument("--title", type=_text, action="append", help="title of a film; case, "
                        "accents and articles do not matter; a year may follow: \"Heat (1995)\"")
    wishes.add_argument("--id", type=cli.whole_number(0, 2 ** 63 - 1), action="append",
                        help="TMDB id of a film")
    wishes.add_argument("--overview", type=_text, action="append",
                        help="description of a film in your own words")
    wishes.add_argument("--not", type=_text, action="append", dest="unlike", metavar="TITLE",
                        help="title of a film to keep away from")
    wishes.add_argument("--not-id", type=cli.whole_number(0, 2 ** 63 - 1), action="append",
                        dest="unlike_id", metavar="ID", help="TMDB id of a film to keep away from")
    flags.add_argument("--year", type=cli.whole_number(1870, 2200),
                       help="pick among films that share the --title")
    filters = flags.add_argument_group("filters", "conditions that every recommended film meets")
    filters.add_argument("--genres", type=_names, default=(), metavar="GENRE,...",
                         help="has all of these genres")
    filters.add_argument("--any-genre", action="store_true",
                         help="has at least one of the --genres")
    filters.add_argument("--same-genre", action="store_true",
                         help="shares a genre with a film of the query")
    filters.add_argument("--top-rated", type=cli.whole_number(1), metavar="N",
                         help="is among the N best films of the index by IMDb's weighted rating")
    filters.add_argument("--min-votes", type=cli.whole_number(0), metavar="N",
                         help="has at least N votes")
    filters.add_argument("--from", type=cli.whole_number(1870, 2200), dest="year_from",
                         metavar="YEAR", help="is of this year or later")
    filters.add_argument("--to", type=cli.whole_number(1870, 2200), dest="year_to",
                         metavar="YEAR", help="is of this year or earlier")
    filters.add_argument("--language", type=_text, help="has this original language, such as fr")
    flags.add_argument("-k", type=cli.whole_number(1, 1000), default=10,
                       help="number of films to recommend")
    flags.add_argument("--diverse", type=cli.share, default=0.0,
                       help="from 0 to 1: how much variety counts against nearness")
    flags.add_argument("--explain", action="store_true", help="mark the words that made each film "
                       "near; reads --features")
    flags.add_argument("--features", help="folder of the features for --explain (default: the one "
                       "that the index was built from)")
    flags.add_argument("--bert_dir", help="folder of the checkpoint for --overview and --explain "
                       "(default: the one in tmp/ that made the index)")
    flags.add_argument("--json", action="store_true", help="print JSON")
    flags.add_argument("--verbose", action="store_true", help="show TensorFlow's log")
    args = flags.parse_args(argv)
    if args.words:
        args.title = [_text_of(flags, args.words), *(args.title or ())]
    if not (args.title or args.id or args.overview) and filters_of(args) == NONE:
        flags.error("name a film with --title or --id, describe one with --overview, or list the "
                    "best rated with a filter such as --genres")
    if args.year is not None and len(args.title or ()) != 1:
        flags.error("--year goes with a single --title: behind each of several, write the year as "
                    "in \"Heat (1995)\"")
    return args


def _text_of(flags: cli.Flags, words: Sequence[str]) -> str:
    """Return the title that was typed without a flag, in one word or, without quotes, in many."""
    title = " ".join(words)
    if not title.strip():
        flags.error("the title is empty")
    return title


def _text(text: str) -> str:
    """Convert the value of a flag that may not be empty."""
    if not text.strip():
        raise argparse.ArgumentTypeError("the text is empty")
    return text


def _names(text: str) -> List[str]:
    """Convert names between commas."""
    return [_text(name).strip() for name in text.split(",")]


def filters_of(args: argparse.Namespace) -> Filters:
    """Return the filters among the flags, which have the same names."""
    return Filters(*(getattr(args, name) for name in Filters._fields))


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Run the program; return the exit code."""
    args = parse_flags(argv)
    path, note = index_to_open(args.index)
    if note:
        cli.note(note)
    recommender = Recommender.open(path, args.bert_dir, args.verbose)
    index, filters = recommender.index, filters_of(args)
    try:
        wishes = recommender.wishes(args.title, args.id, args.overview, args.year, args.unlike,
                                    args.unlike_id)
    except NothingFound as error:
        if args.words and not isinstance(error, FilmLeftOut):
            raise NothingFound("{}; a description in your own words goes behind --overview".format(
                error))
        raise
    for title, rows in wishes.shared:
        cli.note("{} films are called {!r}: taking {}, the one with the most votes; --year or "
                 "--id picks: {}".format(len(rows), title, index.describe(rows[0]),
                                         ", ".join(map(index.describe, rows[1:]))))
    for text in wishes.notes:
        cli.note(text)
    results = recommender.recommend(wishes, args.k, filters, args.diverse)
    if not results and filters != NONE:
        raise NothingFound("no film meets all of the filters: leave one out")
    for text in recommender.notes_on_texts(wishes):
        cli.note(text)
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
        cli.note("the filters leave only {} films".format(len(results)))
    return 0


def tell(index: Index, wishes: Wishes) -> None:
    """Note what the films are like, where the table does not show it."""
    wanted = names(index, wishes)
    if wishes.films or len(wanted) > 1:
        unlike = ", unlike " + " and ".join(map(index.describe, wishes.unlike))
        cli.note("films like " + " and ".join(wanted[:len(wanted) - len(wishes.unlike)])
                 + (unlike if wishes.unlike else ""))
    elif not wanted:
        cli.note("the best rated films; their score is IMDb's weighted rating, from 0 to 10")


def names(index: Index, wishes: Wishes) -> List[str]:
    """Describe the films and texts of the query, and last the disliked films, in a few words."""
    return ([index.describe(row) for row in wishes.films]
            + [quoted(text) for text in wishes.texts]
            + [index.describe(row) for row in wishes.unlike])


def table(results: Sequence[Result]) -> str:
    """Return a table with a line for each film: rank, score, title, year, genres, id."""
    width = min(max([5] + [_columns(result.movie["title"]) for result in results]), _MAX_TITLE)
    lines = ["{:>4}  {:>6}  {}  {:>4}  {:<36}  {:>7}".format(
        "rank", "score", _pad("title", width), "year", "genres", "id")]
    for rank, score, movie in results:
        lines.append("{:>4}  {:>6.4f}  {}  {:>4}  {}  {:>7}".format(
            rank, score, _pad(movie["title"], width), movie["year"] or "?",
            _pad(", ".join(movie["genres"]), 36), movie["id"]))
    return "\n".join(lines)


def explanation(index: Index, wishes: Wishes, result: Result, why: Why) -> str:
    """Return the texts of the query and of a film found with their strong words in asterisks.

    Behind each text stand the shares of its parts in the score.
    """
    films = wishes.films + wishes.unlike
    overviews = [index.movie(row)["overview"] for row in films]
    overviews[len(wishes.films):len(wishes.films)] = wishes.texts
    # A disliked film counts against the film found: its strong words have negative shares.
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
    """Return the overview with asterisks around the words with the greatest shares.

    More asterisks mark greater shares; where `sign` is -1, negative ones count.
    """
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
    """Return the sums of the shares of overview, title, genres and BERT's own marks."""
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
    """Return the terminal columns of `text`; East Asian letters take two."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF"
               else 1 for c in text)


def _pad(text: str, width: int) -> str:
    """Return `text` cut or padded to `width` columns."""
    if _columns(text) > width:
        while _columns(text) > width - 1:
            text = text[:-1]
        text += "…"
    return text + " " * (width - _columns(text))


if __name__ == "__main__":
    cli.run(main, (BertError, RecommenderError))
