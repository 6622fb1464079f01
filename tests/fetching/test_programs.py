"""Checkpoints of many kinds, through the real programs up to an answer."""

import json
import os

import h5py
import numpy as np
import pytest

from tests.fetching.sources import (
    CONFIG,
    files_of,
    hugging_face_folder,
    tarred,
    tensors_of,
    tokenizer_json,
    zipped,
)
from tests.worlds import row, write_csv


@pytest.fixture(scope="module")
def world(tmp_path_factory, run_program):
    """A catalogue, a BERT in Hugging Face's layout, and its features by way of vocab.txt."""
    folder = tmp_path_factory.mktemp("kinds")
    write_csv(folder / "movies.csv", [
        row(n, "Film {}".format(n), overview=" ".join("abcdefghijklmnop"[n:n + 4]) + " X y")
        for n in range(1, 6)])
    hugging_face_folder(folder / "plain", tensors_of(CONFIG))
    through_programs(run_program, folder, "plain")
    return folder


def through_programs(run_program, folder, model, case="true"):
    """Fetch `model` and extract with it; returns the features by film."""
    name = model.split(".")[0]
    done = run_program("download.py", "--model", str(folder / model), "--tmp_dir",
                       str(folder / "tmp"))
    assert done.returncode == 0, done.stderr
    done = run_program("extract_features.py", "--bert_dir", str(folder / "tmp" / name), "--layers",
                       "-1", "--max_seq_length", "12", "--do_lower_case", case, "--input_file",
                       str(folder / "movies.csv"), "--output_dir", str(folder / name / "features"))
    assert done.returncode == 0, done.stderr
    return features_of(folder, name)


def features_of(folder, name):
    with h5py.File(str(folder / name / "features" / "features.h5"), "r") as file:
        return {key: file[key][()] for key in file}


def without(files, *names):
    return {name: content for name, content in files.items() if name not in names}


def make(folder, kind):
    """Write a model of a kind into `folder`; returns its name."""
    files = files_of(folder / "plain")
    files = {name: content for name, content in files.items() if os.sep not in name}
    bare = dict(files, **{"config.json": json.dumps(CONFIG).encode()})
    told = json.dumps(tokenizer_json()).encode()
    if kind == "no model_type":
        files, name = bare, "bare.zip"
    elif kind == "tokenizer.json":
        files, name = dict(without(files, "vocab.txt"), **{"tokenizer.json": told}), "told.zip"
    elif kind == "neither, packed by tar":
        files, name = dict(without(bare, "vocab.txt"), **{"tokenizer.json": told}), "tarred.tgz"
    else:
        made = files_of(folder / "tmp" / "plain")
        files = {name.replace("bert_model.ckpt", "model.ckpt-12345"): content
                 for name, content in made.items()}
        name = "renamed.tar.gz"
    pack = zipped if name.endswith(".zip") else tarred
    (folder / name).write_bytes(pack(files, "model/"))
    (folder / name.split(".")[0]).mkdir()
    return name


@pytest.mark.parametrize("kind", ["no model_type", "tokenizer.json", "neither, packed by tar",
                                  "weights of another name"])
def test_each_kind_gives_the_same_features(world, run_program, kind):
    expected = features_of(world, "plain")
    found = through_programs(run_program, world, make(world, kind))
    assert set(found) == set(expected) == set("12345")
    for key, layers in expected.items():
        np.testing.assert_array_equal(found[key], layers)


def test_a_folder_whose_weights_have_another_name_answers_texts(world, run_program):
    if not (world / "tmp" / "renamed").exists():
        through_programs(run_program, world, make(world, "weights of another name"))
    index = str(world / "index.h5")
    done = run_program("build_index.py", "--input_file", str(world / "movies.csv"), "--recipe",
                       "last", "--features", str(world / "renamed" / "features"),
                       "--output", index)
    assert done.returncode == 0, done.stderr
    done = run_program("recommend.py", "--index", index, "--bert_dir",
                       str(world / "tmp" / "renamed"), "--overview", "b c d e", "--json")
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["results"]) == 5


def test_a_normalizer_that_keeps_capitals_makes_a_cased_checkpoint(world, run_program):
    folder = hugging_face_folder(world / "capitals", tensors_of(CONFIG))
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer_json(lowercase=False)))
    os.remove(str(folder / "vocab.txt"))
    found = through_programs(run_program, world, "capitals", "false")
    with pytest.raises(AssertionError, match="is cased, as its tokenizer_config.json says"):
        through_programs(run_program, world, "capitals", "true")
    assert set(found) == set("12345")
