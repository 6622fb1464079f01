"""Read an index: one HDF5 file that holds everything a query needs.

It holds `ids` int64 (n,); `embeddings` float32 (n, d), contiguous; for a recipe that joins words
the sparse `words/indptr`, `words/indices` and `words/data`, which make rows of length 1 together
with the embeddings; a column for each field that a result shows; what the recipe learnt, under
`recipe/`; and root attributes that say which features, checkpoint and catalogue made it. It may
hold a `map` float32 (n, 2) of the films, and the nearest others of each film: `neighbours/rows`
int32 (n, k) and `neighbours/cosines` float64 (n, k); `twins` (see `recommender.twins`); and the
table `left_out/` (see `recommender.left_out`). `recommender.building` writes it.
"""

import os
import re
import threading
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from recommender.errors import NothingFound, RecommenderError
from recommender.left_out import LeftOut
from recommender.near_titles import NearTitles
from recommender.parts import Source
from recommender.ranking import nearest_rows
from recommender.recipes import Recipe, open_recipe, read_learnt
from recommender.storage.hdf5 import PlainFile
from recommender.storage.open_elsewhere import is_blank
from recommender.storage.shards import settings_of
from recommender.title_lookup import RowsOfKeys, TitleLookup
from recommender.titles import described, title_key
from recommender.twins import Twins
from recommender.words import SparseRows

FORMAT_VERSION = 1  # of the index file; one of another version is refused
DEFAULT_INDEX = "data/index.h5"  # what build_index.py writes where --output is not given
SAMPLE_INDEX = "data/sample_index.h5"  # what `make demo` builds of the sample catalogue
DEFAULT_FEATURES = "data/features"  # what extract_features.py writes by default
# Columns of strings, (n,).
TEXT_COLUMNS = ("imdb_id", "title", "original_title", "title_key", "original_title_key",
                 "language", "genres", "overview")
# Columns of numbers, (n,), with their dtypes.
NUMBER_COLUMNS = {"year": np.int16, "vote_average": np.float32, "vote_count": np.int32,
                   "weighted_rating": np.float32}
# Fields of a result, in the order of `recommend.py --json`.
_SHOWN = ("id", "title", "original_title", "year", "genres", "language", "imdb_id",
          "vote_average", "vote_count", "weighted_rating", "overview")
# Datasets of `words/`, with their dtypes.
WORDS = {"indptr": np.int64, "indices": np.int32, "data": np.float32}


def index_to_open(given: Optional[str]) -> Tuple[str, str]:
    """Return the path of the index that a program opens, and a note for the user, or "".

    It is the one `given`, else data/index.h5, else, where that is not there or holds nothing, the
    sample's.
    """
    has_default = os.path.exists(DEFAULT_INDEX) and not is_blank(DEFAULT_INDEX)
    if given or has_default or not os.path.exists(SAMPLE_INDEX):
        return given or DEFAULT_INDEX, ""
    return SAMPLE_INDEX, "there is no {}: taking {}, the index of the sample catalogue".format(
        DEFAULT_INDEX, SAMPLE_INDEX)


class Result(NamedTuple):
    """A recommended film.

    `rank` counts from 1; `score` is the cosine with the query, from -1 to 1; `movie` holds the
    fields of the film that `recommend.py --json` prints.
    """

    rank: int
    score: float
    movie: Dict[str, Any]

    def to_dict(self) -> Dict[str, Any]:
        """Return the fields of `recommend.py --json` and of the server."""
        return {"rank": self.rank, "score": round(self.score, 6), **self.movie}

    def __repr__(self) -> str:
        return "Result(rank={}, score={:.4f}, {!r} ({}), id={})".format(
            self.rank, self.score, self.movie["title"], self.movie["year"], self.movie["id"])


class Index:
    """An index opened for queries.

    A film is known by its row, its position in the index, from 0. Opening maps the embeddings
    into memory and reads the ids; all else is read when first needed.

    Parameters
    ----------
    path : str
        File that build_index.py wrote.

    Raises
    ------
    RecommenderError
        If `path` is no index of this format.

    Attributes
    ----------
    ids : np.ndarray
        TMDB ids, int64 (n,).
    features : Settings
        Settings of the features that the index was built from.
    features_folder : str
        Folder of those features, as it lies from here; data/features if the index does not say.
    recipe : Recipe
        The recipe that made the embeddings; `fitted_recipe` has also what it learnt.
    has_map : bool
        True if the index was built with a map.
    twins : Twins
        Films told apart only by their id.
    left_out : LeftOut
        Films of the catalogue that the index cannot answer for.
    """

    def __init__(self, path: str):
        if not os.path.isfile(path) or is_blank(path):
            raise RecommenderError("no index at {}: build_index.py makes one (`make demo` makes "
                                   "data/sample_index.h5)".format(path))
        self._file = file = PlainFile(path, "build it again with build_index.py")
        file.expect("an index", FORMAT_VERSION)
        self.path = path
        self.features = settings_of(file)
        self.features_folder = self._features_folder()
        self.recipe = open_recipe(file, self.features)
        self.ids = file.array("ids", np.int64, (None,))
        self._embeddings = file.array("embeddings", np.float32, (len(self.ids), None))
        self._words = self._read_words()
        self._stored = {name: file.array(name, dtype, (len(self.ids),))
                        for name, dtype in NUMBER_COLUMNS.items()}  # type: Dict[str, Any]
        self._stored.update((name, file.texts(name, len(self.ids))) for name in TEXT_COLUMNS)
        self._columns = {"id": self.ids}
        self._orders: Dict[str, np.ndarray] = {}
        self._genres: Optional[Tuple[List[str], np.ndarray]] = None
        self.has_map = file.holds("map")
        self._neighbours: Optional[Tuple[np.ndarray, np.ndarray]] = None
        if file.holds("neighbours"):
            rows = file.array("neighbours/rows", np.int32, (len(self), None))
            self._neighbours = rows, file.array("neighbours/cosines", np.float64, rows.shape)
        self.twins = Twins(file, len(self))
        self.left_out = LeftOut(file, is_given=not self.recipe.parts)
        self._shown: Optional[List[Tuple]] = None
        self._rows_of_ids: Optional[Dict[int, int]] = None
        self._near: Optional[NearTitles] = None
        self._rows_of_keys: RowsOfKeys = {}
        self._has_learnt, self._lock = False, threading.Lock()

    @property
    def identity(self) -> str:
        """A string that differs between this file and any other at the same path."""
        return self._file.identity

    def __repr__(self) -> str:
        return "Index({!r}: {:,} films, recipe {}, checkpoint {})".format(
            self.path, len(self), self.recipe.name, self.features.checkpoint or "none")

    def _features_folder(self) -> str:
        if not self._file.has_attribute("features"):
            return DEFAULT_FEATURES
        return os.path.relpath(os.path.join(os.path.dirname(os.path.realpath(self.path)),
                                            self._file.attribute("features", str)))

    def _read_words(self) -> SparseRows:
        """Return the sparse part of the rows, without columns if the recipe joins no words."""
        if not self._file.holds("words"):
            return SparseRows(np.zeros(len(self) + 1, np.int64), np.zeros(0, np.int32),
                              np.zeros(0, np.float32), 0)
        words = SparseRows(width=int(self._file.array("words/width", np.int64, ())),
                           **{name: self._file.array("words/" + name, dtype, (None,))
                              for name, dtype in WORDS.items()})
        if not words.is_whole(len(self)):
            raise self._file.refuse("the words of the films are damaged")
        return words

    def __len__(self) -> int:
        return len(self.ids)

    def column(self, name: str) -> np.ndarray:
        """Return a column of the index, (n,); it is read once."""
        if name not in self._columns:
            self._columns[name] = self._read(name, slice(None))
        return self._columns[name]

    def best_first(self, name: str) -> np.ndarray:
        """Return all rows by a column of numbers, int64 (n,), the greatest first.

        Equal ones come in the order of the catalogue. Sorted once.
        """
        if name not in self._orders:
            self._orders[name] = np.argsort(-self.column(name), kind="stable")
        return self._orders[name]

    def read_columns(self) -> None:
        """Read all columns now, so that no query waits for it."""
        for name in self._stored:
            self.column(name)
        self._titles.load()
        self.left_out.load()
        self.genres()
        self._shown = list(zip(*(_as_shown(name, self.column(name).tolist()) for name in _SHOWN)))

    def genres(self) -> Tuple[List[str], np.ndarray]:
        """Return the names of all genres, sorted, and the films' genres, bool (n, n_genres)."""
        if self._genres is None:
            # Films share few sets of genres, so only the different ones are split.
            place_of: Dict[str, int] = {}
            places = [place_of.setdefault(genres, len(place_of)) for genres in
                      self.column("genres")]
            sets = [split_genres(genres) for genres in place_of]
            known = sorted(set().union(*sets))
            has = np.array([[genre in genres for genre in known] for genres in sets], bool)
            self._genres = known, has[places]
        return self._genres

    def map(self) -> np.ndarray:
        """Return the films' points on the map, float32 (n, 2), from 0 to 1.

        Raises NothingFound if the index was built without a map.
        """
        if not self.has_map:
            raise NothingFound("{} has no map: build it with build_index.py --map".format(
                self.path))
        return self._file.array("map", np.float32, (len(self), 2))

    def movie(self, row: int, full: bool = True) -> Dict[str, Any]:
        """Return the fields that a result shows of a film, without the overview if not `full`."""
        shown = _SHOWN if full else _SHOWN[:-1]
        if self._shown is not None:
            return dict(zip(shown, self._shown[row]))
        cells = {name: self._cell(name, row) for name in shown}
        return {name: _as_shown(name, [cell if isinstance(cell, str) else cell.item()])[0]
                for name, cell in cells.items()}

    def _cell(self, name: str, row: int) -> Any:
        """Return one value, from the column if it was read, else from the file."""
        return self._columns[name][row] if name in self._columns else self._read(name, row)

    def _read(self, name: str, rows: Any) -> Any:
        return self._file.read(name, self._stored[name], rows)

    def row_of_id(self, movie_id: int) -> int:
        """Return the row of a film by TMDB id.

        Raises NothingFound if it is not in the index, FilmLeftOut if the catalogue has it.
        """
        if self._rows_of_ids is None:
            self._rows_of_ids = {each: row for row, each in enumerate(self.ids.tolist())}
        if movie_id not in self._rows_of_ids:
            left_out = self.left_out.of_id(movie_id)
            if left_out:
                raise self.left_out.error(left_out)
            raise NothingFound("no movie with id {} in {}".format(movie_id, self.path))
        return self._rows_of_ids[movie_id]

    @property
    def _titles(self) -> TitleLookup:
        # Not kept: an index that refers to itself would outlive its last request.
        return TitleLookup(self.column, self.describe, self.near_rows, self.left_out,
                           self._rows_of_keys)

    def rows_of_title(self, title: str, year: Optional[int] = None) -> List[int]:
        """Return the rows of the films of a title; see `TitleLookup.rows`."""
        return self._titles.rows(title, year)

    def near_titles(self, title: str, limit: int = 5) -> List[str]:
        """Describe films whose titles are near to one; see `TitleLookup.describe_near`."""
        return self._titles.describe_near(title, limit)

    def near_rows(self, title: str, limit: int) -> List[int]:
        """Return the rows of up to `limit` films whose titles look like a mistyped one."""
        if self._near is None:
            self._near = NearTitles(self.column("title_key").tolist())
        return self._near.nearest(title_key(title), limit)

    def describe(self, row: int) -> str:
        """Return title, year and id of a film in a few words."""
        return described(self._cell("title", row), int(self._cell("year", row)), self.ids[row])

    def embedding(self, row: int) -> np.ndarray:
        """Return the embedding of a film, float32 (d + width,), length 1; the words come last."""
        return np.concatenate([self._embeddings[row], self._words.row(row)])

    def rows(self, rows: np.ndarray) -> Tuple[np.ndarray, Optional[SparseRows]]:
        """Return the embeddings of some films as stored: dense (m, d), and the words if any."""
        return self._embeddings[rows], self._words.take(rows) if self._words.width else None

    def embed(self, source: Source) -> np.ndarray:
        """Embed a text by the recipe of this index, float32 (d + width,), length 1.

        Raises
        ------
        NothingFound
            If the recipe knows no word of the text.
        RecommenderError
            If the index was built from given embeddings and has no recipe.
        """
        if not self.recipe.parts:
            raise RecommenderError("{} holds embeddings that were given: it answers for films, "
                                   "for texts build one from features".format(self.path))
        vector = self.fitted_recipe().embed(source)
        if not vector.any():
            raise NothingFound("no film's overview has a word of the text: say more")
        return vector

    def fitted_recipe(self) -> Recipe:
        """Return the recipe with what it learnt, which is read at the first call."""
        with self._lock:
            if not self._has_learnt:
                read_learnt(self.recipe, self._file, self.features,
                            self._embeddings.shape[1] + self._words.width)
                self._has_learnt = True
        return self.recipe

    def nearest(self, vector: np.ndarray, k: int, without: Sequence[int] = (),
                where: Optional[np.ndarray] = None) -> Tuple[np.ndarray, np.ndarray]:
        """Return the rows of the `k` nearest films to a vector, the nearest first.

        Parameters
        ----------
        vector : np.ndarray
            Float (d + width,).
        k : int
            Fewer are returned where fewer films count.
        without : sequence of int
            Rows that do not count.
        where : np.ndarray, optional
            bool (n,): the films that count, by default all.

        Returns
        -------
        rows : np.ndarray
            int64 (k,). Equally near films come in the order of the catalogue.
        cosines : np.ndarray
            float64 (k,).
        """
        counts = np.ones(len(self), bool) if where is None else where.copy()
        counts[list(without)] = False
        return nearest_rows(self._embeddings, self._words, vector, k, counts)

    def nearest_to_film(self, row: int, k: int,
                        where: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        """Return what `nearest` finds for the embedding of a film, without that film.

        It is read from the stored neighbours of the film if `k` of them count: no other film is
        nearer than those.
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
        """Return the films that `nearest` finds."""
        return self.results(*self.nearest(vector, k, without, where))

    def results(self, rows: np.ndarray, scores: np.ndarray) -> List[Result]:
        """Return the films of `rows`, ranked in that order."""
        return [Result(rank, float(score), self.movie(int(row)))
                for rank, (row, score) in enumerate(zip(rows, scores), 1)]


def _as_shown(name: str, values: List[Any]) -> List[Any]:
    """Return values of a column as a result shows them."""
    if name == "genres":
        split = {joined: split_genres(joined) for joined in set(values)}
        return [split[joined] for joined in values]
    if name == "year":
        return [year or None for year in values]
    if name in ("vote_average", "weighted_rating"):
        return [round(value, 2) for value in values]
    return values


def join_genres(genres: Sequence[str]) -> str:
    """Return a film's genres as the text of the column `genres`, between bars.

    >>> join_genres(["Drama", "Sci|Fi"]) == "Drama|Sci" + chr(92) + "|Fi"
    True
    """
    return "|".join(re.sub(r"([\\|])", r"\\\1", genre) for genre in genres)


def split_genres(joined: str) -> List[str]:
    """Return the genres that `join_genres` joined.

    >>> split_genres(join_genres(["Drama", "Sci|Fi"]))
    ['Drama', 'Sci|Fi']
    """
    return [re.sub(r"\\(.)", r"\1", genre)
            for genre in re.findall(r"(?:[^\\|]|\\.)+", joined, re.DOTALL)]

