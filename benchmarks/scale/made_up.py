"""Made-up films: overviews of the sentences of other films, pooled features of their distribution.

A film follows from its number and its version alone, so catalogues of any size agree in the films
that they share.
"""

import random
import re
from typing import Dict, Iterable, List, NamedTuple, Sequence, Tuple

import numpy as np

from recommender.movie import Movie
from recommender.storage.feature_store import FeatureReader, FeatureWriter, overview_digest
from recommender.storage.shards import Settings

_SENTENCES = (2, 5)  # fewest and most sentences of an overview
_CHECKPOINT = "made-up"  # named in the features, so that no program takes them for a real one's


class Made(NamedTuple):
    """A made-up film, and the places of the films that its sentences are of."""

    movie: Movie
    sources: Tuple[int, ...]


class Maker:
    """Makes films of those of a real catalogue, with the features of a folder.

    Parameters
    ----------
    movies : sequence of Movie
    features : FeatureReader
        Those of `movies`, pooled or not.
    """

    def __init__(self, movies: Sequence[Movie], features: FeatureReader):
        pooled: Dict[int, np.ndarray] = {
            movie.movie_id: movie.layers.mean(axis=1, dtype=np.float64)
            for movie in features.movies()}
        self._movies = [movie for movie in movies if movie.id in pooled]
        self._pooled = np.array([pooled[movie.id] for movie in self._movies])
        self._mean = self._pooled.mean(axis=0)
        self._sentences: List[Tuple[int, str]] = [
            (place, sentence) for place, movie in enumerate(self._movies)
            for sentence in re.split(r"(?<=[.!?])\s+", movie.overview)]
        self.settings: Settings = features.settings._replace(
            pooled=True, dtype="float32", checkpoint=_CHECKPOINT)

    def film(self, number: int, version: int = 0) -> Made:
        """Return a film; another version has another overview."""
        draw = random.Random("{} {}".format(number, version))
        found = [draw.choice(self._sentences) for _ in range(draw.randint(*_SENTENCES))]
        one, other = (draw.choice(self._movies).title.split() for _ in range(2))
        like = draw.choice(self._movies)
        return Made(like._replace(
            id=number, title=" ".join((draw.choice(one), draw.choice(other), str(number))),
            overview=" ".join(sentence for _, sentence in found)),
            tuple(place for place, _ in found))

    def layers(self, made: Made) -> np.ndarray:
        """Return the pooled layers of a film, float64 (n_layers, 1, hidden_size).

        The mean of its sources', moved away from that of all films, so that many such means
        differ from each other as much as real films do.
        """
        of_sources = self._pooled[list(made.sources)].mean(axis=0)
        return (self._mean + np.sqrt(len(made.sources)) * (of_sources - self._mean))[:, None]

    def write_features(self, folder: str, films: Iterable[Made]) -> None:
        """Add the pooled features of films to a folder."""
        with FeatureWriter(folder, self.settings) as writer:
            for made in films:
                writer.add(made.movie.id, self.layers(made), np.zeros(1, np.int32),
                           overview_digest(made.movie.overview))
