"""Find the topics of an index: by both methods, at the number that is most coherent."""

from functools import partial
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
from scipy import sparse

from recommender.errors import RecommenderError
from recommender.halves import in_float32
from recommender.index import Index
from recommender.progress import Progress, silent
from recommender.topics.topic_levels import topic_tree
from recommender.topics.topic_measures import (
    Measures,
    coherence,
    measure_topics,
    words_of_topics,
)
from recommender.topics.topic_models import (
    METHODS,
    TopicModel,
    cluster_topics,
    nmf_topics,
    reduced,
)
from recommender.topics.topic_tree import TopicTree
from recommender.topics.topic_words import TopicWords, topic_words

FEWEST_FILMS = 20  # of which topics can be found
_STEPS = 6  # numbers of topics that are tried within a range
_MOST = 120  # topics at most where no number is given: more are too many to read


class Found(NamedTuple):
    """The topics of one method.

    `tried` holds the coherence of each number of topics that was tried, by number.
    """

    method: str
    tree: TopicTree
    measures: Measures
    tried: Dict[int, float]


def usual_range(n: int) -> Tuple[int, int]:
    """Return the least and greatest number of topics to try for n films.

    From half of the square root of n to twice of it.

    >>> usual_range(2000)
    (22, 89)
    """
    root = n ** 0.5
    return max(round(root / 2), 2), max(min(round(root * 2), _MOST, n // 4), 2)


def numbers_within(least: int, most: int) -> List[int]:
    """Return the numbers of topics to try, each greater than that before by the same factor.

    >>> numbers_within(10, 40)
    [10, 13, 17, 23, 30, 40]
    """
    return sorted({int(round(n)) for n in np.geomspace(least, most, _STEPS)})


def find_topics(index: Index, numbers: Optional[Sequence[int]] = None,
                recipe: Optional[str] = None, seed: int = 0, n_samples: int = 5,
                progress: Progress = silent) -> Tuple[TopicWords, List[Found]]:
    """Return the words, and the topics by each of METHODS, at the most coherent of `numbers`.

    Parameters
    ----------
    index : Index
    numbers : sequence of int, optional
        Numbers of fine topics to try, by default those of `usual_range`.
    recipe : str, optional
        The recipe of the index whose embeddings are clustered, by default its first.
    seed : int
        The same seed finds the same topics.
    n_samples : int
        Samples of four fifths of the films by which stability is measured.
    progress : Progress

    Raises
    ------
    RecommenderError
        If the index has too few films or words.
    """
    n = len(index)
    if n < FEWEST_FILMS:
        raise RecommenderError("{} has {} films: topics need at least {}".format(
            index.path, n, FEWEST_FILMS))
    numbers = numbers or numbers_within(*usual_range(n))
    if max(numbers) > n:
        raise RecommenderError("{} topics of {} films: ask for at most as many topics as "
                               "films".format(max(numbers), n))
    words = topic_words(index.column("overview").tolist())
    vectors = _vectors(index, recipe)
    n_fits = len(METHODS) * (len(numbers) + n_samples)
    found = []
    with progress("finding topics", n_fits) as advance:

        def fit(method: str, k: int, rows: np.ndarray) -> TopicModel:
            """Return k topics of the films of `rows`."""
            some = words.of(rows)
            advance(1)
            if method == "nmf":
                return nmf_topics(some, k, seed)
            return cluster_topics(reduced(vectors[rows], seed), k, seed)

        everything = np.arange(n)
        for method in METHODS:
            tried: Dict[int, float] = {}
            models: Dict[int, TopicModel] = {}
            for k in numbers:
                models[k] = fit(method, k, everything)
                tried[k] = float(coherence(words, words_of_topics(words, models[k])).mean())
            chosen = max(numbers, key=lambda k: tried[k])
            best = models[chosen]
            measures = measure_topics(words, best, partial(fit, method, chosen), n_samples, seed)
            found.append(Found(method, topic_tree(words, best, index.ids.tolist()), measures,
                               tried))
    return words, found


def _vectors(index: Index, recipe: Optional[str]) -> sparse.csr_matrix:
    """Return the embeddings of all films with their words, (n, d + width)."""
    dense, words = index.space(recipe).all_rows()
    blocks = [sparse.csr_matrix(in_float32(dense), dtype=np.float64)]
    if words is not None:
        blocks.append(sparse.csr_matrix((words.data, words.indices, words.indptr),
                                        shape=(len(dense), words.width)))
    return sparse.hstack(blocks).tocsr()
