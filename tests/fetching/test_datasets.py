"""The Movies Dataset: credentials, and which files are put in place."""

import base64

import pytest

from recommender.storage.locks import one_writer
from tests.fetching.sources import MOVIES, files_of, zipped


def basic(user, key):
    return "Basic " + base64.b64encode(f"{user}:{key}".encode()).decode()


def test_credentials_of_the_environment_arrive(server, run, tmp_path, monkeypatch):
    monkeypatch.setenv("KAGGLE_USERNAME", "ada")
    monkeypatch.setenv("KAGGLE_KEY", "secret")
    server.body = zipped(MOVIES)
    assert run("--data", "movies")[0] == 0
    assert server.requests[-1]["Authorization"] == basic("ada", "secret")
    assert files_of(tmp_path / "data") == MOVIES


def test_credentials_of_kaggle_json_arrive(server, run, tmp_path):
    (tmp_path / "kaggle.json").write_text('{"username": "bob", "key": "token"}')
    server.body = zipped(MOVIES)
    assert run("--data", "movies")[0] == 0
    assert server.requests[-1]["Authorization"] == basic("bob", "token")


def test_without_credentials_it_tries_without(server, run):
    server.body = zipped(MOVIES)
    assert run("--data", "movies")[0] == 0
    assert "Authorization" not in server.requests[-1]


@pytest.mark.parametrize("text", ["not json", "[]", "[" * 100000, '{"username": "bob"}'])
def test_a_bad_kaggle_json_is_one_line(server, run, tmp_path, text):
    (tmp_path / "kaggle.json").write_text(text)
    code, _, error = run("--data", "movies")
    assert code == 1
    assert "kaggle.json" in error
    assert server.requests == []


def test_an_archive_got_by_hand_overwrites_nothing(run, tmp_path):
    archive = tmp_path / "archive.zip"
    archive.write_bytes(zipped(MOVIES))
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "links.csv").write_bytes(b"mine")
    assert run("--data", str(archive))[0] == 0
    assert files_of(tmp_path / "data") == dict(MOVIES, **{"links.csv": b"mine"})
    code, out, _ = run("--data", str(archive))
    assert code == 0
    assert "already there" in out


def test_while_another_process_writes_it_is_told_which_flag_helps(server, run, tmp_path):
    (tmp_path / "data").mkdir()
    with one_writer(str(tmp_path / "data"), "--data_dir"):
        code, _, error = run("--data", "movies")
    assert code == 1
    assert "choose another --data_dir" in error
    assert server.requests == []
