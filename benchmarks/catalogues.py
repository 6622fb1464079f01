"""Catalogues of any size, made of the films of another."""

import csv
import itertools
from typing import Iterable, List, Sequence

from recommender.catalogue import NEEDED, OPTIONAL
from recommender.movie import Movie

_COLUMNS = (*NEEDED, *OPTIONAL)  # of the table that is written


def evenly(movies: Sequence[Movie], n: int) -> List[Movie]:
    """`n` films, or all there are, drawn at equal distances."""
    return list(movies[::max(1, len(movies) // n)][:n])


def repeated(movies: Sequence[Movie], n: int) -> Iterable[Movie]:
    """`n` films: the same overviews again and again under new ids and titles."""
    for number, movie in enumerate(itertools.islice(itertools.cycle(movies), n), start=1):
        yield movie._replace(id=number, title="{} {}".format(movie.title, number))


def write_csv(path: str, movies: Iterable[Movie]) -> str:
    """Write `movies` in the data set's format; returns `path`."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, _COLUMNS)
        writer.writeheader()
        for movie in movies:
            writer.writerow(dict(
                {name: value for name, value in movie._asdict().items() if name in _COLUMNS},
                original_language=movie.language,
                release_date="{}-01-01".format(movie.year) if movie.year else "",
                genres=repr([{"name": genre} for genre in movie.genres])))
    return path
