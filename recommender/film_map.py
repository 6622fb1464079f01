"""The map: films as points in the plane, with those together that are recommended for each other.

It is t-SNE (van der Maaten and Hinton, 2008) of the graph of nearest neighbours, all of whom
count alike: with 15 of them the picture is that of the usual perplexity of 30 (Böhm, Berens and
Kobak, 2022, section 3.1). Points start along that graph's eigenvectors, so that what is far apart
on the map means something, too (Kobak and Linderman, 2021).
"""

from typing import Optional

import numpy as np

from recommender.evaluation.scores import neighbours
from recommender.words import SparseRows

_NEIGHBOURS = 15
_FEWEST = 8  # films; fewer lie on a circle
_MANY = 5000  # films; for fewer, threads wait longer for each other than they compute


def layout(dense: np.ndarray, words: Optional[SparseRows]) -> np.ndarray:
    """A point for each film, float32 (n, 2), in the square from 0 to 1.

    `dense` float32 (n, d) and `words` are the films' rows as an index holds them.
    """
    n = len(dense)
    if n < _FEWEST:
        angles = np.linspace(0, 2 * np.pi, n, endpoint=False)
        return _in_square(np.stack([np.cos(angles), np.sin(angles)], axis=1))
    # Imported late: only who asks for a map waits for it.
    from openTSNE import TSNE, initialization
    from openTSNE.affinity import Uniform
    from openTSNE.nearest_neighbors import PrecomputedNeighbors

    near = neighbours(dense, words, min(_NEIGHBOURS, n - 1))
    graph = PrecomputedNeighbors(near, np.ones(near.shape))
    affinities = Uniform(k_neighbors=near.shape[1], knn_index=graph, symmetrize="mean")
    start = initialization.spectral(affinities.P, random_state=0)
    tsne = TSNE(n_jobs=1 if n < _MANY else -1, random_state=0)
    return _in_square(np.asarray(tsne.fit(affinities=affinities, initialization=start)))


def _in_square(points: np.ndarray) -> np.ndarray:
    low = points.min(axis=0)
    size = (points.max(axis=0) - low).max() or 1.0
    margin = (1 - (points.max(axis=0) - low) / size) / 2
    return ((points - low) / size + margin).astype(np.float32)
