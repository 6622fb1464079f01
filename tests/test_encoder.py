"""The encoder against Google's graph."""

import json
import os
import platform
import subprocess
import sys

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from bert import extraction
from bert.checkpoint import open_checkpoint
from bert.embedder import Embedder, embedder_of
from bert.encoder import Encoder
from bert.errors import BertError
from bert.gelu import dense_gelu, gelu, is_fused
from bert.tensorflow_version import IS_1
from recommender.storage.shards import Settings
from tests.conftest import ROOT
from tests.reference import assert_google_agrees, random_checkpoint


def our_layers(checkpoint, token_ids, lengths, layers, n_towers=1, in_loop=False, n_at_once=1):
    """Our graph's layers of every text, one text's tokens after the other's."""
    encoder = Encoder(checkpoint, layers)
    with tf.Graph().as_default(), tf.Session() as session:
        towers = encoder.build(tf.constant(token_ids), tf.constant(lengths, tf.int32), n_towers,
                               in_loop, n_at_once)
        encoder.load(session)
        found = session.run(towers)
    # Tower n has the texts n, n + n_towers, ...: the order in which they are dealt out.
    texts = [None] * len(lengths)
    for n, hidden in enumerate(found):
        texts[n::n_towers] = np.split(np.stack(hidden), np.cumsum(lengths[n::n_towers]),
                                      axis=1)[:-1]
    return np.concatenate(texts, axis=1)


def assert_agree(checkpoint, token_ids, lengths, layers=(-1, -2, -3, -4), n_towers=1):
    assert_google_agrees(our_layers(checkpoint, token_ids, lengths, layers, n_towers), checkpoint,
                         token_ids, lengths, layers)


def random_tokens(config, lengths, seed=0):
    token_ids = np.random.RandomState(seed).randint(
        4, config.vocab_size, (len(lengths), max(lengths))).astype(np.int32)
    return np.where(np.arange(max(lengths)) < np.array(lengths)[:, None], token_ids, 0)


@pytest.mark.parametrize("lengths", [[3], [256], [3, 4, 71, 130, 256], [64] * 8])
def test_all_four_layers_of_every_token_agree_with_google(minilm, lengths):
    checkpoint = open_checkpoint(minilm)
    assert_agree(checkpoint, random_tokens(checkpoint.config, lengths), lengths)


def test_a_checkpoint_of_the_researchs_shape_goes_through_the_same_door(tmp_path):
    folder = random_checkpoint(tmp_path / "wwm", vocab_size=30522, hidden_size=1024,
                               num_hidden_layers=2, num_attention_heads=16,
                               intermediate_size=4096, max_position_embeddings=512)
    checkpoint = open_checkpoint(folder)
    lengths = [5, 90]
    assert_agree(checkpoint, random_tokens(checkpoint.config, lengths), lengths, layers=(-1, -2))


@pytest.mark.parametrize("activation", ["gelu", "relu", "tanh", "linear"])
def test_every_activation_agrees_with_google(tmp_path, activation):
    checkpoint = open_checkpoint(random_checkpoint(tmp_path / "c", hidden_act=activation))
    assert_agree(checkpoint, random_tokens(checkpoint.config, [9, 5]), [9, 5], layers=(-1, 0))


def test_the_answer_does_not_depend_on_the_batch(minilm):
    checkpoint = open_checkpoint(minilm)
    embedder = Embedder(checkpoint, [-1, -4], 256, True)
    texts = ["A man meets a woman.", "Ghosts", "A detective hunts a killer in the rain. " * 12]
    together = embedder.features(texts)
    assert [found.was_cut for found in together] == [False, False, False]
    for text, found in zip(texts, together):
        alone, = embedder.features([text])
        assert alone.token_ids.tolist() == found.token_ids.tolist()
        np.testing.assert_allclose(alone.layers, found.layers, rtol=0, atol=1e-5)


@pytest.mark.parametrize("n_towers", [2, 3, 8])
def test_towers_share_the_texts_out_and_change_nothing(tmp_path, n_towers):
    checkpoint = open_checkpoint(random_checkpoint(tmp_path / "c"))
    lengths = [9, 8, 8, 5, 3]
    token_ids = random_tokens(checkpoint.config, lengths)
    whole = our_layers(checkpoint, token_ids, lengths, [-1])
    np.testing.assert_allclose(our_layers(checkpoint, token_ids, lengths, [-1], n_towers), whole,
                               rtol=0, atol=1e-6)


@pytest.mark.parametrize("in_loop", [False, True])
@pytest.mark.parametrize("n_at_once", [2, 3, 8])
def test_chunks_side_by_side_change_nothing(tmp_path, monkeypatch, n_at_once, in_loop):
    monkeypatch.setattr("bert.encoder._CHUNK_TOKENS", 20)
    monkeypatch.setattr("bert.encoder._CHUNK_NUMBERS", 1)
    checkpoint = open_checkpoint(random_checkpoint(tmp_path / "c"))
    lengths = [9, 8, 8, 7, 5, 3, 2]
    token_ids = random_tokens(checkpoint.config, lengths)
    np.testing.assert_allclose(
        our_layers(checkpoint, token_ids, lengths, [-1], 1, in_loop, n_at_once),
        our_layers(checkpoint, token_ids, lengths, [-1]), rtol=0, atol=1e-6)


@pytest.mark.parametrize("n_towers", [1, 2])
@pytest.mark.parametrize("columns", [1, 8, 9, 16, 24])
def test_pieces_of_any_width_and_chunks_of_few_texts_change_nothing(
        tmp_path, monkeypatch, columns, n_towers):
    monkeypatch.setattr("bert.weights._COLUMNS", columns)
    monkeypatch.setattr("bert.encoder._CHUNK_TOKENS", 20)
    monkeypatch.setattr("bert.encoder._CHUNK_NUMBERS", 1)
    checkpoint = open_checkpoint(random_checkpoint(
        tmp_path / "c", hidden_size=24, num_attention_heads=6, intermediate_size=52))
    lengths = [9, 8, 8, 7, 5, 3, 2]
    assert_agree(checkpoint, random_tokens(checkpoint.config, lengths), lengths, (-1, -2), n_towers)


def test_layers_come_in_the_order_asked_for(tmp_path):
    checkpoint = open_checkpoint(random_checkpoint(tmp_path / "c"))
    token_ids = random_tokens(checkpoint.config, [7])
    last, first = our_layers(checkpoint, token_ids, [7], [-1, -2])
    again_first, again_last = our_layers(checkpoint, token_ids, [7], [0, 1])
    np.testing.assert_array_equal(last, again_last)
    np.testing.assert_array_equal(first, again_first)


def test_no_more_layers_are_read_than_asked_for(tmp_path):
    unneeded = "bert/encoder/layer_1/attention/self/key/kernel"
    checkpoint = open_checkpoint(random_checkpoint(tmp_path / "c", leave_out=[unneeded]))
    assert our_layers(checkpoint, random_tokens(checkpoint.config, [7]), [7], [-2]).shape[1] == 7


@pytest.mark.parametrize("layers", [[-1, -2, -3, -4], [0], [-1, 0], [1, -1, 2]])
def test_a_loop_over_the_layers_changes_nothing(tmp_path, layers):
    checkpoint = open_checkpoint(random_checkpoint(tmp_path / "c", num_hidden_layers=4))
    lengths = [9, 8, 5]
    token_ids = random_tokens(checkpoint.config, lengths)
    np.testing.assert_allclose(our_layers(checkpoint, token_ids, lengths, layers, in_loop=True),
                               our_layers(checkpoint, token_ids, lengths, layers),
                               rtol=0, atol=1e-6)


def test_a_loop_has_as_many_nodes_for_8_layers_as_for_2(tmp_path):
    n_nodes = []
    for n_layers in (2, 8):
        encoder = Encoder(open_checkpoint(random_checkpoint(
            tmp_path / str(n_layers), num_hidden_layers=n_layers)), [-1])
        with tf.Graph().as_default() as graph:
            encoder.build(tf.zeros([1, 3], tf.int32), tf.constant([3]), in_loop=True)
            n_nodes.append(len(graph.get_operations()))
    assert n_nodes[0] == n_nodes[1]


def test_chunks_side_by_side_have_as_many_nodes_for_16_cores_as_for_2(tmp_path):
    encoder = Encoder(open_checkpoint(random_checkpoint(tmp_path / "c")), [-1])
    n_nodes = []
    for n_cores in (2, 16):
        with tf.Graph().as_default() as graph:
            encoder.build(tf.zeros([1, 3], tf.int32), tf.constant([3]), n_at_once=n_cores)
            n_nodes.append(len(graph.get_operations()))
    assert n_nodes[0] == n_nodes[1]


@pytest.mark.parametrize("at_once, few", [(1, False), (1 << 30, True)])
def test_weights_go_into_the_graph_in_few_runs(tmp_path, monkeypatch, at_once, few):
    checkpoint = open_checkpoint(random_checkpoint(tmp_path / "c"))
    monkeypatch.setattr("bert.weights._LOADED_BYTES", at_once)
    n_runs, run = [], tf.Session.run

    def counted(session, fetches, *fed):
        n_runs.append(len(fetches))
        return run(session, fetches, *fed)

    monkeypatch.setattr(tf.Session, "run", counted)
    token_ids = random_tokens(checkpoint.config, [9])
    found, = our_layers(checkpoint, token_ids, [9], [-1])
    *loading, _ = n_runs  # the last one computes
    assert len(loading) == 1 if few else len(loading) > 10
    monkeypatch.undo()
    assert_google_agrees([found], checkpoint, token_ids, [9], [-1])


@pytest.mark.parametrize("layers", [[-3], [2], [-1, 1], []])
def test_a_layer_that_is_not_there_is_refused(tmp_path, layers):
    checkpoint = open_checkpoint(random_checkpoint(tmp_path / "c"))
    with pytest.raises(BertError, match="--layers"):
        Encoder(checkpoint, layers)


def test_the_first_missing_variable_is_named(tmp_path):
    name = "bert/encoder/layer_1/attention/self/key/kernel"
    checkpoint = open_checkpoint(random_checkpoint(tmp_path / "c", leave_out=[name]))
    with pytest.raises(BertError, match="no variable " + name):
        Encoder(checkpoint, [-1])


def test_a_variable_of_another_shape_is_named_with_both(tmp_path):
    folder = random_checkpoint(tmp_path / "c")
    path = os.path.join(folder, "bert_config.json")
    with open(path) as file:
        config = json.load(file)
    config["intermediate_size"] = 24
    with open(path, "w") as file:
        json.dump(config, file)
    with pytest.raises(BertError, match=r"intermediate/dense/kernel has shape .8, 16.*8, 24"):
        Encoder(open_checkpoint(folder), [-1])


def test_weights_that_are_cut_short_are_one_error(tmp_path):
    folder = random_checkpoint(tmp_path / "c")
    with open(os.path.join(folder, "bert_model.ckpt.index"), "r+b") as file:
        file.truncate(20)
    with pytest.raises(BertError, match="not a readable checkpoint"):
        Encoder(open_checkpoint(folder), [-1])


def test_weights_that_are_damaged_are_one_error(tmp_path):
    folder = random_checkpoint(tmp_path / "c")
    with open(os.path.join(folder, "bert_model.ckpt.data-00000-of-00001"), "r+b") as file:
        file.truncate(100)
    encoder = Encoder(open_checkpoint(folder), [-1])
    with tf.Graph().as_default(), tf.Session() as session:
        encoder.build(tf.zeros([1, 3], tf.int32), tf.constant([3]))
        with pytest.raises(BertError, match="not a readable checkpoint"):
            encoder.load(session)


def test_text_queries_refuse_another_checkpoint(tmp_path):
    ours = open_checkpoint(random_checkpoint(tmp_path / "same-name", seed=1))
    random_checkpoint(tmp_path / "tmp" / "same-name", seed=2)
    made_by = Settings((-1,), 64, True, 8, "float32", False, ours.name, ours.sha256)
    with pytest.raises(BertError, match="not the checkpoint that the index was made with"):
        embedder_of(made_by, tmp_dir=str(tmp_path / "tmp"))
    with pytest.raises(BertError, match=r"download\.py"):
        embedder_of(made_by._replace(checkpoint="absent"), tmp_dir=str(tmp_path / "tmp"))


_SWITCHES = """
import resource, sys
import numpy as np
import tensorflow.compat.v1 as tf
from bert import extraction
from bert.checkpoint import open_checkpoint
from bert.encoder import Encoder

tf.disable_eager_execution()
extraction.available_cores = lambda: 2
encoder = Encoder(open_checkpoint(sys.argv[1]), [-1])
options, config = extraction.session_config(encoder)
token_ids, lengths = tf.placeholder(tf.int32, [None, None]), tf.placeholder(tf.int32, [None])
towers = encoder.build(token_ids, lengths, **options)
with tf.Session(config=config) as session:
    encoder.load(session)
    batch = {token_ids: np.full((48, 64), 1000, np.int32), lengths: [64] * 48}
    counts = []
    for _ in range(4):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw
        session.run(towers, batch)
        counts.append(resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw - before)
print(min(counts))
"""


def test_operations_of_an_extraction_are_not_split_among_cores(minilm):
    """Else a thread would wait for another at every operation: thousands of times a batch."""
    done = subprocess.run([sys.executable, "-c", _SWITCHES, minilm], cwd=ROOT, check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert int(done.stdout.split()[-1]) < 300


def test_gelu_is_googles_alone_and_with_the_product_before_it():
    draw = np.random.RandomState(0)
    x, kernel, bias = (draw.standard_normal(shape).astype(np.float32)
                       for shape in ((50, 20), (20, 30), (30,)))
    y = np.float64(x) @ kernel + bias
    expected = 0.5 * y * (1 + np.tanh(np.sqrt(2 / np.pi) * (y + 0.044715 * y ** 3)))
    with tf.Graph().as_default(), tf.Session() as session:
        found = [gelu(tf.constant(y.astype(np.float32)))]
        if is_fused():
            found.append(dense_gelu(*map(tf.constant, (x, kernel, bias))))
        for values in session.run(found):
            np.testing.assert_allclose(values, expected, atol=2e-5)


def test_gelu_is_fused_where_onednn_is():
    assert is_fused() == (not IS_1 and platform.machine() == "x86_64")
    script = "from bert.gelu import is_fused; print(is_fused())"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, check=True,
                          env={**os.environ, "TF_ENABLE_ONEDNN_OPTS": "0"})
    assert done.stdout.split() == [b"False"]


def test_nothing_tunes_the_pipeline_of_an_extraction():
    """Under 2.15 the end of an extraction would wait for what does, for many seconds."""
    with tf.Graph().as_default():
        options = extraction.input_fn_builder(lambda: iter(()))().options()
    if IS_1:
        assert options.experimental_threading.private_threadpool_size == 1
    else:
        assert options.threading.private_threadpool_size == 1
        assert not options.autotune.enabled
