"""Google's own graph and random checkpoints: what ours is held against.

Google's graph runs under TensorFlow 1.15 alone. Some numbers of its layers are kept in
google_values.npz, and stand in for it elsewhere. With UPDATE_GOOGLE_VALUES=1 in the environment,
the tests under 1.15, in one process, keep the numbers of the graph anew; else they compare them.
"""

import hashlib
import json
import os

import numpy as np
import tensorflow.compat.v1 as tf

from bert.checkpoint import read_config
from bert.converting import save
from bert.tensorflow_version import IS_1
from bert.variables import google_variables

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "man", "woman", "meets", "##s", ",", "."]
TOLERANCE = 1e-4  # float32 through the layers; the sums are taken in another order
_FILE = os.path.join(os.path.dirname(__file__), "google_values.npz")
_KEPT = 256  # numbers of a layer that are kept: enough to meet every token and part


def assert_google_agrees(found, checkpoint, token_ids, lengths, layers):
    """Compare `layers` of int32 `token_ids` (B, T), with `lengths` (B,), with Google's graph.

    `found` has float32 (N, H) for each of `layers`: the texts without padding, one after the
    other.
    """
    config = read_config(checkpoint.config_file)
    resolved = [layer % config.num_hidden_layers for layer in layers]
    key = hashlib.sha256(repr((config, np.asarray(token_ids).tolist(), list(lengths),
                               resolved)).encode()).hexdigest()[:16]
    shape = (sum(lengths), config.hidden_size)
    assert [layer.shape for layer in found] == [shape] * len(layers)
    places = np.random.RandomState(0).permutation(shape[0] * shape[1])[:_KEPT]
    if IS_1:
        hidden = google_layers(checkpoint, token_ids, lengths)
        expected = [np.concatenate([text[:n] for text, n in zip(hidden[layer], lengths)])
                    for layer in resolved]
        for ours, theirs in zip(found, expected):
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=TOLERANCE)
        kept = np.stack([layer.reshape(-1)[places] for layer in expected])
        if os.environ.get("UPDATE_GOOGLE_VALUES"):
            _keep(key, kept)
        np.testing.assert_allclose(_kept()[key], kept, rtol=0, atol=1e-5)
    else:
        for ours, theirs in zip(found, _kept()[key]):
            np.testing.assert_allclose(ours.reshape(-1)[places], theirs, rtol=0, atol=TOLERANCE)


def _kept():
    if not os.path.exists(_FILE):
        return {}
    with np.load(_FILE) as file:
        return dict(file)


def _keep(key, values):
    np.savez_compressed(_FILE, **dict(sorted(dict(_kept(), **{key: values}).items())))


def google_layers(checkpoint, token_ids, lengths):
    """All layers of Google's BertModel for int32 `token_ids` (B, T), `lengths` (B,): a list of
    float32 (B, T, H), the first layer first."""
    from bert import modeling

    config = modeling.BertConfig.from_json_file(checkpoint.config_file)
    mask = (np.arange(token_ids.shape[1]) < np.array(lengths)[:, None]).astype(np.int32)
    with tf.Graph().as_default(), tf.Session() as session:
        model = modeling.BertModel(config, is_training=False, input_ids=tf.constant(token_ids),
                                   input_mask=tf.constant(mask))
        assignment, _ = modeling.get_assignment_map_from_checkpoint(
            tf.trainable_variables(), checkpoint.init_checkpoint)
        tf.train.init_from_checkpoint(checkpoint.init_checkpoint, assignment)
        session.run(tf.global_variables_initializer())
        return session.run(model.all_encoder_layers)


def random_checkpoint(folder, seed=0, leave_out=(), **config):
    """Write a checkpoint in Google's layout with random weights; returns its folder.

    The weights are the same under each TensorFlow, as google_values.npz needs.
    """
    values = {"vocab_size": len(WORDS), "hidden_size": 8, "num_hidden_layers": 2,
              "num_attention_heads": 2, "intermediate_size": 16, "max_position_embeddings": 64,
              "type_vocab_size": 2, "hidden_act": "gelu", "hidden_dropout_prob": 0.1,
              "attention_probs_dropout_prob": 0.1, "initializer_range": 0.02}
    values.update(config)
    folder = str(folder)
    os.makedirs(folder)
    with open(os.path.join(folder, "bert_config.json"), "w") as file:
        json.dump(values, file)
    words = WORDS + ["[unused{}]".format(n) for n in range(values["vocab_size"] - len(WORDS))]
    with open(os.path.join(folder, "vocab.txt"), "w") as file:
        file.write("\n".join(words) + "\n")
    random = np.random.RandomState(seed)
    shapes = google_variables(read_config(os.path.join(folder, "bert_config.json")))
    save(((name, _random_weight(random, name, shape)) for name, shape in shapes.items()
          if name not in leave_out), os.path.join(folder, "bert_model.ckpt"))
    return folder


def _random_weight(random, name, shape):
    """Random float32 of a variable. Google starts biases at 0 and gammas at 1; these differ from
    it, so that a bias that is lost shows."""
    values = random.normal(0, 0.1 if len(shape) == 1 else 0.02, shape).astype(np.float32)
    return values + 1 if name.endswith("/gamma") else values
