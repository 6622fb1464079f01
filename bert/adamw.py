"""AdamW with warm-up and linear decay, as google-research/bert trains."""

from typing import Sequence

import tensorflow.compat.v1 as tf

_BETA1, _BETA2, _EPSILON = 0.9, 0.999, 1e-6  # those of BERT's optimization.py
_CLIP = 1.0  # norm to which all gradients together are cut, as there
_NOT_DECAYED = ("gamma", "beta", "bias")  # ends of the names of LayerNorm's variables and biases
AVERAGE = "/average"  # end of the name of a variable's running mean


def schedule(step: tf.Tensor, peak: float, n_steps: int, warmup: float) -> tf.Tensor:
    """Return the learning rate of a step, float32: up to `peak` in a share `warmup` of all steps,
    then down to 0 in a line."""
    at = tf.cast(step, tf.float32)
    n_warmup = max(1.0, warmup * n_steps)
    return peak * tf.minimum(at / n_warmup if warmup else 1.0, tf.maximum(0.0, 1 - at / n_steps))


def train_op(loss: tf.Tensor, variables: Sequence[tf.Variable], learning_rate: tf.Tensor,
             weight_decay: float, averaging: float = 0.0) -> tf.Operation:
    """Return the operation of one step of AdamW (Loshchilov and Hutter 2017, arXiv 1711.05101).

    As in BERT's optimization.py: m and v are not corrected for their start at 0, LayerNorm and
    biases do not decay, and gradients are cut to a norm of 1.

    Parameters
    ----------
    loss : tf.Tensor
    variables : sequence of tf.Variable
        Resource variables.
    learning_rate : tf.Tensor
        float32 scalar.
    weight_decay : float
    averaging : float
        Share that the running mean of a variable keeps in a step (Polyak and Juditsky 1992). The
        mean is a variable of the same name and AVERAGE, and begins with the variable's value; at
        0 there is none.
    """
    step = tf.train.get_global_step()
    gradients, _ = tf.clip_by_global_norm(
        [tf.convert_to_tensor(each) for each in tf.gradients(loss, variables)], _CLIP)
    # Masks of dropout and the rate are read off the step, so it counts on when they are there.
    with tf.control_dependencies([*gradients, learning_rate]):
        done = [step.assign_add(1)]
    for variable, gradient in zip(variables, gradients):
        m, v = (tf.get_variable("{}/{}".format(variable.op.name, slot), variable.shape,
                                initializer=tf.zeros_initializer(), trainable=False,
                                use_resource=True) for slot in ("adam_m", "adam_v"))
        decay = 0.0 if variable.op.name.endswith(_NOT_DECAYED) else weight_decay
        with tf.control_dependencies(
                [gradient, variable.assign_sub(learning_rate * decay * variable)]
                if decay else [gradient]):
            # With powers of 0 it corrects nothing: var -= rate * m / (sqrt(v) + epsilon).
            applied = tf.raw_ops.ResourceApplyAdam(
                var=variable.handle, m=m.handle, v=v.handle, beta1_power=0.0, beta2_power=0.0,
                lr=learning_rate, beta1=_BETA1, beta2=_BETA2, epsilon=_EPSILON, grad=gradient)
        done.append(applied)
        if averaging:
            mean = tf.get_variable(variable.op.name + AVERAGE, trainable=False, use_resource=True,
                                   initializer=variable.initial_value)
            with tf.control_dependencies([applied]):
                done.append(mean.assign_sub((1 - averaging) * (mean - variable.read_value())))
    return tf.group(*done)
