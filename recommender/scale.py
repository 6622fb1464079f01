"""A scale for scores: what films picked at random have, and what the nearest film has.

A cosine alone says little: by one recipe any two films have 0.7, by another the nearest film has
0.3. So an index keeps for each recipe, from a sample of its films and of short texts, how cosines
with any film and with the nearest one are distributed. On the scale, 0 is the middle of the
former and 1 the middle of the latter.
"""

import itertools
import re
from typing import Dict, Iterable, Iterator, NamedTuple, Optional, Sequence

import numpy as np

from recommender.halves import times_rows
from recommender.ranking import unit
from recommender.words import SparseRows

N_SAMPLE = 300  # films, and texts, that the scale is made of: quantiles of 2 % need some hundreds
_BLOCK = 25  # vectors that are compared with all films at once
_QUANTILES = 51  # quantiles kept of each distribution, from the least to the greatest
_ALONE = 0.02  # share of films whose nearest is further than where "nothing near" begins
_TEXT_WORDS = 12  # words of a short text, as people type


class Scale(NamedTuple):
    """Distributions of cosines of films, or of texts, with films.

    Attributes
    ----------
    random : np.ndarray
        float32 (q,): quantiles, evenly spaced from the least to the greatest, of the cosines with
        any other film.
    nearest : np.ndarray
        float32 (q,): the same for the cosine with the nearest other film.
    """

    random: np.ndarray
    nearest: np.ndarray

    def nearness(self, cosines: np.ndarray) -> np.ndarray:
        """Return where cosines lie: 0 as with any film, 1 as with the nearest one.

        >>> scale = Scale(np.array([0.0, 0.2, 0.4]), np.array([0.3, 0.6, 0.9]))
        >>> scale.nearness(np.array([0.4, 0.6])).round(6).tolist()
        [0.5, 1.0]
        """
        any_film, nearest = _quantile(self.random, 0.5), _quantile(self.nearest, 0.5)
        return (cosines - any_film) / max(nearest - any_film, 1e-9)

    def is_alone(self, cosine: float) -> bool:
        """Return True if the nearest film, of this cosine, is further than almost all have it."""
        return cosine < _quantile(self.nearest, _ALONE)


def scale_of(embeddings: np.ndarray, words: Optional[SparseRows], vectors: Iterable[np.ndarray],
             own: Sequence[int]) -> Scale:
    """Return the scale of vectors of films or texts, compared with all films.

    Parameters
    ----------
    embeddings, words
        As in an index.
    vectors : iterable of np.ndarray
        float32 (d + width,), drawn one after the other: that of a million films has a number for
        each of its million words.
    own : sequence of int
        For each vector the row of the film that it is, or was taken from, which does not count.
    """
    found, nearest = [], []
    left, d = iter(vectors), embeddings.shape[1]
    for start in range(0, len(own), _BLOCK):
        numbers, by_words = [], []
        for vector in itertools.islice(left, _BLOCK):
            numbers.append(vector[:d].copy())
            by_words.append(0.0 if words is None else words.dot(vector[d:]))
        cosines = times_rows(np.array(numbers, np.float32), embeddings)
        for each, more, row in zip(cosines, by_words, own[start:]):
            others = np.delete(each + more, row)
            found.append(others[sample(len(others))])
            nearest.append(others.max())
    at = np.linspace(0, 1, _QUANTILES)
    return Scale(np.quantile(np.concatenate(found), at).astype(np.float32),
                 np.quantile(nearest, at).astype(np.float32))


def scales_of_texts(embeddings: np.ndarray, words: Optional[SparseRows],
                    vectors: Iterable[np.ndarray], own: Sequence[int]) -> Dict[str, Scale]:
    """Return the scales of short texts, by name; arguments as in `scale_of`.

    `texts` is that of their cosines. Where a recipe joins words with BERT, `texts_by_bert` is that
    of the numbers alone: a text about nothing in the catalogue shares a rare word with some film.
    """
    d = embeddings.shape[1]
    if words is None or not d:
        return {"texts": scale_of(embeddings, words, vectors, own)}
    numbers = []

    def noting() -> Iterator[np.ndarray]:
        for vector in vectors:
            numbers.append(unit(vector[:d].copy()))  # a view would keep the whole vector
            yield vector

    of_texts = scale_of(embeddings, words, noting(), own)  # fills the numbers
    return {"texts": of_texts, "texts_by_bert": scale_of(embeddings, None, numbers, own)}


def sample(n: int) -> np.ndarray:
    """Return rows of up to N_SAMPLE of `n` films, evenly spread, int64."""
    return np.unique(np.linspace(0, n - 1, min(n, N_SAMPLE)).astype(np.int64))


def short_text(overview: str) -> str:
    """Return the beginning of an overview, as long as what people type.

    >>> short_text("A shark attacks. A sheriff must act.")
    'A shark attacks.'
    """
    sentence = re.split(r"(?<=[.!?])\s", overview.strip(), maxsplit=1)[0]
    return " ".join(sentence.split()[:_TEXT_WORDS])


def _quantile(evenly: np.ndarray, share: float) -> float:
    """Return the quantile at `share`, from 0 to 1, of quantiles that are evenly spaced.

    In plain Python, since each answer asks for several: np.interp takes 40 times as long.

    >>> _quantile(np.array([0.0, 10.0, 30.0]), 0.75)
    20.0
    """
    place = share * (len(evenly) - 1)
    low = int(place)
    high = min(low + 1, len(evenly) - 1)
    return float(evenly[low]) + (place - low) * (float(evenly[high]) - float(evenly[low]))
