"""Read collections, keywords and likes of films, which no recipe reads."""

import os
from typing import Any, Callable, Dict, Iterable, List, NamedTuple, Optional, Sequence

import numpy as np
import pandas as pd
from scipy import sparse

from recommender.catalogue import ALIASES
from recommender.cells import read_id, read_literal
from recommender.errors import RecommenderError
from recommender.movie import Movie
from recommender.tables import Table, read_table

LIKED = 4.0  # stars, of five, from which on a film counts as liked


class Truth(NamedTuple):
    """Metadata of the films, in their order; None where the file of the data set is missing.

    `likes` is (n, n_users), 1 where a user likes a film.
    """

    collections: Optional[List[Optional[int]]]
    keywords: Optional[List[Sequence[str]]]
    likes: Optional[sparse.csr_matrix]


def read_truth(catalogue_path: str, movies: Sequence[Movie]) -> Truth:
    """Read the metadata of `movies` from the catalogue and the files beside it.

    The files are keywords.csv, ratings.csv and links.csv, as in The Movies Dataset. Raises
    RecommenderError for a file that is no such CSV.
    """
    folder = os.path.dirname(catalogue_path)
    keywords_path = os.path.join(folder, "keywords.csv")
    keywords = _literals(read_table(keywords_path, ["keywords"]), "keywords", _names) if (
        os.path.isfile(keywords_path)) else None
    return Truth(
        read_collections(catalogue_path, movies),
        None if keywords is None else [keywords.get(movie.id, ()) for movie in movies],
        _likes(os.path.join(folder, "ratings.csv"), os.path.join(folder, "links.csv"), movies))


def read_collections(catalogue_path: str,
                     movies: Sequence[Movie]) -> Optional[List[Optional[int]]]:
    """Return the id of each film's collection, if it has one; None if the catalogue has none.

    Raises RecommenderError if the catalogue is no CSV with ids.
    """
    table = read_table(catalogue_path, ["id", "belongs_to_collection"])
    if "belongs_to_collection" not in table.names:
        return None
    collections = _literals(table, "belongs_to_collection", _collection)
    return [collections.get(movie.id) for movie in movies]


def _literals(table: Table, column: str, read: Callable[[Any], Any]) -> Dict[int, Any]:
    """Return a column of Python literals by TMDB id, without what is no literal.

    Raises RecommenderError if the table lacks the column or one of ids.
    """
    id_name = next((name for name in ("id", *ALIASES["id"]) if name in table.names), "id")
    if not {id_name, column} <= set(table.names):
        raise RecommenderError("{}: not a CSV with the columns id, {}: take it from the data set "
                               "again".format(table.path, column))
    id_at, at = table.names.index(id_name), table.names.index(column)
    found: Dict[int, Any] = {}
    for _, cells in table.rows():
        movie_id = read_id(cells[id_at]) if len(cells) == len(table.names) else None
        if movie_id is not None and movie_id not in found:
            value = read_literal(cells[at], read)
            if value is not None:
                found[movie_id] = value
    return found


def _collection(cell: Dict[str, Any]) -> int:
    return int(cell["id"])


def _names(cell: Sequence[Dict[str, Any]]) -> List[str]:
    return [str(entry["name"]) for entry in cell]


def _likes(ratings_path: str, links_path: str,
           movies: Sequence[Movie]) -> Optional[sparse.csr_matrix]:
    """Return a matrix (n, n_users) with 1 where a user likes a film; None without the files."""
    if not (os.path.isfile(ratings_path) and os.path.isfile(links_path)):
        return None
    rows = {str(movie.id): row for row, movie in enumerate(movies)}
    row_of = {movie: rows[tmdb] for links in _chunks(links_path, ["movieId", "tmdbId"])
              for movie, tmdb in zip(links["movieId"], links["tmdbId"].str.split(".").str[0])
              if tmdb in rows}
    liking, liked = [], []
    for chunk in _chunks(ratings_path, ["userId", "movieId", "rating"]):
        chunk = chunk[pd.to_numeric(chunk["rating"], errors="coerce") >= LIKED]
        film = chunk["movieId"].map(row_of)
        liking.append(chunk["userId"][film.notna()])
        liked.append(film.dropna().astype(np.int64))
    users, names = pd.factorize(pd.concat(liking))
    likes = sparse.csr_matrix((np.ones(len(users)), (pd.concat(liked), users)),
                              shape=(len(movies), max(len(names), 1)))
    likes.data[:] = 1  # two of the links may lead to one film
    return likes


def _chunks(path: str, columns: Sequence[str]) -> Iterable[pd.DataFrame]:
    """Yield columns of a CSV as text, a million rows at a time."""
    try:
        yield from pd.read_csv(path, usecols=columns, dtype=str, keep_default_na=False,
                               chunksize=10 ** 6)
    except ValueError as error:
        raise RecommenderError("{}: not a CSV with the columns {} ({}): take it from the data set "
                               "again".format(path, ", ".join(columns), error))
