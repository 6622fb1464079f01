"""Hidden layers of many texts: one Estimator, one `predict`, fed by a stream.

Adapted from the idea of Google's `extract_features.py`: a `model_fn` whose predictions are
the layers asked for, an `input_fn` that brings the texts. Unlike it, nothing is padded to
the longest text of all, and the graph is built once however many texts there are.
"""

import ctypes
import os
import platform
import tempfile
from typing import Any, Dict, Iterator, NamedTuple, Sequence, Tuple, Union

import numpy as np
import tensorflow.compat.v1 as tf

from bert.encoder import Encoder
from bert.reference import ReferenceGraph
from bert.tokenizing import WordPieces

Graph = Union[Encoder, ReferenceGraph]

_M_ARENA_MAX = -8  # of glibc's malloc.h
_CHUNK = 1024  # texts that are tokenised and sorted by length together
_TOKENS_A_CORE = 2048


class TokenFeatures(NamedTuple):
    """One text: `row` is its place in the texts given, `token_ids` int32 (n_tokens,),
    `layers` float32 (n_layers, n_tokens, hidden_size)."""

    row: int
    token_ids: np.ndarray
    layers: np.ndarray
    was_cut: bool


def default_batch_tokens() -> int:
    """Tokens of a batch that keep every core busy for long against the start of a batch."""
    return _TOKENS_A_CORE * _n_cores()


def extract(encoder: Graph, pieces: WordPieces, texts: Sequence[str], max_seq_length: int,
            batch_tokens: int, batch_size: int = 0) -> Iterator[Iterator[TokenFeatures]]:
    """Yield the hidden layers of all `texts`, a batch at a time, the longest texts first.

    A batch holds `batch_tokens` tokens, padding included, or `batch_size` texts where that
    is not 0. It is taken apart when it is iterated over, which another thread may do while
    the next one is computed.
    """
    n_towers, config = session_config(encoder)
    with tempfile.TemporaryDirectory() as model_dir:  # the Estimator wants one; nothing stays
        estimator = tf.estimator.Estimator(
            model_fn_builder(encoder, n_towers), model_dir,
            tf.estimator.RunConfig(session_config=config))
        predictions = estimator.predict(
            input_fn_builder(pieces, texts, max_seq_length, batch_tokens, batch_size),
            yield_single_examples=False)
        for batch in predictions:
            yield _texts(batch, len(encoder.layers), n_towers)


def session_config(encoder: Graph) -> Tuple[int, tf.ConfigProto]:
    """How many towers to build, and the session that runs them best on this machine's cores."""
    # TensorFlow's own allocator keeps the large buffers that malloc would give back to the
    # system after every operation and have zeroed again. Read when the first session starts.
    os.environ.setdefault("TF_CPU_ALLOCATOR_USE_BFC", "true")
    _share_heaps()
    n_cores = _n_cores()
    if not encoder.runs_in_towers or n_cores == 1:
        return 1, tf.ConfigProto()
    # A tower is one core's: its operations are not split further, the towers run side by side. A
    # thread more would now and then move a tower away from what it has in its core's cache.
    return n_cores, tf.ConfigProto(intra_op_parallelism_threads=1,
                                   inter_op_parallelism_threads=n_cores)


def _share_heaps() -> None:
    """Let all threads have two heaps together: glibc gives each its own, where what another thread
    has freed is not found again, and memory grows with the films."""
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)


def _texts(batch: Dict[str, np.ndarray], n_layers: int, n_towers: int) -> Iterator[TokenFeatures]:
    """The texts of one prediction, taken out of their towers' packed tokens."""
    for tower in range(n_towers):
        layers = [batch[_prediction(tower, n)] for n in range(n_layers)]
        end = 0
        for i in range(tower, len(batch["rows"]), n_towers):
            start, end = end, end + batch["lengths"][i]
            yield TokenFeatures(int(batch["rows"][i]), batch["token_ids"][i, :end - start],
                                np.stack([layer[start:end] for layer in layers]),
                                bool(batch["was_cut"][i]))


def model_fn_builder(encoder: Graph, n_towers: int) -> Any:
    """An Estimator's `model_fn` whose predictions are the encoder's layers, tower by tower."""

    def model_fn(features: Dict[str, tf.Tensor], labels: None, mode: str) -> Any:
        towers = encoder.build(features["token_ids"], features["lengths"], n_towers)
        predictions = dict(features)
        for tower, layers in enumerate(towers):
            predictions.update((_prediction(tower, n), layer) for n, layer in enumerate(layers))
        # The weights are read by us, since q, k and v are one variable here and three there.
        return tf.estimator.EstimatorSpec(mode, predictions, scaffold=tf.train.Scaffold(
            init_op=tf.train.get_global_step().initializer,
            init_fn=lambda _, session: encoder.load(session)))

    return model_fn


def _prediction(tower: int, layer: int) -> str:
    return "tower_{}_layer_{}".format(tower, layer)


def _n_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def input_fn_builder(pieces: WordPieces, texts: Sequence[str], max_seq_length: int,
                     batch_tokens: int, batch_size: int) -> Any:
    """An `input_fn` that streams batches of texts of like length.

    Each batch: `rows` int32 (B,), `token_ids` int32 (B, T), `lengths` int32 (B,) and
    `was_cut` bool (B,).
    """
    types = {"rows": tf.int32, "token_ids": tf.int32, "lengths": tf.int32, "was_cut": tf.bool}
    shapes = {"rows": [None], "token_ids": [None, None], "lengths": [None], "was_cut": [None]}

    def input_fn() -> tf.data.Dataset:
        dataset = tf.data.Dataset.from_generator(
            lambda: batches(pieces, texts, max_seq_length, batch_tokens, batch_size),
            types, shapes).prefetch(4)
        # The graph's threads are the towers'; the pipeline has one of its own.
        options = tf.data.Options()
        options.experimental_threading.private_threadpool_size = 1
        return dataset.with_options(options)

    return input_fn


def batches(pieces: WordPieces, texts: Sequence[str], max_seq_length: int, batch_tokens: int,
            batch_size: int = 0) -> Iterator[Dict[str, np.ndarray]]:
    """The batches of `input_fn_builder`, longest first, so that the first needs most memory.

    The number of characters orders the texts before they are tokenised, the number of
    tokens within a chunk of them.
    """
    by_length = sorted(range(len(texts)), key=lambda row: -len(texts[row]))
    for start in range(0, len(by_length), _CHUNK):
        rows = by_length[start:start + _CHUNK]
        encoded = zip(rows, pieces.encode([texts[row] for row in rows], max_seq_length))
        chunk = sorted(encoded, key=lambda item: -len(item[1].token_ids))
        while chunk:
            longest = len(chunk[0][1].token_ids)
            size = batch_size or max(1, batch_tokens // longest)
            taken, chunk = chunk[:size], chunk[size:]
            token_ids = np.zeros((len(taken), longest), np.int32)
            for i, (_, text) in enumerate(taken):
                token_ids[i, :len(text.token_ids)] = text.token_ids
            yield {"rows": np.array([row for row, _ in taken], np.int32),
                   "token_ids": token_ids,
                   "lengths": np.array([len(text.token_ids) for _, text in taken], np.int32),
                   "was_cut": np.array([text.was_cut for _, text in taken])}
