"""The head of a genre model: probabilities and shares of words, from hidden layers.

It is linear in the mean of a text's hidden layers, so that the share of a token in the log-odds of
a genre is exact.
"""

import json
import os
import zipfile
from typing import Any, Dict, List, NamedTuple, Sequence, Tuple

import numpy as np
from scipy.special import expit

from recommender.errors import RecommenderError
from recommender.storage.files import new_file, write_text

TOLD = "genre_head.json"  # beside the weights of a genre model: what it predicts, and how it came
VALUES = "genre_head.npz"  # beside it: its numbers
UNSEEN = "genre_folds.npz"  # beside it: probabilities of films by models that did not see them
KEPT_FOLD = 0  # number of the fold whose model is kept: the first that is trained


class Unseen(NamedTuple):
    """Probabilities of films from the folds in whose training they were not.

    `ids` is int64 (n,), `probabilities` float32 (n, g), `folds` int64 (n,): the fold that tests
    the film.
    """

    ids: np.ndarray
    probabilities: np.ndarray
    folds: np.ndarray


class GenreHead(NamedTuple):
    """A linear head on the mean over layers and tokens.

    Attributes
    ----------
    genres : tuple of str
        The g genres.
    layers : tuple of int
        Hidden layers whose mean it reads, as Google counts them.
    max_seq_length : int
        Word pieces after which a text is cut.
    do_lower_case : bool
    kernel : np.ndarray
        float32 (hidden_size, g).
    bias : np.ndarray
        float32 (g,).
    thresholds : np.ndarray
        float64 (g,): probabilities from which on a genre is predicted.
    notes : dict
        How it was trained and what it reaches, for people.
    """

    genres: Tuple[str, ...]
    layers: Tuple[int, ...]
    max_seq_length: int
    do_lower_case: bool
    kernel: np.ndarray
    bias: np.ndarray
    thresholds: np.ndarray
    notes: Dict[str, Any]

    def probabilities(self, layers: np.ndarray) -> np.ndarray:
        """Return the probability of each genre, float (g,), from layers (n_layers, n_tokens, H)."""
        return expit(layers.mean(axis=(0, 1)) @ self.kernel + self.bias)

    def shares(self, layers: np.ndarray) -> np.ndarray:
        """Return the share of each token in the log-odds of each genre, float (n_tokens, g).

        The log-odds are their sum and the bias.
        """
        return layers.mean(axis=0) @ self.kernel / layers.shape[1]

    def predicted(self, probabilities: np.ndarray) -> List[str]:
        """Return the genres from their thresholds on, the likeliest first."""
        return [self.genres[place] for place in np.argsort(-probabilities)
                if probabilities[place] >= self.thresholds[place]]

    def save(self, folder: str) -> None:
        """Write the head into a folder. Raises OSError."""
        with new_file(os.path.join(folder, VALUES)) as part, open(part, "wb") as file:
            np.savez(file, kernel=self.kernel, bias=self.bias, thresholds=self.thresholds)
        write_text(os.path.join(folder, TOLD), json.dumps({
            "genres": self.genres, "layers": self.layers, "max_seq_length": self.max_seq_length,
            "do_lower_case": self.do_lower_case, **self.notes}, indent=2) + "\n")


def read_head(folder: str) -> GenreHead:
    """Read the head of a genre model. Raises RecommenderError if it is missing or damaged."""
    path = os.path.join(folder, TOLD)
    if not os.path.isfile(path):
        raise RecommenderError("{} holds no genre model: train_genres.py makes one".format(folder))
    try:
        with open(path, encoding="utf-8") as file:
            told = json.load(file)
        numbers = _read_arrays(os.path.join(folder, VALUES))
        head = GenreHead(tuple(told.pop("genres")), tuple(told.pop("layers")),
                         int(told.pop("max_seq_length")), bool(told.pop("do_lower_case")),
                         numbers["kernel"], numbers["bias"], numbers["thresholds"], told)
        g = len(head.genres)
        if head.kernel.ndim == 2 and {head.kernel.shape[1], head.bias.size,
                                      head.thresholds.size} == {g}:
            return head
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass
    raise RecommenderError("the genre model in {} is damaged: train it again with "
                           "train_genres.py".format(folder))


def save_unseen(unseen: Unseen, folder: str) -> None:
    """Write the probabilities of unseen films into a genre model's folder. Raises OSError."""
    with new_file(os.path.join(folder, UNSEEN)) as part, open(part, "wb") as file:
        np.savez(file, **unseen._asdict())


def read_unseen(folder: str, head: GenreHead) -> Unseen:
    """Read the probabilities of unseen films. Raises RecommenderError if they are damaged."""
    try:
        unseen = Unseen(**_read_arrays(os.path.join(folder, UNSEEN)))
        if unseen.probabilities.shape == (len(unseen.ids), len(head.genres)) and (
                unseen.folds.shape == unseen.ids.shape):
            return unseen
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise RecommenderError("{} is missing, damaged or of an older version: train the model again "
                           "with train_genres.py".format(os.path.join(folder, UNSEEN)))


def _read_arrays(path: str) -> Dict[str, np.ndarray]:
    """Return the arrays of an .npz file. Raises OSError or ValueError if it is none."""
    try:
        # Without pickles: a file of others must not run code.
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (zipfile.BadZipFile, EOFError, AttributeError) as error:  # cut short, or one array
        raise ValueError("{} is no .npz file".format(path)) from error


def word_shares(text: str, spans: Sequence[Tuple[int, int]],
                shares: np.ndarray) -> List[Tuple[str, float]]:
    """Return the words of a text with their shares, the largest first.

    Parameters
    ----------
    text : str
    spans : sequence of tuple of int
        Begin and end of each token's word in the text; equal ones for [CLS] and [SEP].
    shares : np.ndarray
        float (n_tokens,).
    """
    found: Dict[Tuple[int, int], float] = {}
    for span, share in zip(spans, shares):
        if span[0] < span[1]:
            found[span] = found.get(span, 0.0) + float(share)
    return sorted(((text[start:end], share) for (start, end), share in found.items()
                   if any(letter.isalnum() for letter in text[start:end])),
                  key=lambda each: -each[1])
