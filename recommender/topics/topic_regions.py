"""Topics as the regions of the map: each is named where its films lie together."""

from typing import List, Tuple

import numpy as np

from recommender.regions import Regions
from recommender.topics.topic_tree import N_LEVELS, TopicTree

_SAMPLE = 500  # films of a topic to which distances are taken: more do not move its middle


def topic_regions(points: np.ndarray, tree: TopicTree, shown: np.ndarray) -> Regions:
    """Return the topics of each level as regions of a map, those of the most films first.

    A topic stands at its medoid: the film of it whose distances to its other films are least.

    Parameters
    ----------
    points : np.ndarray
        float (n, 2), the films' places.
    tree : TopicTree
        Topics of the n films.
    shown : np.ndarray
        int64, rows of the films that the map shows; the others name nothing.
    """
    regions: Regions = {level: [] for level in range(N_LEVELS)}
    found: List[Tuple[int, int, Tuple[float, float, str]]] = []
    for topic in tree.topics:
        rows = shown[tree.of_films[shown, topic.level] == topic.number]
        if len(rows):
            found.append((topic.level, len(rows), (*_medoid(points[rows]), topic.name)))
    for level, _, region in sorted(found, key=lambda each: -each[1]):
        regions[level].append(region)
    return regions


def _medoid(places: np.ndarray) -> Tuple[float, float]:
    """Return the place with the least sum of distances to all, or to a sample of them."""
    some = places[np.random.RandomState(0).permutation(len(places))[:_SAMPLE]]
    total = np.zeros(len(places))
    for place in some:
        total += np.hypot(*(places - place).T)
    x, y = places[total.argmin()].tolist()
    return x, y
