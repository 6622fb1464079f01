"""The place of a text on the map: in the midst of its nearest films, if they lie together.

A mean of their places would often lie between two groups, near no film at all, so the densest of
their places is taken: the mode of a kernel density, one step of mean shift from the film in its
midst (Comaniciu and Meer, 2002).
"""

from typing import NamedTuple, Optional, Tuple

import numpy as np

from recommender.errors import NothingFound
from recommender.recommender import Recommender

NEAREST = 10  # films that place a text, as many as are shown for it
_REACH = 0.05  # standard deviation of the kernel, in sides of the map
_AGREE = 0.35  # share of the films, weighted by the kernel, from which on they lie together


class TextPlace(NamedTuple):
    """A place on the map, and how many of the nearest films lie there.

    Attributes
    ----------
    place : tuple of float
        From 0 to 1.
    agreement : float
        From 0 to 1: the share of the films, those farther away counted for less.
    """

    place: Tuple[float, float]
    agreement: float

    @property
    def is_sure(self) -> bool:
        """True if enough of the films lie there to say that the text does."""
        return self.agreement >= _AGREE


def place_text(recommender: Recommender, text: str,
               recipe: Optional[str] = None) -> TextPlace:
    """Return where a text would lie by a recipe, by default the first of the index.

    Raises
    ------
    NothingFound
        If the index has no such recipe, no map by it, or no film that may be recommended, or the
        recipe knows no word of the text.
    RecommenderError, bert.errors.BertError
        If texts cannot be embedded.
    """
    points = recommender.index.space(recipe).map()
    rows, _ = recommender.nearest(recommender.wishes(overview=text, recipe=recipe), NEAREST)
    if not len(rows):
        raise NothingFound("no film of {} may be recommended".format(recommender.index.path))
    return place_among(points[rows])


def place_among(points: np.ndarray) -> TextPlace:
    """Return the densest place among points, float (k, 2), and how many of them lie there.

    >>> place_among(np.array([[0.1, 0.1], [0.12, 0.1], [0.11, 0.1], [0.9, 0.9]])).is_sure
    True
    """
    ((x, y),), (agreement,) = densest_places(points[None])
    return TextPlace((float(x), float(y)), float(agreement))


def densest_places(points: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Return what `place_among` does for many groups of k points at once.

    Parameters
    ----------
    points : np.ndarray
        Float (m, k, 2).

    Returns
    -------
    places : np.ndarray
        float64 (m, 2).
    agreements : np.ndarray
        float64 (m,).
    """
    points = np.asarray(points, np.float64)
    apart = np.square(points[:, :, None] - points[:, None]).sum(axis=3)
    nearness = np.exp(-apart / (2 * _REACH ** 2))
    densest = nearness.sum(axis=2).argmax(axis=1)
    weights = nearness[np.arange(len(points)), densest]
    places = (weights[:, :, None] * points).sum(axis=1) / weights.sum(axis=1, keepdims=True)
    return places, weights.mean(axis=1)
