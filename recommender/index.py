"""The index: one HDF5 file with everything that a query needs.

`ids` int64 (n,), `embeddings` float32 (n, d) contiguous with rows of length 1, a column for
each thing that a result shows, and root attributes that say what made it.
"""

import os
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

import h5py
import numpy as np

from recommender.catalogue import Catalogue, Movie
from recommender.errors import NothingFound, RecommenderError
from recommender.features import FeatureReader, overview_digest, settings_of
from recommender.hdf5 import NewFile, PlainFile, publish
from recommender.recipes import RECIPES, unit
from recommender.titles import nearest, title_key

FORMAT_VERSION = 1
_TEXT_COLUMNS = ("imdb_id", "title", "original_title", "title_key", "original_title_key",
                 "language", "genres", "overview")
_NUMBER_COLUMNS = {"year": np.int16, "vote_average": np.float32, "vote_count": np.int32,
                   "weighted_rating": np.float32}
_GENRE_SEPARATOR = "|"


class Result(NamedTuple):
    """One recommended film; `score` is the cosine with what was asked for, from -1 to 1."""

    rank: int
    score: float
    movie: Dict[str, Any]

    def to_dict(self) -> Dict[str, Any]:
        """The fields of `recommend.py --json` and of the server."""
        return {"rank": self.rank, "score": round(self.score, 6), **self.movie}


class BuildReport(NamedTuple):
    """How many movies the index holds, and which it could not take."""

    n_movies: int
    without_features: int
    without_catalogue: int
    of_other_overviews: int


def weighted_ratings(movies: Sequence[Movie]) -> np.ndarray:
    """IMDb's weighted rating of each movie, float32 (n,), from 0 to 10.

    v / (v + m) * R + m / (v + m) * C with votes v, average R, the catalogue's mean C and its
    70th-percentile vote count m (the formula of IMDb's Top 250 page).
    """
    votes = np.array([movie.vote_count for movie in movies], np.float64)
    average = np.array([movie.vote_average for movie in movies], np.float64)
    m = max(np.percentile(votes, 70), 1.0)
    return ((votes * average + m * average.mean()) / (votes + m)).astype(np.float32)


def build_index(catalogue: Catalogue, features: FeatureReader, recipe: str,
                output: str) -> BuildReport:
    """Average the stored features of every movie by `recipe` and write the index to `output`.

    Features of an overview that the catalogue words otherwise by now are left out and counted.
    Reads one movie at a time; `output` is replaced in one step at the end. Raises
    RecommenderError for features that the recipe cannot use, or that hold NaN, infinity or
    only zeros, naming the movie.
    """
    if os.path.isdir(output):
        raise RecommenderError("{} is a folder: --output names a file".format(output))
    make, pooled = RECIPES[recipe], features.settings.pooled
    rows = {movie.id: row for row, movie in enumerate(catalogue.movies)}
    embeddings = np.zeros((len(rows), features.settings.hidden_size), np.float32)
    have = np.zeros(len(rows), bool)
    without_catalogue = of_other_overviews = 0
    for movie_id, layers, _, digest in features.movies():
        if movie_id not in rows:
            without_catalogue += 1
            continue
        if digest != overview_digest(catalogue.movies[rows[movie_id]].overview):
            of_other_overviews += 1
            continue
        with np.errstate(invalid="ignore"):
            vector = layers.astype(np.float64) if pooled else make(layers)
        if not np.isfinite(vector).all() or not vector.any():
            raise RecommenderError(
                "the features of movie {} in {} are not numbers or all zero: remove the folder "
                "and run extract_features.py again".format(movie_id, features.folder))
        embeddings[rows[movie_id]] = unit(vector)
        have[rows[movie_id]] = True
    if not have.any():
        raise RecommenderError("{} and {} have no overview in common: extract the features of this "
                               "catalogue first".format(catalogue.path, features.folder))
    kept = np.flatnonzero(have)
    movies = [catalogue.movies[row] for row in kept]
    _write(output, movies, embeddings[kept], weighted_ratings(catalogue.movies)[kept], {
        "recipe": recipe, "catalogue": os.path.basename(catalogue.path),
        "catalogue_sha256": catalogue.sha256, **features.settings._asdict()})
    return BuildReport(len(kept), len(rows) - len(kept) - of_other_overviews, without_catalogue,
                       of_other_overviews)


def _write(output: str, movies: Sequence[Movie], embeddings: np.ndarray, ratings: np.ndarray,
           attributes: Dict[str, Any]) -> None:
    os.makedirs(os.path.dirname(os.path.abspath(output)), exist_ok=True)
    with NewFile(output + ".part") as file:
        file.attrs["format_version"] = FORMAT_VERSION
        for name, value in attributes.items():
            file.attrs[name] = value
        file["ids"] = np.array([movie.id for movie in movies], np.int64)
        file["embeddings"] = embeddings
        texts = {name: [getattr(movie, name, "") for movie in movies] for name in _TEXT_COLUMNS}
        texts["genres"] = [_GENRE_SEPARATOR.join(movie.genres) for movie in movies]
        texts["title_key"] = [title_key(movie.title) for movie in movies]
        texts["original_title_key"] = [title_key(movie.original_title) for movie in movies]
        for name, values in texts.items():
            file.create_dataset(name, data=np.array(values, object),
                                dtype=h5py.special_dtype(vlen=str))
        for name, dtype in _NUMBER_COLUMNS.items():
            values = ratings if name == "weighted_rating" else [
                getattr(movie, name) for movie in movies]
            file[name] = np.array(values, dtype)
    publish(output + ".part", output)


class Index:
    """An index opened for queries. Rows are positions in the index, from 0."""

    def __init__(self, path: str):
        """Maps the embeddings into memory and reads the ids; all else is read when needed.

        Raises RecommenderError if `path` is no index of this format.
        """
        if not os.path.isfile(path):
            raise RecommenderError("no index at {}: build_index.py makes one (`make demo` makes "
                                   "data/sample_index.h5)".format(path))
        self._file = file = PlainFile(path, "build it again with build_index.py")
        file.expect("an index", FORMAT_VERSION)
        self.path = path
        self.recipe = file.attribute("recipe", str)
        if self.recipe not in RECIPES:
            raise file.refuse("its recipe {!r} is not known here, so that no text could be "
                              "embedded as its films were".format(self.recipe))
        self.features = settings_of(file)
        self.ids = file.array("ids", np.int64, (None,))
        self._embeddings = file.array("embeddings", np.float32,
                                      (len(self.ids), self.features.hidden_size))
        self._stored = {name: file.array(name, dtype, (len(self.ids),))
                        for name, dtype in _NUMBER_COLUMNS.items()}  # type: Dict[str, Any]
        self._stored.update((name, file.texts(name, len(self.ids))) for name in _TEXT_COLUMNS)
        self._columns = {}  # type: Dict[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.ids)

    def column(self, name: str) -> np.ndarray:
        """A column, (n,), read once."""
        if name not in self._columns:
            self._columns[name] = self._read(name, slice(None))
        return self._columns[name]

    def movie(self, row: int, full: bool = True) -> Dict[str, Any]:
        """What a result shows of a row; the overview only when `full`."""
        cell = self._cell
        movie = {"id": int(self.ids[row]), "title": cell("title", row),
                 "original_title": cell("original_title", row),
                 "year": int(cell("year", row)) or None,
                 "genres": [g for g in cell("genres", row).split(_GENRE_SEPARATOR) if g],
                 "language": cell("language", row), "imdb_id": cell("imdb_id", row),
                 "vote_average": round(float(cell("vote_average", row)), 2),
                 "vote_count": int(cell("vote_count", row)),
                 "weighted_rating": round(float(cell("weighted_rating", row)), 2)}
        if full:
            movie["overview"] = cell("overview", row)
        return movie

    def _cell(self, name: str, row: int) -> Any:
        """One value: out of the column where that was read, else out of the file."""
        return self._columns[name][row] if name in self._columns else self._read(name, row)

    def _read(self, name: str, rows: Any) -> Any:
        try:
            return self._stored[name][rows]
        except (OSError, RuntimeError, ValueError):  # texts that lie elsewhere, or are no UTF-8
            raise self._file.refuse("{} cannot be read".format(name))

    def row_of_id(self, movie_id: int) -> int:
        """The row of a movie; raises NothingFound if it is not in the index."""
        rows = np.flatnonzero(self.ids == movie_id)
        if not len(rows):
            raise NothingFound("no movie with id {} in {}".format(movie_id, self.path))
        return int(rows[0])

    def rows_of_title(self, title: str, year: Optional[int] = None) -> List[int]:
        """Rows of all films of that title (or else original title), most votes first.

        `year` picks among them. Raises NothingFound that names up to five near titles.
        """
        key = title_key(title)
        for column in ("title_key", "original_title_key"):
            # A film may have no original title; no title asks for it.
            rows = np.flatnonzero(self.column(column) == key) if key else []
            if len(rows):
                break
        if not len(rows):
            near = self.near_titles(title)
            hint = "; near: " + ", ".join(near) if near else ""
            raise NothingFound("no film is called {!r}{}".format(title, hint))
        rows = sorted(rows.tolist(), key=lambda row: (-int(self.column("vote_count")[row]), row))
        if year is None:
            return rows
        of_year = [row for row in rows if int(self.column("year")[row]) == year]
        if not of_year:
            raise NothingFound("no film called {!r} is of {}; there is {}".format(
                title, year, ", ".join(self.describe(row) for row in rows)))
        return of_year

    def near_titles(self, title: str, limit: int = 5) -> List[str]:
        """Up to `limit` films whose titles look like a mistyped one, with year and id."""
        rows = nearest(title_key(title), self.column("title_key").tolist(), limit)
        return [self.describe(row) for row in rows]

    def describe(self, row: int) -> str:
        """A film in a few words: title, year and id."""
        year = int(self._cell("year", row)) or "year unknown"
        return "{} ({}, id {})".format(self._cell("title", row), year, self.ids[row])

    def embedding(self, row: int) -> np.ndarray:
        """The sentence embedding of a row, float32 (d,), length 1."""
        return self._embeddings[row]

    def search(self, vector: np.ndarray, k: int, without: Sequence[int] = ()) -> List[Result]:
        """The `k` nearest films to `vector`, float (d,), by cosine, the nearest first.

        Films of the rows `without` do not count. Of two equally near the first in the
        catalogue comes first, so that the answer is the same from run to run.
        """
        query = unit(vector)
        scores = self._embeddings @ query
        scores[list(without)] = -np.inf
        k = min(k, len(self) - len(set(without)))
        if not k:
            return []
        # A matrix product sums some rows in another order than others, so that equal rows differ
        # by some 1e-7: it chooses candidates, and a sum row by row, in float64, puts them in order.
        near = np.flatnonzero(scores >= np.partition(scores, -k)[-k] - 1e-5)
        exact = (self._embeddings[near].astype(np.float64) * query).sum(axis=1)
        return [Result(rank, float(exact[at]), self.movie(int(near[at])))
                for rank, at in enumerate(np.argsort(-exact, kind="stable")[:k], 1)]
