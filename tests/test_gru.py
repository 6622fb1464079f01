"""The GRU before it is trained: what it begins with."""

import numpy as np
import tensorflow.compat.v1 as tf

from bert.checkpoint import open_checkpoint
from bert.dropout import Dropout
from bert.genre_model import GenreModel, Head
from bert.gru import TrainableGru, gru_config, read_words, word_means
from tests.reference import random_checkpoint

UNITS = 3


def test_the_gru_begins_as_a_linear_model_of_the_words(tmp_path):
    """With no say for its own states, the head's answer is that of the mean word embedding."""
    checkpoint = open_checkpoint(random_checkpoint(tmp_path / "tiny"))
    texts = [np.array([2, 5, 6, 7, 3], np.int32), np.array([2, 4, 3], np.int32)]
    words = read_words(checkpoint)
    kernel = np.random.RandomState(0).normal(size=(words.shape[1], 2))
    bias = np.array([0.5, -1.0])
    config = gru_config(len(words), words.shape[1], UNITS, 64)
    head = Head(np.pad(kernel, ((2 * UNITS, 0), (0, 0))), bias)
    with tf.Graph().as_default(), tf.Session() as session:
        logits = GenreModel(TrainableGru(config, words, 0), 2, head).logits(
            tf.constant(np.stack([texts[0], np.pad(texts[1], (0, 2))])), tf.constant([5, 3]),
            Dropout(0.0))
        session.run(tf.global_variables_initializer())
        found = session.run(logits)
    np.testing.assert_allclose(found, word_means(checkpoint, texts) @ kernel + bias, atol=1e-5)
