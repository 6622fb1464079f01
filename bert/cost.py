"""Estimates of a training: its time, by the products that it needs, and its disk."""

import time
from typing import Union

import numpy as np

from bert.gru import TrainableGru
from bert.trainable import TrainableEncoder

_SIZE = 768  # rows and columns of the product by which this machine is measured
_TIMED = 5  # such products; 50 ms on two cores
# Shares of that speed at which training runs: the GRU's products are small, one for each token.
_EFFICIENCY = {"bert": 0.35, "gru": 0.1}


def seconds_of(encoder: Union[TrainableEncoder, TrainableGru], n_tokens: float) -> float:
    """Return about how long it takes on this machine to train on `n_tokens` tokens.

    Each weight costs 2 operations a token in the way forward, and 4 in the way back if it is
    trained.
    """
    kind = "gru" if isinstance(encoder, TrainableGru) else "bert"
    matrix = np.ones((_SIZE, _SIZE), np.float32)
    matrix @ matrix  # the first makes the threads
    start = time.perf_counter()
    for _ in range(_TIMED):
        matrix @ matrix
    rate = _TIMED * 2 * _SIZE ** 3 / (time.perf_counter() - start)
    forward, trained = encoder.weights_by_token()
    return n_tokens * (2 * forward + 4 * trained) / (rate * _EFFICIENCY[kind])


def training_bytes(n_weights: int) -> int:
    """Return the disk of a training of so many weights: two checkpoints with the optimizer's two
    numbers and the running mean of each, the best weights, and those that are saved at the end."""
    return 4 * n_weights * (2 * 4 + 2)
