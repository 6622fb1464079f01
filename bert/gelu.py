"""GELU in Google's tanh form (Hendrycks and Gimpel 2016, arXiv 1606.08415, section 2).

Under TensorFlow 2.15 a dense layer and its GELU can be one operation: oneDNN applies the GELU to
the products that it has just computed, instead of five passes over memory after them. TensorFlow
makes that operation of others by itself, but not in a loop, where constants are not what it looks
for; so here it is made by its name.
"""

import functools
import math

import numpy as np
import tensorflow.compat.v1 as tf
from tensorflow.core.framework.attr_value_pb2 import AttrValue

from bert.gpu import cpu_config
from bert.tensorflow_version import may_fuse_gelu

_FUSED = (b"BiasAdd", b"GeluApproximate")


def gelu(x: tf.Tensor) -> tf.Tensor:
    """Return GELU of `x`."""
    # (1 + tanh(a)) / 2 = sigmoid(2a): two passes over memory fewer.
    c = 2.0 * math.sqrt(2.0 / math.pi)
    return x * tf.sigmoid(x * (c + (c * 0.044715) * tf.square(x)))


def dense_gelu(x: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
    """Return GELU of a dense layer of `x`, all of it one operation; it has no gradient.

    Parameters
    ----------
    x, kernel, bias : tf.Tensor
        float32 (N, H), (H, W) and (W,).

    Returns
    -------
    tf.Tensor
        float32 (N, W).
    """
    return tf.get_default_graph().create_op(
        "_FusedMatMul", [x, kernel, bias], [tf.float32], name="dense_gelu", attrs={
            "T": AttrValue(type=tf.float32.as_datatype_enum), "num_args": AttrValue(i=1),
            "fused_ops": AttrValue(list=AttrValue.ListValue(s=_FUSED))}).outputs[0]


@functools.lru_cache(1)
def is_fused() -> bool:
    """Return True if `dense_gelu` can be computed here, which is found out by trying.

    TensorFlow 1.15 and one without oneDNN have no such operation.
    """
    if not may_fuse_gelu():
        return False
    with tf.Graph().as_default():
        one = np.ones((1, 1), np.float32)
        found = dense_gelu(tf.constant(one), tf.constant(one), tf.constant(one[0]))
        try:
            with tf.Session(config=cpu_config()) as session:
                return bool(np.isclose(session.run(found), 1.9546, atol=1e-3).all())
        except tf.errors.OpError:
            return False
