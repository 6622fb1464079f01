"""Batching of text queries: those that come at once go through the graph in one run."""

import threading
from concurrent.futures import Future
from typing import Callable, List, Optional, Sequence, Tuple

from recommender.checkpoint_texts import CheckpointTexts
from recommender.source import Source
from recommender.storage.shards import Settings
from serving import counters
from serving.heard_genres import HeardGenres

MAX_WAITING = 16  # texts that wait while the graph is busy: as many as one run can take
_GATHER_SECONDS = 0.005  # for which a run waits for more texts if the one before had several


class Overloaded(Exception):
    """A text query that cannot be answered now but perhaps in a moment; the message is one line
    for the client."""


class Batches:
    """Turns calls with one text each, from many threads, into calls of `run` with several texts.

    A call that finds nothing running runs at once. Calls that come meanwhile wait, and the first
    of them to wake runs them all: none waits longer than one run and _GATHER_SECONDS.
    """

    def __init__(self, run: Callable[[Sequence[str]], List[Source]]):
        self._run = run
        self._changed = threading.Condition()
        self._waiting = []  # type: List[Tuple[str, Future]]
        self._running = False
        self._last_size = 1

    def __call__(self, text: str) -> Source:
        """Return what `run` returns for `text`. Raises Overloaded if MAX_WAITING texts wait, and
        whatever `run` raises."""
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
                    # Clients that have just been answered may ask again at once.
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
        except BaseException as error:  # raised in each of the threads that wait
            for _, future in batch:
                future.set_exception(error)
        finally:
            with self._changed:
                self._running, self._last_size = False, len(batch)
                self._changed.notify_all()


class TextEmbedder:
    """Embeds texts through the checkpoint that made an index, those that come at once in one run
    of a graph that is built when first needed."""

    def __init__(self, made_by: Settings, bert_dir: Optional[str] = None, verbose: bool = False,
                 genre_model: Optional[str] = None):
        self._texts = CheckpointTexts(made_by, bert_dir, verbose)
        self._made_by, self._genre_model = made_by, genre_model
        self._hear: Optional[HeardGenres] = None  # made with the graph, at the first text
        self._in_batches = Batches(self._embed)

    def __call__(self, text: str) -> Source:
        """Return a text with its hidden layers.

        With a genre model, it has the genres heard in it. Raises BertError if the checkpoint is
        missing or another, Overloaded if too many texts wait.
        """
        return self._in_batches(text)

    def load(self) -> None:
        """Build the graph unless it is there; callers that come meanwhile wait for the same one.

        Raises BertError or RecommenderError if a checkpoint is missing or another.
        """
        self._read(["a"])  # the first run takes TensorFlow seconds to prepare

    def _embed(self, texts: Sequence[str]) -> List[Source]:
        found = self._read(texts)
        counters.BATCHES.inc()
        return found

    def _read(self, texts: Sequence[str]) -> List[Source]:
        found = self._texts.embed_all(texts)
        if self._genre_model is None:
            return found
        if self._hear is None:
            self._hear = HeardGenres(self._genre_model, self._made_by)
        return self._hear(found)
