"""Texts through the checkpoint that made an index."""

import threading
from typing import NamedTuple, Optional

import numpy as np

from recommender.features import Settings


class Embedded(NamedTuple):
    """`layers` float32 (n_layers, n_tokens, hidden_size) and `token_ids` int32 (n_tokens,) of a
    text; `was_cut`: it was longer."""

    layers: np.ndarray
    token_ids: np.ndarray
    was_cut: bool


class TextEmbedder:
    """Texts through the checkpoint that made an index; the graph is built once, when needed."""

    def __init__(self, made_by: Settings, bert_dir: Optional[str] = None, verbose: bool = False):
        self.made_by = made_by
        self._bert_dir = bert_dir
        self._verbose = verbose
        self._lock = threading.Lock()
        self._embedder = None  # type: Optional[bert.embedder.Embedder]

    def __call__(self, text: str) -> Embedded:
        """Raises BertError if the checkpoint is not there or is another."""
        self.load()
        layers, = self._embedder.hidden_layers([text])
        token_ids, = self._embedder.token_ids([text])
        return Embedded(layers, token_ids, self._embedder.would_cut(text))

    def load(self) -> None:
        """Build the graph unless it is there. Who comes meanwhile waits for the same one."""
        with self._lock:
            if self._embedder is not None:
                return
            # Imported here: a server asked for titles only never loads TensorFlow.
            from bert import quiet
            quiet.silence(self._verbose)
            from bert.embedder import embedder_of

            self._embedder = embedder_of(self.made_by, self._bert_dir)

    def for_index(self, made_by: Settings) -> "TextEmbedder":
        """The embedder for an index made by `made_by`: this one where it fits, else one that is
        loaded. Raises BertError if it cannot be."""
        if made_by == self.made_by:
            return self
        other = TextEmbedder(made_by, self._bert_dir, self._verbose)
        other.load()
        return other
