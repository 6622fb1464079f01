"""Parts of a recipe: each turns what is known of a film, or of a text, into a block of its vector.

Hidden layers pooled to a sentence embedding, and genres; the words are in
`recommender.text_words`. What a part learns from the catalogue (means, matrices, a vocabulary) is
stored in the index, so that a text query is embedded exactly as the films were, and films that
come later are placed by it. No part sees a film's collection or keywords, by which evaluate.py
measures.
"""

import collections
from typing import Any, Dict, Sequence, Tuple

import numpy as np

from recommender.errors import RecommenderError
from recommender.movie import Movie
from recommender.source import Features, Source
from recommender.storage.scratch import blocks, scratch
from recommender.storage.shards import Settings


def mean(layers: np.ndarray) -> np.ndarray:
    """Return the mean over layers and tokens, float64 (hidden_size,).

    `layers` is (n_layers, n_tokens, hidden_size). Summed in float64, so that the result does not
    depend on the order of layers and tokens.

    >>> mean(np.array([[[1.0, 2.0], [3.0, 4.0]]], np.float32)).tolist()
    [2.0, 3.0]
    """
    with np.errstate(invalid="ignore"):  # infinities are refused later, in _check
        return layers.mean(axis=(0, 1), dtype=np.float64)


class Mean:
    """The mean over layers and over all tokens; over the last four layers, the research's recipe.

    `layers` are numbered as Google does, -1 the last.
    """

    kind = "mean"
    uses_bert = True
    names: Tuple[str, ...] = ()  # of the arrays that it learns
    may_lack: Tuple[str, ...] = ()  # of these, those that an index of a former version may lack

    def __init__(self, layers: Sequence[int]):
        self.options: Dict[str, Any] = {"layers": [int(layer) for layer in layers]}
        self.arrays: Dict[str, np.ndarray] = {}

    def prepare(self, settings: Settings) -> None:
        """Prepare for features of these settings.

        Raises RecommenderError if they do not hold what the part needs.
        """
        layers = self.options["layers"]
        missing = [layer for layer in layers if layer not in settings.layers]
        if missing:
            raise RecommenderError(
                "the recipe needs layer {} and the features hold {}: choose by --layers or "
                "--recipe mean, or extract features with it".format(
                    missing[0], ",".join(map(str, settings.layers))))
        self._hidden_size = settings.hidden_size
        at = [settings.layers.index(layer) for layer in layers]
        self._at = None if at == list(range(len(settings.layers))) else at

    def fit(self, movies: Sequence[Movie], features: Features) -> np.ndarray:
        """Learn from all films and return their vectors, float64 (n, d)."""
        pooled = self._pooled(movies, features)
        self.learn(pooled)
        return self.transform(pooled)

    def place(self, movies: Sequence[Movie], features: Features) -> np.ndarray:
        """Return the vectors of other films by what was learnt before, float64 (n, d)."""
        return self.transform(self._pooled(movies, features))

    def _pooled(self, movies: Sequence[Movie], features: Features) -> np.ndarray:
        pooled = scratch((len(movies), self._hidden_size), np.float64)
        for row, movie in features():
            pooled[row] = self.pool(movie.layers, movie.token_ids)
        _check(pooled, movies)
        return pooled

    def embed(self, source: Source) -> np.ndarray:
        """Return the vector of one film or text, float64 (d,)."""
        assert source.layers is not None and source.token_ids is not None
        return self.vectors(source, self.pool(source.layers, source.token_ids))

    def pool(self, layers: np.ndarray, token_ids: np.ndarray) -> np.ndarray:
        """Return layers and tokens pooled to one vector, float64 (hidden_size,)."""
        return mean(self.chosen(layers))

    def shares(self, token_ids: np.ndarray) -> np.ndarray:
        """Return the weight of each token in the pooled vector, (n_tokens,), with sum 1."""
        return np.full(len(token_ids), 1 / len(token_ids))

    def token_vectors(self, source: Source) -> np.ndarray:
        """Return what each token adds to the vector of the text, float64 (n_tokens, d)."""
        assert source.layers is not None and source.token_ids is not None
        tokens = self.chosen(source.layers).mean(axis=0, dtype=np.float64)
        return self.shares(source.token_ids)[:, None] * self.vectors(source, tokens)

    def chosen(self, layers: np.ndarray) -> np.ndarray:
        """Return the layers that the part takes, (n_chosen, n_tokens, hidden_size)."""
        return layers if self._at is None else layers[self._at]

    def learn(self, pooled: np.ndarray) -> None:
        """Fit `offset` (hidden_size,) and `matrix` (hidden_size, d) to vectors (n, hidden_size)."""

    def vectors(self, source: Source, pooled: np.ndarray) -> np.ndarray:
        """Return what `pooled` vectors (..., hidden_size) of a film or text become, (..., d)."""
        return self.transform(pooled)

    def transform(self, pooled: np.ndarray) -> np.ndarray:
        """Return (vector - offset) @ matrix for vectors (..., hidden_size), float64 (..., d)."""
        if "offset" in self.arrays:
            pooled = pooled - self.arrays["offset"]
        if "matrix" in self.arrays:
            pooled = pooled @ self.arrays["matrix"]
        return pooled


class Centred(Mean):
    """The mean minus the mean of all films, which says nothing about a single film.

    The first of the two steps of Mu and Viswanath 2018 (arXiv 1702.01417).
    """

    kind = "centred"
    names = ("offset",)

    def learn(self, pooled: np.ndarray) -> None:
        self.arrays["offset"] = pooled.mean(axis=0)


class TextCentred(Centred):
    """The mean for films; for texts, the mean minus the mean of all films.

    What all films share is in the cosine of a text with any film, most in that with films that
    are like all others, which would come first whatever is asked for.
    """

    kind = "text_centred"

    def vectors(self, source: Source, pooled: np.ndarray) -> np.ndarray:
        return pooled - self.arrays["offset"] if source.is_text else pooled

    def transform(self, pooled: np.ndarray) -> np.ndarray:
        return pooled


class Whitened(Mean):
    """The mean, whitened: centred, then uncorrelated and of equal variance in all directions.

    WhiteningBERT, Huang et al. 2021 (arXiv 2104.01767), section 2.3: W = U D^(-1/2) of the
    covariance U D U^T. Directions in which the films do not differ are left out.
    """

    kind = "whitened"
    names = ("offset", "matrix")

    def learn(self, pooled: np.ndarray) -> None:
        self.arrays["offset"] = pooled.mean(axis=0)
        values, directions = _principal(pooled - self.arrays["offset"])
        real = values > 1e-9 * values[0]
        self.arrays["matrix"] = directions[:, real] / np.sqrt(values[real])


class AllButTheTop(Mean):
    """The mean, centred, without the directions in which the films differ most.

    All-but-the-Top, Mu and Viswanath 2018 (arXiv 1702.01417), algorithm 1, with D =
    hidden_size / 100 as they advise (at least 1).
    """

    kind = "abtt"
    names = ("offset", "matrix")

    def learn(self, pooled: np.ndarray) -> None:
        self.arrays["offset"] = pooled.mean(axis=0)
        n_removed = max(1, round(pooled.shape[1] / 100))
        _, directions = _principal(pooled - self.arrays["offset"])
        self.arrays["matrix"] = _without(directions[:, :n_removed])


class Weighted(Mean):
    """Tokens weighted by inverse document frequency, ln((1 + n) / (1 + df)) + 1.

    Salton and Buckley 1988, with a film as the document and word pieces as the words.
    """

    kind = "idf"
    names: Tuple[str, ...] = ("token_weights",)

    def prepare(self, settings: Settings) -> None:
        super().prepare(settings)
        if settings.pooled:
            raise RecommenderError("the recipe weighs tokens and needs full features, these hold "
                                   "only the mean: extract features without --pooled")

    def fit(self, movies: Sequence[Movie], features: Features) -> np.ndarray:
        counts = np.zeros(1)
        for _, movie in features():
            seen = self.seen(movie.token_ids)
            counts = np.pad(counts, (0, max(0, len(seen) - len(counts))))
            counts[:len(seen)] += seen
        # The last weight is that of all tokens that no film has.
        self.arrays["token_weights"] = self.weigh(np.append(counts, 0), len(movies))
        return super().fit(movies, features)

    def seen(self, token_ids: np.ndarray) -> np.ndarray:
        """Return what one film adds to the count of each token, (n,)."""
        return np.minimum(np.bincount(token_ids), 1)

    def weigh(self, counts: np.ndarray, n_movies: int) -> np.ndarray:
        """Return the weight of each token from the counts of all films, (n,)."""
        return np.log((1 + n_movies) / (1 + counts)) + 1

    def pool(self, layers: np.ndarray, token_ids: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore"):
            return self.shares(token_ids) @ self.chosen(layers).mean(axis=0, dtype=np.float64)

    def shares(self, token_ids: np.ndarray) -> np.ndarray:
        weights = self.arrays["token_weights"]
        weights = weights[np.minimum(token_ids, len(weights) - 1)]
        return weights / weights.sum()


class Sif(Weighted):
    """Smooth inverse frequency: tokens weighted by a / (a + p), p their share of all tokens.

    The direction that all films share most is removed. Arora, Liang and Ma 2017 (A simple but
    tough-to-beat baseline for sentence embeddings), algorithm 1, with their a = 0.001.
    """

    kind = "sif"
    names = ("token_weights", "matrix")

    def seen(self, token_ids: np.ndarray) -> np.ndarray:
        return np.bincount(token_ids)

    def weigh(self, counts: np.ndarray, n_movies: int) -> np.ndarray:
        return 1e-3 / (1e-3 + counts / counts.sum())

    def learn(self, pooled: np.ndarray) -> None:
        self.arrays["matrix"] = _without(_principal(pooled)[1][:, :1])


class Genres:
    """The film's genres, one column each, weighted by inverse document frequency.

    The weight is ln((1 + n) / (1 + df)) with n films, df of which have the genre: a rare genre
    weighs more, one that all films have weighs nothing.
    """

    kind = "genres"
    uses_bert = False
    names = ("genres", "idf")
    may_lack: Tuple[str, ...] = ()

    def __init__(self) -> None:
        self.options: Dict[str, Any] = {}
        self.arrays: Dict[str, np.ndarray] = {}

    def prepare(self, settings: Settings) -> None:
        """Accept any features: the part reads none."""

    def fit(self, movies: Sequence[Movie], features: Features) -> np.ndarray:
        """Learn the genres of all films and return the films' vectors, float64 (n, n_genres)."""
        self.arrays["genres"] = np.array(
            sorted({genre for movie in movies for genre in movie.genres}), object)
        has = np.empty((len(movies), len(self.arrays["genres"])))
        for row, movie in enumerate(movies):
            has[row] = self._has(movie.genres)
        self.arrays["idf"] = _genre_weights(has.sum(axis=0), len(movies))
        return has * self.arrays["idf"]

    def place(self, movies: Sequence[Movie], features: Features) -> np.ndarray:
        """Return the vectors of other films, float64 (n, n_genres); unknown genres count not."""
        return np.array([self._has(movie.genres) for movie in movies]) * self.arrays["idf"]

    def widen(self, movies: Sequence[Movie], n_films: int) -> None:
        """Append the genres that no film had before `movies` came; all others keep their columns.

        Of the `n_films` that there are now only these have them, so that the weight of such a
        genre is the one that `fit` would learn.
        """
        found = collections.Counter(genre for movie in movies for genre in set(movie.genres))
        new = sorted(found.keys() - set(self.arrays["genres"]))
        frequency = np.array([found[genre] for genre in new], np.float64)
        self.arrays["genres"] = np.append(self.arrays["genres"], np.array(new, object))
        self.arrays["idf"] = np.append(self.arrays["idf"], _genre_weights(frequency, n_films))

    def embed(self, source: Source) -> np.ndarray:
        """Return the vector of one film, float64 (n_genres,); of a text, zeros."""
        return self._has(source.genres) * self.arrays["idf"]

    def _has(self, genres: Sequence[str]) -> np.ndarray:
        return np.array([genre in genres for genre in self.arrays["genres"]], np.float64)


def _genre_weights(frequency: np.ndarray, n_films: int) -> np.ndarray:
    """Return the weight of each genre from how many of `n_films` films have it."""
    return np.log((1 + n_films) / (1 + frequency))


def _check(pooled: np.ndarray, movies: Sequence[Movie]) -> None:
    """Raise RecommenderError that names the films whose vectors are not numbers or all zero."""
    bad = np.concatenate([rows.start + np.flatnonzero(
        ~np.isfinite(pooled[rows]).all(axis=1) | ~pooled[rows].any(axis=1))
        for rows in blocks(len(pooled))])
    if len(bad):
        raise RecommenderError(
            "the features of {} {} are not numbers or all zero: remove the folder and run "
            "extract_features.py again".format(
                "movie" if len(bad) == 1 else "{:,} movies, among them".format(len(bad)),
                ", ".join(str(movies[row].id) for row in bad[:5])))


def _principal(vectors: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Return variances (d,), the largest first, and their directions (d, d), a column each."""
    values, directions = np.linalg.eigh(vectors.T @ vectors / len(vectors))
    return values[::-1], directions[:, ::-1]


def _without(directions: np.ndarray) -> np.ndarray:
    """Return the matrix (d, d) that removes orthonormal `directions` (d, k) from a vector."""
    return np.eye(len(directions)) - directions @ directions.T
