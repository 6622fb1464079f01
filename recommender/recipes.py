"""Recipes: parts joined at weights, the vector by which films are compared.

A recipe is fitted to the films of a catalogue when an index is built and stored in the index with
what it learnt.
"""

import json
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple, Union

import h5py
import numpy as np

from recommender.errors import RecommenderError, WrongQuery
from recommender.movie import Movie
from recommender.parts import (
    AllButTheTop,
    Centred,
    Genres,
    Mean,
    Sif,
    TextCentred,
    Weighted,
    Whitened,
)
from recommender.source import Features, Source
from recommender.storage.hdf5 import PlainFile
from recommender.storage.scratch import blocks, scratch
from recommender.storage.shards import Settings
from recommender.text_words import TextWords, Words
from recommender.words import Reweighed, SparseRows

Part = Union[Mean, Words, Genres]
# Classes of parts by the name under which an index stores them.
KINDS: Dict[str, Any] = {kind.kind: kind for kind in (  # type: ignore[attr-defined]
    Mean, Centred, TextCentred, Whitened, AllButTheTop, Weighted, Sif, Words, TextWords, Genres)}


class Recipe:
    """Parts joined at weights: the cosine of two films is the weighted mean of the parts' cosines.

    The vector of each part is scaled to length 1 times the square root of its weight, and the
    joined vector to length 1, so that a film without genres, or a text, which has no title, is
    compared by what it has. The words, which are sparse, come last. A text may be joined at
    weights of its own; its cosine with a film is then a sum of the parts' cosines times the square
    roots of both weights.

    Parameters
    ----------
    name : str
    parts : sequence of (float, Part)
        Weight, above 0, and part.
    settings : Settings, optional
        Those of the features; only a recipe without BERT needs none.
    text_weights : sequence of float, optional
        Weight of each part where a text is embedded, by default as for films.

    Raises
    ------
    RecommenderError
        If features of `settings` do not hold what a part needs.
    """

    def __init__(self, name: str, parts: Sequence[Tuple[float, Part]],
                 settings: Optional[Settings] = None,
                 text_weights: Optional[Sequence[float]] = None):
        self.name = name
        self.parts = list(parts)
        self._weights = [weight for weight, _ in parts]
        self._text_weights = self._weights if text_weights is None else list(text_weights)
        for _, part in self.parts:
            if settings is not None:
                part.prepare(settings)

    def __repr__(self) -> str:
        return "Recipe({!r}: {})".format(self.name, ", ".join(
            "{:.3g} {}".format(weight, part.kind) for weight, part in self.parts) or "no parts")

    @property
    def uses_bert(self) -> bool:
        """True if a text query needs hidden layers."""
        return any(part.uses_bert for _, part in self.parts)

    @property
    def weighs_tokens(self) -> bool:
        """True if fitting needs the layers of each token, not only their mean over tokens."""
        return any(isinstance(part, Weighted) for _, part in self.parts)

    def fit(self, movies: Sequence[Movie],
            features: Features) -> Tuple[np.ndarray, Optional[SparseRows]]:
        """Learn from all films and embed them.

        Parameters
        ----------
        movies : sequence of Movie
        features : callable
            Goes through row and features of all films, as often as it is called.

        Returns
        -------
        dense : np.ndarray
            float32 (n, d).
        words : SparseRows or None
            The sparse part of the rows, for a recipe that joins words.

        Raises
        ------
        RecommenderError
            If the features of a film are not numbers, or all zero.
        """
        return self._joined([part.fit(movies, features) for _, part in self.parts])

    def place(self, movies: Sequence[Movie],
              features: Features) -> Tuple[np.ndarray, Optional[SparseRows]]:
        """Return what `fit` does, for other films, at least one, by what was learnt before."""
        return self._joined([part.place(movies, features) for _, part in self.parts])

    def widen(self, movies: Sequence[Movie], known: Sequence[Movie], n_films: int) -> None:
        """Append the words and the genres that came with `movies`; see `Words.widen`.

        The numbers of a film then end in a column for each new genre.
        """
        for _, part in self.parts:
            if isinstance(part, Words):
                part.widen(movies, known, n_films)
            elif isinstance(part, Genres):
                part.widen(movies, n_films)

    def reweigh(self, words: Optional[SparseRows]) -> Optional[Reweighed]:
        """Weigh the words of all films of now anew; see `Words.reweigh`. None without words."""
        for _, part in self.parts:
            if isinstance(part, Words) and words is not None:
                return part.reweigh(words)
        return None

    def _joined(self, blocks: Sequence[Union[np.ndarray, SparseRows]]
                ) -> Tuple[np.ndarray, Optional[SparseRows]]:
        """Return the parts' blocks of the same films, joined at the weights, dense and sparse."""
        lengths = np.stack([_lengths(block) for block in blocks], axis=1)
        scales = _scales(lengths, self._weights).T
        words = blocks[-1].scaled(scales[-1]) if isinstance(blocks[-1], SparseRows) else None
        of_numbers = [block for block in blocks if not isinstance(block, SparseRows)]
        width = sum(block.shape[1] for block in of_numbers)
        dense, end = scratch((len(lengths), width), np.float32), 0
        for block, scale in zip(of_numbers, scales):
            start, end = end, end + block.shape[1]
            np.multiply(block, scale[:, None], out=dense[:, start:end], casting="same_kind")
        return dense, words

    def embed(self, source: Source) -> np.ndarray:
        """Return the vector of one film or text, float32 (width,), of length 1, or 0 if unknown."""
        return np.concatenate(self.blocks(source)).astype(np.float32)

    def blocks(self, source: Source) -> List[np.ndarray]:
        """Return the vector of one film or text as a block for each part, float64."""
        vectors = [part.embed(source) for _, part in self.parts]
        scales = _scales(np.array([np.linalg.norm(vector) for vector in vectors]),
                         self._text_weights if source.is_text else self._weights)
        return [scale * vector for scale, vector in zip(scales, vectors)]

    def row_blocks(self, film: Source) -> List[np.ndarray]:
        """Return the blocks of a film as an index keeps them, with the values for texts, if any."""
        blocks = self.blocks(film)
        for at, (_, part) in enumerate(self.parts):
            if isinstance(part, TextWords):
                length = np.linalg.norm(part.embed(film)) or 1.0
                blocks[at] = part.row(film) * (np.linalg.norm(blocks[at]) / length)
        return blocks

    def of_no_film(self, text: str) -> Tuple[Tuple[str, ...], float]:
        """Return the words of a text that no film has, and how long its vector is without them.

        The length is 1 where there are none, and less the more of the text they are.
        """
        of_text = [(weight, part) for weight, (_, part) in zip(self._text_weights, self.parts)
                   if not isinstance(part, Genres)]  # which a text has none of
        for weight, part in of_text:
            if isinstance(part, Words):
                words, share = part.of_no_film(text)
                share *= weight / sum(each for each, _ in of_text)
                return words, float(np.sqrt(1 - share))
        return (), 1.0

    def options(self) -> List[Dict[str, Any]]:
        """Return kind, weights and options of each part, for JSON."""
        return [{"kind": part.kind, "weight": weight, **part.options,
                 **({} if for_texts == weight else {"text_weight": for_texts})}
                for (weight, part), for_texts in zip(self.parts, self._text_weights)]

    def save_learnt(self, group: h5py.Group) -> None:
        """Write what the parts learnt into the recipe's group of an index."""
        for at, (_, part) in enumerate(self.parts):
            for name, array in part.arrays.items():
                group.create_dataset("learnt/{}/{}".format(at, name), data=array,
                                     dtype=h5py.special_dtype(vlen=str)
                                     if array.dtype == object else None)


def write_recipes(file: h5py.File, recipes: Sequence[Recipe]) -> None:
    """Write names and parts of the recipes of an index, in their order, as its attribute."""
    file.attrs["recipes"] = json.dumps([[recipe.name, recipe.options()] for recipe in recipes])


def recipe_names(file: PlainFile) -> Tuple[str, ...]:
    """Return the names of the recipes of an index, the one that answers by default first.

    Raises RecommenderError if the index does not tell.
    """
    return tuple(name for name, _ in _listed(file))


def _listed(file: PlainFile) -> List[Tuple[str, Any]]:
    """Return names and parts of the recipes of an index."""
    try:
        listed = [(name, parts) for name, parts in json.loads(file.attribute("recipes", str))]
        if listed and all(isinstance(name, str) and name for name, _ in listed):
            return listed
    except (ValueError, TypeError, RecursionError):
        pass
    raise file.refuse("the list of its recipes is damaged")


def open_recipe(file: PlainFile, name: str, settings: Settings) -> Recipe:
    """Return a recipe of an index, without what it learnt.

    Raises RecommenderError if this version does not know the recipe's parts.
    """
    listed = dict(_listed(file))
    try:
        parts, text_weights = [], []
        for options in listed[name]:
            kind, weight = KINDS[options.pop("kind")], float(options.pop("weight"))
            text_weights.append(float(options.pop("text_weight", weight)))
            if not 0 < min(weight, text_weights[-1]) <= max(weight, text_weights[-1]) <= 1:
                raise ValueError
            parts.append((weight, kind(**options)))
        return Recipe(name, parts, settings, text_weights)
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError, RecommenderError):
        raise file.refuse(
            "it was made by a recipe {!r} that this version cannot repeat".format(name))


def read_learnt(recipe: Recipe, file: PlainFile, group: str, settings: Settings,
                width: int) -> None:
    """Read what the parts of `recipe` learnt when the index `file` was made, from its group.

    Raises RecommenderError if the recipe does not then make vectors of the index's `width`.
    """
    blank = Source("", np.zeros((len(settings.layers), 1, settings.hidden_size), np.float32),
                   np.zeros(1, np.int32))
    try:
        for at, (_, part) in enumerate(recipe.parts):
            for name in part.names:
                stored = "{}learnt/{}/{}".format(group, at, name)
                if name not in part.may_lack or file.holds(stored):
                    part.arrays[name] = file.values(stored)
        if recipe.embed(blank).shape != (width,):
            raise ValueError
    except (RecommenderError, ValueError, TypeError, AttributeError, IndexError):
        raise file.refuse("what its recipe learnt is damaged")


_LAST, _FOUR = (-1,), (-1, -2, -3, -4)
# Recipes of BERT alone: the class of their part, and its layers (None: all that are stored).
_POOLED = {"mean4": (Mean, _FOUR), "last": (Mean, _LAST), "mean": (Mean, None),
           "centred": (Centred, _LAST), "whitened": (Whitened, _LAST),
           "abtt": (AllButTheTop, _LAST), "idf": (Weighted, _LAST), "sif": (Sif, _LAST)}


class _Joined(NamedTuple):
    """A recipe that joins BERT, words and genres.

    Attributes
    ----------
    kind : type
        Class of BERT's part.
    words : float
        Weight of the words.
    titles : int
        How many times a word of the title counts.
    genres : float
        Weight of the genres.
    text_words : float
        Weight of the words where a text is compared, which has no genres.
    word_kind : type
        Class of the words' part.
    """

    kind: Any
    words: float
    titles: int = 0
    genres: float = 0.0
    text_words: float = 0.5
    word_kind: Any = Words


_JOINED = {"hybrid": _Joined(Centred, 0.5), "titled": _Joined(Mean, 0.5, titles=2),
           "best": _Joined(TextCentred, 0.5, titles=2, genres=0.1, text_words=0.8,
                           word_kind=TextWords)}
POOLED = tuple(_POOLED)  # recipes of BERT alone, whose vectors have no sparse part
# All recipes, by the names of build_index.py --recipe.
RECIPES = (*POOLED, "tfidf", *_JOINED)
# Recipes of an index where none is named: the research's, which answers by default, and the one
# that finds most.
DEFAULT_RECIPES = ("mean4", "best")


def make_recipe(name: str, settings: Settings, layers: Optional[Sequence[int]] = None,
                word_weight: Optional[float] = None) -> Recipe:
    """Return one of RECIPES, to be fitted to features of `settings`.

    Parameters
    ----------
    name : str
        One of RECIPES.
    settings : Settings
        Those of the features.
    layers : sequence of int, optional
        Hidden layers to take instead of the last, or of all for `mean`.
    word_weight : float, optional
        Weight of the words, from 0 to 1, instead of the recipe's own for films and for texts.

    Raises
    ------
    WrongQuery
        If the recipe has no choice of layers, or joins no words.
    RecommenderError
        If the features do not hold what the recipe needs.
    """
    if layers is not None and name in ("mean4", "last", "tfidf"):
        raise WrongQuery("recipe {} has no choice of layers: --recipe mean takes "
                               "--layers".format(name))
    if word_weight is not None and name not in _JOINED:
        raise WrongQuery("recipe {} joins no words: --word_weight goes with {}".format(
            name, ", ".join(_JOINED)))
    if name == "tfidf":
        return Recipe(name, [(1.0, Words())], settings)
    if name in _POOLED:
        kind, usual = _POOLED[name]
        return Recipe(name, [(1.0, kind(layers or usual or settings.layers))], settings)
    joined = _JOINED[name]
    words = joined.words if word_weight is None else word_weight
    text_words = joined.text_words if word_weight is None else word_weight
    text_bert = round(1 - text_words, 9)  # so that an index names 0.3, not 0.30000000000000004
    rest = 1 - joined.genres
    parts = [(rest * (1 - words), text_bert, joined.kind(layers or _LAST)),
             (joined.genres, joined.genres, Genres()),
             (rest * words, text_words, joined.word_kind(joined.titles))]
    parts = [each for each in parts if each[0]]
    return Recipe(name, [(weight, part) for weight, _, part in parts], settings,
                  [for_texts for _, for_texts, _ in parts])


def _scales(lengths: np.ndarray, weights: Sequence[float]) -> np.ndarray:
    """Return the factors by which the parts' vectors are scaled when they are joined.

    `lengths` (..., n_parts) are those of the vectors, `weights` (n_parts,) those of the parts.
    The joined vector has length 1; the weight of a part whose vector is zero goes to the others.
    """
    present = np.where(lengths > 0, weights, 0.0)
    total = present.sum(axis=-1, keepdims=True)
    return np.sqrt(present / np.where(total > 0, total, 1)) / np.where(lengths > 0, lengths, 1)


def _lengths(block: Union[np.ndarray, SparseRows]) -> np.ndarray:
    """Return the length of each row, float64 (n,)."""
    if isinstance(block, SparseRows):
        return block.lengths()
    return np.concatenate([np.linalg.norm(block[rows], axis=1) for rows in blocks(len(block))])

