"""Mend what an index stores of each film's surroundings after films came and left.

The work goes with the number of films that came: they alone are compared with all others. A list
of neighbours keeps what is left of it, takes films that came, and is found anew by comparing its
film with all others only where too little is left. Where words were weighed anew, the cosines that
are listed follow.
"""

from typing import Iterator, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from recommender.neighbours import SPARE, Products, exact_neighbours, matrix_of
from recommender.pairs import exact_pairs
from recommender.progress import Progress, silent
from recommender.ranking import PRODUCT_ERROR, top_k
from recommender.reweighing import changes, greatest_rises
from recommender.text_places import NEAREST, densest_places
from recommender.words import Reweighed, SparseRows

_BLOCK = 512  # films compared with all others at once; bounds memory to 512 x n floats
_LEAST_SHARE = 0.75  # share of the neighbours below which a list is found anew: a few films that
# left, of a hundred, cost no query its answer, and finding anew costs as much as in a whole build
# Share of the films, those that words weighed anew brought nearest to others, that are compared
# with all others as films that came: a bound that held also for them would shorten all lists.
_MOST_RISEN = 0.001
_ASKED_FOR = 10  # neighbours that every list keeps if it had them: as many as a query asks for

Neighbours = Tuple[np.ndarray, np.ndarray]  # rows int32 and cosines float64, (n, k)


class Films(NamedTuple):
    """The n films of an updated index as vectors by one recipe.

    Attributes
    ----------
    dense : np.ndarray
        float32 or float16 (n, d).
    words : SparseRows or None
        The sparse part of the rows.
    old_rows : np.ndarray
        int64 (n,): the row of each film in the index before, -1 for those whose vector is new.
    reweighed : Reweighed or None
        How the words were weighed anew, where they were.
    """

    dense: np.ndarray
    words: Optional[SparseRows]
    old_rows: np.ndarray
    reweighed: Optional[Reweighed] = None

    @property
    def came(self) -> np.ndarray:
        """Rows of the films whose vectors are new, int64, ascending."""
        return np.flatnonzero(self.old_rows < 0)

    @property
    def stayed(self) -> np.ndarray:
        """Rows of the other films, int64, ascending."""
        return np.flatnonzero(self.old_rows >= 0)

    def products(self) -> "RowProducts":
        """Return the products of these films with all of them."""
        return RowProducts(self.dense, self.words)


class RowProducts:
    """Float32 products of some rows with all; arguments as in `Products`."""

    def __init__(self, dense: np.ndarray, words: Optional[SparseRows]):
        self._dense, self._products = dense, Products(dense, words)
        self._matrix = None if words is None else matrix_of(words)

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        """Return the products of `rows` (m,) with all rows, (m, n); with itself a row has -inf."""
        found = self._products(self._dense[rows],
                               None if self._matrix is None else self._matrix[rows])
        found[np.arange(len(rows)), rows] = -np.inf
        return found


def mend_neighbours(films: Films, before: Neighbours, products: RowProducts,
                    progress: Progress = silent) -> Neighbours:
    """Return the nearest others of each film from those that were stored before.

    A list holds the nearest films, in the order in which `nearest_films` finds them. It may be
    shorter than k: then it is filled up with its own film, at the cosine that no film outside the
    list exceeds. Cosines are those that `nearest_films` finds, to the last digit; where words were
    weighed anew, within 1e-6, and films so near to equally near may come in another order.

    Parameters
    ----------
    films : Films
    before : tuple of np.ndarray
        Rows and cosines of the index before, as this returns them, for its own films.
    products : RowProducts
        Those of `films`.
    progress : Progress
        Advances by films that are compared with all others.
    """
    n, k = len(films.dense), min(before[0].shape[1], len(films.dense) - 1)
    rows, cosines = np.zeros((n, k), np.int32), np.zeros((n, k))
    if not k:
        return rows, cosines
    stayed, came = films.stayed, films.came
    lists = _what_is_left(films, before)
    bound = before[1][films.old_rows[stayed], -1]
    compared = came
    if films.reweighed is not None:
        lists, bound, risen = _by_new_weights(lists, bound, films.reweighed, stayed)
        compared = np.union1d(came, risen)

    def find_anew(these: np.ndarray, scores: np.ndarray) -> None:
        candidates = np.sort(top_k(scores, min(k + SPARE, n - 1)), axis=1)
        for row, near in zip(these.tolist(), candidates):
            rows[row], cosines[row] = exact_neighbours(films.dense, films.words, row, near, k)

    pairs = []
    for block, scores in _compared(products, compared, "comparing new films", progress):
        new, at = np.nonzero(scores[:, stayed] >= bound - PRODUCT_ERROR)
        pairs.append((at, block[new]))
        has_come = films.old_rows[block] < 0
        if has_come.any():
            find_anew(block[has_come], scores[has_come])
    lists = _joined(lists, *_exact(films, stayed, bound, pairs), bound)
    rows[stayed], cosines[stayed] = _filled(lists, stayed, bound, k)
    least = min(k, max(int(np.ceil(_LEAST_SHARE * k)), _ASKED_FOR))
    short = stayed[(lists.rows[:, :k] >= 0).sum(axis=1) < least]
    for block, scores in _compared(products, short, "comparing films", progress):
        find_anew(block, scores)
    return rows, cosines


def _compared(products: RowProducts, rows: np.ndarray, doing: str, progress: Progress
              ) -> Iterator[Tuple[np.ndarray, np.ndarray]]:
    """Yield some of `rows` after the other, (m,), with their products with all, (m, n)."""
    with progress(doing, len(rows)) as advance:
        for start in range(0, len(rows), _BLOCK):
            block = rows[start:start + _BLOCK]
            yield block, products(block)
            advance(len(block))


class _Lists(NamedTuple):
    """Neighbours of the films that stayed, (m, k), those that count first; -1 fills up."""

    rows: np.ndarray
    cosines: np.ndarray


def _what_is_left(films: Films, before: Neighbours) -> _Lists:
    """Return the lists before, without the films that left, as rows of now; the cosines before."""
    stayed = films.stayed
    old = films.old_rows[stayed]
    row_now = np.full(len(before[0]), -1, np.int64)
    row_now[old] = stayed
    near, cosines = before[0][old], before[1][old]
    rows = np.where(near == old[:, None], -1, row_now[near])
    if (np.diff(old) < 0).any():
        # Which of equally near films was the last to be listed went by another order than now.
        rows[cosines <= cosines[:, -1:]] = -1
        return _sorted(rows, cosines)
    order = np.argsort(rows < 0, axis=1, kind="stable")  # they are in their order already
    return _Lists(np.take_along_axis(rows, order, axis=1),
                  np.take_along_axis(cosines, order, axis=1))


def _by_new_weights(lists: _Lists, bound: np.ndarray, reweighed: Reweighed, stayed: np.ndarray
                    ) -> Tuple[_Lists, np.ndarray, np.ndarray]:
    """Return lists by the words' weights of now, not sorted, their bounds, and films left out.

    Of the films that stayed no other outside a list exceeds its bound. Those left out, the share
    `_MOST_RISEN` of all, are those whose cosines with others may have risen most.
    """
    scales = reweighed.scales
    greatest = np.percentile(scales, 100 * (1 - _MOST_RISEN))
    has_risen = scales > greatest
    bound = bound + greatest_rises(reweighed, greatest)[stayed]
    cosines = lists.cosines + changes(reweighed, stayed, lists.rows)
    rows = np.where(has_risen[lists.rows] | (cosines <= bound[:, None]), -1, lists.rows)
    return _Lists(rows, cosines), bound, np.flatnonzero(has_risen)


def _exact(films: Films, stayed: np.ndarray, bound: np.ndarray,
           pairs: Sequence[Tuple[np.ndarray, np.ndarray]]
           ) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the pairs whose exact cosine reaches the bound of their list, with that cosine.

    Pairs are places among `stayed`, those returned ascending, and rows.
    """
    at, new = (np.concatenate([np.zeros(0, np.int64), *(pair[i] for pair in pairs)])
               for i in range(2))
    order = np.lexsort((new, at))
    at, new = at[order], new[order]
    cosines = exact_pairs(films.dense, films.words, stayed[at], new)
    reach = cosines >= bound[at]
    return at[reach], new[reach], cosines[reach]


def _joined(lists: _Lists, at: np.ndarray, new: np.ndarray, cosines: np.ndarray,
            bound: np.ndarray) -> _Lists:
    """Return the lists with the films that came put in.

    Where one is as near as the last of a list, all as near are left out: which of them comes first
    would depend on films outside the list.
    """
    is_last = cosines == bound[at]
    lists.rows[at[is_last]] = np.where(
        lists.cosines[at[is_last]] == bound[at[is_last], None], -1, lists.rows[at[is_last]])
    at, new, cosines = at[~is_last], new[~is_last], cosines[~is_last]
    nth = np.arange(len(at)) - np.searchsorted(at, at)  # of its list
    more = int(nth.max()) + 1 if len(at) else 0
    shape = (len(lists.rows), more)
    rows, theirs = np.full(shape, -1, np.int64), np.zeros(shape)
    rows[at, nth], theirs[at, nth] = new, cosines
    return _sorted(np.hstack([lists.rows, rows]), np.hstack([lists.cosines, theirs]))


def _sorted(rows: np.ndarray, cosines: np.ndarray) -> _Lists:
    """Return lists with what counts first, the nearest first, equally near ones by their rows."""
    order = np.lexsort((rows, -cosines, rows < 0), axis=1)
    return _Lists(np.take_along_axis(rows, order, axis=1),
                  np.take_along_axis(cosines, order, axis=1))


def _filled(lists: _Lists, stayed: np.ndarray, bound: np.ndarray, k: int) -> Neighbours:
    """Return the first `k` of each list, filled up with its own film at its bound."""
    rows, cosines = lists.rows[:, :k], lists.cosines[:, :k]
    return (np.where(rows < 0, stayed[:, None], rows).astype(np.int32),
            np.where(rows < 0, bound[:, None], cosines))


def place_on_map(films: Films, before: np.ndarray, products: RowProducts) -> np.ndarray:
    """Return the films' points on the map, float32 (n, 2).

    Films that stayed keep their points of `before`, float32; those whose vectors are new come to
    the densest place of their nearest films that stayed, as a text does.
    """
    points = np.zeros((len(films.dense), 2), np.float32)
    stayed, came = films.stayed, films.came
    points[stayed] = before[films.old_rows[stayed]]
    for block, scores in _compared(products, came, "placing new films", silent):
        near = top_k(scores[:, stayed], min(NEAREST, len(stayed)))
        points[block], _ = densest_places(points[stayed[near]])
    return points
