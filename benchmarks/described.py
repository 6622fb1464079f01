"""Texts of which each describes a film in somebody else's words, made of two catalogues.

    python -m benchmarks.described --texts data/sample_movies.csv \\
        --films data/movies_metadata.csv --output queries.csv
    python evaluate.py --input_file data/movies_metadata.csv --queries queries.csv

Films that are in both catalogues with different overviews are described by parts of the overview
in the first, without names: people who describe a film from memory seldom know any.
"""

import argparse
import csv
import hashlib
import random
import re
from typing import Iterator, List, Optional, Sequence, Tuple

from recommender.catalogue import read_catalogue

KINDS = ("sentence", "window", "nameless", "whole")
_SHORTEST = 5  # words of a sentence; shorter ones describe no film
_WINDOW = (8, 12)  # words of a window, from and to
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


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Write the table."""
    flags = argparse.ArgumentParser(prog="benchmarks.described", description=__doc__,
                                    formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--texts", required=True, help="the catalogue whose overviews are taken")
    flags.add_argument("--films", required=True, help="the catalogue that is to be searched")
    flags.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS[:3]))
    flags.add_argument("--half", choices=("tuning", "other", "both"), default="other",
                       help="films of the half on which the recipes were tuned, or of the other")
    flags.add_argument("--output", required=True, help="a CSV for evaluate.py --queries")
    args = flags.parse_args(argv)
    theirs = {movie.id: movie.overview for movie in read_catalogue(args.films).movies}
    with open(args.output, "w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["id", "text"])
        for movie in read_catalogue(args.texts).movies:
            if theirs.get(movie.id, movie.overview) == movie.overview:
                continue
            if args.half == "both" or is_for_tuning(movie.id) == (args.half == "tuning"):
                table.writerows([movie.id, text]
                                for kind, text in descriptions(movie.id, movie.overview)
                                if kind in args.kinds)


if __name__ == "__main__":
    main()
