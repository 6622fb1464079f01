"""Read an index: one HDF5 file that holds everything a query needs.

It holds `ids` int64 (n,); a column for each field that a result shows; for each of its recipes a
group (see `recommender.spaces`); and root attributes that say which features, checkpoint and
catalogue made it, when, and by which recipes. It may hold the
columns `adult` bool (n,) and `poster_path`, `twins` (see `recommender.twins`), the table
`left_out/` (see `recommender.left_out`) and `topics/` (see `recommender.topics.topic_file`).
An index of many films, which has a version of its own, holds its strings packed, in `texts/`, and
tables in which titles are found, in `titles/` (see `recommender.title_tables`).
`recommender.building` writes it.
"""

import os
import re
from functools import partial
from typing import Any, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from recommender.ann import KINDS
from recommender.ann_building import companion_kind
from recommender.drift import History, read_history
from recommender.errors import NothingFound, RecommenderError
from recommender.halves import HALF_VERSION
from recommender.left_out import LeftOut
from recommender.near_titles import NearTitles
from recommender.recipes import recipe_names
from recommender.scale import Scale
from recommender.spaces import EmbeddingSpace
from recommender.storage.companions import companions_of
from recommender.storage.hdf5 import PlainFile
from recommender.storage.open_elsewhere import is_blank
from recommender.storage.shards import settings_of
from recommender.stored_columns import TEXTS_GROUP, TITLES, Columns, RowsOfIds
from recommender.title_lookup import RowsOfKeys, TitleLookup
from recommender.title_tables import TitleTables
from recommender.titles import described, title_key
from recommender.topics.topic_file import GROUP, read_tree
from recommender.topics.topic_tree import TopicTree
from recommender.twins import Twins

# Version of the index file, another than those of features; 1 held a single recipe.
FORMAT_VERSION = 3
PACKED_VERSION = 6  # that of an index of many films
DEFAULT_INDEX = "data/index.h5"  # what build_index.py writes where --output is not given
SAMPLE_INDEX = "data/sample_index.h5"  # what `make demo` builds of the sample catalogue
DEFAULT_FEATURES = "data/features"  # what extract_features.py writes by default
# Fields of a result, in the order of `recommend.py --json`.
_SHOWN = ("id", "title", "original_title", "year", "genres", "language", "imdb_id",
          "vote_average", "vote_count", "weighted_rating", "overview")


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
    fields of the film that `recommend.py --json` prints; `nearness` is 0 where the score is that
    of any film, and 1 where it is that of a nearest one (see `recommender.scale`).
    """

    rank: int
    score: float
    movie: Dict[str, Any]
    nearness: Optional[float] = None

    def to_dict(self) -> Dict[str, Any]:
        """Return the fields of `recommend.py --json` and of the server."""
        scores = {"rank": self.rank, "score": round(self.score, 6)}
        if self.nearness is not None:
            scores["nearness"] = round(self.nearness, 2)
        return {**scores, **self.movie}

    def __repr__(self) -> str:
        return "Result(rank={}, score={:.4f}, {!r} ({}), id={})".format(
            self.rank, self.score, self.movie["title"], self.movie["year"], self.movie["id"])


class Index:
    """An index opened for queries.

    A film is known by its row, its position in the index, from 0. Opening reads the ids and maps
    the embeddings of the first recipe into memory; all else is read when first needed.

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
    recipes : tuple of str
        Names of its recipes. The first one answers where no other is asked for.
    has_posters : bool
        The column `poster_path` is there; films without a poster have "" in it.
    has_topics : bool
        The index was built with topics, and results show those of their films.
    twins : Twins
        Films told apart only by their id.
    left_out : LeftOut
        Films of the catalogue that the index cannot answer for.
    companions : dict of str to Companion
        The files beside it that it names, by kind; they are not opened.
    """

    def __init__(self, path: str):
        if not os.path.isfile(path) or is_blank(path):
            raise RecommenderError("no index at {}: build_index.py makes one (`make demo` makes "
                                   "data/sample_index.h5)".format(path))
        self._file = file = PlainFile(path, "build it again with build_index.py")
        file.expect("an index", FORMAT_VERSION, PACKED_VERSION, HALF_VERSION)
        self.path = path
        self.features = settings_of(file)
        self.features_folder = self._features_folder()
        self.recipes = recipe_names(file)
        self.companions = companions_of(file)
        self.ids = file.array("ids", np.int64, (None,))
        self._spaces: Dict[str, EmbeddingSpace] = {}
        self._built: Dict[str, str] = {}
        self.space()
        self._columns = Columns(file, self.ids)
        self.has_posters = self._columns.has_posters
        self._tables: Optional[TitleTables] = None
        self._genres: Optional[Tuple[List[str], np.ndarray]] = None
        self.has_topics = file.holds("topics")
        self._topics: Optional[TopicTree] = None
        self.twins = Twins(file, len(self))
        self.left_out = LeftOut(file, is_given=not self.space().recipe.parts)
        self._shown: Optional[List[Tuple]] = None
        self._rows_of_ids: Optional[RowsOfIds] = None
        self._near: Optional[NearTitles] = None
        self._rows_of_keys: RowsOfKeys = {}

    @property
    def history(self) -> History:
        """The whole build that this index goes back to, and what changed since."""
        return read_history(self._file)

    @property
    def uses_bert(self) -> bool:
        """True if one of the recipes needs hidden layers for a text."""
        return any(self.space(name).recipe.uses_bert for name in self.recipes)

    @property
    def ann(self) -> Optional[str]:
        """The kind of its approximate search, one of `recommender.ann.KINDS`, or None."""
        return next((kind for name in self.recipes for kind in KINDS
                     if companion_kind(kind, name) in self.companions), None)

    @property
    def identity(self) -> str:
        """A string that differs between this file and any other at the same path."""
        return self._file.identity

    def __repr__(self) -> str:
        return "Index({!r}: {:,} films, recipes {}, checkpoint {})".format(
            self.path, len(self), ", ".join(self.recipes), self.features.checkpoint or "none")

    def _features_folder(self) -> str:
        if not self._file.has_attribute("features"):
            return DEFAULT_FEATURES
        return os.path.relpath(os.path.join(os.path.dirname(os.path.realpath(self.path)),
                                            self._file.attribute("features", str)))

    def __len__(self) -> int:
        return len(self.ids)

    def space(self, recipe: Optional[str] = None) -> EmbeddingSpace:
        """Return the films as vectors by a recipe of this index, by default the first.

        Raises NothingFound if the index was built without that recipe.
        """
        name = self.recipes[0] if recipe is None else recipe
        if name not in self.recipes:
            raise NothingFound("{} has no recipe {!r}, but {}: build_index.py --recipe builds an "
                               "index of several".format(self.path, name,
                                                         ", ".join(self.recipes)))
        if name not in self._spaces:
            self._spaces[name] = EmbeddingSpace(self._file, name, len(self), self.features)
        return self._spaces[name]

    def made_by(self, recipe: Optional[str] = None) -> Dict[str, str]:
        """Return what an answer by a recipe comes from, by default the first one.

        That is the recipe, the checkpoint, the name of this file, when it was built, as an ISO
        8601 time, and a digest of its films and embeddings.
        """
        return {"recipe": self.space(recipe).recipe.name, "checkpoint": self.features.checkpoint,
                "index": os.path.basename(self.path),
                **self._build()}

    def _build(self) -> Dict[str, str]:
        """Return time and digest of this build; they are read once."""
        if not self._built:
            self._built = {name: self._file.attribute(name, str) for name in ("built", "digest")}
        return self._built

    def column(self, name: str) -> np.ndarray:
        """Return a column of the index, (n,); it is read once, or mapped. See `Columns.column`."""
        return self._columns.column(name)

    def best_first(self, name: str) -> np.ndarray:
        """Return all rows by a column of numbers; see `Columns.best_first`."""
        return self._columns.best_first(name)

    def codes(self, name: str) -> Tuple[List[str], np.ndarray]:
        """Return the different texts of a column and each film's; see `Columns.codes`."""
        return self._columns.codes(name)

    def read_columns(self) -> None:
        """Read all columns and open all recipes now, so that no query waits for it."""
        for recipe in self.recipes:
            self.space(recipe)
        for name in self._columns:
            self.column(name)
        self._titles.load()
        self.left_out.load()
        self.genres()
        if self.has_topics:
            self.topics()
        if not self._columns.are_packed:
            self._shown = list(zip(*(_as_shown(name, self.column(name).tolist())
                                     for name in _SHOWN)))

    def genres(self) -> Tuple[List[str], np.ndarray]:
        """Return the names of all genres, sorted, and the films' genres, bool (n, n_genres)."""
        if self._genres is None:
            # Films share few sets of genres, so only the different ones are split.
            joined, places = self.codes("genres")
            sets = [split_genres(genres) for genres in joined]
            known = sorted(set().union(*sets))
            has = np.array([[genre in genres for genre in known] for genres in sets], bool)
            self._genres = known, has[places]
        return self._genres

    def topics(self) -> TopicTree:
        """Return the topics and those of each film; they are read once.

        Raises NothingFound if the index was built without topics.
        """
        if not self.has_topics:
            raise NothingFound("{} has no topics: topics.py finds them, and build_index.py "
                               "--topics joins them to an index".format(self.path))
        if self._topics is None:
            self._topics = read_tree(self._file, GROUP, len(self))
        return self._topics

    def movie(self, row: int, full: bool = True) -> Dict[str, Any]:
        """Return the fields that a result shows of a film, without the overview if not `full`."""
        movie = self._cells(row, _SHOWN if full else _SHOWN[:-1])
        if self.has_topics:
            movie["topics"] = self.topics().names(row)
        return movie

    def _cells(self, row: int, shown: Sequence[str]) -> Dict[str, Any]:
        """Return values of a film's columns as a result shows them."""
        if self._shown is not None:
            return dict(zip(shown, self._shown[row]))
        cells = {name: self._columns.cell(name, row) for name in shown}
        return {name: _as_shown(name, [cell if isinstance(cell, str) else cell.item()])[0]
                for name, cell in cells.items()}

    def row_of_id(self, movie_id: int) -> int:
        """Return the row of a film by TMDB id.

        Raises NothingFound if it is not in the index, FilmLeftOut if the catalogue has it.
        """
        if movie_id not in self.row_by_id:
            left_out = self.left_out.of_id(movie_id)
            if left_out:
                raise self.left_out.error(left_out)
            raise NothingFound("no movie with id {} in {}".format(movie_id, self.path))
        return self.row_by_id[movie_id]

    @property
    def row_by_id(self) -> Mapping[int, int]:
        """The rows of all films by TMDB id; made once."""
        if self._rows_of_ids is None:
            self._rows_of_ids = RowsOfIds(self.ids)
        return self._rows_of_ids

    def rows_of_ids(self, movie_ids: Iterable[int]) -> List[int]:
        """Return the rows of films by TMDB ids, each once, without ids that are not here."""
        return sorted(self.row_by_id[each] for each in set(movie_ids) if each in self.row_by_id)

    @property
    def title_tables(self) -> Optional[TitleTables]:
        """Tables in which an index of many films finds titles; checked at the first call."""
        if self._tables is None and self._columns.are_packed:
            self._tables = TitleTables(self._file, TEXTS_GROUP, TITLES, len(self),
                                       partial(self._columns.column, "vote_count"))
        return self._tables

    @property
    def _titles(self) -> TitleLookup:
        # Not kept: an index that refers to itself would outlive its last request.
        return TitleLookup(self.column, self.describe, self.near_rows, self.left_out,
                           self._rows_of_keys, self.title_tables)

    def rows_of_title(self, title: str, year: Optional[int] = None) -> List[int]:
        """Return the rows of the films of a title; see `TitleLookup.rows`."""
        return self._titles.rows(title, year)

    def rows_of_imdb_ids(self, imdb_ids: Iterable[str]) -> Dict[str, int]:
        """Return the rows of films by those of some IMDb ids that the index has, the last of
        several."""
        wanted = set(imdb_ids) - {""}
        if self.title_tables:
            found = {each: self.title_tables.rows("imdb_id", each) for each in wanted}
            return {each: rows[-1] for each, rows in found.items() if rows}
        return {each: row for row, each in enumerate(self.column("imdb_id")) if each in wanted}

    def rows_of_key(self, key: str) -> List[int]:
        """Return the rows of the films whose title or original title has a key."""
        return self._titles.rows_of_key(key)

    def rows_called(self, title: str, year: Optional[int] = None) -> List[int]:
        """Return the rows of the films of exactly a title; see `TitleLookup.rows_called`."""
        return self._titles.rows_called(title, year)

    def near_titles(self, title: str, limit: int = 5) -> List[str]:
        """Describe films whose titles are near to one; see `TitleLookup.describe_near`."""
        return self._titles.describe_near(title, limit)

    def near_rows(self, title: str, limit: int) -> List[int]:
        """Return the rows of up to `limit` films whose titles look like a mistyped one."""
        if self.title_tables:
            return self.title_tables.mistyped(title_key(title), limit)
        if self._near is None:
            self._near = NearTitles(self.column("title_key").tolist())
        return self._near.nearest(title_key(title), limit)

    def describe(self, row: int) -> str:
        """Return title, year and id of a film in a few words."""
        title, year = (self._columns.cell(name, row) for name in ("title", "year"))
        return described(title, int(year), self.ids[row])

    def results(self, rows: np.ndarray, scores: np.ndarray,
                scale: Optional[Scale] = None) -> List[Result]:
        """Return the films of `rows`, ranked in that order, and where their scores lie."""
        nearness = [None] * len(rows) if scale is None else scale.nearness(scores).tolist()
        return [Result(rank, score, self.movie(row), near) for rank, (row, score, near)
                in enumerate(zip(rows.tolist(), scores.tolist(), nearness), 1)]


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

