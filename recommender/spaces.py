"""Read one recipe of an index: all films as vectors, and the films nearest to a vector.

A recipe has a group of its own, `recipes/NAME/`: `embeddings` float32 (n, d), contiguous, or
float16 in an index of `halves.HALF_VERSION`; for a recipe that joins words the sparse
`words/indptr`, `words/indices` and `words/data`, which make rows of length 1 together with the
embeddings, and for some recipes `words/text_data`, the values with which texts are compared; what
the recipe learnt, under `learnt/`. There may be a `map` float32 (n, 2) of the films; the nearest
others of each film, `neighbours/rows` int32 (n, k) and `neighbours/cosines` float64 (n, k); the
`regions/` of the map (see `recommender.regions`); and scales of scores (see `recommender.scale`),
`scale/films`, `scale/texts` and, where words are joined with BERT, `scale/texts_by_bert`, float32
(2, q): cosines with any film and with the nearest.
"""

import threading
from typing import Dict, Optional, Sequence, Tuple

import numpy as np

from recommender.ann_building import StoredCandidates
from recommender.drift import mean_of
from recommender.errors import NothingFound, RecommenderError
from recommender.halves import DTYPES, HALF_VERSION, in_float32, rows_times
from recommender.query_vectors import AnyVector, QueryVector, film_query
from recommender.ranking import nearest_rows, unit
from recommender.recipes import Recipe, open_recipe, read_learnt
from recommender.regions import Regions, read_regions
from recommender.scale import Scale
from recommender.source import Source
from recommender.storage.hdf5 import PlainFile
from recommender.storage.shards import Settings
from recommender.words import SparseRows, joined_row

GROUP = "recipes/{}/"  # of a recipe in an index
# Datasets of `words/`, with their dtypes.
WORDS = {"indptr": np.int64, "indices": np.int32, "data": np.float32}


class EmbeddingSpace:
    """All films of an index as vectors, by one of its recipes.

    Opening maps the embeddings into memory; what is not asked for is not read.

    Parameters
    ----------
    file : PlainFile
        The index.
    name : str
        Name of the recipe.
    n : int
        Number of films.
    features : Settings
        Settings of the features that the index was built from.

    Raises
    ------
    RecommenderError
        If the file does not hold the recipe as described above.

    Attributes
    ----------
    recipe : Recipe
        The recipe; `fitted_recipe` has also what it learnt.
    features : Settings
    path : str
        Path of the index.
    dtype : str
        One of `recommender.halves.DTYPES`: that of the embeddings as stored.
    has_map : bool
        True if the index was built with a map.
    candidates : StoredCandidates
        What `build_index.py --ann` added, which finds the nearest films of many sooner.
    """

    def __init__(self, file: PlainFile, name: str, n: int, features: Settings):
        self._file, self._group, self._n = file, GROUP.format(name), n
        self.path, self.features = file.path, features
        self.recipe = open_recipe(file, name, features)
        self.dtype = DTYPES[file.attribute("format_version", int) == HALF_VERSION]
        self._embeddings = file.array(self._group + "embeddings", self.dtype, (n, None))
        self._words = self._read_words()
        self.has_map = file.holds(self._group + "map")
        self._neighbours: Optional[Tuple[np.ndarray, np.ndarray]] = None
        if file.holds(self._group + "neighbours"):
            rows = file.array(self._group + "neighbours/rows", np.int32, (n, None))
            self._neighbours = rows, file.array(self._group + "neighbours/cosines", np.float64,
                                                rows.shape)
        self.candidates = StoredCandidates(file, name, self._group)
        self._scales: Dict[str, Optional[Scale]] = {}
        self._has_learnt, self._lock = False, threading.Lock()

    def __repr__(self) -> str:
        return "EmbeddingSpace({!r}: {:,} films as {} numbers and {} words, recipe {})".format(
            self.path, self._n, self._embeddings.shape[1], self._words.width, self.recipe.name)

    def _read_words(self) -> SparseRows:
        """Return the sparse part of the rows, without columns if the recipe joins no words."""
        group = self._group + "words"
        if not self._file.holds(group):
            return SparseRows(np.zeros(self._n + 1, np.int64), np.zeros(0, np.int32),
                              np.zeros(0, np.float32), 0)
        for_texts = self._file.array(group + "/text_data", np.float32, (
            None,)) if self._file.holds(group + "/text_data") else None
        words = SparseRows(width=int(self._file.array(group + "/width", np.int64, ())),
                           text_data=for_texts,
                           **{name: self._file.array(group + "/" + name, dtype, (None,))
                              for name, dtype in WORDS.items()})
        if not words.is_whole(self._n):
            raise self._file.refuse("the words of the films are damaged")
        return words

    def map(self) -> np.ndarray:
        """Return the films' points on the map, float32 (n, 2), from 0 to 1.

        Raises NothingFound if the index was built without a map.
        """
        if not self.has_map:
            raise NothingFound("{} has no map: build it with build_index.py --map".format(
                self.path))
        return self._file.array(self._group + "map", np.float32, (self._n, 2))

    def neighbours(self) -> Optional[Tuple[np.ndarray, np.ndarray]]:
        """Return the stored neighbours, rows int32 and cosines float64 (n, k), or None without.

        A list that an update shortened is filled up with its own film, at a cosine that no film
        outside the list exceeds. Cosines of a list of before by words that were weighed anew are
        within 1e-6 of those of the vectors.

        Raises RecommenderError if they are damaged.
        """
        if self._neighbours is not None:
            self._check_neighbours(*self._neighbours)
        return self._neighbours

    def _check_neighbours(self, rows: np.ndarray, cosines: np.ndarray) -> None:
        if ((rows < 0) | (rows >= self._n) | ~np.isfinite(cosines)).any():
            raise self._file.refuse("neighbours are damaged")

    def mean_when_built(self) -> np.ndarray:
        """Return the mean embedding of all films at the last whole build, float64 (d,)."""
        name, d = self._group + "mean_when_built", self.n_numbers
        if self._file.holds(name):
            return self._file.array(name, np.float64, (d,))
        return mean_of(self._embeddings)

    def regions(self) -> Regions:
        """Return the named regions of the map; none if the index was built without them."""
        return read_regions(self._file, self._group)

    def scale(self, of: str) -> Optional[Scale]:
        """Return the scale "films", "texts" or "texts_by_bert", or None where there is none."""
        if of not in self._scales:
            self._scales[of] = self._read_scale("{}scale/{}".format(self._group, of))
        return self._scales[of]

    def _read_scale(self, name: str) -> Optional[Scale]:
        if not self._file.holds(self._group + "scale") or not self._file.holds(name):
            return None
        quantiles = self._file.array(name, np.float32, (2, None))
        if not quantiles.shape[1] or not np.isfinite(quantiles).all():
            raise self._file.refuse("its scale of scores is damaged")
        return Scale(*quantiles)

    def embedding(self, row: int) -> np.ndarray:
        """Return the embedding of a film, float32 (d + width,), length 1; the words come last."""
        return joined_row(self._embeddings, self._words, row)

    def film_query(self, row: int) -> QueryVector:
        """Return the embedding of a film as other films are compared with it."""
        return film_query(*self.all_rows(), row)

    def add_film(self, vector: np.ndarray, row: int, weight: float = 1.0) -> None:
        """Add the embedding of a film, times `weight`, to a vector (d + width,) or longer."""
        d, (columns, values) = self.n_numbers, self._words.of_row(row)
        vector[:d] += weight * in_float32(self._embeddings[row])
        vector[d + columns] += weight * values

    @property
    def n_numbers(self) -> int:
        """Numbers of the embedding of a film without its words."""
        return self._embeddings.shape[1]

    @property
    def width_of_texts(self) -> int:
        """Numbers of the vector of a text."""
        return self.n_numbers + self._words.text_width

    def rows(self, rows: np.ndarray) -> Tuple[np.ndarray, Optional[SparseRows]]:
        """Return the embeddings of some films: dense, float32 (m, d), and the words if any."""
        return (in_float32(self._embeddings[rows]),
                self._words.take(rows) if self._words.width else None)

    def all_rows(self) -> Tuple[np.ndarray, Optional[SparseRows]]:
        """Return the embeddings of all films as stored, without a copy, and the words if any."""
        return self._embeddings, self._words if self._words.width else None

    def embed(self, source: Source) -> np.ndarray:
        """Embed a text by the recipe, float32 (d + text_width of the words,), length 1.

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

    def of_no_film(self, text: str) -> Tuple[Tuple[str, ...], float]:
        """Return the words of a text that no film has, and how long its vector is without them.

        As `Recipe.of_no_film`.
        """
        return self.fitted_recipe().of_no_film(text)

    def fitted_recipe(self) -> Recipe:
        """Return the recipe with what it learnt, which is read at the first call."""
        with self._lock:
            if not self._has_learnt:
                read_learnt(self.recipe, self._file, self._group, self.features,
                            self.width_of_texts)
                self._has_learnt = True
        return self.recipe

    def nearest(self, vector: AnyVector, k: int, without: Sequence[int] = (),
                where: Optional[np.ndarray] = None) -> Tuple[np.ndarray, np.ndarray]:
        """Return the rows of the `k` nearest films to a vector, the nearest first.

        Parameters
        ----------
        vector : np.ndarray or QueryVector
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
        counts = np.ones(self._n, bool) if where is None else where.copy()
        counts[list(without)] = False
        return self.nearest_candidates(vector, k, counts) or nearest_rows(
            self._embeddings, self._words, vector, k, counts)

    def nearest_candidates(self, vector: AnyVector, k: int, where: np.ndarray
                           ) -> Optional[Tuple[np.ndarray, np.ndarray]]:
        """Return what `nearest` does if it can be found without comparing all films, else None."""
        found = self.candidates.read(*self.all_rows())
        return None if found is None else found.nearest(vector, k, where)

    @property
    def finds_candidates(self) -> bool:
        """True if the nearest films of many are found without comparing all."""
        found = self.candidates.read(*self.all_rows())
        return found is not None and (found.ann is not None or not self.n_numbers)

    @property
    def joins_words(self) -> bool:
        """True for a recipe of words and BERT."""
        return bool(self._words.width and self.n_numbers)

    def nearest_by_bert(self, vector: np.ndarray) -> float:
        """Return the greatest product of the films with a vector (d + width,), its words left out.

        The rest of the vector is taken at length 1.
        """
        asked = unit(vector[:self.n_numbers]).astype(np.float32)
        candidates = self.candidates.read(*self.all_rows())
        found = None if candidates is None else candidates.greatest_product(asked)
        return float(rows_times(self._embeddings, asked).max()) if found is None else found

    def nearest_to_film(self, row: int, k: int,
                        where: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        """Return what `nearest` finds for the embedding of a film, without that film.

        It is read from the stored neighbours of the film if `k` of them count.
        """
        stored = self.stored_neighbours(row, k, where)
        return stored or self.nearest(self.film_query(row), k, [row], where)

    def stored_neighbours(self, row: int, k: int,
                          where: np.ndarray) -> Optional[Tuple[np.ndarray, np.ndarray]]:
        """Return what `nearest_to_film` does if `k` of the film's stored neighbours count, as no
        other film is nearer than those; else None."""
        if self._neighbours is not None:
            near, cosines = self._neighbours[0][row], self._neighbours[1][row]
            self._check_neighbours(near, cosines)
            # A list that an update shortened is filled up with the film itself.
            among = np.flatnonzero(where[near] & (near != row))[:k]
            if len(among) == k:
                return near[among], cosines[among]
        return None
