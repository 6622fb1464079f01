"""Texts of which each describes a film in somebody else's words, made of two catalogues.

    python -m benchmarks.described --texts data/sample_movies.csv \\
        --films data/movies_metadata.csv --output queries.csv
    python evaluate.py --input_file data/movies_metadata.csv --queries queries.csv

Films that are in both catalogues with different overviews are described by parts of the overview
in the first, without names: people who describe a film from memory seldom know any. Where the
first has no ids, a film is the one of its title and year, which may be off by one.
"""

import argparse
import collections
import csv
import hashlib
import random
import re
from typing import Counter, DefaultDict, Iterator, List, Optional, Sequence, Set, Tuple

from recommender.catalogue import ALIASES, read_catalogue
from recommender.cells import clean_text, read_year
from recommender.movie import Movie
from recommender.tables import read_table
from recommender.titles import title_key

KINDS = ("sentence", "window", "nameless", "whole")
_SHORTEST = 5  # words of a sentence; shorter ones describe no film
_WINDOW = (8, 12)  # words of a window, from and to
_NAMES = {"id": ("id", *ALIASES["id"]), "title": ("title", *ALIASES["title"]),
          "year": ("year", *ALIASES["release_date"]),
          "overview": ("overview", *ALIASES["overview"])}  # of the columns that are read
_END = re.compile(r"[.!?][\"'”’)]*$")  # of a sentence


def without_names(text: str) -> List[str]:
    """Return the words of a text but for capitalized ones within a sentence.

    >>> " ".join(without_names("Woody lives in Andy's room. A day comes, I think."))
    'Woody lives in room. A day comes, I think.'
    """
    kept, begins = [], True
    for word in text.split():
        bare = word.strip("\"'“”‘’(),.;:!?")
        if begins or not bare[:1].isupper() or bare == "I":
            kept.append(word)
        begins = bool(_END.search(word))
    return kept


def descriptions(movie_id: int, overview: str) -> Iterator[Tuple[str, str]]:
    """Yield the kind and the text of each description of a film, the same ones every time."""
    draw, words = random.Random(movie_id), without_names(overview)
    sentences = [sentence for sentence in re.split(r"(?<=[.!?])\s+", " ".join(words))
                 if len(sentence.split()) >= _SHORTEST]
    if sentences:
        yield "sentence", draw.choice(sentences)
    if len(words) >= _WINDOW[0]:
        n = min(draw.randint(*_WINDOW), len(words))
        start = draw.randint(0, len(words) - n)
        yield "window", " ".join(words[start:start + n])
    yield "nameless", " ".join(words)
    yield "whole", overview


def is_for_tuning(movie_id: int) -> bool:
    """Return True for the half of all films, by a hash of the id, on which recipes may be tuned."""
    return int(hashlib.md5(str(movie_id).encode()).hexdigest(), 16) % 2 == 0


def shares_words(text: str, other: str, n: int) -> bool:
    """Return True if `n` words in a row of one text are in the other, too.

    >>> shares_words("A boy and his toys.", "He and his Toys", 3)
    True
    >>> shares_words("A boy and his toys.", "He and his Toys", 4)
    False
    """
    def runs(of: str) -> Set[Tuple[str, ...]]:
        words = re.findall(r"\w+", of.casefold())
        return {tuple(words[start:start + n]) for start in range(len(words) - n + 1)}

    return not runs(text).isdisjoint(runs(other))


def told(path: str, films: Sequence[Movie]) -> Iterator[Tuple[Optional[Movie], str]]:
    """Yield each text of a table about films, with the one of `films` that it tells of, if any."""
    table = read_table(path, [name for names in _NAMES.values() for name in names])
    if table.place(_NAMES["id"]) is not None:
        by_id = {movie.id: movie for movie in films}
        for told_of in read_catalogue(path).movies:
            yield by_id.get(told_of.id), told_of.overview
        return
    called: DefaultDict[str, List[Movie]] = collections.defaultdict(list)
    for movie in films:
        called[title_key(movie.title)].append(movie)
    title_at, year_at, text_at = (table.place(_NAMES[name])
                                  for name in ("title", "year", "overview"))
    if title_at is None or year_at is None or text_at is None:
        raise SystemExit("{}: a column of titles, years or overviews is missing, and there is none "
                         "of ids".format(path))
    for _, cells in table.rows():
        if len(cells) != len(table.names):
            yield None, ""
            continue
        year = read_year(cells[year_at]) or 0
        found = [movie for movie in called[title_key(cells[title_at])]
                 if abs(movie.year - year) <= 1]
        yield found[0] if len(found) == 1 else None, clean_text(cells[text_at])


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Write the table, and print how many texts of the first catalogue are in it."""
    flags = argparse.ArgumentParser(prog="benchmarks.described", description=__doc__,
                                    formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--texts", required=True, help="the catalogue whose overviews are taken")
    flags.add_argument("--films", required=True, help="the catalogue that is to be searched")
    flags.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS[:3]))
    flags.add_argument("--half", choices=("tuning", "other", "both"), default="other",
                       help="films of the half on which the recipes were tuned, or of the other")
    flags.add_argument("--own_words", type=int, metavar="N",
                       help="leave out texts with N words in a row of the film's overview")
    flags.add_argument("--output", required=True, help="a CSV for evaluate.py --queries")
    args = flags.parse_args(argv)
    counts: Counter[str] = collections.Counter()
    with open(args.output, "w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["id", "text"])
        for movie, text in told(args.texts, read_catalogue(args.films).movies):
            why = _why_not(movie, text, args.half, args.own_words)
            counts[why] += 1
            if movie and not why:
                table.writerows([movie.id, each] for kind, each in descriptions(movie.id, text)
                                if kind in args.kinds)
    print("{}: {:,} texts, of which {:,} are taken{}".format(
        args.texts, sum(counts.values()), counts.pop("", 0), "".join(
            ", {:,} {}".format(n, why) for why, n in counts.items())))


def _why_not(movie: Optional[Movie], text: str, half: str, own_words: Optional[int]) -> str:
    """Return why a text is not taken, or "" if it is."""
    if movie is None:
        return "of no film"
    if text == movie.overview:
        return "the same"
    if half != "both" and is_for_tuning(movie.id) != (half == "tuning"):
        return "of the other half"
    if own_words and shares_words(text, movie.overview, own_words):
        return "with {} words in a row of the overview".format(own_words)
    return ""


if __name__ == "__main__":
    main()
