"""Genre models and topics of the sample catalogue: every program of theirs, in small."""

import json

import pytest

from tests.conftest import SAMPLE

pytestmark = pytest.mark.long  # in small by test_train_genres.py and topics/


@pytest.fixture(scope="module", params=["bert", "gru"])
def model(request, run_program, minilm, tmp_path_factory):
    """Folder of a model, trained for one epoch on the beginnings of the overviews, and figures."""
    folder = tmp_path_factory.mktemp("sample") / ("genres-" + request.param)
    flags = ["--train_layers", "1"] if request.param == "bert" else ["--units", "16"]
    done = run_program("train_genres.py", "--encoder", request.param, "--bert_dir", minilm,
                       "--input_file", SAMPLE, "--output_dir", folder, "--epochs", "1",
                       "--max_seq_length", "24", "--json", *flags)
    assert done.returncode == 0, done.stderr
    return folder, {each["name"]: each["macro_map"]["mean"]
                    for each in json.loads(done.stdout)["models"]}


def test_the_trained_model_is_measured_beside_the_baselines(model):
    _, quality = model
    own, = (name for name in quality if name in ("GRU", "fine-tuned BERT"))
    assert len(quality) == 5 and quality[own] > 2 * quality["majority"]


def test_its_features_are_measured_on_films_that_it_did_not_learn_from(model, sample, run_program,
                                                                       tmp_path):
    folder, _ = model
    done = run_program("extract_features.py", "--bert_dir", folder, "--input_file", SAMPLE,
                       "--max_seq_length", "24", "--output_dir", tmp_path / "features")
    assert done.returncode == 0, done.stderr
    done = run_program("evaluate.py", "--input_file", SAMPLE, "--features", sample.features,
                       "--recipes", "mean4", "--genre_features", tmp_path / "features",
                       "--models_dir", folder.parent)
    assert done.returncode == 0, done.stderr
    assert folder.name + " (mean)" in done.stdout
    done = run_program("predict_genres.py", "--model", folder, "--overview",
                       "Astronauts leave Earth in a rocket")
    assert done.returncode == 0 and done.stdout, done.stderr


def test_topics_of_the_sample_join_its_index(sample, run_program, tmp_path):
    topics, index = tmp_path / "topics.h5", tmp_path / "index.h5"
    done = run_program("topics.py", "--index", sample.index, "--output", topics, "--html",
                       tmp_path / "topics.html", "--range", "16-21", "--samples", "1")
    assert done.returncode == 0 and "coherence" in done.stdout, done.stderr
    done = run_program("build_index.py", "--input_file", SAMPLE, "--features", sample.features,
                       "--output", index, "--recipe", "best", "--topics", topics)
    assert done.returncode == 0, done.stderr
    done = run_program("recommend.py", "--index", index, "--title", "Alien", "--same-topic")
    assert done.returncode == 0 and "Aliens" in done.stdout, done.stderr
