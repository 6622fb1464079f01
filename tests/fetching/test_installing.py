"""Kinds of checkpoints: what is taken, and what is refused with a word on what it is."""

import json
import os

import pytest
import tensorflow.compat.v1 as tf

from bert.checkpoint import open_checkpoint, takes_lower_case
from bert.errors import BertError
from bert.other_layouts import read_tokenizer
from tests.fetching.sources import (
    CONFIG,
    GOOGLE,
    VOCABULARY,
    files_of,
    hugging_face_folder,
    tarred,
    tensors_of,
    tokenizer_json,
    zipped,
)


@pytest.fixture
def tiny(tmp_path):
    """A BERT in Hugging Face's layout."""
    return hugging_face_folder(tmp_path / "tiny", tensors_of(CONFIG))


def write(path, content):
    path.write_text(json.dumps(content))


def is_uncased(tmp_path):
    return takes_lower_case(open_checkpoint(str(tmp_path / "tmp" / "tiny")))


# --- taken

@pytest.mark.parametrize("told", [{}, {"architectures": ["BertForMaskedLM"]},
                                  {"architectures": ["BertModel"]}, {"architectures": None}])
def test_a_bert_need_not_say_its_model_type(run, tmp_path, tiny, told):
    write(tiny / "config.json", {**CONFIG, **told})
    assert run("--model", str(tiny))[0] == 0
    assert open_checkpoint(str(tmp_path / "tmp" / "tiny")).config.hidden_size == 8


def test_a_config_of_googles_name_beside_safetensors_is_read(run, tmp_path, tiny):
    os.remove(str(tiny / "config.json"))
    write(tiny / "bert_config.json", CONFIG)
    assert run("--model", str(tiny))[0] == 0


@pytest.mark.parametrize("lowercase", [True, False])
def test_tokenizer_json_gives_vocabulary_and_case(run, tmp_path, tiny, lowercase):
    os.remove(str(tiny / "vocab.txt"))
    write(tiny / "tokenizer.json", tokenizer_json(lowercase))
    assert run("--model", str(tiny))[0] == 0
    assert (tmp_path / "tmp" / "tiny" / "vocab.txt").read_text() == VOCABULARY
    assert is_uncased(tmp_path) is lowercase


@pytest.mark.parametrize("normalizer, expected", [
    (None, False), ({"type": "Lowercase"}, True), ({"type": "NFC"}, False),
    ({"type": "Sequence", "normalizers": [{"type": "NFD"}, {"type": "Lowercase"},
                                          {"type": "StripAccents"}]}, True),
    ({"type": "Sequence", "normalizers": [{"type": "BertNormalizer", "lowercase": False}]}, False)])
def test_case_is_what_the_normalizer_does(run, tmp_path, tiny, normalizer, expected):
    write(tiny / "tokenizer.json", dict(tokenizer_json(), normalizer=normalizer))
    assert run("--model", str(tiny))[0] == 0
    assert is_uncased(tmp_path) is expected


def test_tokenizer_config_counts_before_the_normalizer(run, tmp_path, tiny):
    write(tiny / "tokenizer.json", tokenizer_json(True))
    write(tiny / "tokenizer_config.json", {"do_lower_case": False, "more": 1})
    assert run("--model", str(tiny))[0] == 0
    assert is_uncased(tmp_path) is False


def test_a_tokenizer_config_that_says_no_case_is_completed(run, tmp_path, tiny):
    write(tiny / "tokenizer.json", tokenizer_json(False))
    write(tiny / "tokenizer_config.json", {"model_max_length": 512})
    assert run("--model", str(tiny))[0] == 0
    told = json.loads((tmp_path / "tmp" / "tiny" / "tokenizer_config.json").read_text())
    assert told == {"model_max_length": 512, "do_lower_case": False}


def test_pieces_that_were_added_stand_at_their_ids(tmp_path):
    tokenizer = tokenizer_json()
    del tokenizer["model"]["vocab"]["[SEP]"], tokenizer["model"]["type"]
    write(tmp_path / "tokenizer.json", tokenizer)
    assert read_tokenizer(str(tmp_path / "tokenizer.json")).pieces == VOCABULARY.split()


@pytest.mark.parametrize("strip, lowercase, word", [
    (False, True, "keeps accents"), (True, False, "strips accents"), (None, True, None),
    (None, False, None), (True, True, None)])
def test_another_treatment_of_accents_is_told(tmp_path, strip, lowercase, word):
    tokenizer = tokenizer_json(lowercase)
    tokenizer["normalizer"]["strip_accents"] = strip
    write(tmp_path / "tokenizer.json", tokenizer)
    told = read_tokenizer(str(tmp_path / "tokenizer.json")).differences
    assert [word] == [word for each in told if word and word in each] if word else not told


@pytest.mark.parametrize("name", ["model.ckpt-12345", "biobert.ckpt", "model"])
def test_weights_of_another_name_are_taken(run, tmp_path, name):
    files = {key.replace("bert_model.ckpt", name): value for key, value in GOOGLE.items()}
    of_macos = {"._" + key: b"x" for key in files}
    for kind, content in (("a.zip", zipped(files)), ("b.tgz", tarred(files, "deep/")),
                          ("c.tgz", tarred({**of_macos, **files}, "./"))):
        (tmp_path / kind).write_bytes(content)
        assert run("--model", str(tmp_path / kind))[0] == 0
        folder = str(tmp_path / "tmp" / kind[0])
        assert open_checkpoint(folder).init_checkpoint == os.path.join(folder, name)


def test_weights_in_several_files_are_taken_if_all_are_there(run, tmp_path):
    files = {key: value for key, value in GOOGLE.items() if ".data" not in key}
    for n in range(2):
        files["bert_model.ckpt.data-0000{}-of-00002".format(n)] = b"weights"
    (tmp_path / "m.zip").write_bytes(zipped(files))
    assert run("--model", str(tmp_path / "m.zip"))[0] == 0
    assert files_of(tmp_path / "tmp" / "m") == files
    del files["bert_model.ckpt.data-00001-of-00002"]
    (tmp_path / "half.zip").write_bytes(zipped(files))
    code, _, error = run("--model", str(tmp_path / "half.zip"))
    assert code == 1
    assert "bert_model.ckpt.data-00001-of-00002 is missing" in error


def test_of_several_weights_bert_model_is_taken_else_none(run, tmp_path):
    more = {"model.ckpt-1" + key[15:]: b"x" for key in GOOGLE if key.startswith("bert_model")}
    (tmp_path / "m.zip").write_bytes(zipped({**GOOGLE, **more}))
    assert run("--model", str(tmp_path / "m.zip"))[0] == 0
    assert files_of(tmp_path / "tmp" / "m") == GOOGLE
    two = {**more, **{key.replace("-1", "-2"): value for key, value in more.items()},
           "bert_config.json": b"{}", "vocab.txt": b""}
    (tmp_path / "n.zip").write_bytes(zipped(two))
    code, _, error = run("--model", str(tmp_path / "n.zip"))
    assert code == 1
    assert "model.ckpt-1, model.ckpt-2: give a folder with one" in error


def test_what_is_said_of_case_stays_with_a_checkpoint_that_is_packed_again(run, tmp_path, tiny):
    write(tiny / "tokenizer_config.json", {"do_lower_case": False})
    assert run("--model", str(tiny))[0] == 0
    made = tmp_path / "tmp" / "tiny"
    (tmp_path / "again.tar.gz").write_bytes(tarred(files_of(made)))
    assert run("--model", str(tmp_path / "again.tar.gz"))[0] == 0
    assert files_of(tmp_path / "tmp" / "again") == files_of(made)


# --- refused

def refused(run, folder):
    """The errors of download.py and of opening the folder for one that is refused by both."""
    code, _, error = run("--model", str(folder))
    assert code == 1
    with pytest.raises(BertError) as opening:
        open_checkpoint(str(folder))
    for told in (error, str(opening.value)):
        assert str(folder) in told
        assert "again" not in told
        assert "\n" not in told
    return error, str(opening.value)


@pytest.mark.parametrize("config, name", [
    ({"model_type": "roberta"}, "RoBERTa"), ({"model_type": "albert"}, "ALBERT"),
    ({"model_type": "xlm-roberta"}, "XLM-R"), ({"model_type": "distilbert"}, "DistilBERT"),
    ({"model_type": "electra"}, "ELECTRA"), ({"model_type": "mpnet"}, "MPNet"),
    ({"model_type": "camembert"}, "CamemBERT"), ({"model_type": "gpt2"}, "gpt2"),
    ({"model_type": "a\nb"}, "a b"), ({"architectures": [["a\nb"]]}, "['a\\nb']"),
    ({"model_type": "roberta", "architectures": ["BertModel"]}, "RoBERTa"),
    ({"model_type": ["bert"]}, "['bert']"),
    ({"architectures": ["RobertaForMaskedLM"]}, "Roberta"),
    ({"architectures": ["AlbertModel"]}, "Albert"),
    ({"architectures": ["DistilBertForQuestionAnswering"]}, "DistilBert"),
    ({"architectures": ["XLMRobertaForMaskedLM"]}, "XLMRoberta"),
    ({"architectures": ["BertGenerationEncoder"]}, "BertGenerationEncoder")])
@pytest.mark.parametrize("vocabulary", ["vocab.txt", "merges.txt", "spiece.model", None])
def test_another_model_is_called_what_it_is(run, tmp_path, config, name, vocabulary):
    folder = tmp_path / "other"
    folder.mkdir()
    write(folder / "config.json", {**CONFIG, **config})
    (folder / "pytorch_model.bin").write_bytes(b"x")
    if vocabulary:
        (folder / vocabulary).write_text("a")
    for error in refused(run, folder):
        assert "it is {}, not BERT".format(name) in error
        assert "download.py --list" in error


@pytest.mark.parametrize("weights, word", [
    ("pytorch_model.bin", "pickle"), ("pytorch_model-00001-of-00002.bin", "pickle"),
    ("pytorch_model.bin.index.json", "pickle"), ("model.pt", "pickle"), ("tf_model.h5", "from_tf"),
    ("flax_model.msgpack", "from_flax"), ("model-00001-of-00002.safetensors", "max_shard_size")])
@pytest.mark.parametrize("config", ["config.json", "bert_config.json"])
def test_other_weights_are_refused_with_the_way_to_safetensors(run, tmp_path, weights, word,
                                                               config):
    folder = tmp_path / "old"
    folder.mkdir()
    write(folder / config, CONFIG)
    (folder / "vocab.txt").write_text(VOCABULARY)
    (folder / weights).write_bytes(b"{}")
    for error in refused(run, folder):
        assert weights in error
        assert word in error
        assert "model.safetensors" in error
        assert "save_pretrained" in error
        assert ("call bert_config.json config.json" in error) == (config == "bert_config.json")


@pytest.mark.parametrize("names, told", [
    (["saved_model.pb", "variables/variables.index",
      "variables/variables.data-00000-of-00001", "assets/vocab.txt"], "SavedModel"),
    (["albert_config.json", "model.ckpt-best.index", "model.ckpt-best.data-00000-of-00001",
      "30k-clean.model"], "it is ALBERT"),
    (["xlnet_config.json", "xlnet_model.ckpt.index", "spiece.model"], "it is XLNET")])
def test_models_of_google_that_are_no_bert_checkpoint_are_told(run, tmp_path, names, told):
    folder = tmp_path / "other"
    for name in names:
        os.makedirs(str((folder / name).parent), exist_ok=True)
        (folder / name).write_bytes(b"x")
    for error in refused(run, folder):
        assert told in error


@pytest.mark.parametrize("name", ["merges.txt", "sentencepiece.bpe.model", "spiece.model"])
def test_another_vocabulary_is_called_what_it_is(run, tiny, name):
    os.rename(str(tiny / "vocab.txt"), str(tiny / name))
    code, _, error = run("--model", str(tiny))
    assert code == 1
    assert "its vocabulary is {}, not the word pieces of a BERT".format(name) in error


def test_without_any_vocabulary_it_is_missing(run, tiny):
    os.remove(str(tiny / "vocab.txt"))
    code, _, error = run("--model", str(tiny))
    assert code == 1
    assert "vocab.txt is missing" in error


@pytest.mark.parametrize("change, told", [
    ({"type": "BPE"}, "of type BPE"), ({"type": "Unigram", "vocab": [["a", 0.0]]}, "of type Uni"),
    ({"continuing_subword_prefix": "_"}, "WordPiece with ##"), ({"vocab": {}}, "cannot be written"),
    ({"vocab": {"a": 0, "b": 9}}, "cannot be written"), ({"vocab": None}, "cannot be written"),
    ({"vocab": {"a": 4, "b\n": 5}}, "cannot be written"),
    ({"vocab": {"a": [4], "b": "5"}}, "cannot be written"),
    ({"vocab": {"a": 0, "b": 0}}, "cannot be written")])
def test_a_tokenizer_of_another_kind_is_refused(run, tiny, change, told):
    os.remove(str(tiny / "vocab.txt"))
    write(tiny / "tokenizer.json", tokenizer_json(**change))
    code, _, error = run("--model", str(tiny))
    assert code == 1
    assert told in error


def test_half_a_character_in_a_tokenizer_is_one_line(run, tiny):
    os.remove(str(tiny / "vocab.txt"))
    tokenizer = tokenizer_json()
    tokenizer["model"]["vocab"]["\ud800"] = 30
    write(tiny / "tokenizer.json", tokenizer)
    code, _, error = run("--model", str(tiny))
    assert code == 1
    assert "not a readable vocabulary" in error


@pytest.mark.parametrize("content", ["", "{", "[]", "[" * 100000, '{"model": []}', "null"])
def test_a_tokenizer_json_that_is_none_is_one_line(run, tiny, content):
    os.remove(str(tiny / "vocab.txt"))
    (tiny / "tokenizer.json").write_text(content)
    code, _, error = run("--model", str(tiny))
    assert code == 1
    assert "tokenizer.json" in error


def test_tensors_of_another_model_are_told_where_the_config_does_not(run, tmp_path):
    tensors = {name.replace("bert.", "roberta."): value
               for name, value in tensors_of(CONFIG).items()}
    folder = hugging_face_folder(tmp_path / "r", tensors)
    write(folder / "config.json", CONFIG)
    code, _, error = run("--model", str(folder))
    assert code == 1
    assert "it is no BERT (it has " in error


def test_a_config_without_a_berts_sizes_is_told(run, tiny):
    write(tiny / "config.json", {"dim": 8, "n_layers": 2})
    code, _, error = run("--model", str(tiny))
    assert code == 1
    assert "it is not a BERT's" in error


def test_a_checkpoint_of_tensorflow_2_objects_is_refused(run, tmp_path):
    folder = tmp_path / "objects"
    folder.mkdir()
    for name in ("bert_config.json", "vocab.txt"):
        (folder / name).write_bytes(GOOGLE[name])
    with tf.Graph().as_default(), tf.Session() as session:
        variable = tf.Variable([1.0], use_resource=True)
        session.run(variable.initializer)
        tf.train.Checkpoint(model=variable).save(str(folder / "bert_model.ckpt"), session=session)
    os.remove(str(folder / "checkpoint"))
    for error in refused(run, folder):
        assert "a checkpoint of TensorFlow 2 objects" in error


def test_a_hugging_face_folder_given_as_bert_dir_is_told_what_converts_it(tiny):
    with pytest.raises(BertError, match="download.py --model .*tiny` converts it"):
        open_checkpoint(str(tiny))


def test_an_archive_given_as_bert_dir_is_told_what_unpacks_it(tmp_path):
    (tmp_path / "m.zip").write_bytes(zipped(GOOGLE))
    with pytest.raises(BertError, match="download.py --model .*m.zip` unpacks"):
        open_checkpoint(str(tmp_path / "m.zip"))
