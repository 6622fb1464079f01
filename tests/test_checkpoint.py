"""Finding and opening a checkpoint folder."""

import glob
import json
import os
import shutil

import pytest

from bert.checkpoint import (
    RESEARCH,
    default_bert_dir,
    open_checkpoint,
    read_vocabulary,
    takes_lower_case,
)
from bert.errors import BertError


@pytest.fixture
def folder(tmp_path):
    """A checkpoint folder whose weights are two empty files: opening does not read them."""
    folder = tmp_path / "small"
    folder.mkdir()
    config = {"vocab_size": 6, "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2,
                  "intermediate_size": 16, "max_position_embeddings": 64, "type_vocab_size": 2}
    (folder / "bert_config.json").write_text(json.dumps(config))
    (folder / "vocab.txt").write_text("[UNK]\n[CLS]\n[SEP]\na\nb\nc")
    (folder / "bert_model.ckpt.index").write_bytes(b"index")
    (folder / "bert_model.ckpt.data-00000-of-00001").write_bytes(b"weights")
    return str(folder)


def change(folder, **values):
    path = os.path.join(folder, "bert_config.json")
    with open(path) as file:
        config = json.load(file)
    config.update(values)
    with open(path, "w") as file:
        json.dump(config, file)


@pytest.fixture
def settled(monkeypatch):
    """Let a digest be remembered although its files have just been written."""
    monkeypatch.setattr("bert.digests._SETTLED_NS", -10 ** 12)


def test_a_digest_is_computed_once(folder, settled):
    checkpoint = open_checkpoint(folder)
    computed = checkpoint.sha256
    path = os.path.join(folder, "sha256.json")
    with open(path) as file:
        remembered = json.load(file)
    assert remembered["sha256"] == computed
    with open(path, "w") as file:
        json.dump(dict(remembered, sha256="as remembered"), file)
    assert checkpoint.sha256 == "as remembered"


@pytest.mark.parametrize("content", ["", "[]", "{}", "{\"files\": 1}"])
def test_a_remembered_digest_that_is_damaged_is_computed_anew(folder, settled, content):
    computed = open_checkpoint(folder).sha256
    with open(os.path.join(folder, "sha256.json"), "w") as file:
        file.write(content)
    assert open_checkpoint(folder).sha256 == computed


def test_a_file_of_the_same_size_and_date_has_another_digest(folder, settled):
    path = os.path.join(folder, "bert_model.ckpt.data-00000-of-00001")
    before, times = open_checkpoint(folder).sha256, os.stat(path)
    with open(path, "r+b") as file:
        file.write(b"W")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert open_checkpoint(folder).sha256 != before


def test_a_digest_of_files_just_written_is_not_remembered(folder):
    assert open_checkpoint(folder).sha256
    assert "sha256.json" not in os.listdir(folder)


def test_a_folder_that_cannot_be_written_has_a_digest(folder, settled):
    computed = open_checkpoint(folder).sha256
    os.remove(os.path.join(folder, "sha256.json"))
    os.mkdir(os.path.join(folder, "sha256.json"))
    before = sorted(os.listdir(folder))
    assert open_checkpoint(folder).sha256 == computed
    assert sorted(os.listdir(folder)) == before


def test_three_files_stand_in_for_a_folder(folder):
    by_files = open_checkpoint(None, folder + "/bert_config.json", folder + "/vocab.txt",
                               folder + "/bert_model.ckpt")
    assert by_files == open_checkpoint(folder)
    assert by_files.name == "small"
    assert by_files.config.hidden_act == "gelu"


@pytest.mark.parametrize("name", ["bert_config.json", "vocab.txt", "bert_model.ckpt.index",
                                  "bert_model.ckpt.data-00000-of-00001"])
def test_the_digest_is_of_all_four_files(folder, name):
    before = open_checkpoint(folder).sha256
    with open(os.path.join(folder, name), "a") as file:
        file.write("\n")
    assert open_checkpoint(folder).sha256 != before


@pytest.mark.parametrize("name", ["bert_config.json", "vocab.txt", "bert_model.ckpt.index",
                                  "bert_model.ckpt.data-00000-of-00001"])
def test_a_missing_file_is_named(folder, name):
    os.remove(os.path.join(folder, name))
    with pytest.raises(BertError, match=name[:12]):
        open_checkpoint(folder)


@pytest.mark.parametrize("values, told", [
    ({"hidden_size": "8"}, "hidden_size is '8'"),
    ({"num_hidden_layers": 0}, "num_hidden_layers is 0"),
    ({"vocab_size": True}, "vocab_size is True"),
    ({"num_attention_heads": 3}, "no multiple of num_attention_heads 3"),
    ({"hidden_act": "swish"}, "hidden_act is 'swish'"),
    ({"vocab_size": 5}, "has 6 entries but"),
    ({"vocab_size": 7}, "or one is cut off"),
    ({"num_hidden_layers": 10 ** 9}, "num_hidden_layers is 1000000000, .* from 1 to 1000"),
])
def test_a_config_that_cannot_be_is_told(folder, values, told):
    change(folder, **values)
    with pytest.raises(BertError, match=told):
        open_checkpoint(folder)


@pytest.mark.parametrize("content", ["", "{", "[1]", "\x00", "[" * 100000])
def test_a_config_that_is_no_json_object_is_told(folder, content):
    with open(os.path.join(folder, "bert_config.json"), "w") as file:
        file.write(content)
    with pytest.raises(BertError, match="BERT config"):
        open_checkpoint(folder)


def test_a_vocabulary_of_another_kind_is_told(tmp_path):
    path = tmp_path / "vocab.txt"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(BertError, match="not a readable vocabulary"):
        read_vocabulary(str(path))
    path.write_text("[UNK]\n[CLS]\n")
    with pytest.raises(BertError, match=r"no \[SEP\]"):
        read_vocabulary(str(path))


def test_the_researchs_checkpoint_is_taken_first_else_the_only_one(folder, tmp_path):
    tmp = tmp_path / "tmp"
    with pytest.raises(BertError, match="--model wwm.*--model minilm"):
        default_bert_dir(str(tmp))
    shutil.copytree(folder, str(tmp / "one"))
    assert default_bert_dir(str(tmp)) == str(tmp / "one")
    shutil.copytree(folder, str(tmp / "two"))
    with pytest.raises(BertError, match="one, two"):
        default_bert_dir(str(tmp))
    shutil.copytree(folder, str(tmp / RESEARCH))
    assert default_bert_dir(str(tmp)) == str(tmp / RESEARCH)


@pytest.mark.parametrize("ending", ["", ".index", ".data-00000-of-00001", ".meta"])
def test_weights_may_be_named_by_any_of_their_files(folder, ending):
    found = open_checkpoint(folder, init_checkpoint=folder + "/bert_model.ckpt" + ending)
    assert found == open_checkpoint(folder)


def rename(folder, name):
    for path in glob.glob(folder + "/bert_model.ckpt.*"):
        os.rename(path, path.replace("bert_model.ckpt", name))


def test_a_folder_whose_weights_have_another_name_is_taken_whole(folder):
    rename(folder, "model.ckpt-12345")
    assert open_checkpoint(folder).init_checkpoint == folder + "/model.ckpt-12345"
    shutil.copy(folder + "/model.ckpt-12345.index", folder + "/model.ckpt-2.index")
    with pytest.raises(BertError, match="model.ckpt-12345, model.ckpt-2: say which with --init_ch"):
        open_checkpoint(folder)


def test_a_hugging_face_folder_is_told_with_the_program_that_converts_it(folder):
    os.rename(folder + "/bert_config.json", folder + "/config.json")
    with pytest.raises(BertError, match="download.py --model .*converts it"):
        open_checkpoint(folder)


def test_a_checkpoint_of_tensorflow_2_objects_is_called_one(folder):
    with open(folder + "/bert_model.ckpt.index", "ab") as file:
        file.write(b"\0_CHECKPOINTABLE_OBJECT_GRAPH\0")
    with pytest.raises(BertError, match="a checkpoint of TensorFlow 2 objects"):
        open_checkpoint(folder)


def test_a_vocabulary_that_is_padded_for_speed_is_taken_with_a_note(folder):
    change(folder, vocab_size=8)
    assert "the rest is taken for padding" in open_checkpoint(folder).note
    change(folder, vocab_size=8 + 128)
    with pytest.raises(BertError, match="or one is cut off"):
        open_checkpoint(folder)


@pytest.mark.parametrize("told, name, vocabulary, expected", [
    ('{"do_lower_case": false}', "bert-base-uncased", "a", False),
    ('{"do_lower_case": true}', "x", "A", True),
    (None, "multi_cased_L-12_H-768_A-12", "a", False), ("{", "wwm_uncased_L-24", "A", True),
    (None, "multilingual_L-12_H-768_A-12", "A", True), (None, "chinese_L-12_H-768_A-12", "A", True),
    (None, "BERT-Base-Uncased", "A", True), (None, "x", "a", True), (None, "x", "A", False),
    ('{"do_lower_case": 1}', "x", "a", True)])
def test_case_is_what_the_checkpoint_is(folder, told, name, vocabulary, expected):
    renamed = os.path.join(os.path.dirname(folder), name)
    os.rename(folder, renamed)
    with open(renamed + "/vocab.txt", "w") as file:
        file.write("[UNK]\n[CLS]\n[SEP]\n" + vocabulary + "\nb\nc")
    if told:
        with open(renamed + "/tokenizer_config.json", "w") as file:
            file.write(told)
    checkpoint = open_checkpoint(renamed)
    assert takes_lower_case(checkpoint) is expected
    assert takes_lower_case(checkpoint, expected) is expected
    with pytest.raises(BertError, match="--do_lower_case {}: ".format(str(not expected).lower())):
        takes_lower_case(checkpoint, not expected)
