"""Genre models without a network: what the trained ones are compared with.

Each is one-versus-rest logistic regression, its regularisation chosen on the validation films,
or knows only how frequent the genres are. A model sees the labels of the training films alone.
"""

import warnings
from typing import Callable, NamedTuple

import numpy as np
from scipy import sparse
from scipy.special import expit
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from recommender.genres.genre_metrics import macro_map
from recommender.genres.splits import GenreTask, Split

_STRENGTHS = {"words": (1.0, 10.0, 100.0), "numbers": (0.001, 0.003, 0.01, 0.03, 0.1)}  # C's tried


class Linear(NamedTuple):
    """A linear model of features as they are: logits = features @ kernel + bias.

    `kernel` is float64 (d, g), `bias` float64 (g,).
    """

    kernel: np.ndarray
    bias: np.ndarray


def majority(task: GenreTask, split: Split) -> np.ndarray:
    """Return for every film the share of each genre among the training films, (n, g)."""
    return np.tile(task.labels[split.train].mean(axis=0), (len(task.movies), 1))


def tfidf(task: GenreTask, split: Split) -> np.ndarray:
    """Return probabilities (n, g) by the words of the overviews; the vocabulary is of training."""
    texts = [movie.overview for movie in task.movies]
    vectorizer = TfidfVectorizer(sublinear_tf=True, min_df=2)
    vectorizer.fit([texts[row] for row in split.train])
    vectors = vectorizer.transform(texts)
    return expit(_best("words", vectors, task, split)[1])


def frozen(features: np.ndarray, task: GenreTask, split: Split) -> np.ndarray:
    """Return probabilities (n, g) by embeddings (n, d)."""
    linear = linear_probe(features, task, split)
    return expit(features @ linear.kernel + linear.bias)


def linear_probe(features: np.ndarray, task: GenreTask, split: Split) -> Linear:
    """Return the logistic regression of embeddings (n, d), made for features as they are."""
    mean, scale = features[split.train].mean(axis=0), features[split.train].std(axis=0)
    scale = np.where(scale > 0, scale, 1)
    linear, _ = _best("numbers", (features - mean) / scale, task, split)
    kernel = linear.kernel / scale[:, None]
    return Linear(kernel, linear.bias - mean @ kernel)


def _best(kind: str, vectors: np.ndarray, task: GenreTask, split: Split) -> tuple:
    """Return the model that ranks the validation films best, and its logits of all films."""
    found = []
    for strength in _STRENGTHS[kind]:
        linear = _fit(vectors[split.train], task.labels[split.train], strength)
        logits = vectors @ linear.kernel + linear.bias
        quality = macro_map(task.labels[split.validation], logits[split.validation])
        found.append((quality, linear, logits))
    return max(found, key=lambda each: each[0])[1:]


def _fit(vectors: np.ndarray, labels: np.ndarray, strength: float) -> Linear:
    """Return a logistic regression for each column of `labels`; classes count by their sizes."""
    kernel, bias = np.zeros((vectors.shape[1], labels.shape[1])), np.zeros(labels.shape[1])
    solver = "liblinear" if sparse.issparse(vectors) else "lbfgs"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for genre in range(labels.shape[1]):
            share = labels[:, genre].mean()
            if not 0 < share < 1:  # nothing to tell apart
                bias[genre] = -20.0 if share == 0 else 20.0
                continue
            weights = {0: 1.0, 1: float(np.sqrt((1 - share) / share))}
            model = LogisticRegression(C=strength, class_weight=weights, solver=solver,
                                       max_iter=300, random_state=0)
            model.fit(vectors, labels[:, genre])
            kernel[:, genre] = model.coef_[0]
            # The weights make the genre look more frequent than it is; this takes them back.
            bias[genre] = model.intercept_[0] - np.log(weights[1])
    return Linear(kernel, bias)


Baseline = Callable[[GenreTask, Split], np.ndarray]
