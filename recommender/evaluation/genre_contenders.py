"""Contenders of features by genre models, measured on films that these were not trained on."""

from typing import FrozenSet, Iterator, NamedTuple, Sequence

import numpy as np

from recommender.errors import RecommenderError
from recommender.evaluation.contenders import Contender, Task, nearest, pooled_features
from recommender.movie import Movie
from recommender.recipes import make_recipe
from recommender.storage.feature_store import FeatureReader

N_ROWS = 3  # contenders of each genre model
_SHARE = 0.1  # weight of a model's features beside best: the best of 0.1 to 0.7 on validation films


class GenreFeatures(NamedTuple):
    """Features by a genre model.

    Attributes
    ----------
    name : str
        Name of the model's folder.
    reader : FeatureReader
    tested : frozenset of int
        Ids of the films that the model was neither trained nor tuned on.
    """

    name: str
    reader: FeatureReader
    tested: FrozenSet[int]


def unseen_by_all(models: Sequence[GenreFeatures], movies: Sequence[Movie]) -> np.ndarray:
    """Return which films none of the models was trained or tuned on, bool (n,).

    Raises RecommenderError if there are fewer than two.
    """
    found = np.array([all(movie.id in model.tested for model in models) for movie in movies])
    if found.sum() < 2:
        raise RecommenderError("{} film that is measured is of the test split of {}, and two are "
                               "needed: name the catalogue that the models were trained on".format(
                                   found.sum(), " and ".join(model.name for model in models)))
    return found


def genre_contenders(models: Sequence[GenreFeatures], reader: FeatureReader,
                     task: Task) -> Iterator[Contender]:
    """Yield N_ROWS contenders of each model: by the mean of its layers and tokens, by the recipe
    best made of its features, and by this mean joined with best of the features of `reader`."""
    best = make_recipe("best", reader.settings)
    dense, words = best.fit(task.movies, pooled_features(task, reader))
    assert words is not None
    n = len(task.movies)
    for model in models:
        settings = model.reader.settings
        features = pooled_features(task, model.reader)
        means, _ = make_recipe("mean", settings).fit(task.movies, features)
        of_model = nearest("{} (mean)".format(model.name), task, means)
        yield of_model._replace(is_trained=True)
        theirs = nearest("{} (best)".format(model.name), task,
                         *make_recipe("best", settings).fit(task.movies, features))
        yield theirs._replace(is_trained=True)
        joined = np.hstack([dense * np.sqrt(1 - _SHARE), means * np.sqrt(_SHARE)])
        both = nearest("best and {}".format(model.name), task, joined.astype(np.float32),
                       words.scaled(np.full(n, np.sqrt(1 - _SHARE))))
        yield both._replace(is_trained=True)
