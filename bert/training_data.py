"""Batches of a training: texts in an order that follows from the seed and the step."""

from typing import Any, Callable, Iterator, NamedTuple, Sequence

import numpy as np
import tensorflow.compat.v1 as tf

from bert.tensorflow_version import limit_pipeline

_EVALUATED = 64  # texts of a batch where nothing is trained


class Plan(NamedTuple):
    """Settings of a training.

    Attributes
    ----------
    epochs : int
        At most; it ends earlier if `patience` epochs bring no better validation.
    batch_size : int
    learning_rate : float
        The highest, after the warm-up.
    warmup : float
        Share of the steps in which the learning rate rises.
    weight_decay : float
    dropout : float
    piece_dropout : float
        Share of the word pieces of a text that are left out when it is trained on, drawn anew
        each time (Iyyer et al. 2015, Deep unordered composition rivals syntactic methods).
    averaging : int
        Steps over which the running mean of the weights goes, or less where all steps are few.
        The mean is what is validated and kept; at 0 it is the weights themselves.
    patience : int
    seed : int
    """

    epochs: int
    batch_size: int
    learning_rate: float
    warmup: float
    weight_decay: float
    dropout: float
    piece_dropout: float
    averaging: int
    patience: int
    seed: int


class Examples(NamedTuple):
    """Texts as word pieces, and their genres.

    `token_ids` are int32 arrays (n_tokens,), `labels` float32 (n, g).
    """

    token_ids: Sequence[np.ndarray]
    labels: np.ndarray


def pack(rows: np.ndarray, examples: Examples) -> Any:
    """Return features and labels of a batch: `token_ids` padded with 0, `lengths`; (B, g)."""
    lengths = np.array([len(examples.token_ids[row]) for row in rows], np.int32)
    token_ids = np.zeros((len(rows), lengths.max()), np.int32)
    for at, row in enumerate(rows):
        token_ids[at, :lengths[at]] = examples.token_ids[row]
    return {"token_ids": token_ids, "lengths": lengths}, examples.labels[rows]


def batch_rows(n: int, plan: Plan, first_step: int) -> Iterator[np.ndarray]:
    """Yield the rows of each batch from a step on: a function of the seed and the step."""
    n_epoch = -(-n // plan.batch_size)
    for step in range(first_step, n_epoch * plan.epochs):
        epoch, at = divmod(step, n_epoch)
        order = np.random.RandomState([plan.seed, epoch]).permutation(n)
        yield order[at * plan.batch_size:(at + 1) * plan.batch_size]


def thinned(examples: Examples, rows: np.ndarray, plan: Plan, step: int) -> Examples:
    """Return the texts of a batch without some of their word pieces: a function of seed and step.

    The first and the last, [CLS] and [SEP], stay.
    """
    draws = np.random.RandomState([plan.seed, 1, step])
    texts = []
    for token_ids in (examples.token_ids[row] for row in rows):
        kept = draws.random_sample(len(token_ids)) >= plan.piece_dropout
        kept[[0, -1]] = True
        texts.append(token_ids[kept])
    return Examples(texts, examples.labels[rows])


def shuffled(examples: Examples, plan: Plan, first_step: int) -> tf.data.Dataset:
    """Return the batches of a training from a step on."""
    return _dataset(lambda: (
        pack(np.arange(len(rows)), thinned(examples, rows, plan, step))
        for step, rows in enumerate(batch_rows(len(examples.token_ids), plan, first_step),
                                    first_step)), examples)


def in_order(examples: Examples) -> tf.data.Dataset:
    """Return the texts as they are, in batches, in their order."""
    n = len(examples.token_ids)
    return _dataset(lambda: (pack(np.arange(start, min(start + _EVALUATED, n)), examples)
                             for start in range(0, n, _EVALUATED)), examples)


def _dataset(batches: Callable[[], Iterator[Any]], examples: Examples) -> tf.data.Dataset:
    dataset = tf.data.Dataset.from_generator(
        batches, ({"token_ids": tf.int32, "lengths": tf.int32}, tf.float32),
        ({"token_ids": [None, None], "lengths": [None]},
         [None, examples.labels.shape[1]])).prefetch(2)
    # A thread of its own: a pipeline that waits must not keep one from the graph.
    options = tf.data.Options()
    limit_pipeline(options, 1)
    return dataset.with_options(options)
