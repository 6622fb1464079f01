"""Write what an index holds of its films beside their vectors: columns, twins, films left out."""

from typing import Callable, Dict, Iterator, Sequence

import h5py
import numpy as np

from recommender.catalogue import Catalogue
from recommender.index import join_genres
from recommender.left_out import TABLE, TEXTS
from recommender.movie import Movie
from recommender.storage.packed_texts import write_packed
from recommender.stored_columns import NUMBER_COLUMNS, TEXT_COLUMNS, TEXTS_GROUP, TITLES
from recommender.title_tables import COLUMNS, is_packed, write_tables
from recommender.titles import title_key
from recommender.twins import twins_of


def weighted_ratings(movies: Sequence[Movie]) -> np.ndarray:
    """Return IMDb's weighted rating of each film, float32 (n,), from 0 to 10.

    v / (v + m) * R + m / (v + m) * C with the film's votes v and average R, the catalogue's mean
    average C and its 70th percentile of votes m, at least 1 (the formula of IMDb's Top 250 page).
    """
    votes = np.array([movie.vote_count for movie in movies], np.float64)
    average = np.array([movie.vote_average for movie in movies], np.float64)
    m = max(np.percentile(votes, 70), 1.0)
    return ((votes * average + m * average.mean()) / (votes + m)).astype(np.float32)


def write_columns(file: h5py.File, movies: Sequence[Movie], ratings: np.ndarray) -> None:
    """Write the columns of the n films of an index; `ratings` is float32 (n,)."""
    _write_texts(file, TEXT_COLUMNS, movies)
    for name, dtype in NUMBER_COLUMNS.items():
        values = ratings if name == "weighted_rating" else [
            getattr(movie, name) for movie in movies]
        file[name] = np.array(values, dtype)
    if any(movie.adult for movie in movies):
        file["adult"] = np.array([movie.adult for movie in movies])
    if any(movie.poster_path for movie in movies):
        _write_texts(file, ["poster_path"], movies)


def write_twins(file: h5py.File, movies: Sequence[Movie]) -> None:
    """Write the films that are told apart only by their id, if there are any."""
    twins = twins_of(movies)
    if twins:
        file["twins"] = np.array([(row, number) for number, rows in enumerate(twins)
                                  for row in rows], np.int32)


def write_left_out(file: h5py.File, catalogue: Catalogue, kept: Sequence[int]) -> None:
    """Write the table of the films that are not `kept`, if there are any."""
    held = set(kept)
    movies = [*catalogue.without_overview, *(
        movie for place, movie in enumerate(catalogue.movies) if place not in held)]
    if movies:
        group = file.create_group(TABLE)
        group["ids"] = np.array([movie.id for movie in movies], np.int64)
        group["year"] = np.array([movie.year for movie in movies], np.int16)
        group["has_overview"] = np.array([bool(movie.overview) for movie in movies])
        _write_texts(group, TEXTS, movies)


def _write_texts(group: h5py.Group, names: Sequence[str], movies: Sequence[Movie]) -> None:
    """Write columns of strings of `movies`, by their names in an index; of many films packed, and
    tables in which titles are found."""
    derived: Dict[str, Callable[[Movie], str]] = {
        "genres": lambda movie: join_genres(movie.genres),
        "title_key": lambda movie: title_key(movie.title),
        "original_title_key": lambda movie: title_key(movie.original_title)}

    def texts(name: str) -> Iterator[str]:
        return (derived[name](movie) if name in derived else getattr(movie, name)
                for movie in movies)

    if is_packed(len(movies)):
        for name in names:
            write_packed(group, TEXTS_GROUP + name, texts(name))
        if set(COLUMNS) <= set(names):
            write_tables(group.create_group(TITLES), {name: list(texts(name)) for name in COLUMNS})
        return
    for name in names:
        group.create_dataset(name, data=np.array(list(texts(name)), object),
                             dtype=h5py.special_dtype(vlen=str))
