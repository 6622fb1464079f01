"""Measures of topics: coherence, diversity, and stability under resampling."""

from typing import Callable, List, NamedTuple, Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import adjusted_rand_score

from recommender.topics.topic_models import TopicModel, best_words, word_weights
from recommender.topics.topic_words import TopicWords

N_WORDS = 10  # words by which a topic is measured and told
_SAMPLE = 0.8  # share of the films in a sample, as Greene et al. 2014 take
Fit = Callable[[np.ndarray], TopicModel]  # topics of the films of some rows


class Measures(NamedTuple):
    """Quality of topics.

    `coherence` is from -1 to 1, `diversity` from 0 to 1, `stability` of words from 0 to 1 and
    `same_films` up to 1.
    """

    n_topics: int
    coherence: float
    diversity: float
    stability: float
    same_films: float


def words_of_topics(words: TopicWords, model: TopicModel) -> np.ndarray:
    """Return the columns of the first words of each topic of a model, int (k, N_WORDS)."""
    return best_words(word_weights(words, model, np.arange(model.k)), N_WORDS)


def coherence(words: TopicWords, tops: np.ndarray) -> np.ndarray:
    """Return the coherence of topics, given the columns of their words, float64 (k,).

    The mean over pairs of words of NPMI, ln(p(a, b) / p(a) p(b)) / -ln p(a, b), with the shares p
    of films that hold them; -1 for words that never meet (Bouma 2009; Röder, Both and Hinneburg
    2015, with an overview as the window).
    """
    n, films = words.films.shape[0], words.films.tocsc()
    share = np.asarray(films.sum(axis=0)).ravel() / n
    found = []
    for top in tops:
        of_top = films[:, top]
        first, second = np.triu_indices(len(top), 1)
        both = (of_top.T @ of_top).toarray()[first, second] / n
        values = np.full(len(both), -1.0)
        meet = both > 0
        with np.errstate(divide="ignore", invalid="ignore"):
            npmi = np.log(both / (share[top[first]] * share[top[second]])) / -np.log(both)
        values[meet] = np.where(both == 1, 1.0, npmi)[meet]
        found.append(values.mean() if len(values) else 0.0)
    return np.array(found)


def diversity(tops: np.ndarray) -> float:
    """Return the share of different words among those of all topics (Dieng, Ruiz and Blei 2020)."""
    return len(np.unique(tops)) / tops.size


def agreement(tops: np.ndarray, others: np.ndarray) -> float:
    """Return how far two lists of topics have the same words, from 0 to 1.

    The mean Jaccard index of topics matched one to one at best (Greene, O'Callaghan and
    Cunningham 2014, section 3.1).
    """
    sets, other_sets = list(map(set, tops.tolist())), list(map(set, others.tolist()))
    jaccard = np.array([[len(a & b) / len(a | b) for b in other_sets] for a in sets])
    return float(jaccard[linear_sum_assignment(-jaccard)].sum() / max(len(sets), len(other_sets)))


def measure_topics(words: TopicWords, model: TopicModel, fit: Fit, n_samples: int,
                   seed: int) -> Measures:
    """Measure topics; `fit` finds those of samples, which stability compares with the model's."""
    tops = words_of_topics(words, model)
    n = len(model.of_films)
    agreements: List[float] = []
    same: List[float] = []
    for draw in range(n_samples):
        rows = np.sort(np.random.default_rng([seed, draw]).choice(
            n, max(int(_SAMPLE * n), 1), replace=False))
        other = fit(rows)
        agreements.append(agreement(tops, words_of_topics(words.of(rows), other)))
        same.append(adjusted_rand_score(model.of_films[rows], other.of_films))
    return Measures(model.k, float(coherence(words, tops).mean()), diversity(tops),
                    _mean(agreements), _mean(same))


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else float("nan")
