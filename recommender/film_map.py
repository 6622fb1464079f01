"""The map: films as points in the plane, films that are recommended for each other close together.

The points are found by t-SNE (van der Maaten and Hinton, 2008) on the graph of nearest
neighbours with equal weights; 15 neighbours give the picture of the usual perplexity of 30
(Böhm, Berens and Kobak, 2022, section 3.1). The points start along the eigenvectors of that
graph, so that large distances on the map have a meaning, too (Kobak and Linderman, 2021).

Of many films a sample is placed so, and each other film in the midst of its nearest among them:
comparing all with all takes time with the square of their number.
"""

from typing import Any, Optional

import numpy as np

from recommender.halves import in_float32
from recommender.neighbours import Products, matrix_of, nearest_others
from recommender.progress import Progress, silent
from recommender.ranking import top_k
from recommender.text_places import NEAREST, densest_places
from recommender.words import SparseRows

_NEIGHBOURS = 15  # nearest films joined with each film in the graph; see above for the choice
_FEWEST = 8  # films that t-SNE needs; fewer are placed on a circle
_MANY = 5000  # films from which on threads save time; for fewer they mostly wait for each other
ALL_BY_TSNE = 60000  # films that are all placed by t-SNE; comparing more takes over ten minutes
BY_TSNE = 10000  # films placed by t-SNE where there are more
_BLOCK = 512  # other films that are compared with the sample at once


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
    if n > ALL_BY_TSNE:
        rows = np.linspace(0, n - 1, BY_TSNE).astype(np.int64)
        some = dense[rows], None if words is None else words.take(rows)
        return _place_others(dense, words, rows, place_films(*some, progress), progress)
    if n < _FEWEST:
        angles = np.linspace(0, 2 * np.pi, n, endpoint=False)
        return _in_square(np.stack([np.cos(angles), np.sin(angles)], axis=1))
    # Imported late for start-up time: openTSNE takes seconds, and most builds make no map.
    from openTSNE import TSNE, initialization
    from openTSNE.affinity import Uniform
    from openTSNE.nearest_neighbors import PrecomputedNeighbors
    from scipy.sparse.linalg import ArpackError

    near = nearest_others(dense, words, min(_NEIGHBOURS, n - 1), progress=progress)
    graph = PrecomputedNeighbors(near, np.ones(near.shape))
    affinities = Uniform(k_neighbors=near.shape[1], knn_index=graph, symmetrize="mean")
    try:
        start = initialization.spectral(affinities.P, random_state=0)
    except ArpackError:  # films that are all equally far, as where no two share a word
        start = initialization.random(n, random_state=0)
    tsne = TSNE(n_jobs=1 if n < _MANY else -1, random_state=0)
    n_iterations = tsne.early_exaggeration_iter + tsne.n_iter
    with progress("placing films on the map", n_iterations) as advance:

        def count(*_: Any) -> None:  # t-SNE would stop where a callback returns True
            advance(tsne.callbacks_every_iters)

        tsne.callbacks = [count]
        return _in_square(np.asarray(tsne.fit(affinities=affinities, initialization=start)))


def _place_others(dense: np.ndarray, words: Optional[SparseRows], placed: np.ndarray,
                  points: np.ndarray, progress: Progress) -> np.ndarray:
    """Return a point for each film, float32 (n, 2), from the `points` of the rows `placed`.

    Films are compared by their numbers alone where they have any: sparse products with words would
    take ten times as long, and say little more of where a film lies.
    """
    found = np.empty((len(dense), 2), np.float32)
    by_words = words if words is not None and not dense.shape[1] else None
    some = in_float32(dense[placed])
    lengths = np.linalg.norm(some, axis=1, keepdims=True)
    some = some / np.where(lengths > 0, lengths, 1)
    products = Products(some, None if by_words is None else by_words.take(placed))
    with progress("placing the other films", len(dense)) as advance:
        for start in range(0, len(dense), _BLOCK):
            block = np.arange(start, min(start + _BLOCK, len(dense)))
            scores = products(dense[block], None if by_words is None else matrix_of(
                by_words.take(block)))
            found[block], _ = densest_places(points[top_k(scores, NEAREST)])
            advance(len(block))
    found[placed] = points
    return found


def _in_square(points: np.ndarray) -> np.ndarray:
    """Return the points moved and scaled into the square from 0 to 1, centred."""
    low = points.min(axis=0)
    size = (points.max(axis=0) - low).max() or 1.0
    margin = (1 - (points.max(axis=0) - low) / size) / 2
    return ((points - low) / size + margin).astype(np.float32)
