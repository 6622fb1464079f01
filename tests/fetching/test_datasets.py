"""The Movies Dataset: credentials, and which files are put in place."""

import base64

import pytest

from recommender.catalogue import read_catalogue
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


def test_tmdb_is_fetched_beside_the_movies_dataset_and_read(server, run, tmp_path):
    """As TMDB's export is written: genres by name, a blank behind each comma."""
    export = (b"id,title,vote_average,vote_count,release_date,adult,overview,genres\n"
              b'27205,Inception,8.364,34495,2010-07-15,False,A thief enters dreams.,'
              b'"Action, Science Fiction, Adventure"\n')
    server.body = zipped(MOVIES)
    assert run("--data", "movies")[0] == 0
    server.body = zipped({"TMDB_movie_dataset_v11.csv": export})
    assert run("--data", "tmdb")[0] == 0
    assert "asaniczka/tmdb-movies-dataset-2023-930k-movies" in server.paths[-1]
    path = tmp_path / "data" / "TMDB_movie_dataset_v11.csv"
    movie, = read_catalogue(str(path)).movies
    assert movie.genres == ("Action", "Science Fiction", "Adventure")
    assert (movie.year, movie.vote_count) == (2010, 34495)
    code, out, _ = run("--data", "tmdb")
    assert code == 0
    assert "remove it first to fetch today's" in out
    path.unlink()
    (tmp_path / "by_hand.zip").write_bytes(server.body)
    assert run("--data", str(tmp_path / "by_hand.zip"))[0] == 0
    assert path.read_bytes() == export


def test_an_archive_of_another_data_set_names_those_that_are_known(run, tmp_path):
    (tmp_path / "other.zip").write_bytes(zipped({"books.csv": b"id"}))
    code, _, error = run("--data", str(tmp_path / "other.zip"))
    assert code == 1
    assert "no movies_metadata.csv or TMDB_movie_dataset_v11.csv" in error
    assert not (tmp_path / "data").exists()
