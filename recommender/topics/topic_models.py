"""Two ways to find topics: NMF on TF-IDF, and clusters of embeddings told by c-TF-IDF."""

import warnings
from typing import NamedTuple, Optional

import numpy as np
from scipy import sparse
from sklearn.cluster import KMeans
from sklearn.decomposition import NMF, TruncatedSVD
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfTransformer
from threadpoolctl import threadpool_limits

from recommender.topics.topic_words import TopicWords

METHODS = ("clusters", "nmf")
NONE = -1  # the topic of a film that has none
_DIMENSIONS = 50  # of the embeddings that are clustered: distances in more tell little apart
_STARTS = 4  # of k-means, the best of which counts
_ITERATIONS = 400  # of NMF at most
_TOLERANCE = 1e-3  # change of NMF's loss at which it ends: words and films then stay in place


class TopicModel(NamedTuple):
    """k topics of n films.

    Attributes
    ----------
    of_films : np.ndarray
        int64 (n,): the topic of each film, or NONE.
    vectors : np.ndarray
        float64 (n, d), unit rows: by these a film is near to the middle of its topic.
    components : np.ndarray, optional
        float64 (k, v): weights of the words, by NMF.
    """

    of_films: np.ndarray
    vectors: np.ndarray
    components: Optional[np.ndarray] = None

    @property
    def k(self) -> int:
        """The number of topics."""
        return int(self.of_films.max()) + 1


def tfidf(words: TopicWords) -> sparse.csr_matrix:
    """Return TF-IDF rows of length 1, (n, v)."""
    return TfidfTransformer().fit_transform(words.films)


def mixtures(words: TopicWords, k: int, seed: int) -> NMF:
    """Return the NMF of TF-IDF (Lee and Seung 1999) fitted to films; `transform` gives weights."""
    with warnings.catch_warnings():  # topics are read, not computed with
        warnings.simplefilter("ignore", ConvergenceWarning)
        return NMF(min(k, *words.films.shape), init="nndsvd", random_state=seed, tol=_TOLERANCE,
                   max_iter=_ITERATIONS).fit(tfidf(words))


def nmf_topics(words: TopicWords, k: int, seed: int) -> TopicModel:
    """Return topics by NMF: a film's is the one of greatest weight.

    A film with none of the words has no topic. Topics that are the greatest of no film are
    dropped.
    """
    with threadpool_limits(limits=1):  # threads add up in any order: not the same topics twice
        model = mixtures(words, k, seed)
        weights = model.transform(tfidf(words))
    of_films = np.where(weights.any(axis=1), weights.argmax(axis=1), NONE)
    kept, renumbered = np.unique(of_films[of_films >= 0], return_inverse=True)
    of_films[of_films >= 0] = renumbered
    return TopicModel(of_films, _unit(weights), model.components_[kept])


def reduced(vectors: sparse.csr_matrix, seed: int) -> np.ndarray:
    """Return embeddings reduced to fewer dimensions by a truncated SVD, unit rows (n, d)."""
    with threadpool_limits(limits=1):
        return _unit(TruncatedSVD(max(min(_DIMENSIONS, *vectors.shape) - 1, 1),
                                  random_state=seed).fit_transform(vectors))


def cluster_topics(vectors: np.ndarray, k: int, seed: int) -> TopicModel:
    """Return topics by k-means over `reduced` embeddings: every film has one."""
    with threadpool_limits(limits=1):
        found = KMeans(min(k, len(vectors)), n_init=_STARTS, random_state=seed).fit(vectors)
    _, of_films = np.unique(found.labels_, return_inverse=True)
    return TopicModel(of_films, vectors)


def word_weights(words: TopicWords, model: TopicModel, above: np.ndarray) -> np.ndarray:
    """Return the weight of each word in topics that join those of a model.

    Parameters
    ----------
    words : TopicWords
    model : TopicModel
    above : np.ndarray
        int (k,): the topic that each topic of the model goes into.

    Returns
    -------
    np.ndarray
        float64 (m, v). By NMF the sum of its components, times the films of each; else c-TF-IDF,
        tf ln(1 + A / f) with the films tf of the topic that hold a word, the films f of all
        topics, and the words A of a topic on average (Grootendorst 2022, arXiv 2203.05794,
        section 3.3, with films counted instead of occurrences).
    """
    m, has_topic = int(above.max()) + 1, np.flatnonzero(model.of_films >= 0)
    if model.components is not None:
        n_films = np.bincount(model.of_films[has_topic], minlength=model.k)
        joins = np.zeros((m, model.k))
        joins[above, np.arange(model.k)] = n_films
        return joins @ model.components
    joins = sparse.csr_matrix((np.ones(len(has_topic)), (
        above[model.of_films[has_topic]], has_topic)), shape=(m, len(model.of_films)))
    tf = (joins @ words.films).toarray()
    return tf * np.log(1 + tf.sum() / m / np.maximum(tf.sum(axis=0), 1))


def best_words(weights: np.ndarray, n: int) -> np.ndarray:
    """Return the columns of the n words of greatest weight of each topic, int (m, n)."""
    return np.argsort(-weights, axis=1, kind="stable")[:, :n]


def _unit(rows: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(lengths > 0, lengths, 1)
