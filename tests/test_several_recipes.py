"""Several recipes in one index: each as if it were alone, and two compared."""

import json

import h5py
import numpy as np
import pytest

from recommender.building import build_index
from recommender.catalogue import read_catalogue
from recommender.comparing import RankedList, compare
from recommender.errors import NothingFound, RecommenderError, WrongQuery
from recommender.filters import Filters
from recommender.index import Index, Result
from recommender.many import similar_many
from recommender.printing import comparison
from recommender.recipes import RECIPES
from recommender.recommender import Recommender
from recommender.storage.feature_store import FeatureReader
from serving.app import create_app
from serving.library import Library
from tests.served import FakeTexts
from tests.worlds import (
    SETTINGS,
    only_line,
    overviews_of,
    random_layers,
    row,
    write_csv,
    write_features,
    write_index,
)

WORDS = ["a", "shark", "in", "the", "sea", "meets", "one", "old", "man", "who", "sails", "far",
         "away", "from", "home"]
FILMS = [row(n, "Film {}".format(n), overview=" ".join(WORDS[n % 5:n % 5 + 4 + n % 3]),
             release_date="19{}-01-01".format(60 + n)) for n in range(1, 13)]


@pytest.fixture(scope="module", autouse=True)
def few_neighbours():
    """Maps of few neighbours: with 15, twelve films are all neighbours, by each recipe."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("recommender.film_map._NEIGHBOURS", 4)
        yield


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """Path of an index of twelve films by mean4, best and tfidf."""
    return write_index(tmp_path_factory.mktemp("several"), FILMS, with_map=True, n_neighbours=4,
                       recipes=("mean4", "best", "tfidf"))


@pytest.fixture(scope="module")
def recommender(path):
    return Recommender(Index(path), FakeTexts())


def alone(tmp_path, path, recipe):
    """The index of one recipe, of the same films and features."""
    folder = path.rsplit("/", 1)[0]
    build_index(read_catalogue(folder + "/movies.csv"), FeatureReader(folder + "/features"),
                str(tmp_path / "alone.h5"), [recipe], with_map=True, n_neighbours=4)
    return Index(str(tmp_path / "alone.h5"))


@pytest.mark.parametrize("recipe", ["mean4", "best", "tfidf"])
def test_each_recipe_answers_as_from_an_index_of_its_own(tmp_path, path, recommender, recipe):
    single = Recommender(alone(tmp_path, path, recipe), FakeTexts())
    for movie in range(1, 13):
        assert recommender.similar(id=movie, recipe=recipe) == single.similar(id=movie)
    text = {"overview": "a shark meets a man"}
    assert recommender.similar(recipe=recipe, **text) == single.similar(**text)
    space = recommender.index.space(recipe)
    np.testing.assert_array_equal(space.map(), single.index.space().map())


def test_all_recipes_go_into_one_index(tmp_path):
    catalogue = read_catalogue(write_csv(tmp_path / "movies.csv", FILMS))
    features = write_features(tmp_path / "features", {
        n: random_layers(4, n) for n in range(1, 13)}, overviews=overviews_of(catalogue))
    build_index(catalogue, FeatureReader(features), str(tmp_path / "index.h5"), RECIPES)
    index = Index(str(tmp_path / "index.h5"))
    assert index.recipes == RECIPES
    assert [index.space(name).recipe.name for name in RECIPES] == list(RECIPES)


def test_the_first_recipe_answers_where_none_is_asked_for(recommender):
    assert recommender.similar(id=3) == recommender.similar(id=3, recipe="mean4")
    assert recommender.similar(id=3) != recommender.similar(id=3, recipe="best")


def test_a_recipe_that_is_not_there_is_told_with_those_that_are(recommender):
    with pytest.raises(NothingFound, match="no recipe 'idf', but mean4, best, tfidf"):
        recommender.similar(id=3, recipe="idf")


def test_a_recipe_that_is_not_asked_for_is_not_read(path):
    index = Index(path)
    read, array = [], index._file.array
    index._file.array = lambda name, *rest: read.append(name) or array(name, *rest)
    Recommender(index).similar(id=3, recipe="tfidf")
    assert any(name.startswith("recipes/tfidf/") for name in read)
    assert not any(name.startswith("recipes/best/") for name in read)


def test_ranks_in_the_other_list_are_those_among_all_films(recommender):
    lists = compare(recommender, recommender.wishes(id=5), k=3)
    assert [each.recipe for each in lists] == ["mean4", "best"]
    for each, other in zip(lists, ("best", "mean4")):
        everything = [result.movie["id"] for result in recommender.similar(
            id=5, k=100, recipe=other)]
        assert [everything.index(result.movie["id"]) + 1 for result, _ in each.ranked] == [
            rank for _, rank in each.ranked]


def test_the_other_recipe_can_be_named_and_filters_count(recommender):
    wishes = recommender.wishes(id=5, recipe="tfidf")
    lists = compare(recommender, wishes, k=20, filters=Filters(year_to=1967))
    assert [each.recipe for each in lists] == ["mean4", "tfidf"]
    assert {len(each.ranked) for each in lists} == {6}
    assert all(sorted(rank for _, rank in each.ranked) == [1, 2, 3, 4, 5, 6] for each in lists)


def test_what_cannot_be_compared_is_told(tmp_path, path, recommender):
    with pytest.raises(WrongQuery, match="name a film or give a text to compare"):
        compare(recommender, recommender.wishes(), filters=Filters(year_to=1990))
    single = Recommender(alone(tmp_path, path, "best"))
    with pytest.raises(WrongQuery, match="has recipe best only"):
        compare(single, single.wishes(id=5))


def test_every_answer_says_what_made_it(path, recommender):
    told = recommender.question(recommender.wishes(id=5, recipe="best"))["made_by"]
    assert (told["recipe"], told["checkpoint"], told["index"]) == ("best", "tiny", "index.h5")
    assert set(told) == {"recipe", "checkpoint", "index", "built", "digest"}
    for asked in ({"id": 5}, {"title": "Film 5", "diverse": 0.5}, {"min_votes": 0}):
        assert recommender.similar(**asked, recipe="best").made_by == told
    assert recommender.similar(id=5).made_by == recommender.index.made_by("mean4")
    assert [each.made_by for each in similar_many(
        recommender, [{"id": 5, "recipe": "best"}, 5])] == [
        told, recommender.index.made_by("mean4")]


def test_the_same_films_and_recipes_have_the_same_digest(tmp_path, path):
    one, other = (alone(tmp_path, path, "best").made_by()["digest"] for _ in range(2))
    assert one == other != alone(tmp_path, path, "tfidf").made_by()["digest"]


def test_the_time_of_a_build_can_be_set(tmp_path, path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    assert alone(tmp_path, path, "best").made_by()["built"] == "2001-09-09T01:46:40Z"


def lists_of(title):
    def movie(n):
        return {"title": title, "year": 1990 + n}

    return [RankedList(name, [(Result(n, 0.5, movie(n)), 10 * n) for n in (1, 2)])
            for name in ("mean4", "best")]


def test_two_lists_stand_side_by_side_where_there_is_room():
    heading, names, *films = comparison(lists_of("A title"), 100).splitlines()
    assert heading.split("  ")[0] == "mean4, the research's recipe"
    assert heading.endswith("best")
    assert names.split() == ["#", "score", "title", "year", "best"] + [
        "#", "score", "title", "year", "mean4"]
    assert [film.split() for film in films] == [
        ["1", "0.5000", "A", "title", "1991", "10"] * 2,
        ["2", "0.5000", "A", "title", "1992", "20"] * 2]


@pytest.mark.parametrize("columns", range(20, 140, 7))
@pytest.mark.parametrize("title", ["Up", "A long title " * 5, "千と千尋の神隠し" * 4])
def test_no_line_is_wider_than_the_terminal_where_lists_are_side_by_side(columns, title):
    lines = comparison(lists_of(title), columns).splitlines()
    if lines[0] != "mean4, the research's recipe":
        assert max(map(len, lines)) <= columns
    else:
        assert "" in lines  # one under the other


def test_the_program_compares_and_notes_which_recipe_answered(path, run_program):
    plain = run_program("recommend.py", "--index", path, "--id", "5")
    assert "by recipe mean4; --recipe best or tfidf answers otherwise" in plain.stderr
    named = run_program("recommend.py", "--index", path, "--id", "5", "--recipe", "best")
    assert "by recipe" not in named.stderr
    both = run_program("recommend.py", "--index", path, "--id", "5", "--compare", "--json")
    lists = json.loads(both.stdout)["lists"]
    assert [each["made_by"]["recipe"] for each in lists] == ["mean4", "best"]
    assert [film["id"] for film in lists[1]["results"]] == [
        int(line.split()[-1]) for line in named.stdout.splitlines()[1:-1]]


def test_under_a_table_stands_what_the_answer_comes_from(path, run_program):
    made_by = Index(path).made_by("best")
    origin = "index {index}, built {}".format(made_by["built"][:10], **made_by)
    flags = ("recommend.py", "--index", path, "--id", "5", "--recipe", "best")
    checkpoint = "checkpoint {checkpoint}; ".format(**made_by)
    assert run_program(*flags).stdout.splitlines()[-1] == "recipe best; " + checkpoint + origin
    assert run_program(*flags, "--compare").stdout.splitlines()[-1] == checkpoint + origin


def test_the_api_answers_by_a_recipe_and_compares_two(path):
    client = create_app(Library(Index(path), FakeTexts())).test_client()
    best = client.get("/api/v1/recommend?id=5&recipe=best&k=4").get_json()
    assert best["made_by"]["recipe"] == "best"
    lists = client.get("/api/v1/compare?id=5&k=4").get_json()["lists"]
    assert [{name: value for name, value in film.items() if name != "rank_in_other"}
            for film in lists[1]["results"]] == best["results"]
    text = client.post("/api/v1/compare", json={"overview": "a shark", "recipe": "tfidf"})
    assert [each["made_by"]["recipe"] for each in text.get_json()["lists"]] == ["mean4", "tfidf"]
    assert client.get("/api/v1/recommend?id=5&recipe=none").status_code == 404
    maps = [client.get("/api/v1/map?recipe=" + name).get_json() for name in ("mean4", "best")]
    assert maps[0]["id"] == maps[1]["id"]
    assert maps[0]["x"] != maps[1]["x"]


def world(tmp_path, settings):
    catalogue = write_csv(tmp_path / "movies.csv", FILMS)
    features = write_features(tmp_path / "features", {
        n: random_layers(4, n, settings) for n in range(1, 13)}, settings,
        overviews_of(read_catalogue(catalogue)))
    return ["build_index.py", "--input_file", catalogue, "--features", features, "--output",
            tmp_path / "index.h5"]


def test_a_default_recipe_that_the_features_cannot_make_is_left_out(tmp_path, run_program):
    command = world(tmp_path, SETTINGS._replace(layers=(-1, -2)))
    built = run_program(*command)
    assert built.returncode == 0
    assert "recipe mean4 is left out: " in built.stderr
    assert Index(str(tmp_path / "index.h5")).recipes == ("best",)
    named = run_program(*command, "--recipe", "mean4,best")
    assert named.returncode == 1
    assert "left out" not in named.stderr


@pytest.mark.parametrize("flags, told", [
    (["--recipe", "mean4,stew"], "no recipe 'stew'"), (["--recipe", "best,best"], "twice"),
    (["--recipe", ""], "no recipe ''"),
    (["--layers", "-1"], "--layers goes with a single --recipe"),
    (["--recipe", "mean,best", "--layers", "-1"], "--layers goes with a single --recipe"),
    (["--recipe", "best,mean4", "--to_pickle", "x"], "the recipes of BERT alone")])
def test_recipes_that_do_not_go_together_are_wrong_usage(tmp_path, run_program, flags, told):
    failed = run_program("build_index.py", "--input_file", tmp_path / "none.csv", *flags)
    assert failed.returncode == 2
    assert told in only_line(failed.stderr)


@pytest.mark.parametrize("listed", ["", "7", "[]", "[7]", "[[7, []]]", '[["", []]]', "[" * 9999])
def test_a_list_of_recipes_that_is_damaged_is_told(tmp_path, listed):
    path = write_index(tmp_path, FILMS)
    with h5py.File(path, "r+") as file:
        file.attrs["recipes"] = listed
    with pytest.raises(RecommenderError, match="recipes is damaged: build it again"):
        Index(path)
