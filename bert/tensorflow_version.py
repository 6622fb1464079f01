"""Differences between TensorFlow 1.15 and 2.15: the only module that asks for the version."""

from typing import Any, Dict, List

import tensorflow.compat.v1 as tf

from bert.errors import BertError

IS_1 = tf.__version__.startswith("1.")  # True under TensorFlow 1.15


def check_google_graph() -> None:
    """Raise BertError if Google's graph cannot be built by this TensorFlow."""
    if not IS_1:
        raise BertError("--graph reference: Google's graph needs tf.contrib, which TensorFlow {} "
                        "lacks: run it in the environment of TensorFlow 1.15".format(
                            tf.__version__))


def check_precision(precision: str) -> None:
    """Raise BertError if this TensorFlow does not compute in `precision`."""
    if IS_1 and precision != "float32":
        raise BertError("--precision {}: TensorFlow {} computes in float32 alone: run it in the "
                        "environment of TensorFlow 2.15".format(precision, tf.__version__))


def computed_by(precision: str) -> str:
    """Return what computes, in words that features keep: TensorFlow's version and the precision."""
    return "TensorFlow {} in {}".format(tf.__version__, precision)


def gpus() -> List[Any]:
    """Return the GPUs that this TensorFlow can compute on; 1.15 knows none of today's."""
    return [] if IS_1 else tf.config.list_physical_devices("GPU")


def may_fuse_gelu() -> bool:
    """Return False if this TensorFlow has no operation for a dense layer with GELU, as 1.15."""
    return not IS_1


def side_by_side(n_cores: int) -> Dict[str, Any]:
    """Return arguments of `bert.encoder.Encoder.build` with which `n_cores` compute side by side.

    2.15 adds nodes to a graph slowly, so there one copy of a layer's nodes serves all layers and
    cores. Under 1.15 each core has a copy of all layers: features keep their last digits.
    """
    return {"n_towers": n_cores} if IS_1 else {"in_loop": True, "n_at_once": n_cores}


def limit_pipeline(options: tf.data.Options, n_threads: int) -> None:
    """Give a tf.data pipeline `n_threads` threads of its own, and nothing that tunes it."""
    if IS_1:
        options.experimental_threading.private_threadpool_size = n_threads
        return
    options.threading.private_threadpool_size = n_threads
    # What tunes a pipeline wakes up now and then, less and less often, and the end of the pipeline
    # waits for it: after a run of a minute for many seconds.
    options.autotune.enabled = False


def turn_off_tf32() -> None:
    """Let GPUs compute products of float32 in float32; 1.15 does nothing else."""
    if not IS_1:
        tf.config.experimental.enable_tensor_float_32_execution(False)
