"""The graph that is trained, its optimizer and its dropout."""

import json

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from bert.adamw import AVERAGE, schedule, train_op
from bert.checkpoint import open_checkpoint
from bert.dropout import Dropout
from bert.genre_model import GenreModel, Head, loss_of
from bert.tensorflow_version import IS_1
from bert.trainable import TrainableEncoder
from tests.reference import random_checkpoint

TOKENS = np.array([[2, 5, 6, 7, 3], [2, 4, 3, 0, 0], [2, 9, 8, 3, 0]], np.int32)
LENGTHS = np.array([5, 3, 4], np.int32)
LABELS = np.array([[1, 0], [0, 1], [1, 1]], np.float32)
WEIGHTS = np.array([1.5, 3.0])
HEAD = Head(np.random.RandomState(0).normal(size=(8, 2)).astype(np.float32),
            np.array([0.1, -0.2], np.float32))


def google(checkpoint, layers):
    """Loss and gradients by name of Google's BertModel under the same head, dropout 0."""
    from bert import modeling

    with open(checkpoint.config_file) as file:
        config = modeling.BertConfig.from_dict(json.load(file))
    config.hidden_dropout_prob = config.attention_probs_dropout_prob = 0.0
    with tf.Graph().as_default(), tf.Session() as session:
        real = tf.sequence_mask(LENGTHS, TOKENS.shape[1])
        model = modeling.BertModel(config, True, tf.constant(TOKENS), tf.cast(real, tf.int32))
        mean = tf.add_n([model.all_encoder_layers[n] for n in layers]) / len(layers)
        weight = tf.cast(real, tf.float32)[..., None] / tf.cast(LENGTHS, tf.float32)[:, None, None]
        logits = tf.reduce_sum(mean * weight, 1) @ HEAD.kernel + HEAD.bias
        loss = loss_of(logits, tf.constant(LABELS), WEIGHTS)
        variables = [each for each in tf.trainable_variables() if "pooler" not in each.name]
        gradients = [tf.convert_to_tensor(each) for each in tf.gradients(loss, variables)]
        tf.train.init_from_checkpoint(checkpoint.init_checkpoint, {"bert/": "bert/"})
        session.run(tf.global_variables_initializer())
        loss, found = session.run([loss, gradients])
        return loss, dict(zip([each.op.name for each in variables], found))


def ours(checkpoint, layers, train_layers=None):
    """The same by our graph."""
    with tf.Graph().as_default(), tf.Session() as session:
        encoder = TrainableEncoder(checkpoint, layers, train_layers)
        logits = GenreModel(encoder, 2, HEAD).logits(
            tf.constant(TOKENS), tf.constant(LENGTHS), Dropout(0.0))
        loss = loss_of(logits, tf.constant(LABELS), WEIGHTS)
        variables = [each for each in tf.trainable_variables() if "genres" not in each.name]
        gradients = [tf.convert_to_tensor(each) for each in tf.gradients(loss, variables)]
        encoder.start()
        session.run(tf.global_variables_initializer())
        loss, found = session.run([loss, gradients])
        return loss, dict(zip([each.op.name for each in variables], found))


@pytest.mark.skipif(not IS_1, reason="Google's graph needs tf.contrib")
@pytest.mark.parametrize("activation", ["gelu", "relu"])
def test_loss_and_gradients_are_those_of_googles_graph(tmp_path, activation):
    checkpoint = open_checkpoint(random_checkpoint(tmp_path / "tiny", hidden_act=activation))
    google_loss, theirs = google(checkpoint, [1, 0])
    loss, found = ours(checkpoint, [-1, -2])
    assert loss == pytest.approx(google_loss, abs=1e-4)
    assert set(found) == set(theirs)
    for name, gradient in found.items():
        largest = np.abs(theirs[name]).max()
        np.testing.assert_allclose(gradient, theirs[name], rtol=0, err_msg=name,
                                   atol=min(1e-4, max(1e-4 * largest, 1e-8)))


def test_train_layers_trains_the_top_layers_alone(tmp_path):
    checkpoint = open_checkpoint(random_checkpoint(tmp_path / "tiny"))
    _, whole = ours(checkpoint, [-1, -2])
    _, top = ours(checkpoint, [-1, -2], train_layers=1)
    assert set(top) == {name for name in whole if "layer_1" in name}
    for name, gradient in top.items():
        np.testing.assert_allclose(gradient, whole[name], atol=1e-6)


def test_a_step_is_that_of_adamw_spares_biases_and_moves_the_mean():
    rate, decay, averaging = 0.01, 0.1, 0.7
    start, slope = np.array([3.0, -4.0], np.float32), np.array([0.3, 0.4], np.float32)  # not cut
    with tf.Graph().as_default(), tf.Session() as session:
        tf.train.create_global_step()
        variables = [tf.get_variable(name, initializer=start, use_resource=True)
                     for name in ("kernel", "bias")]
        step = train_op(sum(tf.reduce_sum(slope * each) for each in variables), variables,
                        tf.constant(rate), decay, averaging)
        session.run(tf.global_variables_initializer())
        for _ in range(3):
            session.run(step)
        kernel, bias = session.run(variables)
        means = session.run([each for each in tf.global_variables()
                             if each.op.name.endswith(AVERAGE)])
        assert session.run(tf.train.get_global_step()) == 3
    for found, mean, its_decay in ((kernel, means[0], decay), (bias, means[1], 0.0)):
        x, m, v = start.astype(np.float64), 0.0, 0.0
        average = x
        for _ in range(3):
            m, v = 0.9 * m + 0.1 * slope, 0.999 * v + 0.001 * slope ** 2
            x = x - rate * (m / (np.sqrt(v) + 1e-6) + its_decay * x)
            average = averaging * average + (1 - averaging) * x
        np.testing.assert_allclose(found, x, rtol=1e-5)
        np.testing.assert_allclose(mean, average, rtol=1e-5)


def test_the_learning_rate_rises_and_falls_in_lines():
    with tf.Session(graph=tf.Graph()) as session, session.graph.as_default():
        rates = session.run([schedule(tf.constant(step), 1.0, 100, 0.1)
                             for step in (0, 5, 10, 55, 100)])
    np.testing.assert_allclose(rates, [0, 0.5, 0.9, 0.45, 0], atol=1e-6)


def test_masks_of_dropout_follow_from_seed_step_and_place():
    def masks(seed, step):
        with tf.Graph().as_default(), tf.Session() as session:
            dropout = Dropout(0.5, seed, tf.constant(step, tf.int64))
            return session.run([dropout(tf.ones([1000])), dropout(tf.ones([1000]))])

    first, second = masks(1, 7)
    assert set(first) == {0.0, 2.0} and first.mean() == pytest.approx(1, abs=0.2)
    assert (first != second).any()
    np.testing.assert_array_equal(masks(1, 7), [first, second])
    assert (masks(1, 8)[0] != first).any() and (masks(2, 7)[0] != first).any()
