"""Dropout whose masks follow from a seed and the step, so that a training can go on as it was."""

import tensorflow.compat.v1 as tf


class Dropout:
    """Drops numbers of a tensor (Srivastava et al. 2014); at rate 0 it returns what it gets.

    The mask is a function of the seed, the step and the place in the graph, not of how many masks
    were drawn before: a training that was killed goes on with the masks that it would have had.

    Parameters
    ----------
    rate : float
        Share of the numbers that become 0; the others grow so that the mean stays.
    seed : int
    step : tf.Tensor, optional
        int64 scalar, the global step; needed where `rate` is above 0.
    """

    def __init__(self, rate: float, seed: int = 0, step: tf.Tensor = None):
        self._rate, self._seed, self._step = rate, seed, step
        self._n_places = 0

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """Return `x` with some of its numbers dropped."""
        if not self._rate:
            return x
        self._n_places += 1
        seed = tf.stack([tf.constant(self._seed * 7919 + self._n_places, tf.int64), self._step])
        kept = tf.random.stateless_uniform(tf.shape(x), seed=seed) >= self._rate
        dropped = x * (tf.cast(kept, tf.float32) / (1 - self._rate))
        dropped.set_shape(x.shape)
        return dropped
