"""Films marked as adult: never in an answer that does not ask for them, by every way."""

import json
import re

import h5py
import numpy as np
import pytest

from recommender import Recommender
from recommender.comparing import compare
from recommender.errors import RecommenderError, WrongQuery
from recommender.filters import Filters
from recommender.index import Index
from serving.app import create_app
from serving.library import Library
from tests.served import FakeTexts
from tests.worlds import only_line, random_layers, row, write_index

ADULT, N_FILMS = {2, 4, 7, 30}, 30
ROWS = [row(n, "Deep Film {}".format(n), vote_count=str(10000 - n), vote_average="9.0" if n in ADULT
            else "6.0", adult=str(n in ADULT)) for n in range(1, N_FILMS + 1)]


def write(folder, rows=ROWS, **options):
    """Write an index in which film 1 is nearest to film 2, then to 3, and so on; its path."""
    draw = random_layers(2, 1)
    return write_index(folder, rows, {
        cells["id"]: draw + np.float32(0.02 * cells["id"]) * random_layers(2, 2)
        for cells in rows}, recipes=("mean4", "best"), **options)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return write(tmp_path_factory.mktemp("adult"), with_map=True)


@pytest.fixture()
def client(path):
    return create_app(Library(Index(path), FakeTexts())).test_client()


def ids(results):
    return [result.movie["id"] for result in results]


ALL = list(range(1, N_FILMS + 1))
UNMARKED = [n for n in ALL if n not in ADULT]


@pytest.mark.parametrize("recipe", ["mean4", "best"])
@pytest.mark.parametrize("n_neighbours", [0, 3, 25])
def test_films_marked_as_adult_are_left_out_unless_asked_for(tmp_path, n_neighbours, recipe):
    similar = Recommender.open(write(tmp_path, n_neighbours=n_neighbours)).similar
    for asked in ({"id": 1}, {"id": [1, 3]}, {"id": 1, "unlike_id": 20}, {"id": 1, "diverse": 0.2},
                  {"id": 1, "min_votes": 0}, {"min_votes": 0}):
        named = {*np.atleast_1d(asked.get("id", [])), asked.get("unlike_id")}
        for k in (3, 100):
            without = ids(similar(**asked, recipe=recipe, k=k))
            assert len(without) == min(k, len(set(UNMARKED) - named))
            assert not ADULT & set(without)
        found = ids(similar(**asked, recipe=recipe, k=100, adult=True))
        assert set(found) == set(ALL) - named
        if not asked.get("diverse"):
            assert [n for n in found if n not in ADULT] == without


def test_of_the_nearest_films_none_is_lost(path):
    similar = Recommender.open(path).similar
    assert ids(similar(id=1, k=3)) == [3, 5, 6]
    assert ids(similar(id=1, k=3, adult=True)) == [2, 3, 4]
    assert set(ids(similar(min_votes=0, k=4, adult=True))) == ADULT


def test_such_a_film_may_be_asked_for_by_title_and_id(path):
    recommender = Recommender.open(path)
    for asked in ({"id": 2}, {"title": "Deep Film 2"}):
        assert sorted(ids(recommender.similar(**asked, k=3))) == [1, 3, 5]
    assert recommender.question(recommender.wishes(id=2))["query"]["id"] == 2


def test_both_of_two_recipes_leave_them_out(path):
    recommender = Recommender.open(path)
    for filters, wanted in ((Filters(), UNMARKED), (Filters(adult=True), ALL)):
        for each in compare(recommender, recommender.wishes(id=1), k=100, filters=filters):
            assert sorted(result.movie["id"] for result, _ in each.ranked) == wanted[1:]
            assert sorted(rank for _, rank in each.ranked) == list(range(1, len(wanted)))


def test_they_are_no_question_and_told_only_where_they_are_asked_for(path):
    recommender = Recommender.open(path)
    wishes = recommender.wishes(id=1)
    assert "filters" not in recommender.question(wishes, Filters())
    assert recommender.question(wishes, Filters(adult=True))["filters"] == {"adult": True}
    assert not Filters(adult=True).narrow
    assert Filters(adult=True, min_votes=0).narrow


def test_an_index_holds_the_column_only_if_a_film_is_marked(path, tmp_path):
    with h5py.File(path, "r") as file:
        assert file["adult"][()].tolist() == [n in ADULT for n in ALL]
        assert file["adult"].dtype == np.bool_
    plain = write(tmp_path, [{**cells, "adult": "False"} for cells in ROWS])
    with h5py.File(plain, "r") as file:
        assert "adult" not in file
    similar = Recommender.open(plain).similar
    assert similar(id=1, k=100) == similar(id=1, k=100, adult=True)
    assert len(similar(id=1, k=100)) == N_FILMS - 1


@pytest.mark.parametrize("column", [np.ones(N_FILMS), np.ones(N_FILMS - 1, bool)])
def test_a_column_that_cannot_be_is_refused(tmp_path, column):
    path = write(tmp_path)
    with h5py.File(path, "r+") as file:
        del file["adult"]
        file["adult"] = column
    with pytest.raises(RecommenderError, match="adult "):
        Index(path)


def test_recommend_py_leaves_them_out_unless_adult_is_given(path, run_program):
    def recommend(*flags):
        return run_program("recommend.py", "--index", path, "--recipe", "mean4", *flags)

    def found(*flags):
        answer = json.loads(recommend("--json", *flags).stdout)
        return [film["id"] for film in answer["results"]], answer.get("filters")

    assert found("--id", "1", "-k", "3") == ([3, 5, 6], None)
    assert found("--id", "1", "-k", "3", "--adult") == ([2, 3, 4], {"adult": True})
    assert found("--genres", "Drama", "--adult", "-k", "1")[0][0] in ADULT
    assert "leave only" not in recommend("--id", "1", "-k", "99").stderr
    alone = recommend("--adult")
    assert alone.returncode == 2
    assert "name a film with --title or --id" in only_line(alone.stderr)


def test_where_all_others_are_marked_recommend_py_says_how_to_see_them(tmp_path, run_program):
    path = write(tmp_path, [{**cells, "adult": str(cells["id"] != 1)} for cells in ROWS])
    for flags, said in (
            ((), "all other films are marked as adult: let in films marked as adult with --adult"),
            (("--compare",), "all other films are marked as adult: let in films marked as adult "
                             "with --adult"),
            (("--to", "2000"), "no film meets all of the filters: leave one out, or let in films "
                               "marked as adult with --adult"),
            (("--to", "1900", "--adult"), "no film meets all of the filters: leave one out")):
        done = run_program("recommend.py", "--index", path, "--id", "1", *flags)
        assert (done.returncode, only_line(done.stderr)) == (2, "recommend.py: error: " + said)


def test_the_api_leaves_them_out_unless_adult_is_true(client):
    def found(address):
        answer = client.get("/api/v1/recommend?" + address).get_json()
        return [film["id"] for film in answer["results"]], answer.get("filters")

    assert found("id=1&k=3") == found("id=1&k=3&adult=false") == ([3, 5, 6], None)
    assert found("id=1&k=3&adult=true") == ([2, 3, 4], {"adult": True})
    assert not ADULT & set(found("min_votes=0&k=100")[0])
    assert set(found("min_votes=0&k=100&adult=true")[0]) == set(ALL)
    body = client.post("/api/v1/recommend", json={"overview": "a", "k": 100}).get_json()
    assert sorted(film["id"] for film in body["results"]) == UNMARKED
    compared = client.get("/api/v1/compare?id=1&k=100").get_json()
    for each in compared["lists"]:
        assert not ADULT & {film["id"] for film in each["results"]}
    assert client.get("/api/v1/recommend?adult=true").status_code == 400
    assert client.get("/api/v1/movies/2").get_json()["id"] == 2


def test_the_pages_offer_none_that_was_not_named(client):
    def completed(typed):
        return [film["id"] for film in client.get(
            "/api/v1/movies?k=50&q=" + typed).get_json()["results"]]

    assert completed("deep") == UNMARKED
    assert completed("film 3") == [3]
    assert completed("deep film 30") == completed("Deep Film 30!") == [30]
    assert not ADULT & set(completed("dep fulm 2"))
    assert client.get("/api/v1/map").get_json()["id"] == UNMARKED
    home = client.get("/").get_data(as_text=True)
    assert [int(n) for n in re.findall(r"[?]id=(\d+)", home)] == UNMARKED[:8]


def test_an_unwanted_film_may_be_marked(path):
    recommender = Recommender.open(path)
    assert not ADULT & set(ids(recommender.similar(id=1, unlike_id=2, k=100)))
    with pytest.raises(WrongQuery):
        recommender.similar(adult=True, diverse=0.5)
