"""Measures of predicted genres: average precision, F1, thresholds, bootstrap intervals.

All take `labels`, bool (n, g), and `scores` or `chosen` of the same shape.
"""

from typing import Dict, NamedTuple

import numpy as np

from recommender.evaluation.metrics import Estimate

_RESAMPLES = 500  # of the bootstrap; bounds move by a tenth of the interval with another seed


class Figures(NamedTuple):
    """Figures of one model on films that it has not seen.

    Attributes
    ----------
    macro_map, micro_f1, macro_f1 : Estimate
        Mean average precision over genres, and F1 of all decisions and of the mean genre, with
        95 % intervals over films.
    average_precision, f1 : np.ndarray
        float64 (g,), by genre.
    n_films : np.ndarray
        int (g,): films of each genre.
    """

    macro_map: Estimate
    micro_f1: Estimate
    macro_f1: Estimate
    average_precision: np.ndarray
    f1: np.ndarray
    n_films: np.ndarray


def average_precision(labels: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return the average precision of each genre, float64 (g,); NaN where no film has it.

    The mean, over the films of the genre, of the precision at the film's rank; equal scores share
    a rank (Manning et al. 2008, Introduction to Information Retrieval, section 8.4).

    >>> average_precision(np.array([[True], [False], [True]]), np.array([[.9], [.8], [.1]])).round(3)
    array([0.833])
    """
    found = np.full(labels.shape[1], np.nan)
    for genre in range(labels.shape[1]):
        order = np.argsort(-scores[:, genre], kind="stable")
        ranked, hits = scores[order, genre], labels[order, genre]
        if not hits.any():
            continue
        # Equal scores count as one group, whose precision is that at its end.
        ends = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
        n_hits = np.cumsum(hits)[ends]
        found[genre] = (np.diff(n_hits, prepend=0) * n_hits / (ends + 1)).sum() / n_hits[-1]
    return found


def macro_map(labels: np.ndarray, scores: np.ndarray) -> float:
    """Return the mean of the average precisions of the genres that any film has."""
    found = average_precision(labels, scores)
    return float(np.nanmean(found)) if (~np.isnan(found)).any() else 0.0


def f1(labels: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Return F1 = 2 TP / (2 TP + FP + FN) of each genre, float64 (g,); 0 where all are 0."""
    return _f1((labels & chosen).sum(axis=0), labels.sum(axis=0) + chosen.sum(axis=0))


def micro_f1(labels: np.ndarray, chosen: np.ndarray) -> float:
    """Return F1 of all decisions together."""
    return float(_f1((labels & chosen).sum(), labels.sum() + chosen.sum()))


def _f1(both: np.ndarray, total: np.ndarray) -> np.ndarray:
    return 2 * both / np.maximum(total, 1)


def best_thresholds(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Return for each genre the threshold with the best F1 on these films, float64 (g,).

    A threshold lies halfway between two neighbouring probabilities. A genre that no film has gets
    0.5. Choose them on validation films: on the films that are measured they would flatter.
    """
    found = np.full(labels.shape[1], 0.5)
    for genre in np.flatnonzero(labels.any(axis=0)):
        order = np.argsort(-probabilities[:, genre], kind="stable")
        ranked, hits = probabilities[order, genre], np.cumsum(labels[order, genre])
        n_chosen = np.arange(1, len(order) + 1)
        quality = 2 * hits / (n_chosen + hits[-1])
        following = np.append(ranked[1:], 0.0)
        quality[ranked == following] = -1  # a threshold cannot part equal probabilities
        best = int(quality.argmax())
        found[genre] = (ranked[best] + following[best]) / 2
    return found


def figures(labels: np.ndarray, probabilities: np.ndarray, chosen: np.ndarray,
            seed: int = 0) -> Figures:
    """Return the figures of a model, with percentile bootstrap intervals over films."""
    n = len(labels)
    draws = np.random.default_rng(seed)
    samples: Dict[str, list] = {"macro_map": [], "micro_f1": [], "macro_f1": []}
    for _ in range(_RESAMPLES):
        rows = draws.integers(0, n, n)
        samples["macro_map"].append(macro_map(labels[rows], probabilities[rows]))
        samples["micro_f1"].append(micro_f1(labels[rows], chosen[rows]))
        samples["macro_f1"].append(f1(labels[rows], chosen[rows]).mean())
    of_genres = f1(labels, chosen)
    means = {"macro_map": macro_map(labels, probabilities), "micro_f1": micro_f1(labels, chosen),
             "macro_f1": float(of_genres.mean())}
    estimates = {name: Estimate(mean, *map(float, np.percentile(samples[name], (2.5, 97.5))), n)
                 for name, mean in means.items()}
    return Figures(average_precision=average_precision(labels, probabilities), f1=of_genres,
                   n_films=labels.sum(axis=0), **estimates)
