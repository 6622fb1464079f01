"""Checkpoints: what is put in place, and what is left alone."""

import os
import subprocess
import sys

import pytest

from bert.checkpoint import RESEARCH
from recommender.storage.locks import one_writer
from tests.conftest import ROOT
from tests.fetching.sources import (
    CONFIG,
    GOOGLE,
    files_of,
    hugging_face_folder,
    tensors_of,
    zipped,
)


def test_full_download_leaves_the_five_files_and_nothing_else(server, run, tmp_path):
    server.body = zipped(GOOGLE, folder="wwm_uncased_L-24_H-1024_A-16/")
    code, out, _ = run("--model", "wwm")
    assert code == 0
    assert RESEARCH in out
    assert files_of(tmp_path / "tmp") == {
        os.path.join(RESEARCH, name): content for name, content in GOOGLE.items()}


@pytest.mark.parametrize("name", sorted(GOOGLE))
def test_each_of_the_five_files_is_needed(server, run, tmp_path, name):
    server.body = zipped({key: value for key, value in GOOGLE.items() if key != name})
    code, _, error = run("--model", "wwm")
    assert code == 1
    assert name in error
    assert files_of(tmp_path / "tmp") == {}


def test_an_existing_checkpoint_is_left_alone(server, run, tmp_path):
    there = tmp_path / "tmp" / RESEARCH
    there.mkdir(parents=True)
    for name, content in GOOGLE.items():
        (there / name).write_bytes(content)
    code, out, _ = run("--model", "wwm")
    assert code == 0
    assert "already there" in out
    assert server.requests == []
    assert files_of(there) == GOOGLE


def test_an_unfinished_folder_in_the_way_is_neither_used_nor_removed(server, run, tmp_path):
    there = tmp_path / "tmp" / RESEARCH
    there.mkdir(parents=True)
    (there / "mine.txt").write_text("keep")
    code, _, error = run("--model", "wwm")
    assert code == 1
    assert "in the way" in error
    assert files_of(there) == {"mine.txt": b"keep"}


def test_a_google_zip_with_a_sub_folder_takes_the_name_of_the_zip(run, tmp_path):
    archive = tmp_path / "small_bert.zip"
    archive.write_bytes(zipped(GOOGLE, folder="deep/er/"))
    assert run("--model", str(archive))[0] == 0
    assert files_of(tmp_path / "tmp" / "small_bert") == GOOGLE
    assert archive.exists()


def test_a_zip_in_hugging_faces_layout_is_converted(run, tmp_path):
    source = hugging_face_folder(tmp_path / "source", tensors_of(CONFIG))
    archive = tmp_path / "tiny.zip"
    archive.write_bytes(zipped(files_of(source), folder="model/"))
    assert run("--model", str(archive))[0] == 0
    assert {path.name for path in (tmp_path / "tmp" / "tiny").iterdir()} == set(GOOGLE)


def test_a_pickle_is_refused_with_the_way_out(run, tmp_path):
    folder = tmp_path / "old"
    folder.mkdir()
    for name in ("config.json", "vocab.txt", "pytorch_model.bin"):
        (folder / name).write_bytes(b"{}")
    for path in (folder, folder / "pytorch_model.bin"):
        code, _, error = run("--model", str(path))
        assert code == 1
        assert "pickle" in error
        assert "safetensors" in error


def test_while_another_process_writes_it_is_told_which(run, tmp_path):
    (tmp_path / "m.zip").write_bytes(zipped(GOOGLE))
    (tmp_path / "tmp").mkdir()
    with one_writer(str(tmp_path / "tmp"), "--tmp_dir"):
        code, _, error = run("--model", str(tmp_path / "m.zip"))
    assert code == 1
    assert "being written by process {} ".format(os.getpid()) in error
    assert "choose another --tmp_dir" in error
    assert not (tmp_path / "tmp" / "m").exists()


def test_two_at_once_make_one_whole_checkpoint(tmp_path):
    archive = tmp_path / "m.zip"
    archive.write_bytes(zipped(GOOGLE))
    both = [subprocess.Popen([sys.executable, "download.py", "--model", str(archive), "--tmp_dir",
                              str(tmp_path / "tmp")], cwd=ROOT, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, universal_newlines=True) for _ in range(2)]
    told = [process.communicate() for process in both]
    assert 0 in [process.returncode for process in both]
    for process, (out, err) in zip(both, told):
        assert (" is ready" in out or "already there" in out) if not process.returncode else (
            "is being written by process" in err)
    assert files_of(tmp_path / "tmp") == {
        os.path.join("m", name): content for name, content in GOOGLE.items()}
