"""Split films into training, validation and test by a hash, collections kept whole.

The hash is of the collection's id, or of the film's where it has none. So a film stays on its side
when others come into the catalogue, and no film of a collection is on another side than the rest.
"""

import hashlib
from typing import List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from recommender.errors import RecommenderError
from recommender.movie import Movie

N_FOLDS = 5  # parts of the films; each is the test split of one model
MIN_FILMS = 30  # films of a genre below which a model has too few to learn from and to be measured
_VALIDATION = 8  # one in so many films outside the test split is for validation


class GenreTask(NamedTuple):
    """Films with their genres, and the fold of each.

    Attributes
    ----------
    movies : list of Movie
        The films that have an overview and a genre, n of them.
    genres : tuple of str
        The genres that enough films have, sorted, g of them.
    labels : np.ndarray
        bool (n, g): the film has the genre.
    folds : np.ndarray
        int (n,): the fold in whose test split the film is, from 0.
    validates : np.ndarray
        bool (n,): the film is for validation in the other folds.
    rare : tuple of (str, int)
        Genres that are left out, with their numbers of films.
    n_without : int
        Films without a genre, which are left out.
    """

    movies: List[Movie]
    genres: Tuple[str, ...]
    labels: np.ndarray
    folds: np.ndarray
    validates: np.ndarray
    rare: Tuple[Tuple[str, int], ...]
    n_without: int

    def report(self) -> str:
        """Return what is learnt and what is left out, in a line."""
        told = "{:,} films with {} genres".format(len(self.movies), len(self.genres))
        if self.n_without:
            told += "; {:,} films without a genre are left out".format(self.n_without)
        if self.rare:
            told += "; genres of fewer than {} films are left out for all models: {}".format(
                MIN_FILMS, ", ".join("{} ({})".format(*each) for each in self.rare))
        return told


class Split(NamedTuple):
    """Rows of the films of a task for training, validation and test, int64 each."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def fold_of(movie_id: int, collection: Optional[int] = None) -> int:
    """Return the fold of a film, from 0 to N_FOLDS - 1.

    >>> fold_of(1, collection=7) == fold_of(2, collection=7)
    True
    """
    return _hash(movie_id, collection) % N_FOLDS


def _hash(movie_id: int, collection: Optional[int]) -> int:
    key = "film {}".format(movie_id) if collection is None else "collection {}".format(collection)
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big")


def make_task(movies: Sequence[Movie], collections: Optional[Sequence[Optional[int]]],
              min_films: int = MIN_FILMS) -> GenreTask:
    """Return the films that have genres, with their folds.

    Parameters
    ----------
    movies : sequence of Movie
    collections : sequence of int or None, optional
        The collection of each film, if it has one; None if the catalogue tells of none.
    min_films : int
        Films of a genre below which it is left out.

    Raises
    ------
    RecommenderError
        If fewer than two genres are left, or a fold has no film for training, validation or test.
    """
    of_film = collections or [None] * len(movies)
    kept = [(movie, _hash(movie.id, collection))
            for movie, collection in zip(movies, of_film) if movie.genres]
    names = sorted({genre for movie, _ in kept for genre in movie.genres})
    places = {name: place for place, name in enumerate(names)}
    labels = np.zeros((len(kept), len(names)), np.bool_)
    for row, (movie, _) in enumerate(kept):
        labels[row, [places[genre] for genre in movie.genres]] = True
    counts = labels.sum(axis=0)
    enough = counts >= min_films
    if enough.sum() < 2:
        raise RecommenderError(
            "{} genre of {:,} films has {} films or more, and a genre model needs two such genres: "
            "take a larger catalogue".format(enough.sum(), len(movies), min_films))
    hashes = np.array([number for _, number in kept], np.uint64)
    task = GenreTask(
        [movie for movie, _ in kept], tuple(np.array(names)[enough].tolist()), labels[:, enough],
        (hashes % N_FOLDS).astype(np.int64), hashes // N_FOLDS % _VALIDATION == 0,
        tuple((names[place], int(counts[place])) for place in np.flatnonzero(~enough)),
        len(movies) - len(kept))
    for fold in range(N_FOLDS):
        for side, rows in zip(Split._fields, split(task, fold)):
            if not len(rows):
                raise RecommenderError("fold {} has no film for {}: take a larger catalogue".format(
                    fold, side))
    return task


def split(task: GenreTask, fold: int) -> Split:
    """Return the rows of the films for training, validation and test of a fold."""
    tests = task.folds == fold
    validates = task.validates & ~tests
    return Split(*map(np.flatnonzero, (~tests & ~validates, validates, tests)))
