"""Hugging Face's checkpoints converted to Google's, read back with TensorFlow."""

import json
import os

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from bert.checkpoint import read_config
from bert.converting import google_config
from bert.variables import google_variables
from tests.fetching.sources import CONFIG, GOOGLE, files_of, hugging_face_folder, tensors_of


@pytest.mark.parametrize("head", [True, False])
@pytest.mark.parametrize("old_names", [True, False])
def test_conversion_renames_and_transposes(run, tmp_path, head, old_names):
    tensors = tensors_of(CONFIG, head, old_names)
    source = hugging_face_folder(tmp_path / "tiny", tensors)
    assert run("--model", str(source))[0] == 0
    target = tmp_path / "tmp" / "tiny"
    assert {path.name for path in target.iterdir()} == set(GOOGLE)
    assert read_config(str(target / "bert_config.json"))._asdict() == dict(CONFIG, encoder="bert")
    reader = tf.train.load_checkpoint(str(target / "bert_model.ckpt"))
    shapes = reader.get_variable_to_shape_map()
    assert len(shapes) == 5 + 2 * 16 + 2
    assert shapes["bert/encoder/layer_1/intermediate/dense/kernel"] == [8, 16]
    prefix = "bert." if head else ""
    scale, shift = ("gamma", "beta") if old_names else ("weight", "bias")
    for google, own, transposed in (
            ("embeddings/word_embeddings", "embeddings.word_embeddings.weight", False),
            ("embeddings/position_embeddings", "embeddings.position_embeddings.weight", False),
            ("embeddings/LayerNorm/gamma", "embeddings.LayerNorm." + scale, False),
            ("encoder/layer_0/attention/self/query/kernel",
             "encoder.layer.0.attention.self.query.weight", True),
            ("encoder/layer_1/attention/self/key/bias",
             "encoder.layer.1.attention.self.key.bias", False),
            ("encoder/layer_1/attention/output/dense/kernel",
             "encoder.layer.1.attention.output.dense.weight", True),
            ("encoder/layer_0/output/LayerNorm/beta",
             "encoder.layer.0.output.LayerNorm." + shift, False),
            ("encoder/layer_1/output/dense/kernel", "encoder.layer.1.output.dense.weight", True),
            ("pooler/dense/kernel", "pooler.dense.weight", True)):
        expected = tensors[prefix + own]
        np.testing.assert_array_equal(reader.get_tensor("bert/" + google),
                                      expected.T if transposed else expected)


def test_a_missing_tensor_is_named(run, tmp_path):
    tensors = tensors_of(CONFIG)
    del tensors["bert.encoder.layer.1.output.dense.bias"]
    code, _, error = run("--model", str(hugging_face_folder(tmp_path / "tiny", tensors)))
    assert code == 1
    assert "bert.encoder.layer.1.output.dense.bias" in error
    assert files_of(tmp_path / "tmp") == {}


@pytest.mark.parametrize("change, word", [
    ({"hidden_size": 16}, "word_embeddings"), ({"hidden_act": "silu"}, "hidden_act"),
    ({"hidden_act": ["gelu"]}, "hidden_act"), ({"num_hidden_layers": 3}, "layer.2"),
    ({"position_embedding_type": "relative_key"}, "position_embedding_type")])
def test_a_config_that_does_not_fit_is_refused(run, tmp_path, change, word):
    source = hugging_face_folder(tmp_path / "tiny", tensors_of(CONFIG))
    (source / "config.json").write_text(json.dumps(dict(CONFIG, model_type="bert", **change)))
    code, _, error = run("--model", str(source))
    assert code == 1
    assert word in error


def test_a_truncated_safetensors_is_one_line(run, tmp_path):
    source = hugging_face_folder(tmp_path / "tiny", tensors_of(CONFIG))
    weights = source / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    code, _, error = run("--model", str(source))
    assert code == 1
    assert "not readable" in error


def test_minilm_has_googles_103_variables(minilm):
    reader = tf.train.load_checkpoint(os.path.join(minilm, "bert_model.ckpt"))
    shapes = {name: tuple(shape) for name, shape in reader.get_variable_to_shape_map().items()}
    assert len(shapes) == 103
    assert shapes == google_variables(
        read_config(os.path.join(minilm, "bert_config.json")))


@pytest.mark.parametrize("content", ["{", "[" * 100000, "[1]", "null"])
def test_a_config_that_is_no_json_object_is_told(run, tmp_path, content):
    source = hugging_face_folder(tmp_path / "tiny", tensors_of(CONFIG))
    (source / "config.json").write_text(content)
    code, _, error = run("--model", str(source))
    assert code == 1
    assert "config.json" in error


def test_another_epsilon_is_converted_and_told(tmp_path):
    source = hugging_face_folder(tmp_path / "tiny", tensors_of(CONFIG), layer_norm_eps=1e-5)
    _, told = google_config(str(source / "config.json"))
    assert len(told) == 1
    assert "layer_norm_eps 1e-05" in told[0]
