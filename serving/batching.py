"""Texts through the checkpoint that made an index: those that come at once go in one run."""

import threading
from concurrent.futures import Future
from typing import Callable, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from recommender.storage.shards import Settings
from serving import counters

MAX_WAITING = 16  # texts that wait while the graph is busy; all of them go into its next run
_GATHER_SECONDS = 0.005  # that a run waits for others, after one of several texts


class Embedded(NamedTuple):
    """`layers` float32 (n_layers, n_tokens, hidden_size) and `token_ids` int32 (n_tokens,) of a
    text; `was_cut`: it was longer."""

    layers: np.ndarray
    token_ids: np.ndarray
    was_cut: bool


class Overloaded(Exception):
    """As many texts wait as may; one line for the client, who may ask again in a moment."""


class Batches:
    """Calls with one text each as calls of `run` with several.

    A call that finds nothing running runs at once. Those that come meanwhile wait, and the first
    of them to wake runs them all: none waits longer than one run and _GATHER_SECONDS.
    """

    def __init__(self, run: Callable[[Sequence[str]], List[Embedded]]):
        self._run = run
        self._changed = threading.Condition()
        self._waiting = []  # type: List[Tuple[str, Future]]
        self._running = False
        self._last_size = 1

    def __call__(self, text: str) -> Embedded:
        """What `run` gives for `text`. Raises Overloaded, and whatever `run` raises."""
        mine = Future()  # type: Future
        with self._changed:
            if len(self._waiting) >= MAX_WAITING:
                raise Overloaded("{} texts are waiting to be read: ask again in a moment".format(
                    MAX_WAITING))
            self._waiting.append((text, mine))
            self._changed.notify_all()
            self._changed.wait_for(lambda: mine.done() or not self._running)
            if not mine.done():
                self._running = True
                if self._last_size > 1:
                    # Clients that have just been answered ask again: their texts go along.
                    self._changed.wait_for(lambda: len(self._waiting) >= MAX_WAITING,
                                           _GATHER_SECONDS)
                batch, self._waiting = self._waiting, []
        if not mine.done():
            self._answer(batch)
        return mine.result()

    def _answer(self, batch: List[Tuple[str, Future]]) -> None:
        try:
            for (_, future), answer in zip(batch, self._run([text for text, _ in batch])):
                future.set_result(answer)
        except Exception as error:  # each of them is told
            for _, future in batch:
                future.set_exception(error)
        finally:
            with self._changed:
                self._running, self._last_size = False, len(batch)
                self._changed.notify_all()


class TextEmbedder:
    """Texts through the checkpoint that made an index; the graph is built once, when needed."""

    def __init__(self, made_by: Settings, bert_dir: Optional[str] = None, verbose: bool = False):
        self.made_by = made_by
        self._bert_dir = bert_dir
        self._verbose = verbose
        self._lock = threading.Lock()
        self._embedder = None  # type: Optional[bert.embedder.Embedder]
        self._in_batches = Batches(self._embed)

    def __call__(self, text: str) -> Embedded:
        """Raises BertError if the checkpoint is not there or is another, Overloaded if too many
        texts wait."""
        return self._in_batches(text)

    def _embed(self, texts: Sequence[str]) -> List[Embedded]:
        self.load()
        counters.BATCHES.inc()
        return [Embedded(found.layers, found.token_ids, found.was_cut)
                for found in self._embedder.features(texts)]

    def load(self) -> None:
        """Build the graph unless it is there. Who comes meanwhile waits for the same one.

        Raises BertError if the checkpoint is not there or is another.
        """
        with self._lock:
            if self._embedder is not None:
                return
            from bert import quiet
            from bert.checkpoint import folder_of

            folder_of(self.made_by, self._bert_dir)  # if there is none, TensorFlow is not needed
            quiet.silence(self._verbose)
            # Imported here: it brings TensorFlow along.
            from bert.embedder import embedder_of

            embedder = embedder_of(self.made_by, self._bert_dir)
            embedder.features(["."])  # the first run takes TensorFlow seconds to prepare
            self._embedder = embedder

    def for_index(self, made_by: Settings) -> "TextEmbedder":
        """The embedder for an index made by `made_by`: this one where it fits, else one that is
        loaded. Raises BertError if it cannot be."""
        if made_by == self.made_by:
            return self
        other = TextEmbedder(made_by, self._bert_dir, self._verbose)
        other.load()
        return other
