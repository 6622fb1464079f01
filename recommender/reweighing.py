"""Changes of cosines between films whose words were weighed anew, and a bound on them.

A row keeps its numbers and the length of its words, so that only the product of the words changes.
"""

import numpy as np
from scipy import sparse

from recommender.neighbours import matrix_of
from recommender.words import Reweighed

_CELLS = 1 << 21  # cells of the table of films' words made at once, 16 bytes each: 32 MB
_ROUNDING = 1e-6  # greatest sum of the errors of a cosine in float32 and of a change of it


def changes(reweighed: Reweighed, films: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return how far the cosines of films, rows (m,), with others, (m, k), changed, (m, k)."""
    words, ratios, scales = reweighed
    matrix, k = matrix_of(words), others.shape[1]
    found = np.zeros(others.shape)
    at_once = min(max(1, _CELLS // max(words.width, 1)), len(films))
    table = np.zeros((at_once * words.width, 2))  # a stretch a film: words now, words before
    for start in range(0, len(films), at_once):
        block = films[start:start + at_once]
        ours, theirs = matrix[block], matrix[others[start:start + at_once].ravel()]
        begins = np.arange(len(block), dtype=np.int32) * words.width
        cells = ours.indices + np.repeat(begins, np.diff(ours.indptr))
        factors = ratios[ours.indices] ** 2 * np.repeat(scales[block], np.diff(ours.indptr))
        table[cells] = np.stack([ours.data, ours.data / factors], axis=1)
        # Each other row's words are moved to the stretch of its film: one product does them all.
        n_words = theirs.indptr[k::k] - theirs.indptr[:-k:k]
        columns = theirs.indices + np.repeat(begins, n_words)
        products = sparse.csr_matrix((theirs.data, columns, theirs.indptr),
                                     shape=(theirs.shape[0], len(table))) @ table
        table[cells] = 0
        products = products.reshape(len(block), k, 2)
        found[start:start + at_once] = (
            products[..., 0] - products[..., 1] / scales[others[start:start + at_once]])
    return found


def greatest_rises(reweighed: Reweighed, greatest_scale: float) -> np.ndarray:
    """Return a bound on the rise of the cosines of each row with others, float64 (n,).

    It holds for all others whose scale is at most `greatest_scale`, call it t. The product of the
    words of rows w and v was the sum of w_c v_c, and is that of r_c^2 s t_v w_c v_c. No value is
    negative, so it rose by at most the sum of (r_c^2 s t - 1)+ w_c v_c, which is at most the
    product of the lengths of (r_c^2 s t - 1)+ w_c and of v (Cauchy and Schwarz).
    """
    words, ratios, scales = reweighed
    found = np.empty(len(scales))
    for rows, values, row_of in words.in_blocks():
        of_columns = ratios[words.indices[values]]
        factors = of_columns * scales[rows][row_of]
        risen = np.maximum(of_columns * factors * greatest_scale - 1, 0) / factors
        found[rows] = np.bincount(row_of, np.square(risen * words.data[values]),
                                  rows.stop - rows.start)
    return np.sqrt(found) * words.lengths().max() + _ROUNDING
