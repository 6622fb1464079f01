"""The map: films as points in the plane, films that are recommended for each other close together.

The points are found by t-SNE (van der Maaten and Hinton, 2008) on the graph of nearest
neighbours with equal weights; 15 neighbours give the picture of the usual perplexity of 30
(Böhm, Berens and Kobak, 2022, section 3.1). The points start along the eigenvectors of that
graph, so that large distances on the map have a meaning, too (Kobak and Linderman, 2021).
"""

from typing import Any, Optional

import numpy as np

from recommender.neighbours import nearest_others
from recommender.progress import Progress, silent
from recommender.words import SparseRows

_NEIGHBOURS = 15  # nearest films joined with each film in the graph; see above for the choice
_FEWEST = 8  # films that t-SNE needs; fewer are placed on a circle
_MANY = 5000  # films from which on threads save time; for fewer they mostly wait for each other


def place_films(dense: np.ndarray, words: Optional[SparseRows],
                progress: Progress = silent) -> np.ndarray:
    """Return a point for each film, float32 (n, 2), in the square from 0 to 1.

    Parameters
    ----------
    dense : np.ndarray
        float32 (n, d), the films' rows as an index holds them.
    words : SparseRows, optional
        The sparse part of the rows.
    progress : Progress
        Advances by films that are compared, then by iterations of t-SNE.
    """
    n = len(dense)
    if n < _FEWEST:
        angles = np.linspace(0, 2 * np.pi, n, endpoint=False)
        return _in_square(np.stack([np.cos(angles), np.sin(angles)], axis=1))
    # Imported late for start-up time: openTSNE takes seconds, and most builds make no map.
    from openTSNE import TSNE, initialization
    from openTSNE.affinity import Uniform
    from openTSNE.nearest_neighbors import PrecomputedNeighbors

    near = nearest_others(dense, words, min(_NEIGHBOURS, n - 1), progress=progress)
    graph = PrecomputedNeighbors(near, np.ones(near.shape))
    affinities = Uniform(k_neighbors=near.shape[1], knn_index=graph, symmetrize="mean")
    start = initialization.spectral(affinities.P, random_state=0)
    tsne = TSNE(n_jobs=1 if n < _MANY else -1, random_state=0)
    n_iterations = tsne.early_exaggeration_iter + tsne.n_iter
    with progress("placing films on the map", n_iterations) as advance:

        def count(*_: Any) -> None:  # t-SNE would stop where a callback returns True
            advance(tsne.callbacks_every_iters)

        tsne.callbacks = [count]
        return _in_square(np.asarray(tsne.fit(affinities=affinities, initialization=start)))


def _in_square(points: np.ndarray) -> np.ndarray:
    """Return the points moved and scaled into the square from 0 to 1, centred."""
    low = points.min(axis=0)
    size = (points.max(axis=0) - low).max() or 1.0
    margin = (1 - (points.max(axis=0) - low) / size) / 2
    return ((points - low) / size + margin).astype(np.float32)
