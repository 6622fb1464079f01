"""Approximate search by FAISS: rows whose embeddings are likely near to a vector.

Two kinds of index (`build_index.py --ann`): `hnsw`, a graph of near rows, each of whose numbers
takes half a byte (Malkov and Yashunin 2018), read into memory; `ivfpq`, lists of codes of `_CODE`
bytes a row (Jégou, Douze and Schmid 2011), mapped. What they find are candidates: the cosines are
computed from the embeddings themselves.
"""

import functools
import io
from typing import Any

import numpy as np

from recommender.errors import RecommenderError
from recommender.progress import Progress, silent
from recommender.storage.companions import Companion, NewCompanions, path_of

KINDS = ("hnsw", "ivfpq")  # of build_index.py --ann
_LINKS = 24  # neighbours of a row in the graph: with 16, FAISS finds less in the same time
_WIDTH = 128  # numbers of a row that are kept, by principal components: with 64 less is found
_CODE = 48  # bytes of a row's code in `ivfpq`
_LISTS = 4  # lists of `ivfpq`, in square roots of the number of rows, as FAISS advises
_TRAINED = 100_000  # rows from which centroids are learnt; more change hardly anything
_ROUNDS = 10  # of k-means; more change hardly anything
_BLOCK = 20_000  # rows added at once


class NoFaiss(RecommenderError):
    """The error that FAISS is not installed."""


def load_faiss() -> Any:
    """Return the module `faiss`. Raises NoFaiss if it cannot be imported."""
    # Imported late for start-up time: it takes a quarter of a second, and small indexes need none.
    try:
        import faiss
    except ImportError as error:
        raise NoFaiss("faiss-cpu cannot be imported ({}): `make faiss-env` installs it".format(
            error))
    return faiss


@functools.lru_cache(1)
def n_threads() -> int:
    """Return how many threads FAISS takes by itself: as many as there are cores."""
    return int(load_faiss().omp_get_max_threads())


class Ann:
    """Approximate search among n rows.

    Parameters
    ----------
    index
        A faiss.IndexPreTransform of one linear transform and one of the indexes named above.
    """

    def __init__(self, index: Any):
        self._faiss = faiss = load_faiss()
        n_threads()  # asked before a search sets another number
        self._all = index  # keeps alive what the next two are parts of
        self._transform = faiss.downcast_VectorTransform(index.chain.at(0))
        self._index = faiss.downcast_index(index.index)
        self._is_graph = isinstance(self._index, faiss.IndexHNSW)
        self.width: int = index.d - 1  # of the embeddings
        self.n_rows: int = index.ntotal
        if not self._is_graph:
            lists = faiss.downcast_InvertedLists(self._index.invlists)
            if isinstance(lists, faiss.OnDiskInvertedLists):
                lists.prefetch_nthread = 0  # it would start threads at every search

    def search(self, vectors: np.ndarray, n: int, effort: int, threads: int = 1) -> np.ndarray:
        """Return rows likely to have the greatest products with vectors, int64 (m, n).

        Parameters
        ----------
        vectors : np.ndarray
            float32 (m, d).
        n : int
            Rows for each vector; -1 stands where fewer are found.
        effort : int
            Rows that the search of a graph keeps in view, or lists that are read: the more, the
            more of the nearest rows are found.
        threads : int
            1 for a query, as a server has threads of its own; `n_threads()` for many vectors.
        """
        faiss = self._faiss
        faiss.omp_set_num_threads(threads)  # OpenMP keeps the number for each calling thread
        asked = np.zeros((len(vectors), self.width + 1), np.float32)
        asked[:, :-1] = vectors
        if self._is_graph:
            options = faiss.SearchParametersHNSW()
            options.efSearch = max(effort, n)
        else:
            options = faiss.SearchParametersIVF()
            options.nprobe = min(effort, self._index.nlist)
        return self._index.search(self._transform.apply(asked), n, params=options)[1]

    def save(self, beside: NewCompanions, kind: str) -> Companion:
        """Write it as a companion of an index."""
        return beside.add(kind, lambda path: self._faiss.write_index(self._all, path))


def build_ann(dense: np.ndarray, kind: str, progress: Progress = silent) -> Ann:
    """Build the approximate search of embeddings.

    Parameters
    ----------
    dense : np.ndarray
        float (n, d), of n > 10,000 or so.
    kind : str
        One of KINDS.
    progress : Progress
        Advances by rows.
    """
    faiss = load_faiss()
    faiss.omp_set_num_threads(n_threads())
    n, d = dense.shape
    longest = max(float(np.einsum("ij,ij->i", block, block).max()) for block in _blocks(dense))

    def points(block: np.ndarray) -> np.ndarray:
        """Return rows all of one length, by a number more: the greatest product with a vector is
        then the least distance from it (Bachrach et al. 2014)."""
        rest = np.sqrt(np.maximum(longest - np.einsum("ij,ij->i", block, block), 0))
        return np.concatenate([block, rest[:, None]], axis=1)

    chosen = np.sort(np.random.RandomState(0).permutation(n)[:_TRAINED])
    sample = points(dense[chosen].astype(np.float32))
    width = min(d + 1, _WIDTH)
    if kind == "hnsw":
        index = faiss.index_factory(d + 1, "PCA{},HNSW{},SQ4".format(width, _LINKS))
    else:
        code = max(each for each in range(1, _CODE + 1) if each <= width)
        width = width // code * code
        index = faiss.index_factory(d + 1, "PCAR{1},IVF{2},PQ{0}np".format(
            code, width, int(_LISTS * np.sqrt(n))))
        lists = faiss.downcast_index(faiss.extract_index_ivf(index))
        lists.cp.niter = lists.pq.cp.niter = _ROUNDS
        # Else it warns where there are few rows to learn from.
        lists.cp.min_points_per_centroid = lists.pq.cp.min_points_per_centroid = 1
    index.train(sample)
    with progress("building approximate search", n) as advance:
        for block in _blocks(dense):
            index.add(points(block))
            advance(len(block))
    return Ann(index)


def _blocks(dense: np.ndarray) -> Any:
    return (dense[start:start + _BLOCK].astype(np.float32, copy=False)
            for start in range(0, len(dense), _BLOCK))


def read_ann(companion: Companion, file: io.FileIO) -> Ann:
    """Read what `Ann.save` wrote, from a companion and the file that it opened.

    Raises CompanionLost if the file is damaged, NoFaiss without FAISS, RecommenderError if FAISS
    cannot read it.
    """
    faiss = load_faiss()
    companion.check(file)  # FAISS trusts what it reads
    # Its table of products would take three times the memory of the codes to save a seventh of the
    # time of a search.
    how = faiss.IO_FLAG_MMAP | faiss.IO_FLAG_SKIP_PRECOMPUTE_TABLE
    try:
        return Ann(faiss.read_index(path_of(file), how))
    except RuntimeError as error:
        raise RecommenderError("{} cannot be read by FAISS ({}): build the index again with "
                               "build_index.py".format(companion.path, str(error).splitlines()[0]))
