"""Offline metrics from metadata that no recipe reads.

All take `top`, int (n, k): the rows of the k films recommended for each of n films, the best
first. A metric of single films returns a float64 array with a value for each film that counts.
"""

from typing import Any, Callable, Dict, NamedTuple, Optional, Sequence, Tuple

import numpy as np
from scipy import sparse, stats

from recommender.evaluation.chance import expected_co_likes

_BLOCK = 256  # films whose keywords are compared with all others at once; bounds memory


class Estimate(NamedTuple):
    """A mean over `n` films and its 95 % interval; mean and bounds are None if no film counts."""

    mean: Optional[float]
    low: Optional[float]
    high: Optional[float]
    n: int


def estimate(values: np.ndarray, seed: int) -> Estimate:
    """Return the mean of `values` with its percentile bootstrap interval of 1,000 resamples.

    Efron and Tibshirani 1993, chapter 13.
    """
    n = len(values)
    if n < 2:
        mean = float(values[0]) if n else None
        return Estimate(mean, mean, mean, n)
    return Estimate(float(values.mean()), *_interval((values,), np.mean, seed), n)


def ratio(values: np.ndarray, base: np.ndarray, groups: np.ndarray, seed: int) -> Estimate:
    """Return the mean of `values` divided by that of `base`, (n,), which belong together in pairs.

    The percentile bootstrap of 1,000 resamples draws whole groups, those of the same number in
    `groups`, int (n,). Without a mean where `base` is 0 in so many pairs that a bound has no value.

    Examples
    --------
    >>> hits, theirs = np.array([1.0, 1.0, 1.0, 0.0]), np.array([1.0, 0.0, 1.0, 0.0])
    >>> ratio(hits, theirs, np.array([0, 0, 1, 1]), seed=0)
    Estimate(mean=1.5, low=1.0, high=2.0, n=4)
    >>> ratio(hits, np.zeros(4), np.arange(4), seed=0).mean is None
    True
    """
    group = np.unique(groups, return_inverse=True)[1]
    sums = np.bincount(group, values), np.bincount(group, base)

    def of_sums(ours: np.ndarray, theirs: np.ndarray, axis: int = -1) -> np.ndarray:
        return ours.sum(axis) / theirs.sum(axis)

    with np.errstate(all="ignore"):
        mean = float(of_sums(*sums))
        low, high = _interval(sums, of_sums, seed) if len(sums[0]) > 1 else (mean, mean)
    if not np.isfinite([mean, low, high]).all():
        return Estimate(None, None, None, len(values))
    return Estimate(mean, low, high, len(values))


def _interval(samples: Tuple[np.ndarray, ...], statistic: Callable[..., np.ndarray],
              seed: int) -> Tuple[float, float]:
    """Return the bounds of the 95 % percentile bootstrap interval of 1,000 resamples.

    Samples are drawn together: the values at one place belong to each other.
    """
    found = stats.bootstrap(samples, statistic, n_resamples=1000, paired=True,
                            batch=max(1, 10 ** 7 // len(samples[0])), method="percentile",
                            random_state=seed)
    low, high = map(float, found.confidence_interval)
    return low, high


def collection_recall(top: np.ndarray, collections: Sequence[Optional[int]],
                      asked: Optional[np.ndarray] = None) -> Tuple[np.ndarray, np.ndarray]:
    """Return same-collection recall and hit of each film that shares its collection.

    Recall is the share of the other films of the collection, or of k if there are more, that was
    recommended; hit is 1 if at least one was, else 0.

    Parameters
    ----------
    top : np.ndarray
        int (n, k).
    collections : sequence of int or None
        The collection of each film, if any.
    asked : np.ndarray, optional
        bool (n,): films that may count; by default all.

    Examples
    --------
    >>> recall, hit = collection_recall(np.array([[1, 2], [2, 0], [0, 1]]), [7, None, 7])
    >>> recall.tolist(), hit.tolist()
    ([1.0, 1.0], [1.0, 1.0])
    """
    codes = np.unique([-1 if c is None else c for c in collections], return_inverse=True)[1]
    belongs = np.array([c is not None for c in collections])
    others = np.bincount(codes)[codes] - 1
    counts = belongs & (others > 0) & (True if asked is None else asked)
    found = (codes[top] == codes[:, None]).sum(axis=1)[counts]
    return found / np.minimum(others[counts], top.shape[1]), (found > 0).astype(np.float64)


def genre_jaccard(top: np.ndarray, genres: Sequence[Sequence[str]],
                  asked: Optional[np.ndarray] = None) -> np.ndarray:
    """Return the mean Jaccard index of a film's genres with those of its recommendations.

    Films without genres do not count; recommended ones without genres add 0. `asked` as in
    `collection_recall`.
    """
    has = _matrix(genres)
    rows = np.flatnonzero((has.getnnz(axis=1) > 0) & (True if asked is None else asked))
    return np.array([_jaccard(has, rows, top[rows, rank])
                     for rank in range(top.shape[1])]).mean(axis=0)


def keyword_ndcg(top: np.ndarray, keywords: Sequence[Sequence[Any]]) -> np.ndarray:
    """Return the normalised discounted cumulative gain of recommendations by shared keywords.

    The gain of a film is the Jaccard index of its keywords with those of the film asked for;
    DCG = sum of gain / log2(rank + 1) (Jaervelin and Kekaelaeinen 2002), divided by that of the
    best possible list. Films that share a keyword with no other do not count.
    """
    has = _matrix(keywords)
    n, k = top.shape
    discount = 1 / np.log2(np.arange(2, k + 2))
    sizes = has.getnnz(axis=1).astype(np.float64)
    found = []
    for start in range(0, n, _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, n))
        shared = (has[rows] @ has.T).toarray()
        gains = shared / np.maximum(sizes[rows, None] + sizes - shared, 1)
        gains[np.arange(len(rows)), rows] = 0
        ideal = -np.sort(np.partition(-gains, k - 1, axis=1)[:, :k], axis=1) @ discount
        real = np.take_along_axis(gains, top[rows], axis=1) @ discount
        found.append(real[ideal > 0] / ideal[ideal > 0])
    return np.concatenate(found)


def people_agreement(top: np.ndarray, likes: sparse.csr_matrix) -> np.ndarray:
    """Return how far films and their recommendations share users beyond what popularity explains.

    `likes` (n, n_users) is 1 where a user likes a film. A pair's agreement is the cosine of
    their columns of users (Sarwar et al. 2001) minus the cosine that is expected if all people
    picked as many films as they like by popularity alone: (|A and B| - E) / sqrt(|A| |B|), with
    E of `expected_co_likes`. A film's value is the mean over its recommendations; films that
    nobody likes do not count.
    """
    sizes = likes.getnnz(axis=1)
    asked = np.flatnonzero(sizes)
    found = np.zeros(len(asked))
    expected = expected_co_likes(likes, np.repeat(asked, top.shape[1]), top[asked].ravel())
    for rank in range(top.shape[1]):
        other = top[asked, rank]
        both = np.asarray(likes[asked].multiply(likes[other]).sum(axis=1)).ravel()
        scale = np.sqrt(sizes[asked] * np.maximum(sizes[other], 1.0))
        found += (both - expected[rank::top.shape[1]]) / scale
    return found / top.shape[1]


def hubness(top: np.ndarray) -> Tuple[float, int]:
    """Return the share of films never recommended, and the count of the most frequent one."""
    counts = np.bincount(top.ravel(), minlength=len(top))
    return float((counts == 0).mean()), int(counts.max())


def _matrix(labels: Sequence[Sequence[Any]]) -> sparse.csr_matrix:
    """Return a matrix (n, n_labels) with 1 where a film has a label."""
    places: Dict[Any, int] = {}
    of_film = [sorted({places.setdefault(label, len(places)) for label in film})
               for film in labels]
    indptr = np.cumsum([0] + [len(film) for film in of_film])
    indices = np.fromiter((place for film in of_film for place in film), np.int32, indptr[-1])
    return sparse.csr_matrix((np.ones(len(indices)), indices, indptr),
                             shape=(len(labels), max(len(places), 1)))


def _jaccard(has: sparse.csr_matrix, rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the Jaccard index of each of `rows` with its partner in `others`, (m,)."""
    sizes = has.getnnz(axis=1)
    shared = np.asarray(has[rows].multiply(has[others]).sum(axis=1)).ravel()
    return shared / (sizes[rows] + sizes[others] - shared)
