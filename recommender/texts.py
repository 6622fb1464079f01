"""Texts in one's own words, through the checkpoint that made an index."""

import threading
from typing import Optional

from recommender.features import Settings
from recommender.recipes import Source


class CheckpointTexts:
    """Takes a text to its hidden layers; the graph is built once, at the first text.

    This is the one place of the package that reaches for `bert`, and so for TensorFlow. It does
    so inside a method, so that who asks for films only never waits for it.
    """

    def __init__(self, made_by: Settings, bert_dir: Optional[str] = None, verbose: bool = False):
        """`made_by` is what an index says of its features; `bert_dir` the checkpoint's folder,
        by default the one of its name in tmp/."""
        self._made_by, self._bert_dir, self._verbose = made_by, bert_dir, verbose
        self._embedder = None  # type: Optional[bert.embedder.Embedder]
        self._lock = threading.Lock()

    def __call__(self, text: str) -> Source:
        """Raises bert.errors.BertError if the checkpoint is not there or is another."""
        with self._lock:
            if self._embedder is None:
                from bert import quiet
                quiet.silence(self._verbose)
                from bert.embedder import embedder_of

                self._embedder = embedder_of(self._made_by, self._bert_dir)
        layers, = self._embedder.hidden_layers([text])
        token_ids, = self._embedder.token_ids([text])
        return Source(text, layers, token_ids)
