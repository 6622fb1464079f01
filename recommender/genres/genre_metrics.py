"""Measures of predicted genres: average precision, F1, thresholds, bootstrap intervals.

All take `labels`, bool (n, g), and `scores` or `chosen` of the same shape.
"""

from typing import NamedTuple, Sequence, Tuple

import numpy as np

from recommender.evaluation.metrics import Estimate

_RESAMPLES = 500  # of the bootstrap; bounds move by a tenth of the interval with another seed


class Figures(NamedTuple):
    """Figures of one kind of model on films that it has not seen.

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

    >>> average_precision(np.array([[1], [0], [1]]) > 0, np.array([[.9], [.8], [.1]])).round(3)
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


class Answers(NamedTuple):
    """The answers of one model for the films of its test split.

    `labels` and `chosen` are bool (n, g), `probabilities` float (n, g).
    """

    labels: np.ndarray
    probabilities: np.ndarray
    chosen: np.ndarray


def figures(folds: Sequence[Answers], seed: int = 0) -> Figures:
    """Return the figures of a kind of model: means over folds.

    The intervals are percentiles of means over folds whose films are drawn again, with replacement
    (Efron and Tibshirani 1993, chapter 13).
    """
    draws = np.random.default_rng(seed)
    samples = np.empty((_RESAMPLES, 3))
    for sample in samples:
        rows = [draws.integers(0, len(fold.labels), len(fold.labels)) for fold in folds]
        sample[:] = np.mean([_three(Answers(*(part[at] for part in fold)))
                             for at, fold in zip(rows, folds)], axis=0)
    n = sum(len(fold.labels) for fold in folds)
    bounds = np.percentile(samples, (2.5, 97.5), axis=0)
    macro, micro, macro_f1 = (
        Estimate(float(mean), float(low), float(high), n) for mean, low, high in zip(
            np.mean([_three(fold) for fold in folds], axis=0), *bounds))
    of_genres = np.array([average_precision(fold.labels, fold.probabilities) for fold in folds])
    return Figures(macro, micro, macro_f1, np.nanmean(of_genres, axis=0),
                   np.mean([f1(fold.labels, fold.chosen) for fold in folds], axis=0),
                   np.sum([fold.labels.sum(axis=0) for fold in folds], axis=0))


def _three(fold: Answers) -> Tuple[float, float, float]:
    """Return macro mean average precision, micro F1 and macro F1."""
    return (macro_map(fold.labels, fold.probabilities), micro_f1(fold.labels, fold.chosen),
            float(f1(fold.labels, fold.chosen).mean()))
