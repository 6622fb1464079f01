"""Parts of a recipe: each turns what is known of a film, or of a text, into a block of its vector.

Hidden layers pooled to a sentence embedding, TF-IDF of words, and genres. What a part learns from
the catalogue (means, matrices, a vocabulary) is stored in the index, so that a text query is
embedded exactly as the films were. No part sees a film's collection or keywords, by which
evaluate.py measures.
"""

from typing import Callable, Dict, Iterable, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np

from recommender.catalogue import Movie
from recommender.errors import RecommenderError
from recommender.storage.shards import MovieFeatures, Settings
from recommender.words import SparseRows, count_words, fit_vocabulary, sparse_rows, words_of


class Source(NamedTuple):
    """What a recipe may see of a film, or of a text, which has neither title nor genres.

    `layers` (n_layers, n_tokens, hidden_size) in the order of the features' settings, or their
    mean (hidden_size,), and `token_ids` (n_tokens,) may be None for a recipe without BERT.
    `was_cut`: the text was longer than the checkpoint reads.
    """

    overview: str
    layers: Optional[np.ndarray] = None
    token_ids: Optional[np.ndarray] = None
    title: str = ""
    genres: Tuple[str, ...] = ()
    was_cut: bool = False


Features = Callable[[], Iterable[Tuple[int, MovieFeatures]]]  # row and features of every film


def mean(layers: np.ndarray) -> np.ndarray:
    """The mean of (n_layers, n_tokens, hidden_size) over layers and tokens, float64 (hidden_size,).

    In float64 the order of tokens and layers does not show in the result.
    """
    with np.errstate(invalid="ignore"):  # infinities are refused when the mean is seen
        return layers.mean(axis=(0, 1), dtype=np.float64)


class Mean:
    """The mean over layers and over all tokens.

    Over the last four layers it is the research's recipe.
    """

    kind = "mean"
    uses_bert = True
    names = ()  # type: Tuple[str, ...]

    def __init__(self, layers: Sequence[int]):
        self.options = {"layers": [int(layer) for layer in layers]}
        self.arrays = {}  # type: Dict[str, np.ndarray]

    def prepare(self, settings: Settings) -> None:
        """Raises RecommenderError if features of these settings do not hold what it needs."""
        layers = self.options["layers"]
        missing = [layer for layer in layers if layer not in settings.layers]
        if missing:
            raise RecommenderError(
                "the recipe needs layer {} and the features hold {}: choose by --layers or "
                "--recipe mean, or extract features with it".format(
                    missing[0], _listed(settings.layers)))
        if settings.pooled and sorted(layers) != sorted(settings.layers):
            raise RecommenderError(
                "the features hold only the mean of layers {}, the recipe needs {}: extract "
                "features without --pooled".format(_listed(settings.layers), _listed(layers)))
        self._hidden_size = settings.hidden_size
        at = [settings.layers.index(layer) for layer in layers]
        self._at = None if at == list(range(len(settings.layers))) else at

    def fit(self, movies: Sequence[Movie], features: Features) -> np.ndarray:
        """Learn from all films; their vectors, float64 (n, d)."""
        pooled = np.empty((len(movies), self._hidden_size))
        for row, movie in features():
            pooled[row] = self.pool(movie.layers, movie.token_ids)
        _check(pooled, movies)
        self.learn(pooled)
        return self.transform(pooled)

    def embed(self, source: Source) -> np.ndarray:
        """The vector of one film or text, float64 (d,)."""
        return self.transform(self.pool(source.layers, source.token_ids))

    def pool(self, layers: np.ndarray, token_ids: np.ndarray) -> np.ndarray:
        """Layers and tokens to one vector, float64 (hidden_size,)."""
        return layers.astype(np.float64) if layers.ndim == 1 else mean(self.chosen(layers))

    def shares(self, token_ids: np.ndarray) -> np.ndarray:
        """By what each token is multiplied in the pooled vector; they add up to 1, (n_tokens,)."""
        return np.full(len(token_ids), 1 / len(token_ids))

    def token_vectors(self, source: Source) -> np.ndarray:
        """What each token adds to the vector of the text, float64 (n_tokens, d)."""
        tokens = self.chosen(source.layers).mean(axis=0, dtype=np.float64)
        return self.shares(source.token_ids)[:, None] * self.transform(tokens)

    def chosen(self, layers: np.ndarray) -> np.ndarray:
        """The layers that the recipe takes, (n_chosen, n_tokens, hidden_size)."""
        return layers if self._at is None else layers[self._at]

    def learn(self, pooled: np.ndarray) -> None:
        """Fit `offset` (hidden_size,) and `matrix` (hidden_size, d) where the kind has them."""

    def transform(self, pooled: np.ndarray) -> np.ndarray:
        """(vector - offset) @ matrix for vectors (..., hidden_size), float64."""
        if "offset" in self.arrays:
            pooled = pooled - self.arrays["offset"]
        if "matrix" in self.arrays:
            pooled = pooled @ self.arrays["matrix"]
        return pooled


class Centred(Mean):
    """The mean less the mean of all films: what is common to all says nothing of one.

    Mu and Viswanath 2018 (arXiv 1702.01417), the first of their two steps.
    """

    kind = "centred"
    names = ("offset",)

    def learn(self, pooled: np.ndarray) -> None:
        self.arrays["offset"] = pooled.mean(axis=0)


class Whitened(Mean):
    """The mean, centred, turned and scaled so that all directions are uncorrelated and alike.

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
    """The mean, centred, without the directions in which all films differ most.

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
    names = ("token_weights",)

    def prepare(self, settings: Settings) -> None:
        super().prepare(settings)
        if settings.pooled:
            raise RecommenderError("the recipe weighs tokens and the features hold only their "
                                   "mean: extract features without --pooled")

    def fit(self, movies: Sequence[Movie], features: Features) -> np.ndarray:
        size = 1  # the last place stands for tokens that no film has
        counts = np.zeros(size)
        for _, movie in features():
            seen = self.seen(movie.token_ids)
            counts = np.pad(counts, (0, max(0, len(seen) - len(counts))))
            counts[:len(seen)] += seen
        self.arrays["token_weights"] = self.weigh(np.append(counts, 0), len(movies))
        return super().fit(movies, features)

    def seen(self, token_ids: np.ndarray) -> np.ndarray:
        """What one film adds to the count of each token."""
        return np.minimum(np.bincount(token_ids), 1)

    def weigh(self, counts: np.ndarray, n_movies: int) -> np.ndarray:
        """The weight of each token."""
        return np.log((1 + n_movies) / (1 + counts)) + 1

    def pool(self, layers: np.ndarray, token_ids: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore"):
            return self.shares(token_ids) @ self.chosen(layers).mean(axis=0, dtype=np.float64)

    def shares(self, token_ids: np.ndarray) -> np.ndarray:
        weights = self.arrays["token_weights"]
        weights = weights[np.minimum(token_ids, len(weights) - 1)]
        return weights / weights.sum()


class Sif(Weighted):
    """Smooth inverse frequency: tokens weighted by a / (a + p), then without the direction that
    all sentences share.

    Arora, Liang and Ma 2017 (A simple but tough-to-beat baseline for sentence embeddings),
    algorithm 1, with their a = 0.001 and p the token's share of all tokens.
    """

    kind = "sif"
    names = ("token_weights", "matrix")

    def seen(self, token_ids: np.ndarray) -> np.ndarray:
        return np.bincount(token_ids)

    def weigh(self, counts: np.ndarray, n_movies: int) -> np.ndarray:
        return 1e-3 / (1e-3 + counts / counts.sum())

    def learn(self, pooled: np.ndarray) -> None:
        self.arrays["matrix"] = _without(_principal(pooled)[1][:, :1])


class Words:
    """TF-IDF of the overview's words; those of the title count `titles` times on top."""

    kind = "words"
    uses_bert = False
    names = ("vocabulary", "idf")

    def __init__(self, titles: int = 0):
        self.options = {"titles": int(titles)}
        self.arrays = {}  # type: Dict[str, np.ndarray]
        self._place_of = {}  # type: Dict[str, int]

    def prepare(self, settings: Settings) -> None:
        """Any features will do."""

    def fit(self, movies: Sequence[Movie], features: Features) -> SparseRows:
        counts = [self._count(movie.overview, movie.title) for movie in movies]
        words, self.arrays["idf"] = fit_vocabulary(counts)
        self.arrays["vocabulary"] = np.array(words, object)
        known = map(self._known, counts)
        return sparse_rows(((at, n * self.arrays["idf"][at]) for at, n in known), len(words))

    def embed(self, source: Source) -> np.ndarray:
        at, n = self._known(self._count(source.overview, source.title))
        counts = np.zeros(len(self.arrays["vocabulary"]))
        counts[at] = n
        return counts * self.arrays["idf"]

    def occurrences(self, source: Source) -> Iterable[Tuple[str, Tuple[int, int], int, float]]:
        """Every word that is known: whether it is of the "overview" or the "title", where it
        begins and ends there, its column, and in how many equal parts its weight falls."""
        places, counts = self._places(), self._count(source.overview, source.title)
        for of, text, times in (("overview", source.overview, 1),
                                ("title", source.title, self.options["titles"])):
            for word, start, end in words_of(text) if times else ():
                if word in places:
                    yield of, (start, end), places[word], counts[word] / times

    def _count(self, overview: str, title: str) -> Dict[str, int]:
        counts = count_words(overview)
        for word, n in count_words(title).items() if self.options["titles"] else ():
            counts[word] += n * self.options["titles"]
        return counts

    def _places(self) -> Dict[str, int]:
        """The column of each word; made when first asked for."""
        if not self._place_of:
            self._place_of = {word: at for at, word in enumerate(self.arrays["vocabulary"])}
        return self._place_of

    def _known(self, counts: Dict[str, int]) -> Tuple[np.ndarray, np.ndarray]:
        """The columns of the words that are known, ascending, and how often each occurs."""
        places = self._places()
        known = sorted((places[word], n) for word, n in counts.items() if word in places)
        return (np.array([place for place, _ in known], np.int32),
                np.array([n for _, n in known], np.float64))


class Genres:
    """The film's genres, one column each, weighted by ln((1 + n) / (1 + df)) with n films, df of
    which have the genre: rare ones say more, one that all have says nothing."""

    kind = "genres"
    uses_bert = False
    names = ("genres", "idf")

    def __init__(self) -> None:
        self.options = {}  # type: Dict[str, int]
        self.arrays = {}  # type: Dict[str, np.ndarray]

    def prepare(self, settings: Settings) -> None:
        """Any features will do."""

    def fit(self, movies: Sequence[Movie], features: Features) -> np.ndarray:
        self.arrays["genres"] = np.array(
            sorted({genre for movie in movies for genre in movie.genres}), object)
        has = np.array([self._has(movie.genres) for movie in movies])
        self.arrays["idf"] = np.log((1 + len(movies)) / (1 + has.sum(axis=0)))
        return has * self.arrays["idf"]

    def embed(self, source: Source) -> np.ndarray:
        return self._has(source.genres) * self.arrays["idf"]

    def _has(self, genres: Sequence[str]) -> np.ndarray:
        return np.array([genre in genres for genre in self.arrays["genres"]], np.float64)


Part = Union[Mean, Words, Genres]
KINDS = {kind.kind: kind for kind in (
    Mean, Centred, Whitened, AllButTheTop, Weighted, Sif, Words, Genres)}


def _check(pooled: np.ndarray, movies: Sequence[Movie]) -> None:
    bad = np.flatnonzero(~np.isfinite(pooled).all(axis=1) | ~pooled.any(axis=1))
    if len(bad):
        raise RecommenderError(
            "the features of {} {} are not numbers or all zero: remove the folder and run "
            "extract_features.py again".format(
                "movie" if len(bad) == 1 else "{:,} movies, among them".format(len(bad)),
                ", ".join(str(movies[row].id) for row in bad[:5])))


def _principal(vectors: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Variances (d,), the largest first, and directions (d, d), one a column, of (n, d)."""
    values, directions = np.linalg.eigh(vectors.T @ vectors / len(vectors))
    return values[::-1], directions[:, ::-1]


def _without(directions: np.ndarray) -> np.ndarray:
    """The matrix that takes orthonormal columns, (d, k), out of a vector."""
    return np.eye(len(directions)) - directions @ directions.T


def _listed(layers: Iterable[int]) -> str:
    return ",".join(map(str, layers))
