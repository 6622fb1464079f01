"""Distance of an index that was updated from one built from nothing.

An update keeps what the recipes learnt, but for the words of the films and their inverse document
frequencies: means, matrices, weights of genres, the words dropped as common, the scales of scores,
the map's regions. Each index therefore keeps, in its root attributes,
`whole_build`, the time of the whole build that it goes back to, and `films_updated`, how many films
came, changed or left since; and for each recipe `mean_when_built` float64 (d,), the mean embedding
of all films then. An index that was never updated has none of them.
"""

from typing import Any, Dict, List, Mapping, NamedTuple

import numpy as np

from recommender.storage.hdf5 import PlainFile

# Share of the films that came, changed or left since the whole build above which a new one is due:
# a tenth of the map's points are then guesses, a tenth of the films have no topic, and the weights
# of genres and the words dropped as common are those of films a tenth of which are others.
MOST_FILMS = 0.1
# How far the mean embedding may move, as a length, above which a whole build is due: no cosine
# with a centred vector is then wrong by more than that.
MOST_MEAN = 0.01


class History(NamedTuple):
    """The whole build that an index goes back to, as an ISO 8601 time, and how many films came,
    changed or left since."""

    whole_build: str
    films_updated: int

    def attributes(self) -> Dict[str, Any]:
        """Return the root attributes of an index that keep it."""
        return self._asdict()


def read_history(file: PlainFile) -> History:
    """Return the history of an open index."""
    if not file.has_attribute("whole_build"):
        return History(file.attribute("built", str), 0)
    return History(file.attribute("whole_build", str), file.attribute("films_updated", int))


def distance_moved(dense: np.ndarray, mean: np.ndarray) -> float:
    """Return by what length the mean moved: from embeddings of all films now and their mean then,
    (d,)."""
    return float(np.linalg.norm(mean_of(dense) - mean))


def mean_of(dense: np.ndarray) -> np.ndarray:
    """Return the mean of embeddings, float64 (d,)."""
    return dense.mean(axis=0, dtype=np.float64)


def due(history: History, n_films: int, moved: Mapping[str, float]) -> str:
    """Return why a whole build is due, to follow a colon; "" if it is not.

    `moved` are the lengths by which the mean embeddings moved, by recipe.
    """
    reasons: List[str] = []
    if history.films_updated > MOST_FILMS * n_films:
        reasons.append("{:,} films of {:,} came, changed or left since {}, more than {:.0%}".format(
            history.films_updated, n_films, history.whole_build, MOST_FILMS))
    reasons += ["the mean of all films by {} moved by {:.3f}, more than {}".format(
        recipe, length, MOST_MEAN) for recipe, length in moved.items() if length > MOST_MEAN]
    return "; ".join(reasons)
