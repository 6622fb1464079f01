#!/usr/bin/env python3
"""Recommend the films nearest to films, or to a description in your own words.

    python recommend.py "The Matrix"
    python recommend.py --overview "A hacker learns that the world is a simulation"
    python recommend.py --title Alien --title "The Thing (1982)" --not "Mars Attacks!" --to 1999
    python recommend.py --genres Horror
    python recommend.py --input queries.csv --output answers.csv
"""

import recommender.environment  # noqa: F401

import argparse
import contextlib
import json
import os
import shutil
import sys
from typing import Any, Dict, List, Optional, Sequence, TextIO, Tuple

from bert.errors import BertError
from recommender import cli
from recommender.comparing import compare, comparison_as_dict
from recommender.errors import FilmLeftOut, NothingFound, RecommenderError
from recommender.filters import Filters, passing
from recommender.index import Index, index_to_open
from recommender.printing import comparison, explanation, made_by, names, shared_title, table
from recommender.progress import each
from recommender.recommender import Recommender
from recommender.storage.files import new_file
from recommender.wishes import Wishes

_NAMED = 10  # wishes that the line above the table names; a list may have thousands


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
    wishes.add_argument("--liked", type=_text, action="append", metavar="FILE",
                        help="list of films that you like, weighted by your stars: a CSV of "
                        "Letterboxd or IMDb, or a film on each line by title and year, TMDB id or "
                        "IMDb id; films below half of the stars are only left out of the answer")
    wishes.add_argument("--seen", type=_text, action="append", metavar="FILE",
                        help="such a list, of films to leave out of the answer")
    flags.add_argument("--year", type=cli.whole_number(1870, 2200),
                       help="pick among films that share the --title")
    filters = flags.add_argument_group("filters", "conditions that every recommended film meets")
    filters.add_argument("--genres", type=_names, default=(), metavar="GENRE,...",
                         help="has all of these genres")
    filters.add_argument("--any-genre", action="store_true",
                         help="has at least one of the --genres")
    filters.add_argument("--same-genre", action="store_true",
                         help="shares a genre with a film of the query")
    filters.add_argument("--topic", type=_text, metavar="NAME", help="is of this topic, by name or "
                         "number, of an index that was built with --topics")
    filters.add_argument("--same-topic", action="store_true",
                         help="is of the same fine topic as a film of the query")
    filters.add_argument("--top-rated", type=cli.whole_number(1), metavar="N",
                         help="is among the N best films of the index by IMDb's weighted rating")
    filters.add_argument("--min-votes", type=cli.whole_number(0), metavar="N",
                         help="has at least N votes")
    filters.add_argument("--from", type=cli.whole_number(1870, 2200), dest="year_from",
                         metavar="YEAR", help="is of this year or later")
    filters.add_argument("--to", type=cli.whole_number(1870, 2200), dest="year_to",
                         metavar="YEAR", help="is of this year or earlier")
    filters.add_argument("--language", type=_text, help="has this original language, such as fr")
    filters.add_argument("--adult", action="store_true", help="may be marked as adult in the "
                         "catalogue; such films are left out otherwise")
    many = flags.add_argument_group("many queries", "a table of queries in place of flags")
    many.add_argument("--input", metavar="FILE", help="CSV of queries, one a row, with some of the "
                      "columns title, year, id and overview")
    many.add_argument("--output", metavar="FILE", help="CSV to write, a row for each recommended "
                      "film: query (the number of the row), rank, score, id, title, year, note, "
                      "recipe, checkpoint, index, built, digest (default: stdout)")
    flags.add_argument("-k", type=cli.whole_number(1, 1000), default=10,
                       help="number of films to recommend")
    flags.add_argument("--diverse", type=cli.share, default=0.0,
                       help="from 0 to 1: how much variety counts against nearness")
    flags.add_argument("--recipe", help="recipe of the index that answers (default: its first)")
    flags.add_argument("--compare", action="store_true", help="show the answers of the index's "
                       "first recipe and of --recipe, by default its second, side by side")
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
    check_tables(flags, args)
    if not (args.title or args.id or args.overview or args.liked or args.seen
            or args.input is not None or filters_of(args).narrow):
        flags.error("name a film with --title or --id, describe one with --overview, give a list "
                    "with --liked, or list the best rated with a filter such as --genres")
    if args.compare and args.explain:
        flags.error("--explain goes with one recipe, not with --compare")
    if args.year is not None and len(args.title or ()) != 1:
        flags.error("--year goes with a single --title: behind each of several, write the year as "
                    "in \"Heat (1995)\"")
    return args


def check_tables(flags: cli.Flags, args: argparse.Namespace) -> None:
    """Exit with code 2 where --input or --output do not go with the other flags."""
    if args.input is None:
        if args.output is not None:
            flags.error("--output is for the answers to the queries of --input")
        return
    given = [name for name in ("title", "id", "overview", "not", "not-id", "year", "liked",
                               "compare", "explain", "json")
             if getattr(args, {"not": "unlike", "not-id": "unlike_id"}.get(name, name))]
    if given:
        flags.error("--{} goes with a single query, not with --input".format(given[0]))
    if args.output is not None and os.path.exists(args.output) and os.path.exists(args.input) and (
            os.path.samefile(args.input, args.output)):
        flags.error("--output is the file of --input: name another, or the queries are lost")
    if args.output is not None and os.path.isdir(args.output):
        flags.error("{} is a folder: --output names a file".format(args.output))


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
    if args.input is not None:
        return answer_table(recommender, args)
    index, filters = recommender.index, filters_of(args)
    liked, seen = read_lists(index, args)
    try:
        wishes = recommender.wishes(args.title, args.id, args.overview, args.year, args.unlike,
                                    args.unlike_id, args.recipe, seen, liked)
    except NothingFound as error:
        if args.words and not isinstance(error, FilmLeftOut):
            raise NothingFound("{}; a description in your own words goes behind --overview".format(
                error))
        raise
    for title, rows in wishes.shared:
        cli.note(shared_title(index, title, rows, "--year or --id"))
    if args.compare:
        return print_comparison(recommender, wishes, args)
    results = recommender.recommend(wishes, args.k, filters, args.diverse)
    nothing = None if results else nothing_left(index, filters, wishes)
    if nothing:
        raise nothing
    note_recipe(index, args, ", --compare shows both")
    for text in recommender.notes(wishes, results, filters):
        cli.note(text)
    why = recommender.explain(wishes, results, args.features) if args.explain else []
    if args.json:
        answer = recommender.question(wishes, filters, args.diverse)
        answer["results"] = [result.to_dict() for result in results]
        for result, reasons in zip(answer["results"], why):
            result["why"] = reasons.to_dict()
        print_json(answer)
        return 0
    tell(index, wishes)
    print(table(results))
    print(made_by(results.made_by))
    for result, reasons in zip(results, why):
        print("\n" + explanation(index, wishes, result, reasons))
    if len(results) < args.k and filters.narrow:
        cli.note("the filters leave only {} films".format(len(results)))
    return 0


def read_lists(index: Index, args: argparse.Namespace) -> Tuple[Dict[int, float], List[int]]:
    """Return what --liked and --seen name: weights by TMDB id, and ids. Prints notes on them.

    Raises NothingFound if nothing else is asked for and no film of --liked can be a wish.
    """
    if not args.liked and not args.seen:
        return {}, []
    # Imported late for start-up time: most queries come without a list.
    from recommender.lists import find_lists, nothing_liked, read_list

    liked = [read_list(path) for path in args.liked or ()]
    lists = find_lists(index, liked, [read_list(path) for path in args.seen or ()])
    for text in lists.notes:
        cli.note(text)
    if liked and not (lists.liked or args.title or args.id or args.overview):
        raise nothing_liked(index, liked)
    return lists.liked, lists.seen


def nothing_left(index: Index, filters: Filters, wishes: Wishes) -> Optional[NothingFound]:
    """Return the error for an answer that is empty because of filters or lists."""
    let_in = "" if filters.adult or not index.column("adult").any() else (
        "let in films marked as adult with --adult")
    if filters.narrow:
        return NothingFound("no film meets all of the filters: leave one out" + (
            let_in and ", or " + let_in))
    if wishes.seen:
        return NothingFound("no film is left that your lists do not name" + (
            let_in and ": " + let_in))
    return NothingFound("all other films are marked as adult: " + let_in) if let_in else None


def print_comparison(recommender: Recommender, wishes: Wishes, args: argparse.Namespace) -> int:
    """Print the answers of two recipes; return the exit code."""
    filters = filters_of(args)
    lists = compare(recommender, wishes, args.k, filters, args.diverse)
    nothing = None if lists[0].ranked else nothing_left(recommender.index, filters, wishes)
    if nothing:
        raise nothing
    for text in recommender.notes(wishes, [result for result, _ in lists[0].ranked], filters):
        cli.note(text)
    if args.json:
        print_json(comparison_as_dict(recommender, wishes, lists, filters, args.diverse))
    else:
        tell(recommender.index, wishes)
        print(comparison(lists, shutil.get_terminal_size().columns))
        print(made_by(recommender.index.made_by(), with_recipe=False))
    return 0


def note_recipe(index: Index, args: argparse.Namespace, more: str = "") -> None:
    """Note which recipe answers where none was asked for, and which others there are."""
    if args.recipe is None and len(index.recipes) > 1:
        cli.note("by recipe {}; --recipe {} answers otherwise{}".format(
            index.recipes[0], " or ".join(index.recipes[1:]), more))


def answer_table(recommender: Recommender, args: argparse.Namespace) -> int:
    """Answer the queries of --input, write the answers to --output; return the exit code."""
    # Imported late for start-up time: a single query needs no SciPy.
    from recommender.many import Query, recommend_many, wishes_or_error
    from recommender.query_tables import AnswerTable, read_query_table

    index, given, filters = recommender.index, read_query_table(args.input), filters_of(args)
    _, seen = read_lists(index, args)
    for text in given.notes:
        cli.note("{}: {}".format(args.input, text))
    index.space(args.recipe)
    note_recipe(index, args)
    index.read_columns()
    # A wrong filter is wrong for all.
    passing(index, filters._replace(same_genre=False, same_topic=False))
    wishes = [asked if isinstance(asked, RecommenderError) else
              wishes_or_error(recommender, {**asked, "seen": seen}, args.recipe)
              for asked in each(given.queries, cli.progress_bar, "finding films",
                                len(given.queries))]
    queries = [Query(found, args.k, filters, args.diverse) for found in wishes]
    with contextlib.ExitStack() as stack:
        file: TextIO = sys.stdout
        if args.output is not None:
            file = stack.enter_context(open(stack.enter_context(new_file(args.output)), "w",
                                            encoding="utf-8", newline=""))
        answers = AnswerTable(file, args.input, index.made_by(args.recipe))
        for query, answer in zip(queries, recommend_many(recommender, queries, cli.progress_bar)):
            if isinstance(query.wishes, Wishes):
                notes = [shared_title(index, title, rows, "column year or id")
                         for title, rows in query.wishes.shared]
                answer = answer._replace(notes=notes + answer.notes)
                if not answer.results and answer.error is None:
                    answer = answer._replace(error=nothing_left(index, filters, query.wishes))
            answers.write(answer)
    cli.note(answers.summary())
    return 2 if answers.is_empty else 0


def print_json(answer: Dict[str, Any]) -> None:
    """Print JSON, with escapes where stdout cannot write every character."""
    print(json.dumps(answer, ensure_ascii="utf" not in sys.stdout.encoding.lower(), indent=2))


def tell(index: Index, wishes: Wishes) -> None:
    """Note what the films are like, where the table does not show it."""
    wanted = names(index, wishes)
    if wishes.films or len(wanted) > 1:
        unlike = ", unlike " + " and ".join(map(index.describe, wishes.unlike))
        liked = wanted[:len(wanted) - len(wishes.unlike)]
        if len(liked) > _NAMED:
            liked[_NAMED:] = ["{:,} more".format(len(liked) - _NAMED)]
        cli.note("films like " + " and ".join(liked) + (unlike if wishes.unlike else ""))
    elif not wanted:
        cli.note("the best rated films; their score is IMDb's weighted rating, from 0 to 10")


if __name__ == "__main__":
    cli.run(main, (BertError, RecommenderError))
