"""evaluate.py as a user runs it: its table, JSON and picture, what it measures and what not."""

import json
import re

import numpy as np
import pytest

from recommender.building import build_index
from recommender.catalogue import read_catalogue
from recommender.index import Index
from recommender.neighbours import nearest_others
from recommender.storage.feature_store import FeatureReader
from tests.worlds import only_line, overviews_of, row, search, write_csv, write_features

SHARKS = "{'id': 1, 'name': 'Shark Collection'}"
X, Y, Z = np.eye(8)[:3]
# Two stories of sharks, which are a collection, two of spies, and one of neither.
FILMS = [
    (row(1, "Shark", overview="A shark comes to the beach", belongs_to_collection=SHARKS), X),
    (row(2, "Shark II", overview="A shark leaves the beach", belongs_to_collection=SHARKS),
     X + 0.1 * Y),
    (row(3, "Spy", overview="Somebody hides a letter"), Y + 0.2 * Z),
    (row(4, "Spies", overview="Nobody finds that letter"), Y + 0.3 * Z),
    (row(5, "Train", overview="People wait", genres="[]", belongs_to_collection="not a literal"),
     Z)]
KEYWORDS = "[{'id': 1, 'name': '%s'}]"


@pytest.fixture
def world(tmp_path):
    """A catalogue, the features of its films, and their index by mean4."""
    path = write_csv(tmp_path / "movies.csv", [film for film, _ in FILMS])
    catalogue = read_catalogue(path)
    features = write_features(tmp_path / "features", {
        film["id"]: np.tile(np.float32(vector), (4, 3, 1)) for film, vector in FILMS},
        overviews=overviews_of(catalogue))
    build_index(catalogue, FeatureReader(features), str(tmp_path / "index.h5"), ["mean4"])
    return tmp_path


@pytest.fixture
def evaluate(run_program, world):
    """Runs evaluate.py on the catalogue and features of this world."""
    def run(*args):
        return run_program("evaluate.py", "--input_file", world / "movies.csv",
                           "--features", world / "features", *args)
    return run


def scores_of(result):
    assert result.returncode == 0, result.stderr
    return {score["name"]: score for score in json.loads(result.stdout)["scores"]}


def write_people(folder):
    """Two users like 1 and 2, one likes 3 and 4, and nobody likes 5 enough."""
    (folder / "links.csv").write_text(
        "movieId,imdbId,tmdbId\n" + "".join("{0}0,1,{0}.0\n".format(at) for at in range(1, 6))
        + "60,1,\n")
    likes = [(1, 1), (1, 2), (2, 1), (2, 2), (3, 3), (3, 4)]
    (folder / "ratings.csv").write_text("userId,movieId,rating,timestamp\n" + "".join(
        "{},{}0,4.0,0\n".format(*like) for like in likes) + "1,50,3.5,0\n1,60,5.0,0\n")


def test_the_table_has_a_line_for_every_baseline_and_recipe(evaluate):
    result = evaluate()
    assert result.returncode == 0
    head, *lines = result.stdout.splitlines()
    assert head.split("  ")[0] == "at 10 recommendations"
    assert [line.split("  ")[0].strip() for line in lines] == [
        "random", "most popular", "same genre by rating", "BM25", "tfidf", "mean4", "last",
        "centred", "whitened", "abtt", "idf", "sif", "hybrid", "titled", "best"]
    assert {len(line) for line in lines} == {len(head)}


def test_it_says_what_the_catalogue_cannot_tell(evaluate):
    stderr = evaluate("--recipes", "last").stderr
    assert "5 films are measured" in stderr
    assert "no keywords.csv" in stderr
    assert "no ratings.csv" in stderr
    assert "belongs_to_collection" not in stderr


def test_four_of_four_others_hold_every_film_of_a_collection(evaluate):
    scores = scores_of(evaluate("--recipes", "last", "--json"))
    assert scores["last"]["collection_recall"] == {"mean": 1, "low": 1, "high": 1, "n": 2}
    assert scores["last"]["keyword_ndcg"] is None
    assert scores["last"]["people_agreement"] is None
    assert scores["last"]["never_recommended"] == 0
    assert scores["last"]["most_recommended"] == 4
    # Four films are dramas, the fifth has no genre: each drama meets the three others and it.
    assert scores["last"]["genre_jaccard"] == {"mean": 0.75, "low": 0.75, "high": 0.75, "n": 4}
    assert [name for name, score in scores.items() if score["is_baseline"]] == [
        "random", "most popular", "same genre by rating", "BM25", "tfidf"]


def test_keywords_and_likes_are_measured_where_their_files_are_there(evaluate, world):
    (world / "keywords.csv").write_text("id,keywords\n" + "".join(
        '{},"{}"\n'.format(at, KEYWORDS % name)
        for at, name in enumerate(["shark", "shark", "spy", "spy", "train"], 1)))
    write_people(world)
    result = evaluate("--recipes", "last", "--json")
    assert "comes with" not in result.stderr
    last = scores_of(result)["last"]
    # Each of the four finds the one film with its keyword first.
    assert last["keyword_ndcg"] == {"mean": 1, "low": 1, "high": 1, "n": 4}
    # 1 and 2 share their two users of three, 3 and 4 share one, and by chance 12/11 and 3/17 would
    # do so, and 84/187 of one of the former and one of the latter (tests/test_chance.py).
    pairs = (2 - 12 / 11) / 2 + (1 - 3 / 17) / 1 - 4 * 84 / 187 / 2 ** 0.5
    assert last["people_agreement"]["mean"] == pytest.approx(pairs / 2 / 4)
    assert last["people_agreement"]["n"] == 4


@pytest.mark.parametrize("ratings", ["", "1,10,3.5,0\n", "1,10,5.0,0\n2,20,4.0,0\n",
                                     "1,10,5.0,0\n1,99,5.0,0\n"])
def test_ratings_of_nobody_who_likes_two_films_hold_nothing_back(evaluate, world, ratings):
    write_people(world)
    (world / "ratings.csv").write_text("userId,movieId,rating,timestamp\n" + ratings)
    result = evaluate("--recipes", "last", "--json", "--html", world / "report.html", "--plot",
                      world / "table.png")
    assert "0 people hold back a film" in result.stderr
    last = scores_of(result)["last"]
    nothing = {"mean": None, "low": None, "high": None, "n": 0}
    assert last["held_back_recall"] == last["rare_reciprocal_rank"] == nothing
    assert last["text_first"] is None
    assert "a liked film held back" in evaluate("--recipes", "last").stdout


def test_people_find_what_they_like(evaluate, world):
    # Users 1 and 2 like 1 and 2, user 3 likes 3 and 4: for each film its fellow is the nearest.
    write_people(world)
    result = evaluate("--recipes", "last", "--json", "--index", world / "index.h5")
    assert "3 people hold back a film that they like, 3 one of the less popular half" in (
        result.stderr)
    scores = scores_of(result)
    for name in ("last", "{} (mean4)".format(world / "index.h5")):
        assert scores[name]["held_back_recall"] == {"mean": 1, "low": 1, "high": 1, "n": 3}
        assert scores[name]["held_back_reciprocal_rank"]["mean"] == 1
        assert scores[name]["rare_ndcg"]["mean"] == 1
    # Without the like of the person asking, user 1 or 2 has a fellow who likes the other film,
    # and user 3 has none, so that all four other films are equal: rank 2.5.
    found = scores["item-item cosine"]
    assert found["held_back_reciprocal_rank"]["mean"] == pytest.approx((1 + 1 + 1 / 2.5) / 3)
    assert found["collection_recall"] is None
    assert found["people_agreement"] is None


def test_an_index_is_measured_as_its_recipe_is(evaluate, world):
    scores = scores_of(evaluate("--recipes", "mean4", "--index", world / "index.h5", "--json"))
    index = scores.pop("{} (mean4)".format(world / "index.h5"))
    assert {**index, "name": "mean4"} == scores["mean4"]
    alone = evaluate("--index", world / "index.h5", "--json")
    assert len(scores_of(alone)) == 6  # the baselines and the index


def test_neighbours_are_those_that_a_search_finds(world):
    index = Index(str(world / "index.h5"))
    top = nearest_others(*index.space().rows(np.arange(5)), 4)
    for at in range(5):
        found = search(index, index.space().embedding(at), 4, without=[at])
        assert (top[at] + 1).tolist() == [result.movie["id"] for result in found]


def test_films_equally_near_come_in_the_order_of_the_catalogue():
    top = nearest_others(np.ones((700, 4), np.float32), None, 3)
    assert top[0].tolist() == [1, 2, 3]
    assert top[650].tolist() == [0, 1, 2]


def test_the_same_seed_gives_the_same_numbers_and_another_others(evaluate):
    one, again, other = (evaluate("--recipes", "last", "--json", "--seed", seed).stdout
                         for seed in ("1", "1", "2"))
    assert one == again
    assert one != other


def test_the_picture_is_a_png(evaluate, world):
    result = evaluate("--recipes", "last", "--plot", world / "table.png")
    assert result.returncode == 0, result.stderr
    assert (world / "table.png").read_bytes().startswith(b"\x89PNG")
    assert not list(world.glob("*.part"))


@pytest.mark.parametrize("args, code, what", [
    (["--recipes", "last,dream"], 2, "no recipe 'dream': there are mean4, last"),
    (["--seed", "-1"], 2, "out of range"),
    (["--features", "/nowhere"], 1, "no features in /nowhere"),
    (["--index", "/nowhere/index.h5"], 1, "no index at /nowhere/index.h5"),
    (["--recipes", "last", "--plot", "/nowhere/table.png"], 1, "/nowhere/table.png")])
def test_what_cannot_be_measured_is_one_line(evaluate, args, code, what):
    result = evaluate(*args)
    assert (result.returncode, result.stdout) == (code, "")
    assert what in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("name, content", [
    ("keywords.csv", b"id,keywords\n1,\"[\n"), ("keywords.csv", b"\xff\xfe\x00"),
    ("ratings.csv", b"a,b\n1,2\n"), ("links.csv", b"")])
def test_a_file_beside_the_catalogue_that_is_no_such_csv_is_one_line(evaluate, world, name,
                                                                     content):
    write_people(world)
    (world / name).write_bytes(content)
    result = evaluate("--recipes", "last")
    assert result.returncode == 1
    assert re.search("{}(, line 2)?: not a CSV".format(re.escape(str(world / name))), only_line(
        result.stderr.splitlines()[-1]))


def test_films_of_another_catalogue_are_told(evaluate, run_program, world):
    other = write_csv(world / "other.csv", [row(77, "Other")])
    result = run_program("evaluate.py", "--input_file", other, "--index", world / "index.h5")
    assert result.returncode == 1
    assert "0 film of" in result.stderr.splitlines()[-1]


def test_features_computed_otherwise_are_measured_and_compared(evaluate, world):
    """Of the last film the second folder has a vector at 45 degrees to that of the first."""
    catalogue = read_catalogue(str(world / "movies.csv"))
    write_features(world / "other", {
        film["id"]: np.tile(np.float32(Y + Z if film["id"] == 5 else vector), (4, 3, 1))
        for film, vector in FILMS}, overviews=overviews_of(catalogue))
    args = ("--recipes", "mean4", "--beside", world / "other", "--json")
    result = evaluate(*args)
    names = set(scores_of(result))
    assert {"mean4", "mean4 ({})".format(world / "other")} < names
    found, = json.loads(result.stdout)["agreement"]
    assert found == {"recipe": "mean4", "least": pytest.approx(0.5 ** 0.5),
                     "mean": pytest.approx((4 + 0.5 ** 0.5) / 5), "kept": 1.0}
    assert "agreement with {}".format(world / "other") in evaluate(*args[:-1]).stdout
