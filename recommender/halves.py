"""Embeddings kept as float16: half the disk and half the page cache of float32.

They stay mapped as they are stored; what is compared is converted a block at a time, so that memory
does not grow, and scores are float32.
"""

import numpy as np

from recommender.storage.scratch import blocks, scratch

DTYPES = ("float32", "float16")  # of embeddings; the first is what is stored by default
HALF_VERSION = 7  # format version of an index whose embeddings are float16
_BLOCK = 1024  # rows converted at once: of 384 numbers they stay in a core's cache
_FEW = 4096  # rows whose products one thread computes: of 384 numbers in a millisecond
# A float16 whose bits stand in those of a float32 is too small by this: by the difference of the
# biases of their exponents, 127 and 15.
_BIAS = np.float32(2.0 ** (127 - 15))
_KEPT = np.int32(~0x70001FFF)  # bits of sign, exponent and fraction after the shift below


def in_float32(values: np.ndarray) -> np.ndarray:
    """Return float16 values as float32 of the same shape; others as they are, without a copy.

    It takes a quarter of the time of NumPy's conversion, and gives the same numbers, but 65,536
    and more where a value is infinite or NaN.

    >>> in_float32(np.array([0.5, -2.0, 6e-8], np.float16)).tolist()
    [0.5, -2.0, 5.960464477539063e-08]
    """
    if values.dtype != np.float16:
        return values
    return _converted(values, np.empty(values.shape, np.int32))


def _converted(values: np.ndarray, bits: np.ndarray) -> np.ndarray:
    """Return float16 values as float32, in the memory of `bits`, int32 of their shape."""
    np.copyto(bits, values.view(np.int16))
    bits <<= 13
    bits &= _KEPT
    found = bits.view(np.float32)
    found *= _BIAS
    return found


def times_rows(vectors: np.ndarray, dense: np.ndarray) -> np.ndarray:
    """Return the products of float32 vectors, (d,) or (m, d), with all rows of `dense`, (n, d).

    They are float32, (n,) or (m, n).
    """
    if dense.dtype != np.float16:
        return vectors @ dense.T
    found = np.empty(vectors.shape[:-1] + (len(dense),), np.float32)
    # One for all blocks: the system takes back memory that is freed, and clears what it gives.
    bits = np.empty((min(len(dense), _BLOCK), dense.shape[1]), np.int32)
    for rows in blocks(len(dense), _BLOCK):
        found[..., rows] = vectors @ _converted(dense[rows], bits[:rows.stop - rows.start]).T
    return found


def rows_times(dense: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """Return the products of all rows of `dense`, (n, d), with a float32 vector (d,), (n,).

    Those of few rows are computed by this thread alone: to wake others takes longer, and ten times
    as long where the cores are busy.
    """
    if len(dense) <= _FEW:
        return np.einsum("ij,j->i", in_float32(dense), vector)
    return dense @ vector if dense.dtype != np.float16 else times_rows(vector, dense)


def stored_as(dense: np.ndarray, dtype: str) -> np.ndarray:
    """Return embeddings as one of DTYPES; those that are of it already without a copy."""
    if dense.dtype == dtype:
        return dense
    found = scratch(dense.shape, dtype)
    for rows in blocks(len(dense)):
        found[rows] = dense[rows]
    return found
