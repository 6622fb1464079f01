"""The index: one HDF5 file with everything that a query needs.

`ids` int64 (n,), `embeddings` float32 (n, d) contiguous, where the recipe joins words the
sparse `words/indptr`, `words/indices` and `words/data`, which make rows of length 1 with them,
if asked for the films' places on a `map` float32 (n, 2) and the nearest others of each film,
`neighbours/rows` int32 (n, k) and `neighbours/cosines` float64 (n, k),
a column for each thing that a result shows, what the recipe learnt under `recipe/`, and root
attributes that say what made it.
"""

import os
import threading
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import h5py
import numpy as np

from recommender.catalogue import Catalogue, Movie
from recommender.errors import NothingFound, RecommenderError
from recommender.recipes import Recipe, Source, make_recipe, open_recipe, read_learnt, unit
from recommender.storage.feature_store import (
    FeatureReader,
    MovieFeatures,
    Settings,
    overview_digest,
    settings_of,
    write_settings,
)
from recommender.storage.files import new_file
from recommender.storage.hdf5 import NewFile, PlainFile
from recommender.titles import nearest, split_year, title_key
from recommender.words import SparseRows

FORMAT_VERSION = 1
_TEXT_COLUMNS = ("imdb_id", "title", "original_title", "title_key", "original_title_key",
                 "language", "genres", "overview")
_NUMBER_COLUMNS = {"year": np.int16, "vote_average": np.float32, "vote_count": np.int32,
                   "weighted_rating": np.float32}
GENRE_SEPARATOR = "|"
_SHOWN = ("id", "title", "original_title", "year", "genres", "language", "imdb_id",
          "vote_average", "vote_count", "weighted_rating", "overview")
_WORDS = {"indptr": np.int64, "indices": np.int32, "data": np.float32}


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


def build_index(catalogue: Catalogue, features: FeatureReader, recipe: str, output: str,
                layers: Optional[Sequence[int]] = None,
                word_weight: Optional[float] = None, with_map: bool = False,
                n_neighbours: int = 0) -> BuildReport:
    """Embed every movie by the recipe of that name and write the index to `output`.

    `layers` and `word_weight` are those of `make_recipe`, `with_map` and `n_neighbours` those of
    `write_index`.
    Features of an overview that the catalogue words otherwise by now are left out and counted.
    Reads one movie at a time; `output` is replaced in one step at the end. Raises
    RecommenderError for features that the recipe cannot use, or that hold NaN, infinity or only
    zeros, naming the movie.
    """
    if os.path.isdir(output):
        raise RecommenderError("{} is a folder: --output names a file".format(output))
    made_by = make_recipe(recipe, features.settings, layers, word_weight)
    kept, report = films_with_features(catalogue, features)
    movies = [catalogue.movies[row] for row in kept]
    embeddings, words = made_by.fit(movies, lambda: features_by_row(movies, features))
    write_index(output, catalogue, kept, embeddings, words, made_by, features.settings, with_map,
                n_neighbours)
    return report


def films_with_features(catalogue: Catalogue,
                        features: FeatureReader) -> Tuple[List[int], BuildReport]:
    """Places in the catalogue of the films whose overview the features are of, and the count.

    Raises RecommenderError if there is none.
    """
    digests = features.digests()
    kept, of_other_overviews = [], 0
    for place, movie in enumerate(catalogue.movies):
        if digests.get(movie.id) == overview_digest(movie.overview):
            kept.append(place)
        else:
            of_other_overviews += movie.id in digests
    if not kept:
        raise RecommenderError("{} and {} have no overview in common: extract the features of this "
                               "catalogue first".format(catalogue.path, features.folder))
    n_both = len(kept) + of_other_overviews
    return kept, BuildReport(len(kept), len(catalogue.movies) - n_both, len(digests) - n_both,
                             of_other_overviews)


def features_by_row(movies: Sequence[Movie],
                    features: FeatureReader) -> Iterator[Tuple[int, MovieFeatures]]:
    """The features of `movies`, in the order of the store, each with its place in `movies`."""
    rows = {movie.id: row for row, movie in enumerate(movies)}
    for movie in features.movies():
        if movie.movie_id in rows:
            yield rows[movie.movie_id], movie


def write_index(output: str, catalogue: Catalogue, kept: Sequence[int], embeddings: np.ndarray,
                words: Optional[SparseRows], recipe: Recipe, settings: Settings,
                with_map: bool = False, n_neighbours: int = 0) -> None:
    """Write an index of the films at the places `kept` of the catalogue, whole or not at all.

    `embeddings` float32 (n, d) and `words` are their rows, made by `recipe`, which has learnt,
    of features of `settings`. `with_map` lays the films out in the plane, too, `n_neighbours`
    stores the nearest others of each film; either takes minutes for many.
    """
    movies = [catalogue.movies[place] for place in kept]
    ratings = weighted_ratings(catalogue.movies)[kept]
    attributes = {"catalogue": os.path.basename(catalogue.path),
                  "catalogue_sha256": catalogue.sha256}
    os.makedirs(os.path.dirname(os.path.abspath(output)), exist_ok=True)
    with new_file(output) as part, NewFile(part, with_texts=True) as file:
        file.attrs["format_version"] = FORMAT_VERSION
        for name, value in attributes.items():
            file.attrs[name] = value
        write_settings(file, settings)
        file["ids"] = np.array([movie.id for movie in movies], np.int64)
        file["embeddings"] = embeddings
        if words is not None:
            for name in _WORDS:
                file["words/" + name] = getattr(words, name)
            file["words/width"] = words.width
        if with_map:
            # Imported late: it takes what measures recipes to find the neighbours.
            from recommender.film_map import layout
            file["map"] = layout(embeddings, words)
        if n_neighbours:
            from recommender.neighbours import nearest_films
            file["neighbours/rows"], file["neighbours/cosines"] = nearest_films(
                embeddings, words, n_neighbours)
        recipe.save(file)
        texts = {name: [getattr(movie, name, "") for movie in movies] for name in _TEXT_COLUMNS}
        texts["genres"] = [GENRE_SEPARATOR.join(movie.genres) for movie in movies]
        texts["title_key"] = [title_key(movie.title) for movie in movies]
        texts["original_title_key"] = [title_key(movie.original_title) for movie in movies]
        for name, values in texts.items():
            file.create_dataset(name, data=np.array(values, object),
                                dtype=h5py.special_dtype(vlen=str))
        for name, dtype in _NUMBER_COLUMNS.items():
            values = ratings if name == "weighted_rating" else [
                getattr(movie, name) for movie in movies]
            file[name] = np.array(values, dtype)


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
        self.features = settings_of(file)
        self.recipe = open_recipe(file, self.features)
        self.ids = file.array("ids", np.int64, (None,))
        self._embeddings = file.array("embeddings", np.float32, (len(self.ids), None))
        self._words = self._read_words()
        self._stored = {name: file.array(name, dtype, (len(self.ids),))
                        for name, dtype in _NUMBER_COLUMNS.items()}  # type: Dict[str, Any]
        self._stored.update((name, file.texts(name, len(self.ids))) for name in _TEXT_COLUMNS)
        self._columns = {"id": self.ids}
        self._orders = {}  # type: Dict[str, np.ndarray]
        self._genres = None  # type: Optional[Tuple[List[str], np.ndarray]]
        self.has_map = file.holds("map")
        self._neighbours = None  # type: Optional[Tuple[np.ndarray, np.ndarray]]
        if file.holds("neighbours"):
            rows = file.array("neighbours/rows", np.int32, (len(self), None))
            self._neighbours = rows, file.array("neighbours/cosines", np.float64, rows.shape)
        self._shown = None  # type: Optional[List[Tuple]]
        self._rows_of_ids = None  # type: Optional[Dict[int, int]]
        self._rows_of_keys = {}  # type: Dict[str, Dict[str, List[int]]]
        self._has_learnt, self._lock = False, threading.Lock()

    @property
    def identity(self) -> str:
        """What tells the file from others that were or will be at its path."""
        return self._file.identity

    def _read_words(self) -> SparseRows:
        """The sparse part of the rows; one without columns where the recipe joins no words."""
        if not self._file.holds("words"):
            return SparseRows(np.zeros(len(self) + 1, np.int64), np.zeros(0, np.int32),
                              np.zeros(0, np.float32), 0)
        words = SparseRows(*(self._file.array("words/" + name, dtype, (None,))
                             for name, dtype in _WORDS.items()),
                           int(self._file.array("words/width", np.int64, ())))
        if not words.is_whole(len(self)):
            raise self._file.refuse("the words of the films are damaged")
        return words

    def __len__(self) -> int:
        return len(self.ids)

    def column(self, name: str) -> np.ndarray:
        """A column, (n,), read once."""
        if name not in self._columns:
            self._columns[name] = self._read(name, slice(None))
        return self._columns[name]

    def best_first(self, name: str) -> np.ndarray:
        """All rows by a column of numbers, int64 (n,), the greatest first and of equal ones the
        first in the catalogue; sorted once."""
        if name not in self._orders:
            self._orders[name] = np.argsort(-self.column(name), kind="stable")
        return self._orders[name]

    def read_columns(self) -> None:
        """Read all columns, so that no query has to."""
        for name in self._stored:
            self.column(name)
        self._rows_of_key("")
        self.genres()
        self._shown = list(zip(*(_as_shown(name, self.column(name).tolist()) for name in _SHOWN)))

    def genres(self) -> Tuple[List[str], np.ndarray]:
        """The genres of all films, sorted, and which film has which: bool (n, n_genres)."""
        if self._genres is None:
            # Films share few sets of genres, so that only those are taken apart.
            place_of = {}  # type: Dict[str, int]
            places = [place_of.setdefault(genres, len(place_of)) for genres in
                      self.column("genres")]
            sets = [_split_genres(genres) for genres in place_of]
            known = sorted(set().union(*sets))
            has = np.array([[genre in genres for genre in known] for genres in sets], bool)
            self._genres = known, has[places]
        return self._genres

    def map(self) -> np.ndarray:
        """The places of the films on the map, float32 (n, 2), from 0 to 1.

        Raises NothingFound if the index was built without.
        """
        if not self.has_map:
            raise NothingFound("{} has no map: build it with build_index.py --map".format(
                self.path))
        return self._file.array("map", np.float32, (len(self), 2))

    def movie(self, row: int, full: bool = True) -> Dict[str, Any]:
        """What a result shows of a row; the overview only when `full`."""
        shown = _SHOWN if full else _SHOWN[:-1]
        if self._shown is not None:
            return dict(zip(shown, self._shown[row]))
        cells = {name: self._cell(name, row) for name in shown}
        return {name: _as_shown(name, [cell if isinstance(cell, str) else cell.item()])[0]
                for name, cell in cells.items()}

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
        if self._rows_of_ids is None:
            self._rows_of_ids = {each: row for row, each in enumerate(self.ids.tolist())}
        if movie_id not in self._rows_of_ids:
            raise NothingFound("no movie with id {} in {}".format(movie_id, self.path))
        return self._rows_of_ids[movie_id]

    def rows_of_title(self, title: str, year: Optional[int] = None) -> List[int]:
        """Rows of all films of that title (or else original title), most votes first.

        `year` picks among them, as does one behind the title: "Heat (1995)". Raises NothingFound
        that names up to five near titles.
        """
        rows = self._rows_of_key(title_key(title))
        if not rows and year is None and split_year(title):
            title, year = split_year(title)
            rows = self._rows_of_key(title_key(title))
        if not rows:
            near = self.near_titles(title)
            hint = "; near: " + ", ".join(near) if near else ""
            raise NothingFound("no film is called {!r}{}".format(title, hint))
        rows.sort(key=lambda row: (-int(self.column("vote_count")[row]), row))
        if year is None:
            return rows
        of_year = [row for row in rows if int(self.column("year")[row]) == year]
        if not of_year:
            raise NothingFound("no film called {!r} is of {}; there is {}".format(
                title, year, ", ".join(self.describe(row) for row in rows)))
        return of_year

    def _rows_of_key(self, key: str) -> List[int]:
        for column in ("title_key", "original_title_key"):
            if column not in self._rows_of_keys:
                rows_of = {}  # type: Dict[str, List[int]]
                for row, other in enumerate(self.column(column)):
                    rows_of.setdefault(other, []).append(row)
                rows_of.pop("", None)  # a film may have no original title; no title asks for it
                self._rows_of_keys[column] = rows_of
            if key in self._rows_of_keys[column]:
                return list(self._rows_of_keys[column][key])
        return []

    def near_titles(self, title: str, limit: int = 5) -> List[str]:
        """Up to `limit` films whose titles look like a mistyped one, with year and id."""
        rows = nearest(title_key(title), self.column("title_key").tolist(), limit)
        return [self.describe(row) for row in rows]

    def describe(self, row: int) -> str:
        """A film in a few words: title, year and id."""
        year = int(self._cell("year", row)) or "year unknown"
        return "{} ({}, id {})".format(self._cell("title", row), year, self.ids[row])

    def embedding(self, row: int) -> np.ndarray:
        """The embedding of a row, float32 (width,), length 1; the words' part comes last."""
        return np.concatenate([self._embeddings[row], self._words.row(row)])

    def rows(self, rows: np.ndarray) -> Tuple[np.ndarray, Optional[SparseRows]]:
        """The embeddings of some rows as they are stored, dense (n, d) and the words."""
        return self._embeddings[rows], self._words.take(rows) if self._words.width else None

    def embed(self, source: Source) -> np.ndarray:
        """A text by the recipe of this index, float32 (width,), length 1.

        Raises NothingFound if the recipe finds nothing in it that it knows, RecommenderError if
        the index has none, its embeddings having been given.
        """
        if not self.recipe.parts:
            raise RecommenderError("{} holds embeddings that were given: it answers for films, "
                                   "for texts build one from features".format(self.path))
        vector = self.fitted_recipe().embed(source)
        if not vector.any():
            raise NothingFound("no film's overview has a word of the text: say more")
        return vector

    def fitted_recipe(self) -> Recipe:
        """The recipe with what it learnt, which is read when first asked for."""
        with self._lock:
            if not self._has_learnt:
                read_learnt(self.recipe, self._file, self.features,
                            self._embeddings.shape[1] + self._words.width)
                self._has_learnt = True
        return self.recipe

    def nearest(self, vector: np.ndarray, k: int, without: Sequence[int] = (),
                where: Optional[np.ndarray] = None) -> Tuple[np.ndarray, np.ndarray]:
        """Rows of the `k` nearest films to `vector`, float (width,), the nearest first, and their
        cosines with it, float64.

        Only films `where`, bool (n,), is true count, and of these none of the rows `without`. Of
        two equally near the first in the catalogue comes first, so that the answer is the same
        from run to run.
        """
        counts = np.ones(len(self), bool) if where is None else where.copy()
        counts[list(without)] = False
        return nearest_rows(self._embeddings, self._words, vector, k, counts)

    def nearest_to_film(self, row: int, k: int,
                        where: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        """What `nearest` finds for the embedding of a row, without that row.

        Read from the film's stored neighbours where they hold `k` films that count: what comes
        behind them is not nearer.
        """
        if self._neighbours is not None:
            near, cosines = self._neighbours[0][row], self._neighbours[1][row]
            if ((near < 0) | (near >= len(self)) | ~np.isfinite(cosines)).any():
                raise self._file.refuse("neighbours are damaged")
            among = np.flatnonzero(where[near])[:k]
            if len(among) == k:
                return near[among], cosines[among]
        return self.nearest(self.embedding(row), k, [row], where)

    def search(self, vector: np.ndarray, k: int, without: Sequence[int] = (),
               where: Optional[np.ndarray] = None) -> List[Result]:
        """The films that `nearest` finds."""
        return self.results(*self.nearest(vector, k, without, where))

    def results(self, rows: np.ndarray, scores: np.ndarray) -> List[Result]:
        """The films of `rows`, ranked as they come."""
        return [Result(rank, float(score), self.movie(int(row)))
                for rank, (row, score) in enumerate(zip(rows, scores), 1)]


def exact_scores(dense: np.ndarray, words: Optional[SparseRows], vector: np.ndarray,
                 rows: np.ndarray) -> np.ndarray:
    """The cosine of some of the rows `dense` and `words` with `vector`, (width,), each summed
    alone: float64.

    A matrix product sums some rows in another order than others, so that equal rows differ
    by some 1e-7; here they are equal.
    """
    query = unit(vector).astype(np.float32)
    d = dense.shape[1]
    scores = (dense[rows].astype(np.float64) * query[:d]).sum(axis=1)
    if words is not None and words.width:
        scores += words.take(rows).dot(query[d:].astype(np.float64))
    return scores


def nearest_rows(dense: np.ndarray, words: Optional[SparseRows], vector: np.ndarray, k: int,
                 counts: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """What `Index.nearest` says, of the rows where `counts`, bool (n,), is true."""
    k = min(k, np.count_nonzero(counts))
    if not k:
        return np.zeros(0, np.int64), np.zeros(0)
    query = unit(vector).astype(np.float32)
    d = dense.shape[1]
    scores = dense @ query[:d]  # quickly, to 1e-5
    if words is not None and words.width:
        scores += words.dot(query[d:])
    wrong = np.flatnonzero(~np.isfinite(scores))
    if len(wrong):
        raise RecommenderError("the embedding in row {} is not numbers: build the index again with "
                               "build_index.py".format(wrong[0]))
    scores[~counts] = -np.inf
    near = np.flatnonzero(scores >= np.partition(scores, -k)[-k] - 1e-5)
    exact = exact_scores(dense, words, vector, near)
    best = np.argsort(-exact, kind="stable")[:k]
    return near[best], exact[best]


def _as_shown(name: str, values: List[Any]) -> List[Any]:
    """Values of a column as a result shows them."""
    if name == "genres":
        split = {joined: _split_genres(joined) for joined in set(values)}
        return [split[joined] for joined in values]
    if name == "year":
        return [year or None for year in values]
    if name in ("vote_average", "weighted_rating"):
        return [round(value, 2) for value in values]
    return values


def _split_genres(joined: str) -> List[str]:
    return joined.split(GENRE_SEPARATOR) if joined else []
