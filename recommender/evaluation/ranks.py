"""The rank of one right film among all, and measures of it."""

from typing import Callable, NamedTuple

import numpy as np

from recommender.evaluation.metrics import Estimate, estimate

TOP = 10  # length of the list in which the right film is looked for
_BLOCK = 256  # trials whose scores of all films are compared at once; bounds memory

Scores = Callable[[slice], np.ndarray]  # of all films for the trials of a slice, float (m, n)


class RankMeasures(NamedTuple):
    """Means over trials, with intervals.

    Attributes
    ----------
    first : Estimate
        The share of trials with the right film in the first place.
    recall : Estimate
        The share with it among TOP.
    ndcg : Estimate
        The mean of 1 / log2(rank + 1), 0 beyond TOP: nDCG of a single right film (Jaervelin and
        Kekaelaeinen 2002).
    reciprocal : Estimate
        The mean of 1 / rank (Voorhees 1999).
    """

    first: Estimate
    recall: Estimate
    ndcg: Estimate
    reciprocal: Estimate


def ranks(scores: Scores, right: np.ndarray, among: Callable[[slice], np.ndarray]) -> np.ndarray:
    """Return the rank of the right film of each trial, from 1, float64 (m,).

    Parameters
    ----------
    scores : callable
        Returns the scores of all films for the trials of a slice, float (m, n), or (1, n) if
        they are the same for all.
    right : np.ndarray
        int (m,): row of the right film.
    among : callable
        Returns which films it is ranked among for the trials of a slice, bool (m, n).

    Films with the same score as the right one count half, as if they came in any order.

    Examples
    --------
    >>> scores = np.array([[0.5, 0.9, 0.5, 0.1]])
    >>> ranks(lambda rows: scores[rows], np.array([0]), lambda rows: scores[rows] > 0).tolist()
    [2.5]
    """
    found = np.zeros(len(right))
    for start in range(0, len(right), _BLOCK):
        rows = slice(start, min(start + _BLOCK, len(right)))
        counts = among(rows)
        block = np.broadcast_to(scores(rows), counts.shape)
        at = np.arange(len(block)), right[rows]
        own = block[at][:, None]
        counts[at] = False
        found[rows] = 1 + (counts & (block > own)).sum(axis=1) + (
            counts & (block == own)).sum(axis=1) / 2
    return found


def rank_measures(found: np.ndarray, seed: int) -> RankMeasures:
    """Return the measures of ranks, (m,), with their intervals.

    >>> measures = rank_measures(np.array([1.0, 3.0, 12.0]), seed=0)
    >>> [round(each.mean, 3) for each in measures]
    [0.333, 0.667, 0.5, 0.472]
    """
    within = found <= TOP
    return RankMeasures(estimate((found <= 1).astype(np.float64), seed),
                        estimate(within.astype(np.float64), seed),
                        estimate(within / np.log2(found + 1), seed), estimate(1 / found, seed))
