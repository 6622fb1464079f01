"""Run the encoder on one GPU, under TensorFlow 2.15: find it, and fit batches into its memory."""

import os
from typing import Any

import tensorflow.compat.v1 as tf

from bert.checkpoint import Config
from bert.tensorflow_version import gpus, turn_off_tf32

_MOST_TOKENS = 1 << 15  # tokens of a batch: more make products no faster, and the last one waits
_LEAST_TOKENS = 1 << 10  # tokens of a batch for a GPU of little memory
_SHARE = 0.4  # share of the memory for a batch: weights, copies and what XLA plans take the rest
_LONGEST = 512  # tokens of the longest text, for which the memory of the scores is reckoned
# Numbers kept for each token: of H (hidden states, heads and their copies, layers asked for), of
# the intermediate layer, and of scores for each head and token of the text.
_HIDDEN, _WIDE, _SCORES = 16, 3, 2
# cuBLAS chooses the kernel of a product: for large ones its choice is as good as one by trial,
# which takes longer than a run.
_XLA_FLAGS = "--xla_gpu_autotune_level=0 --xla_gpu_enable_triton_gemm=false"


def is_there() -> bool:
    """Return True if there is a GPU for this TensorFlow."""
    return bool(gpus())


def session_config() -> tf.ConfigProto:
    """Return the session config for a graph on one GPU; call it before the first session.

    Float32 products are computed in float32, not in TF32, whose numbers have 10 bits.
    """
    os.environ["XLA_FLAGS"] = " ".join(filter(None, (_XLA_FLAGS, os.environ.get("XLA_FLAGS"))))
    turn_off_tf32()
    config = tf.ConfigProto(allow_soft_placement=True)  # checkpoints are read by the CPU
    config.gpu_options.visible_device_list = "0"
    # Else TensorFlow takes nearly all memory at once, which takes seconds where it is large, and
    # leaves none to others.
    config.gpu_options.allow_growth = True
    return config


def cpu_config(**options: Any) -> tf.ConfigProto:
    """Return the session config, with `options`, for a graph on the CPU: no GPU is touched.

    TensorFlow would else put operations on a GPU that is there, compute in TF32 and take its
    memory.
    """
    return tf.ConfigProto(device_count={"GPU": 0}, **options)


def batch_tokens(config: Config, n_bytes_a_number: int, n_texts_tokens: int = _MOST_TOKENS) -> int:
    """Return how many tokens of a batch fit into the memory of the GPU.

    Parameters
    ----------
    config : Config
        Sizes of the model.
    n_bytes_a_number : int
        Bytes of an activation.
    n_texts_tokens : int
        Upper bound on the tokens of all texts: a batch is not larger than they need.
    """
    with tf.Session(graph=tf.Graph(), config=session_config()) as session:
        memory = max(device.memory_limit_bytes for device in session.list_devices()
                     if device.device_type == "GPU")
    return tokens_that_fit(config, n_bytes_a_number, memory, n_texts_tokens)


def tokens_that_fit(config: Config, n_bytes_a_number: int, memory: int,
                    n_texts_tokens: int = _MOST_TOKENS) -> int:
    """Return how many tokens of a batch fit into `memory` bytes of a GPU.

    >>> large = Config(30522, 1024, 24, 16, 4096, 512, 2, "gelu")
    >>> tokens_that_fit(large, 4, 80 << 30), tokens_that_fit(large, 4, 8 << 30)
    (32768, 19065)
    """
    a_token = n_bytes_a_number * (
        _HIDDEN * config.hidden_size + _WIDE * config.intermediate_size
        + _SCORES * config.num_attention_heads * _LONGEST)
    fitting = int(_SHARE * memory / a_token)
    return max(_LEAST_TOKENS, min(_MOST_TOKENS, fitting, n_texts_tokens))
