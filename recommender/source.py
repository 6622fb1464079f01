"""The data of a film or a text from which recipes make its vector."""

from typing import Callable, Iterable, List, NamedTuple, Optional, Tuple

import numpy as np

from recommender.storage.shards import MovieFeatures, Settings
from recommender.words import quoted, some_of


class Source(NamedTuple):
    """A film, or a text, as recipes see it; a text has neither title nor genres.

    Attributes
    ----------
    overview : str
        The overview of the film, or the text.
    layers : np.ndarray, optional
        Hidden layers (n_layers, n_tokens, hidden_size), in the order of the features' settings,
        with a single token, the mean, where these are pooled. A recipe without BERT needs none.
    token_ids : np.ndarray, optional
        int32 (n_tokens,). A recipe without BERT needs none.
    title : str
    genres : tuple of str
    was_cut : bool
        True if the text was longer than max_seq_length and its end was not read.
    unknown : tuple of str
        Words of the text that the checkpoint does not know.
    knows_any : bool
        True if the checkpoint knows at least one word of the text.
    heard : tuple of (str, float)
        Genres that a genre model hears in the text, the likeliest first, with probabilities.
    """

    overview: str
    layers: Optional[np.ndarray] = None
    token_ids: Optional[np.ndarray] = None
    title: str = ""
    genres: Tuple[str, ...] = ()
    was_cut: bool = False
    unknown: Tuple[str, ...] = ()
    knows_any: bool = True
    heard: Tuple[Tuple[str, float], ...] = ()

    @property
    def is_text(self) -> bool:
        """True for a text: every film of a catalogue has a title."""
        return not self.title

    def notes(self, made_by: Settings) -> List[str]:
        """Return what a user should know of how a text was read by the checkpoint of features."""
        notes = []
        if self.was_cut:
            notes.append("{} is longer than {} word pieces: the rest was not read".format(
                quoted(self.overview), made_by.max_seq_length))
        if self.unknown:
            notes.append("{} does not know {} in {}".format(
                made_by.checkpoint, some_of(self.unknown), quoted(self.overview)))
        return notes


# A function that goes through row and features of every film, as often as it is called.
Features = Callable[[], Iterable[Tuple[int, MovieFeatures]]]
