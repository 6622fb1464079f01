"""Films that the catalogue has and the index does not: asking for one tells why, by every way."""

import json
import pickle

import h5py
import numpy as np
import pytest

from recommender import Recommender
from recommender.catalogue import read_catalogue
from recommender.errors import FilmLeftOut, NothingFound, RecommenderError
from recommender.index import Index
from serving.app import create_app
from serving.library import Library
from tests.served import FakeTexts
from tests.worlds import only_line, random_layers, row, write_csv, write_index

ROWS = [
    row(1, "Heat", release_date="1986-11-13", vote_count="10"), row(2, "Ronin"),
    row(949, "Heat", release_date="1995-12-15", overview=""),
    row(348, "Alien", release_date="1979-05-25", overview="No overview found.",
        imdb_id="tt0078748"),
    row(9, "Fièvre", original_title="Fever", release_date="", overview="NULL"),
    row(5, "Psycho", release_date="1960-06-22"), row(6, "Aliens")]
WITHOUT_FEATURES = 5
WHY = "is in the catalogue but has no overview"


def build(folder, rows, without=()):
    """Write an index; its path. Films of `without` have no features."""
    return write_index(folder, rows, {cells["id"]: random_layers(3, cells["id"])
                                      for cells in rows if cells["id"] not in without})


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return build(tmp_path_factory.mktemp("left_out"), ROWS, [WITHOUT_FEATURES])


@pytest.fixture()
def similar(path):
    return Recommender.open(path).similar


@pytest.fixture()
def client(path):
    return create_app(Library(Index(path), FakeTexts())).test_client()


@pytest.mark.parametrize("overview", ["", " ", "NaN", "NULL", "N/A", "\\N", "None", "-",
                                      "No overview found.", "No Overview"])
def test_a_catalogue_keeps_films_without_an_overview_apart(tmp_path, overview):
    catalogue = read_catalogue(write_csv(tmp_path / "movies.csv", [
        row(1, "Heat"), row(348, "Alien", overview=overview, release_date="25/05/1979"),
        row(348, "Alien", overview=overview), row(7, "", overview=""), row("x", "No id")]))
    assert [movie.id for movie in catalogue.movies] == [1]
    film, = catalogue.without_overview
    assert (film.id, film.title, film.year, film.overview) == (348, "Alien", 1979, "")
    assert film.imdb_id == "tt0000348"
    assert catalogue.left_out["without an overview"] == 2


@pytest.mark.parametrize("overviews", [("", "It happens."), ("It happens.", "")])
def test_a_film_with_an_overview_in_one_of_its_rows_has_one(tmp_path, overviews):
    catalogue = read_catalogue(write_csv(tmp_path / "movies.csv", [
        row(348, "Alien", overview=overview) for overview in overviews]))
    assert [movie.overview for movie in catalogue.movies] == ["It happens."]
    assert not catalogue.without_overview


@pytest.mark.parametrize("asked", [
    {"title": "Alien"}, {"title": "ALIEN (1979)"}, {"title": "alien", "year": 1979}, {"id": 348},
    {"title": "tt0078748"}, {"title": "Fever"}, {"title": "fievre"}, {"title": "Heat (1995)"},
    {"title": "Heat", "year": 1995}, {"title": ["Ronin", "Alien"]}, {"id": [2, 949]},
    {"title": "Ronin", "unlike": "Alien"}, {"title": "Ronin", "unlike_id": 348}])
def test_a_film_without_an_overview_is_said_to_have_none(similar, asked):
    with pytest.raises(FilmLeftOut, match=WHY) as caught:
        similar(**asked)
    assert (caught.value.code, caught.value.exit_code) == ("no_overview", 2)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("asked", [{"title": "psycho"}, {"title": "Psycho (1960)"}, {"id": 5}])
def test_a_film_without_features_is_said_to_need_them(similar, asked):
    with pytest.raises(FilmLeftOut, match="Psycho .1960, id 5. is in the catalogue but has no "
                                          "features in .*: run extract_features.py") as caught:
        similar(**asked)
    assert caught.value.code == "not_in_index"


@pytest.mark.parametrize("asked", [
    {"title": "Alien", "year": 1986}, {"title": "Alien (1986)"}, {"title": "tt0000077"},
    {"id": 77}, {"title": "Jaws"}, {"title": " "}])
def test_a_film_that_is_not_in_the_catalogue_is_not_found(similar, asked):
    with pytest.raises(NothingFound) as caught:
        similar(**asked)
    assert not isinstance(caught.value, FilmLeftOut)


@pytest.mark.parametrize("typed, first", [
    ("Alein", "Alien (1979, id 348, no overview)"), ("Psicho", "Psycho (1960, id 5, not in the"),
    ("Fievr", "Fièvre (year unknown, id 9, no overview)"), ("Aliense", "Aliens (1999, id 6)"),
    ("Alien 3", "Alien (1979, id 348, no overview)")])
def test_near_titles_name_films_that_are_left_out(similar, typed, first):
    with pytest.raises(NothingFound) as caught:
        similar(title=typed)
    assert "near: " + first in str(caught.value)


def test_of_a_shared_title_the_film_that_can_be_answered_for_is_taken_with_a_note(path):
    recommender = Recommender.open(path)
    wishes = recommender.wishes(title=["heat", "Ronin"])
    assert recommender.index.ids[list(wishes.films)].tolist() == [1, 2]
    assert wishes.notes == ("'heat' is also the title of Heat (1995, id 949, no overview): nothing "
                            "can be recommended for it",)
    assert recommender.wishes(title="Ronin", unlike="heat").notes == wishes.notes
    assert recommender.wishes(title="Heat (1986)").notes == ()
    assert recommender.wishes(title="Heat", year=1986).notes == ()


def test_no_answer_names_a_film_that_is_left_out(path):
    recommender = Recommender.open(path)
    assert recommender.index.ids.tolist() == [1, 2, 6]
    assert {film.movie["id"] for film in recommender.similar(id=1, k=10)} == {2, 6}


def test_an_index_without_the_table_opens_and_answers(tmp_path):
    path = build(tmp_path, ROWS)
    before = Recommender.open(path).similar(title="Ronin")
    with h5py.File(path, "r+") as file:
        del file["left_out"]
    old = Recommender.open(path)
    assert old.similar(title="Ronin") == before
    assert len(old.index.left_out) == 0
    with pytest.raises(NothingFound, match="no film is called 'Alien'; near: Aliens"):
        old.similar(title="Alien")
    with pytest.raises(NothingFound, match="no movie with id 348"):
        old.similar(id=348)


def test_an_index_of_films_that_all_have_answers_holds_no_table(tmp_path):
    with h5py.File(build(tmp_path, ROWS[:2]), "r") as file:
        assert not {"left_out", "twins"} & set(file)


@pytest.mark.parametrize("name", ["ids", "year", "has_overview", "title"])
def test_a_table_that_is_damaged_is_told_in_one_line(tmp_path, name):
    path = build(tmp_path, ROWS)
    with h5py.File(path, "r+") as file:
        del file["left_out"][name]
        file["left_out"][name] = np.ones(99)
    with pytest.raises(RecommenderError, match="left_out/{} is float64".format(name)) as caught:
        Recommender.open(path).similar(title="Alien")
    assert not isinstance(caught.value, NothingFound)


@pytest.mark.parametrize("by", ["id", "title"])
def test_an_index_of_given_embeddings_knows_them_too(tmp_path, run_program, by):
    keys = {"id": (2, 1, 949, 77), "title": ("Ronin", "Heat (1986)", "Fever", "Jaws")}[by]
    path = str(tmp_path / "emb.pickle")
    with open(path, "wb") as file:
        pickle.dump({key: np.arange(1.0, 9) for key in keys}, file)
    csv, index = write_csv(tmp_path / "movies.csv", ROWS), str(tmp_path / "index.h5")
    done = run_program("build_index.py", "--input_file", csv, "--from_pickle", path, "--output",
                       index)
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "{}: its film has no overview".format(keys[2]) if by == "id" else "Fever: no such film",
        "{}: no such film".format(keys[3])]
    for title, why in (("Alien", WHY), ("Psycho", "is in the catalogue but has no embedding in")):
        done = run_program("recommend.py", "--index", index, "--title", title)
        assert (done.returncode, done.stdout) == (2, "")
        assert why in only_line(done.stderr)


@pytest.mark.parametrize("flags", [
    ("--title", "Alien"), ("--id", "348"), ("--title", "tt0078748"), ("Alien",), ("tt0078748",),
    ("--id", "2", "--not", "Alien"), ("--id", "2", "--not-id", "949"), ("--id", "348", "--json"),
    ("Heat", "--year", "1995"), ("--title", "Alien", "--title", "Ronin", "--genres", "Drama")])
def test_the_program_says_it_in_one_line(run_program, path, flags):
    done = run_program("recommend.py", "--index", path, *flags)
    assert (done.returncode, done.stdout) == (2, "")
    line = only_line(done.stderr)
    assert line.startswith("recommend.py: error: ")
    assert WHY in line


def test_the_program_notes_the_other_film_of_a_title(run_program, path):
    done = run_program("recommend.py", "--index", path, "Heat", "--json")
    assert (done.returncode, json.loads(done.stdout)["query"]["id"]) == (0, 1)
    assert "Heat (1995, id 949, no overview)" in only_line(done.stderr)


@pytest.mark.parametrize("address, code", [
    ("/recommend?title=Alien", "no_overview"), ("/recommend?id=348", "no_overview"),
    ("/recommend?title=tt0078748", "no_overview"), ("/movies/949", "no_overview"),
    ("/recommend?id=2&not=Alien", "no_overview"), ("/recommend?id=2&not_id=9", "no_overview"),
    ("/recommend?title=psycho", "not_in_index"), ("/movies/5", "not_in_index"),
    ("/movies/77", None), ("/recommend?title=Jaws", None)])
def test_the_api_answers_404_with_a_code(client, address, code):
    response = client.get("/api/v1" + address)
    body = response.get_json()
    assert (response.status_code, body.get("code")) == (404, code)
    assert ("is in the catalogue but" in body["error"]) == (code is not None)


def test_the_api_answers_a_text_beside_such_a_film_alike(client):
    response = client.post("/api/v1/recommend", json={"overview": "a man", "title": "Alien"})
    assert (response.status_code, response.get_json()["code"]) == (404, "no_overview")


def test_the_api_notes_the_other_film_of_a_title(client):
    body = client.get("/api/v1/recommend?title=Heat").get_json()
    assert body["query"]["id"] == 1
    assert body["note"].startswith("'Heat' is also the title of Heat (1995, id 949, no overview)")


def test_completion_offers_no_such_film_but_names_one_that_was_typed_whole(client):
    body = client.get("/api/v1/movies?q=alien").get_json()
    assert [film["id"] for film in body["results"]] == [6]
    assert body["left_out"] == [{"id": 348, "title": "Alien", "year": 1979, "code": "no_overview"}]
    assert "left_out" not in client.get("/api/v1/movies?q=alie").get_json()
    body = client.get("/api/v1/movies?q=Fever").get_json()
    assert body["left_out"] == [{"id": 9, "title": "Fièvre", "year": None, "code": "no_overview"}]
