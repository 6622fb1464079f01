"""Build and read what finds the nearest films of a large index: see `recommender.candidates`.

A recipe that was built with it has, in its group, `ann/effort` int64 (), the effort at which its
approximate search is asked, and `ann/recall` float64 (), the share of the ten nearest films that
was then found for films of a sample, and with stored neighbours `ann/neighbours_recall`, the share
of these; for a recipe that joins words `words/by_word/`, the inverted
file: `indptr`, `rows`, `data` and, where texts have values of their own, `text_data`. The FAISS
index is the companion `KIND-RECIPE`, such as `hnsw-mean4`.
"""

import threading
from typing import Any, Callable, Optional, Tuple

import h5py
import numpy as np

from recommender import cli
from recommender.ann import KINDS, Ann, build_ann, read_ann
from recommender.candidates import FEWEST, Candidates
from recommender.errors import RecommenderError
from recommender.postings import Postings, postings_of
from recommender.progress import Progress, each, silent
from recommender.query_vectors import film_query
from recommender.ranking import nearest_rows
from recommender.storage.companions import (
    Companion,
    CompanionLost,
    NewCompanions,
    companions_of,
)
from recommender.storage.hdf5 import PlainFile
from recommender.words import SparseRows

BY_WORD = "words/by_word/"  # group of the inverted file in that of a recipe
_WANTED = 0.99  # recall of films of the sample; texts, which are less like films, find less
# From which the least is taken.
_EFFORTS = (32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048)
_SAMPLE = 200  # films of which the ten nearest are compared: the recall is then known to 0.5 %
_K = 10


def companion_kind(kind: str, recipe: str) -> str:
    """Return the kind of the companion that holds the approximate search by a recipe."""
    return "{}-{}".format(kind, recipe)


def write_ann(group: h5py.Group, beside: NewCompanions, name: str, kind: str,
              dense: np.ndarray, words: Optional[SparseRows],
              progress: Progress = silent) -> Optional[Candidates]:
    """Build and write what finds the nearest films by a recipe.

    Parameters
    ----------
    group : h5py.Group
        The recipe's group of a new index.
    beside : NewCompanions
        Those of that index.
    name : str
        The recipe's.
    kind : str
        One of `recommender.ann.KINDS`.
    dense, words
        The rows of all films.
    progress : Progress
        Advances by films that are added, then by films of the sample.

    Returns
    -------
    Candidates or None
        None, and nothing written, for so few films that comparing all takes no longer.
    """
    if len(dense) < FEWEST:
        return None
    postings = None
    if words is not None and words.width:
        postings = postings_of(words)
        for key, values in postings._asdict().items():
            if values is not None:
                group[BY_WORD + key] = values
    ann = build_ann(dense, kind, progress) if dense.shape[1] else None
    if ann is not None:
        ann.save(beside, companion_kind(kind, name))
    effort, recall = _least_effort(dense, words, ann, postings, progress)
    group["ann/effort"], group["ann/recall"] = effort, recall
    return Candidates(dense, words, ann, postings, effort)


def _least_effort(dense: np.ndarray, words: Optional[SparseRows], ann: Optional[Ann],
                  postings: Optional[Postings], progress: Progress) -> Tuple[int, float]:
    """Return the least effort that finds enough of the nearest films of a sample, and the recall.

    If none finds enough it is the greatest.
    """
    n = len(dense)
    rows = np.linspace(0, n - 1, _SAMPLE).astype(np.int64)
    nearest = {}
    for row in each(rows, progress, "measuring approximate search", len(rows)):
        vector, counts = film_query(dense, words, row), np.arange(n) != row
        nearest[row] = nearest_rows(dense, words, vector, _K, counts)[0]
    recall = 0.0
    for effort in _EFFORTS:
        candidates, n_found = Candidates(dense, words, ann, postings, effort), 0
        for row in rows:
            found = candidates.nearest(film_query(dense, words, row), _K, np.arange(n) != row)
            n_found += _K if found is None else len(np.intersect1d(found[0], nearest[row]))
        recall = n_found / _K / len(rows)
        if recall >= _WANTED or ann is None:
            break
    return effort, recall


class StoredCandidates:
    """Parts of an index for the search of a recipe among candidates.

    It is read when first needed. What is missing is told on stderr, once, and then all films are
    compared.

    Parameters
    ----------
    file : PlainFile
        The index.
    name : str
        The recipe.
    group : str
        Its group in the file.

    Attributes
    ----------
    recall : float or None
        The share of the ten nearest films that was found for films of a sample; None where the
        recipe was built without approximate search.
    neighbours_recall : float or None
        The same share of the stored neighbours, None where there are none.
    """

    def __init__(self, file: PlainFile, name: str, group: str):
        self._file, self._group = file, group
        self._lock, self._is_read = threading.Lock(), False
        self._found: Optional[Candidates] = None
        self.recall: Optional[float] = None
        self.neighbours_recall: Optional[float] = None
        self._ann: Optional[Callable[[], Ann]] = None
        if file.holds(group + "ann"):
            self.recall = float(file.array(group + "ann/recall", np.float64, ()))
            if file.holds(group + "ann/neighbours_recall"):
                self.neighbours_recall = float(file.array(
                    group + "ann/neighbours_recall", np.float64, ()))
            named = companions_of(file)
            self._ann = _opened(next((named[companion_kind(kind, name)] for kind in KINDS
                                      if companion_kind(kind, name) in named), None))

    def read(self, dense: np.ndarray, words: Optional[SparseRows]) -> Optional[Candidates]:
        """Return the search among the rows of all films, None where there is none."""
        if self.recall is None:
            return None
        with self._lock:
            if not self._is_read:
                self._is_read = True
                self._found = self._candidates(dense, words)
        return self._found

    def _candidates(self, dense: np.ndarray, words: Optional[SparseRows]) -> Optional[Candidates]:
        effort = int(self._file.array(self._group + "ann/effort", np.int64, ()))
        ann = None
        try:
            if self._ann is not None:
                ann = self._ann()
                if (ann.n_rows, ann.width) != dense.shape:
                    raise self._file.refuse("its approximate search is of other films")
        except RecommenderError as error:
            cli.note("{}; until then all films are compared".format(error))
        return Candidates(dense, words, ann, self._postings(words), effort)

    def _postings(self, words: Optional[SparseRows]) -> Optional[Postings]:
        if words is None:
            return None
        def array(name: str, dtype: Any) -> np.ndarray:
            return self._file.array(self._group + BY_WORD + name, dtype, (None,))

        postings = Postings(array("indptr", np.int64), array("rows", np.int32),
                            array("data", np.float32), None if words.text_data is None
                            else array("text_data", np.float32))
        if not postings.is_whole(words):
            raise self._file.refuse("the inverted file of its words is damaged")
        return postings


def _opened(companion: Optional[Companion]) -> Optional[Callable[[], Ann]]:
    """Open a companion and return a function that reads it, or raises why it cannot."""
    if companion is None:
        return None
    try:
        file = companion.open()
    except CompanionLost as error:
        lost = error

        def fail() -> Ann:
            raise lost

        return fail

    def read() -> Ann:
        with file:
            return read_ann(companion, file)

    return read
