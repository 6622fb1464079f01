"""Choose films that are near to a query and unlike each other."""

from typing import List

import numpy as np

from recommender.spaces import EmbeddingSpace


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
