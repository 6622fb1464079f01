"""A worker: computes the features of its tasks and hands in a shard for each.

Its module imports TensorFlow, so that only workers import it.
"""

import contextlib
import os
from typing import Any, Callable, Iterable, Iterator, NamedTuple, Optional, Sequence

from bert.batches import TokenFeatures
from bert.checkpoint import open_checkpoint
from bert.extraction import TextStream, default_batch_tokens
from bert.graphs import chosen_graph
from bert.tensorflow_version import computed_by
from bert.tokenizing import WordPieces
from extracting.background import for_each_in_background
from extracting.tasks import Counts, Job, Task
from recommender.errors import RecommenderError
from recommender.storage.feature_store import overview_digest
from recommender.storage.shards import ShardWriter


class _Item(NamedTuple):
    """Item for the writing thread: a batch of a task's texts, or its end."""

    task: Task
    batch: Optional[Iterator[TokenFeatures]]


class _Writing:
    """Writes the batches of tasks, one task after another, and hands in a shard for each."""

    def __init__(self, job: Job, pieces: WordPieces, computed: str,
                 done: Callable[[Task, Counts], Any]):
        self._job = job
        self._pieces = pieces
        self._computed_by = computed
        self._done = done
        self._shard: Optional[ShardWriter] = None
        self._counts = Counts(0, 0, 0)

    def write(self, item: _Item) -> None:
        """Add a batch to the shard of its task, or hand it in. Raises OSError."""
        if item.batch is not None:
            self._add(item.task, item.batch)
        if self._shard is not None and (item.batch is None or self._shard.failed):
            shard, self._shard = self._shard, None
            shard.close()
        if item.batch is None:
            self._done(item.task, self._counts)
            self._counts = Counts(0, 0, 0)

    def _add(self, task: Task, batch: Iterator[TokenFeatures]) -> None:
        shard = self._shard = self._shard or self._job.run.new_shard(
            task.number, self._job.settings, self._computed_by)
        n_done, n_cut, n_unknown = self._counts
        for text in batch:
            film = task.films[text.row]
            shard.add(film.id, text.layers, text.token_ids, overview_digest(film.overview))
            n_done += 1
            n_cut += text.was_cut
            n_unknown += not self._pieces.knows_any(text.token_ids)
        self._counts = Counts(n_done, n_cut, n_unknown)

    def close(self) -> None:
        """Remove the shard that was not handed in, if there is one."""
        if self._shard is not None:
            self._shard.discard()


class Worker:
    """Loads a job's graph once and computes tasks by it.

    Raises BertError if the graph cannot be built, RecommenderError if the checkpoint is not the
    one of the run.
    """

    def __init__(self, job: Job):
        self._job = job
        # Threads of the tokenizer, which would else take the cores of other workers.
        os.environ.setdefault("RAYON_NUM_THREADS", str(job.n_cores or os.cpu_count()))
        self._checkpoint = open_checkpoint(None, job.config_file, job.vocab_file,
                                           job.init_checkpoint)
        if self._checkpoint.sha256 != job.settings.checkpoint_sha256:
            raise RecommenderError("{} is another checkpoint here than where the run was started: "
                                   "copy that one here".format(job.init_checkpoint))
        self._pieces = WordPieces(job.vocab_file, job.settings.do_lower_case)
        self._computed_by = computed_by(job.precision)
        self._stream: Optional[TextStream] = None
        self._encoder = chosen_graph(job.graph, self._checkpoint, job.settings.layers,
                                     job.precision)

    def work(self, tasks: Iterable[Task], done: Callable[[Task, Counts], Any],
             failed: Callable[[], Any] = lambda: None) -> None:
        """Compute tasks until the run ends; call `done` when the shard of one is handed in.

        A run that is stopping gets the films computed so far. A shard is written in a thread of
        its own while the next task is computed. Raises OSError if the disk does not take it, after
        a call of `failed` in that thread.
        """
        with contextlib.closing(_Writing(self._job, self._pieces, self._computed_by, done)) as to:

            def write(item: _Item) -> None:
                try:
                    to.write(item)
                except BaseException:
                    failed()
                    raise

            for_each_in_background(self._items(tasks), write)

    def _items(self, tasks: Iterable[Task]) -> Iterator[_Item]:
        run = self._job.run
        for task in tasks:
            if run.is_stopping() or not run.is_on():
                return
            texts = [film.overview for film in task.films]
            for batch in self._of(texts).extract(texts):
                yield _Item(task, batch)
                if not run.is_on():
                    return
                if run.is_stopping():
                    break
            yield _Item(task, None)

    def _of(self, texts: Sequence[str]) -> TextStream:
        """Return the stream of texts; the first of them tell a GPU how large batches are."""
        if self._stream is None:
            job = self._job
            self._stream = TextStream(
                self._encoder, self._pieces, job.settings.max_seq_length,
                job.batch_tokens or default_batch_tokens(self._encoder, texts, job.n_cores),
                job.batch_size, job.settings.pooled, job.n_cores)
        return self._stream

    def close(self) -> None:
        """End the graph's session."""
        if self._stream is not None:
            self._stream.close()
