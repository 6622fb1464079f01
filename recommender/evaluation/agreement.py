"""Agreement of two folders of features of the same films, as after computing in short numbers."""

from typing import Any, Dict, Iterator, List, NamedTuple, Sequence

import numpy as np

from recommender.evaluation.contenders import Task, pooled_features
from recommender.neighbours import nearest_others
from recommender.recipes import make_recipe
from recommender.storage.feature_store import FeatureReader
from recommender.twins import twins_of


class Agreement(NamedTuple):
    """Agreement of the embeddings that a recipe makes of two folders.

    Attributes
    ----------
    recipe : str
    least, mean : float
        Of the films' cosines between their two embeddings.
    kept : float
        Share of each film's nearest ten by the first that are among those by the second.
    """

    recipe: str
    least: float
    mean: float
    kept: float


def agreements(recipes: Sequence[str], reader: FeatureReader, other: FeatureReader,
               task: Task) -> Iterator[Agreement]:
    """Yield the agreement by each recipe of means; those that weigh tokens are passed over."""
    features = [pooled_features(task, each) for each in (reader, other)]
    twins = twins_of(task.movies)
    for name in recipes:
        if make_recipe(name, reader.settings).weighs_tokens:
            continue
        (one, words), (two, words_two) = (
            make_recipe(name, each.settings).fit(task.movies, of_films)
            for each, of_films in zip((reader, other), features))
        # Words are those of the same overviews, so only what is left of length 1 is theirs.
        cosines = (one.astype(np.float64) * two).sum(axis=1) + 1 - np.square(
            one.astype(np.float64)).sum(axis=1)
        near, near_two = (nearest_others(dense, of_words, task.k, twins)
                          for dense, of_words in ((one, words), (two, words_two)))
        kept = np.mean([len(np.intersect1d(*pair)) for pair in zip(near, near_two)]) / task.k
        yield Agreement(name, float(cosines.min()), float(cosines.mean()), float(kept))


def as_text(found: Sequence[Agreement], folder: str) -> str:
    """Return a table of agreements with the features of `folder`."""
    width = max(len(each.recipe) for each in found)
    lines: List[str] = ["{:<{}}  least cosine  mean cosine  same among ten".format(
        "", width), *("{:<{}}  {:12.7f}  {:11.7f}  {:14.3f}".format(
            each.recipe, width, each.least, each.mean, each.kept) for each in found)]
    return "agreement with {}\n{}".format(folder, "\n".join(lines))


def as_dict(found: Sequence[Agreement]) -> List[Dict[str, Any]]:
    """Return agreements as JSON shows them."""
    return [dict(each._asdict()) for each in found]
