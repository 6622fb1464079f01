"""Choose films that are near to a query and unlike each other."""

from typing import List

import numpy as np

from recommender.errors import WrongQuery
from recommender.spaces import EmbeddingSpace

_POOL = 4  # candidates for each film of a varied answer, so that k are chosen from 4 k
_SMALLEST_POOL = 100  # candidates at least, so that few films are varied, too


def n_candidates(k: int, diverse: float) -> int:
    """Return how many nearest films are needed to choose `k` of them.

    Raises WrongQuery if either is out of range.
    """
    if k < 1:
        raise WrongQuery("k is {}, at least 1 is needed".format(k))
    if not 0 <= diverse <= 1:
        raise WrongQuery("diverse is {}, a number from 0 to 1 is needed".format(diverse))
    return max(_POOL * k, _SMALLEST_POOL) if diverse else k


def varied(space: EmbeddingSpace, rows: np.ndarray, scores: np.ndarray, k: int,
           diverse: float) -> np.ndarray:
    """Return places in `rows` of `k` films that are near but not all alike, int64 (k,).

    Maximal marginal relevance, Carbonell and Goldstein 1998: the next film is always the one with
    the greatest (1 - diverse) * score - diverse * cosine with the most similar chosen before it.

    Parameters
    ----------
    space : EmbeddingSpace
    rows : np.ndarray
        Candidates, int (n,).
    scores : np.ndarray
        Their scores, float (n,).
    k : int
    diverse : float
        From 0 to 1.
    """
    dense, words = space.rows(rows)
    closest = np.full(len(rows), -1.0)
    left = np.ones(len(rows), bool)
    chosen: List[int] = []
    for _ in range(min(k, len(rows))):
        worth = (1 - diverse) * scores - diverse * closest
        at = int(np.argmax(np.where(left, worth, -np.inf)))
        chosen.append(at)
        left[at] = False
        cosines = dense @ dense[at]
        if words is not None:
            cosines = cosines + words.dot(words.row(at))
        closest = np.maximum(closest, cosines)
    return np.array(chosen, np.int64)
