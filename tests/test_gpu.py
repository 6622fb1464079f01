"""The encoder as it runs on a GPU, here on the CPU: the same graph, one tower, XLA."""

import numpy as np
import pytest

import extract_features
from bert.batches import batches_of_few_shapes
from bert.checkpoint import open_checkpoint
from bert.errors import BertError
from bert.extraction import extract
from bert.graphs import graph_of
from bert.tensorflow_version import IS_1
from bert.tokenizing import WordPieces
from tests.reference import random_checkpoint

TEXTS = ["a man meets a woman .", "a woman", "a man , a woman , a man .", "mans", "a . " * 9]
on_2 = pytest.mark.skipif(IS_1, reason="TensorFlow 1.15 knows none of today's GPUs")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return open_checkpoint(random_checkpoint(tmp_path_factory.mktemp("gpu") / "small"))


def layers_of(checkpoint, pooled=False, batch_size=0, precision="float32", for_gpu=False):
    batches = extract(graph_of(checkpoint, [-1, -2], precision, for_gpu),
                      WordPieces(checkpoint.vocab_file), TEXTS, 64, 30, batch_size, pooled)
    texts = sorted((text for batch in batches for text in batch), key=lambda text: text.row)
    assert [text.row for text in texts] == list(range(len(TEXTS)))
    return [text.layers for text in texts]


@on_2
@pytest.mark.parametrize("batch_size", [0, 2])
@pytest.mark.parametrize("pooled", [False, True])
@pytest.mark.parametrize("precision, tolerance",
                         [("float32", 1e-5), ("bfloat16", 0.1), ("float16", 0.01)])
def test_the_graph_of_a_gpu_gives_the_features_of_the_cpu(checkpoint, pooled, precision, tolerance,
                                                          batch_size):
    found = layers_of(checkpoint, pooled, batch_size, precision=precision, for_gpu=True)
    for ours, whole in zip(found, layers_of(checkpoint)):
        expected = whole.mean(axis=1, keepdims=True) if pooled else whole
        assert ours.dtype == np.float32
        np.testing.assert_allclose(ours, expected, rtol=0, atol=tolerance)


@on_2
def test_the_cpu_computes_in_bfloat16(checkpoint):
    for ours, expected in zip(layers_of(checkpoint, precision="bfloat16"), layers_of(checkpoint)):
        assert ours.dtype == np.float32
        np.testing.assert_allclose(ours, expected, rtol=0, atol=0.1)
        assert np.abs(ours - expected).max() > 0


@pytest.mark.parametrize("batch_size", [0, 40])
def test_batches_for_a_gpu_are_full_and_of_few_shapes(checkpoint, batch_size):
    texts = ["a " * (1 + 37 * n % 230) for n in range(3000)]
    found = list(batches_of_few_shapes(WordPieces(checkpoint.vocab_file), texts, 200, 8192,
                                       batch_size))
    assert sorted(np.concatenate([batch["rows"] for batch in found]).tolist()) == list(range(3000))
    shapes = {batch["token_ids"].shape for batch in found}
    assert len(shapes) == len({width for _, width in shapes}) <= 6 < len(found)
    for batch in found:
        n = len(batch["rows"])
        assert batch["lengths"][n:].tolist() == [0] * (len(batch["lengths"]) - n)
        assert batch["lengths"][:n].tolist() == [
            min(200, 2 + len(texts[row].split())) for row in batch["rows"]]
        assert not batch["token_ids"][np.arange(batch["token_ids"].shape[1])
                                      >= batch["lengths"][:, np.newaxis]].any()
    full = [batch["lengths"].sum() > 0.9 * 8192 or len(batch["rows"]) == len(batch["lengths"])
            for batch in found[:-1]]
    assert all(full)


@pytest.mark.skipif(not IS_1, reason="TensorFlow 2.15 computes in each precision")
def test_tensorflow_1_refuses_another_precision_before_anything_is_written(checkpoint, tmp_path):
    output = tmp_path / "features"
    with pytest.raises(BertError, match=r"--precision bfloat16: .* TensorFlow 2\.15"):
        extract_features.main(["--bert_dir", "none", "--input_file", "none", "--output_dir",
                               str(output), "--precision", "bfloat16"])
    assert not output.exists()
