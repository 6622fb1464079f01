"""Hidden layers of many texts: one Estimator, one `predict`, fed by a stream.

Adapted from the idea of Google's `extract_features.py`: a `model_fn` whose predictions are
the layers asked for, and an `input_fn` that yields the texts. Unlike there, texts are padded only
to the longest of their batch, and the graph is built once for all texts.
"""

import ctypes
import functools
import os
import platform
import queue
from typing import Any, Callable, Dict, Generator, Iterator, Optional, Sequence, Tuple

import numpy as np
import tensorflow.compat.v1 as tf

from bert import gpu
from bert.batches import Batch, TokenFeatures, batches, batches_of_few_shapes
from bert.gpu_encoder import GpuEncoder
from bert.graphs import Graph
from bert.tensorflow_version import limit_pipeline, side_by_side
from bert.tokenizing import WordPieces

_M_ARENA_MAX = -8  # number of this option of mallopt, from glibc's malloc.h
_ARENAS = 2  # malloc arenas of the process: with one for each thread, memory grows with the films
_CHARACTERS_A_TOKEN = 3  # of an overview, at least; on average it is 4 to 5
_TOKENS_A_CORE = 2048  # tokens of a batch, per core: starting a batch costs little beside them


def default_batch_tokens(encoder: Optional[Graph] = None, texts: Sequence[str] = (),
                         n_cores: int = 0) -> int:
    """Return how many tokens of a batch keep `n_cores` cores busy, 0 for all, or fill the GPU.

    That of a GPU depends on the encoder's sizes, and is no more than all `texts` about have.
    """
    if encoder is not None and encoder.for_gpu:
        return gpu.batch_tokens(encoder.checkpoint.config, encoder.dtype.size,
                                sum(map(len, texts)) // _CHARACTERS_A_TOKEN)
    return _TOKENS_A_CORE * (n_cores or available_cores())


def extract(encoder: Graph, pieces: WordPieces, texts: Sequence[str], max_seq_length: int,
            batch_tokens: int, batch_size: int = 0, pooled: bool = False
            ) -> Generator[Iterator[TokenFeatures], None, None]:
    """Yield the hidden layers of all texts, a batch at a time, the longest texts first.

    Parameters
    ----------
    encoder : Encoder, GruEncoder or ReferenceGraph
        Graph to compute with.
    pieces, texts, max_seq_length, batch_tokens, batch_size
        As for `bert.batches.batches`.
    pooled : bool
        Let a GPU return the mean over tokens of each layer alone, as if a text had one token.

    Yields
    ------
    iterator of TokenFeatures
        One batch. It is split into texts when it is iterated over, which another thread may do
        while the next batch is computed.
    """
    made = functools.partial(_batches_of(encoder), pieces, texts, max_seq_length, batch_tokens,
                             batch_size)
    for _, batch in _predict(encoder, made, 0 if batch_size else batch_tokens, pooled):
        yield batch


class TextStream:
    """Hidden layers of lists of texts, one list after another, by a graph that is built once.

    Parameters
    ----------
    encoder, pieces, max_seq_length, batch_tokens, batch_size, pooled
        As for `extract`.
    n_cores : int
        Cores to compute on, 0 for all.
    """

    def __init__(self, encoder: Graph, pieces: WordPieces, max_seq_length: int, batch_tokens: int,
                 batch_size: int = 0, pooled: bool = False, n_cores: int = 0):
        self._waiting: "queue.Queue[Optional[Sequence[str]]]" = queue.Queue()

        def all_batches() -> Iterator[Batch]:
            for texts in iter(self._waiting.get, None):
                yield from _batches_of(encoder)(
                    pieces, texts, max_seq_length, batch_tokens, batch_size)

        self._predictions = _predict(encoder, all_batches, 0 if batch_size else batch_tokens,
                                     pooled, n_cores)

    def extract(self, texts: Sequence[str]) -> Iterator[Iterator[TokenFeatures]]:
        """Yield the hidden layers of all texts as `extract` does. Take all before the next list."""
        self._waiting.put(texts)
        n_left = len(texts)
        while n_left:
            n_texts, batch = next(self._predictions)
            n_left -= n_texts
            yield batch

    def close(self) -> None:
        """End the graph's session."""
        self._waiting.put(None)  # what waits for the next list
        self._predictions.close()


def _batches_of(encoder: Graph) -> Callable[..., Iterator[Batch]]:
    """Return the function that makes the batches that an encoder computes fastest."""
    return batches_of_few_shapes if encoder.for_gpu else batches


def _predict(encoder: Graph, made: Callable[[], Iterator[Batch]], n_rows: int,
             pooled: bool, n_cores: int = 0
             ) -> Generator[Tuple[int, Iterator[TokenFeatures]], None, None]:
    """Yield the number of texts and the hidden layers of each batch of the iterator `made`."""
    options, config = session_config(encoder, n_cores)
    n_towers = options.get("n_towers", 1)
    if encoder.for_gpu:
        options = {"pooled": pooled, "n_rows": n_rows}
    # The Estimator would make a folder for checkpoints where it is given none; it looks for one in
    # this, finds none, and lets the scaffold set the weights.
    estimator = tf.estimator.Estimator(
        model_fn_builder(encoder, options), os.devnull,
        tf.estimator.RunConfig(session_config=config))
    for batch in estimator.predict(input_fn_builder(made), yield_single_examples=False):
        yield len(batch["rows"]), _texts(batch, len(encoder.layers), n_towers,
                                         pooled and encoder.for_gpu)


def session_config(encoder: Graph, n_cores: int = 0) -> Tuple[Dict[str, Any], tf.ConfigProto]:
    """Return arguments of the encoder's `build`, and the session config that runs it fastest here.

    It runs on `n_cores` cores, 0 for all. Also sets how this process allocates memory and shares
    out threads: call it before the first graph is built.
    """
    # TensorFlow's own allocator keeps large buffers, which malloc would return to the system
    # after every operation, so that the next one would get zeroed pages again.
    os.environ.setdefault("TF_CPU_ALLOCATOR_USE_BFC", "true")
    # Else all sessions share the threads of the first device, which TensorFlow 2.15 makes when a
    # graph is built, with a thread for each core: each operation would be split, and cores would
    # wait for each other and read each other's cache.
    os.environ.setdefault("TF_OVERRIDE_GLOBAL_THREADPOOL", "1")
    _limit_arenas()
    if encoder.for_gpu:
        return {}, gpu.session_config()
    n_threads, n_cores = n_cores, n_cores or available_cores()
    if not encoder.runs_in_towers or n_cores == 1:
        return {}, gpu.cpu_config(intra_op_parallelism_threads=n_threads,
                                  inter_op_parallelism_threads=n_threads)
    # One core for each tower: operations are not split further, and towers run side by side. One
    # more thread would now and then move a tower to another core, away from its cache.
    return side_by_side(n_cores), gpu.cpu_config(intra_op_parallelism_threads=1,
                                                 inter_op_parallelism_threads=n_cores)


def _limit_arenas() -> None:
    """Limit glibc to two malloc arenas, so that freed memory is reused across threads."""
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS)


def _texts(batch: Dict[str, np.ndarray], n_layers: int, n_towers: int,
           pooled: bool) -> Iterator[TokenFeatures]:
    """Yield the texts of one prediction, cut out of the packed tokens of their towers.

    Texts that the graph `pooled` have one row in place of their tokens.
    """
    for tower in range(n_towers):
        layers = [batch[_prediction(tower, n)] for n in range(n_layers)]
        end = 0
        for i in range(tower, len(batch["rows"]), n_towers):
            n_tokens = batch["lengths"][i]
            start, end = end, end + (1 if pooled else n_tokens)
            yield TokenFeatures(int(batch["rows"][i]), batch["token_ids"][i, :n_tokens],
                                np.stack([layer[start:end] for layer in layers]),
                                bool(batch["was_cut"][i]))


def model_fn_builder(encoder: Graph, options: Dict[str, Any]) -> Any:
    """Return an Estimator's `model_fn` that predicts the encoder's layers, tower by tower.

    `options` are arguments of the encoder's `build` or `build_on_gpu`.
    """

    def model_fn(features: Dict[str, tf.Tensor], labels: None, mode: str) -> Any:
        texts = features["token_ids"], features["lengths"]
        if isinstance(encoder, GpuEncoder):
            towers = [encoder.build_on_gpu(*texts, tf.size(features["rows"]), **options)]
        else:
            towers = encoder.build(*texts, **options)
        predictions = dict(features)
        for tower, layers in enumerate(towers):
            predictions.update((_prediction(tower, n), layer) for n, layer in enumerate(layers))
        # The encoder loads the weights, since its variables are pieces of the checkpoint's.
        return tf.estimator.EstimatorSpec(mode, predictions, scaffold=tf.train.Scaffold(
            init_op=tf.train.get_global_step().initializer,
            init_fn=lambda _, session: encoder.load(session)))

    return model_fn


def _prediction(tower: int, layer: int) -> str:
    return "tower_{}_layer_{}".format(tower, layer)


def available_cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def input_fn_builder(made: Callable[[], Iterator[Batch]]) -> Any:
    """Return an Estimator's `input_fn` that streams the batches of the iterator `made`."""
    types = {"rows": tf.int32, "token_ids": tf.int32, "lengths": tf.int32, "was_cut": tf.bool}
    shapes = {"rows": [None], "token_ids": [None, None], "lengths": [None], "was_cut": [None]}

    def input_fn() -> tf.data.Dataset:
        dataset = tf.data.Dataset.from_generator(made, types, shapes).prefetch(4)
        # The graph's threads belong to the towers, so the pipeline gets one of its own.
        options = tf.data.Options()
        limit_pipeline(options, 1)
        return dataset.with_options(options)

    return input_fn


def mean_layers(encoder: Graph, pieces: WordPieces, texts: Sequence[str], max_seq_length: int,
                advance: Callable[[int], Any]) -> np.ndarray:
    """Return the mean over tokens of hidden layers, float32 (n, n_layers, hidden_size).

    `advance` is told of texts as they are done; the others as in `extract`.
    """
    found = np.zeros((len(texts), len(encoder.layers), encoder.checkpoint.config.hidden_size),
                     np.float32)
    for batch in extract(encoder, pieces, texts, max_seq_length,
                         default_batch_tokens(encoder, texts), pooled=True):
        for text in batch:
            found[text.row] = text.layers.mean(axis=1)
            advance(1)
    return found
