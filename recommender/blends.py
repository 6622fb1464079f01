"""The scale of scores for several films and texts together, made of the scales of each."""

from typing import Callable, Optional, Sequence

import numpy as np

from recommender.scale import Scale
from recommender.spaces import EmbeddingSpace
from recommender.wishes import Wishes

MOST = 32  # wishes that have a scale: more than the API takes; for thousands it would take long


def scale_of_wishes(space: EmbeddingSpace, wishes: Wishes, push: float,
                    vector: Callable[[], np.ndarray]) -> Optional[Scale]:
    """Return the scale of scores for wishes, or None where there is none.

    `push` is the weight of their disliked films; `vector` returns their query vector.
    """
    if len(wishes.films) + len(wishes.texts) > MOST:
        return None
    scales = [space.scale("films")] * len(wishes.films) + [
        _scale_of_text(space, text) for text in wishes.texts]
    if wishes.is_single:
        return scales[0]
    return blended(scales, wishes.all_weights(), float(np.linalg.norm(vector())),
                   space.scale("films"), push if wishes.unlike else 0.0)


def _scale_of_text(space: EmbeddingSpace, text: str) -> Optional[Scale]:
    """Return the scale of scores for a text, or None where there is none.

    The words that no film has are left out of its vector, which makes scores greater: with them,
    each would be less by the length that the vector is then left with.
    """
    scale, (_, length) = space.scale("texts"), space.of_no_film(text)
    return scale and Scale(*(each / max(length, 1e-9) for each in scale))


def blended(scales: Sequence[Optional[Scale]], weights: Sequence[float], length: float,
            away: Optional[Scale] = None, push: float = 0.0) -> Optional[Scale]:
    """Return the scale of cosines with a mean of films and texts, or None without one of theirs.

    A film's cosine with the mean is the mean of its cosines with each, divided by the length of
    the mean. So the place of a score is the mean of its places on the scales of all wishes: 0 as
    any film lies to them, 1 as the nearest film of each.

    Parameters
    ----------
    scales : sequence of Scale or None
        For each film or text that is asked for.
    weights : sequence of float
        The weight of each.
    length : float
        Length of the weighted mean of their vectors, minus what is pushed away.
    away : Scale, optional
        Scale of disliked films. To these a film that is near to all wishes lies as any film does.
    push : float
        Weight of the disliked films.
    """
    whole = [scale for scale in scales if scale is not None]
    if len(whole) < len(scales) or not scales or not length or (push and away is None):
        return None
    shares = np.asarray(weights, float) / sum(weights)
    off = push * away.random if away is not None and push else 0.0
    return Scale(*((shares @ np.stack(each) - off) / length for each in zip(*whole)))
