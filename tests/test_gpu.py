"""The encoder as it runs on a GPU, here on the CPU: the same graph, one tower, XLA."""

import numpy as np
import pytest

import extract_features
from bert.checkpoint import open_checkpoint
from bert.encoder import Encoder
from bert.errors import BertError
from bert.extraction import extract
from bert.tensorflow_version import IS_1
from bert.tokenizing import WordPieces
from tests.reference import random_checkpoint

TEXTS = ["a man meets a woman .", "a woman", "a man , a woman , a man .", "mans", "a . " * 9]
on_2 = pytest.mark.skipif(IS_1, reason="TensorFlow 1.15 knows none of today's GPUs")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return open_checkpoint(random_checkpoint(tmp_path_factory.mktemp("gpu") / "small"))


def layers_of(checkpoint, pooled=False, batch_size=0, **options):
    batches = extract(Encoder(checkpoint, [-1, -2], **options), WordPieces(checkpoint.vocab_file),
                      TEXTS, 64, 30, batch_size, pooled)
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


@pytest.mark.skipif(not IS_1, reason="TensorFlow 2.15 computes in each precision")
def test_tensorflow_1_refuses_another_precision_before_anything_is_written(checkpoint, tmp_path):
    output = tmp_path / "features"
    with pytest.raises(BertError, match=r"--precision bfloat16: .* TensorFlow 2\.15"):
        extract_features.main(["--bert_dir", "none", "--input_file", "none", "--output_dir",
                               str(output), "--precision", "bfloat16"])
    assert not output.exists()
