"""Distance of an index that was updated from one built from nothing.

An update keeps what the recipes learnt: means, matrices, vocabulary, inverse document frequencies,
the scales of scores, the map's regions. Each index therefore keeps, in its root attributes,
`whole_build`, the time of the whole build that it goes back to, and `films_updated`, how many films
came, changed or left since; and for each recipe `mean_when_built` float64 (d,), the mean embedding
of all films then. An index that was never updated has none of them.
"""

from typing import Any, Dict, List, NamedTuple, Optional, Sequence

import numpy as np

from recommender.recipes import Recipe
from recommender.storage.hdf5 import PlainFile
from recommender.text_words import Words
from recommender.words import SparseRows, inverse_frequency

# Share of the films that came, changed or left since the whole build above which a new one is due:
# a tenth of the map's points are then guesses, and a tenth of the films have no topic.
MOST_FILMS = 0.1
# How far the mean embedding may move, as a length, above which a whole build is due: no cosine
# with a centred vector is then wrong by more than that.
MOST_MEAN = 0.01
# Mean relative change of the inverse document frequencies, of each word of each film, above which
# a whole build is due: scores by words are then wrong by about as much.
MOST_WORDS = 0.01


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


class Drift(NamedTuple):
    """Distance of one recipe of an index from one that is fitted anew.

    Attributes
    ----------
    recipe : str
    mean : float
        Length by which the mean embedding moved.
    words : float
        Mean relative change of the inverse document frequencies; 0 for a recipe without words.
    """

    recipe: str
    mean: float
    words: float


def drift_of(recipe: Recipe, dense: np.ndarray, words: Optional[SparseRows],
             mean: np.ndarray) -> Drift:
    """Return the drift of a recipe from its vectors of all films now and their mean then, (d,)."""
    return Drift(recipe.name, float(np.linalg.norm(mean_of(dense) - mean)),
                 0.0 if words is None else _of_words(recipe, words))


def mean_of(dense: np.ndarray) -> np.ndarray:
    """Return the mean of embeddings, float64 (d,)."""
    return dense.mean(axis=0, dtype=np.float64)


def _of_words(recipe: Recipe, words: SparseRows) -> float:
    learnt = next(part for _, part in recipe.parts if isinstance(part, Words)).arrays["idf"]
    frequency = np.bincount(words.indices, minlength=words.width)
    change = np.abs(inverse_frequency(frequency, len(words.indptr) - 1) - learnt)
    return float((frequency * change).sum() / max((frequency * learnt).sum(), 1e-9))


def due(history: History, n_films: int, drifts: Sequence[Drift]) -> str:
    """Return why a whole build is due, to follow a colon; "" if it is not."""
    reasons: List[str] = []
    if history.films_updated > MOST_FILMS * n_films:
        reasons.append("{:,} films of {:,} came, changed or left since {}, more than {:.0%}".format(
            history.films_updated, n_films, history.whole_build, MOST_FILMS))
    for drift in drifts:
        if drift.mean > MOST_MEAN:
            reasons.append("the mean of all films by {} moved by {:.3f}, more than {}".format(
                drift.recipe, drift.mean, MOST_MEAN))
        if drift.words > MOST_WORDS:
            reasons.append("the weights of words by {} are off by {:.1%}, more than {:.0%}".format(
                drift.recipe, drift.words, MOST_WORDS))
    return "; ".join(reasons)
