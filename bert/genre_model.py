"""A genre model: an encoder, the mean of its hidden layers, and a sigmoid for each genre."""

from typing import NamedTuple, Optional, Union

import numpy as np
import tensorflow.compat.v1 as tf

from bert.dropout import Dropout
from bert.gru import TrainableGru
from bert.trainable import TrainableEncoder

HEAD = ("genres/kernel", "genres/bias")  # names of the head's variables


class Head(NamedTuple):
    """Values of a linear head: float32 `kernel` (H, g) and `bias` (g,)."""

    kernel: np.ndarray
    bias: np.ndarray


class GenreModel:
    """Graph of a genre model.

    The mean is over the layers and over the tokens of a text, [CLS] and [SEP] included: the
    sentence embedding of the recipe `mean4` where the layers are the last four. So the share of
    each token in a genre is exact, and the features that are stored are those that were trained.

    Parameters
    ----------
    encoder : TrainableEncoder or TrainableGru
    n_genres : int
    start : Head, optional
        Values from which the head starts, such as those of a logistic regression on the encoder
        as it is (Kumar et al. 2022, arXiv 2202.10054); else it starts at 0.
    """

    def __init__(self, encoder: Union[TrainableEncoder, TrainableGru], n_genres: int,
                 start: Optional[Head] = None):
        self.encoder, self.n_genres = encoder, n_genres
        self._start = start

    def logits(self, token_ids: tf.Tensor, lengths: tf.Tensor, dropout: Dropout) -> tf.Tensor:
        """Add the graph to the default graph; return float32 (B, g).

        `token_ids` is int32 (B, T), padded; `lengths` int32 (B,).
        """
        layers = self.encoder.hidden(token_ids, lengths, dropout)
        mean = tf.add_n(layers) / len(layers)  # (N, H)
        text = tf.where(tf.sequence_mask(lengths, tf.shape(token_ids)[1]))[:, 0]
        embeddings = dropout(tf.math.segment_mean(mean, text))  # (B, H)
        start = self._start or Head(np.zeros((self.encoder.hidden_size, self.n_genres)),
                                    np.zeros(self.n_genres))
        kernel, bias = (tf.get_variable(name, value.shape, use_resource=True,
                                        initializer=tf.constant_initializer(value))
                        for name, value in zip(HEAD, start))
        return tf.nn.bias_add(tf.matmul(embeddings, kernel), bias)


def loss_of(logits: tf.Tensor, labels: tf.Tensor, weights: np.ndarray) -> tf.Tensor:
    """Return the mean binary cross entropy; a positive of a genre counts `weights` (g,) times."""
    return tf.reduce_mean(tf.nn.weighted_cross_entropy_with_logits(
        labels=labels, logits=logits, pos_weight=tf.constant(weights, tf.float32)))
