"""Find topics at three levels: a number of fine ones, which are joined twice."""

from typing import List, Sequence, Set

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage

from recommender.topics.topic_measures import N_WORDS
from recommender.topics.topic_models import TopicModel, best_words, word_weights
from recommender.topics.topic_tree import N_FILMS, N_LEVELS, Topic, TopicTree
from recommender.topics.topic_words import TopicWords

_POWERS = (0.5, 0.75, 1.0)  # of the number of fine topics: 36 give 6, 15 and 36
_STEM = 4  # letters from which on a word that begins another tells the same (vampire, vampires)


def topic_tree(words: TopicWords, model: TopicModel, ids: Sequence[int]) -> TopicTree:
    """Return the topics of a model and the coarser ones that join them.

    Topics whose films lie close together are joined, by Ward's criterion (1963) on the means of
    their films. Films are most representative where they are near to the mean of the topic.

    Parameters
    ----------
    words : TopicWords
    model : TopicModel
    ids : sequence of int
        TMDB ids of the n films.
    """
    above = _by_size(levels(model), np.bincount(model.of_films[model.of_films >= 0],
                                                minlength=model.k))
    topics: List[Topic] = []
    of_films = np.full((len(ids), N_LEVELS), -1, np.int32)
    has = model.of_films >= 0
    taken: Set[str] = set()
    start = start_above = 0  # number of the first topic of the level, and of the level above
    for level in range(N_LEVELS):
        weights = word_weights(words, model, above[level])
        order = best_words(weights, N_WORDS)
        of_level = np.full(len(ids), -1)
        of_level[has] = above[level][model.of_films[has]]
        of_films[has, level] = of_level[has] + start
        has_sisters = _has_sisters(above, level)
        for at in range(len(weights)):
            parent = -1
            if level:
                parent = start_above + int(above[level - 1][above[level] == at][0])
            told = [words.vocabulary[column] for column in order[at] if weights[at, column] > 0]
            above_it = _words_above(topics, parent) if has_sisters[at] else set()
            name = _name(told, above_it, taken)
            taken.add(name)
            members = np.flatnonzero(of_level == at)
            topics.append(Topic(start + at, level, parent, name, tuple(told),
                                tuple(int(ids[row]) for row in _central(model, members)),
                                len(members)))
        start_above, start = start, start + len(weights)
    return TopicTree(topics, of_films)


def levels(model: TopicModel) -> List[np.ndarray]:
    """Return for each level the topic that each fine one goes into, int (k,), coarse first."""
    k = model.k
    fine = np.arange(k)
    if k < 2:
        return [fine] * N_LEVELS
    tree = linkage(np.array([model.vectors[model.of_films == at].mean(axis=0)
                             for at in fine]), "ward")
    numbers = [max(int(round(k ** power)), 1) for power in _POWERS[:-1]]
    return [np.unique(fcluster(tree, n, "maxclust"), return_inverse=True)[1]
            for n in numbers] + [fine]


def _by_size(above: List[np.ndarray], size: np.ndarray) -> List[np.ndarray]:
    """Return the levels renumbered: by parent, and within it the largest topics first."""
    found: List[np.ndarray] = []
    for level, of_fine in enumerate(above):
        n_films = np.bincount(of_fine, weights=size)
        parent = np.zeros(len(n_films), int)
        if level:
            parent[of_fine] = found[-1]
        rank = np.empty(len(n_films), int)
        rank[np.lexsort((-n_films, parent))] = np.arange(len(n_films))
        found.append(rank[of_fine])
    return found


def _has_sisters(above: List[np.ndarray], level: int) -> np.ndarray:
    """Return which topics of a level are not the only one in that above, bool (m,)."""
    if not level:
        return np.zeros(above[0].max() + 1, bool)
    pairs = np.unique(np.stack([above[level], above[level - 1]]), axis=1)
    return np.bincount(pairs[1])[pairs[1]] > 1


def _central(model: TopicModel, members: np.ndarray) -> np.ndarray:
    """Return the rows of the films nearest to the mean of `members`."""
    vectors = model.vectors[members]
    return members[np.argsort(-(vectors @ vectors.mean(axis=0)), kind="stable")[:N_FILMS]]


def _words_above(topics: List[Topic], number: int) -> Set[str]:
    """Return the words of the names of a topic and of those above it."""
    found: Set[str] = set()
    while number >= 0:
        found.update(topics[number].name.split(", "))
        number = topics[number].parent
    return found


def _name(words: Sequence[str], above: Set[str], taken: Set[str]) -> str:
    """Return two of a topic's words, or three where another topic has that name already.

    Words of the topics above are not said again, if there are others.
    """
    different: List[str] = []
    for word in [word for word in words if word not in above] or words or ["other"]:
        if not any(_is_same(word, other) for other in different):
            different.append(word)
    names = [", ".join(different[:2])]
    names += [", ".join([*different[:2], third]) for third in different[2:]]
    names += ["{} {}".format(names[0], number) for number in range(2, len(taken) + 3)]
    return next(name for name in names if name not in taken)


def _is_same(word: str, other: str) -> bool:
    short = min(len(word), len(other))
    return short >= _STEM and word[:short] == other[:short]
