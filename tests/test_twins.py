"""Films told apart only by their id do not recommend each other, by any way of asking."""

import json

import h5py
import numpy as np
import pytest

from recommender import Recommender
from recommender.building import build_index
from recommender.catalogue import read_catalogue
from recommender.errors import RecommenderError
from recommender.evaluation.contenders import Task, index_contenders
from recommender.evaluation.scores import measure
from recommender.evaluation.truth import read_truth
from recommender.index import Index
from recommender.neighbours import nearest_others
from recommender.storage.feature_store import FeatureReader
from recommender.twins import twins_of
from serving.app import create_app
from serving.library import Library
from tests.served import FakeTexts
from tests.worlds import open_index, overviews_of, random_layers, row, write_csv, write_features

STORY = {"overview": "Two men meet.", "release_date": "1995-12-15"}
ROWS = [
    row(1, "Heat", **STORY), row(2, "Heat", **STORY), row(3, "The HEAT", **STORY),
    row(4, "Heat", overview="Two men meet.", release_date="1996-01-01"),
    row(5, "Ronin", **STORY), row(6, "Heat", overview="Three men meet."),
    row(7, "Vertigo", overview="A fall.", release_date=""),
    row(8, "Vertigo", overview=" A  fall. ", release_date=""), row(9, "Alien"), row(10, "Jaws")]
TWINS = {1: {2, 3}, 2: {1, 3}, 3: {1, 2}, 7: {8}, 8: {7}}


@pytest.fixture(scope="module", params=[0, 4, 20], ids="{} neighbours".format)
def path(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("twins")
    catalogue = read_catalogue(write_csv(folder / "movies.csv", ROWS))
    overviews = overviews_of(catalogue)
    features = write_features(folder / "features", {
        movie_id: random_layers(3, sum(map(ord, text))) for movie_id, text in overviews.items()},
        overviews=overviews)
    build_index(catalogue, FeatureReader(features), str(folder / "index.h5"), ["mean4"],
                n_neighbours=request.param)
    return str(folder / "index.h5")


def ids(results):
    return [result.movie["id"] for result in results]


def test_they_share_year_overview_and_the_spelling_of_their_title(tmp_path):
    movies = read_catalogue(write_csv(tmp_path / "movies.csv", ROWS)).movies
    assert twins_of(movies) == [[0, 1, 2], [6, 7]]


@pytest.mark.parametrize("options", [{}, {"genres": "Drama"}, {"diverse": 0.5}, {"min_votes": 1}])
def test_they_do_not_recommend_each_other(path, options):
    recommender = Recommender.open(path)
    everything = set(range(1, 11))
    for movie_id in everything:
        wanted = everything - {movie_id} - TWINS.get(movie_id, set())
        found = ids(recommender.similar(id=movie_id, k=10, **options))
        assert (set(found), len(found)) == (wanted, len(wanted))


def test_the_nearest_film_is_another_one(path):
    recommender = Recommender.open(path)
    assert ids(recommender.similar(id=1, k=2)) == [4, 5]
    assert ids(recommender.similar(title="Ronin", k=4)) == [1, 2, 3, 4]


def test_twins_of_all_films_named_are_left_out(path):
    recommender = Recommender.open(path)
    assert set(ids(recommender.similar(id=[1, 9], k=10))) == {4, 5, 6, 7, 8, 10}
    assert set(ids(recommender.similar(id=9, unlike_id=7, k=10))) == {1, 2, 3, 4, 5, 6, 10}


def test_the_program_leaves_them_out(run_program, path):
    done = run_program("recommend.py", "--index", path, "--id", 2, "--json")
    assert {film["id"] for film in json.loads(done.stdout)["results"]} == {4, 5, 6, 7, 8, 9, 10}


def test_the_api_leaves_them_out(path):
    client = create_app(Library(Index(path), FakeTexts())).test_client()
    for asked in ("id=2", "id=2&genres=Drama", "title=Heat&year=1995"):
        body = client.get("/api/v1/recommend?" + asked).get_json()
        assert {film["id"] for film in body["results"]} == {4, 5, 6, 7, 8, 9, 10}


def test_an_index_that_does_not_say_opens_and_answers(path, tmp_path):
    with h5py.File(path, "r") as file, h5py.File(str(tmp_path / "old.h5"), "w") as old:
        for name in set(file) - {"twins"}:
            file.copy(name, old)
        old.attrs.update(file.attrs)
    assert ids(Recommender.open(str(tmp_path / "old.h5")).similar(id=1, k=2)) == [2, 3]


@pytest.mark.parametrize("at", [-1, 10])
def test_twins_that_cannot_be_are_refused(path, tmp_path, at):
    with h5py.File(path, "r") as file, h5py.File(str(tmp_path / "bad.h5"), "w") as bad:
        for name in file:
            file.copy(name, bad)
        bad.attrs.update(file.attrs)
        bad["twins"][0, 0] = at
    with pytest.raises(RecommenderError, match="twins are damaged"):
        Index(str(tmp_path / "bad.h5"))


def test_evaluation_measures_what_is_answered(tmp_path):
    rows = np.eye(8, dtype=np.float32)[[0, 0, 0, 1, 2]]
    assert nearest_others(rows, None, 2).tolist()[0] == [1, 2]
    assert nearest_others(rows, None, 2, [[0, 1]]).tolist()[:3] == [[2, 3], [2, 3], [0, 1]]
    assert nearest_others(rows, None, 4, [[0, 1, 2]]).tolist()[0] == [3, 4, 1, 2]
    collection = "{'id': 1, 'name': 'Heat'}"
    films = [row(n, "Heat", belongs_to_collection=collection, **STORY) for n in range(1, 4)]
    films += [row(n, "Film {}".format(n)) for n in range(4, 20)]
    index = open_index(tmp_path, films, {n: random_layers(2, max(n, 3)) for n in range(1, 20)})
    movies = read_catalogue(str(tmp_path / "movies.csv")).movies
    task = Task(movies, read_truth(str(tmp_path / "movies.csv"), movies), seed=0)
    contender, = index_contenders(index.path, index, task)
    assert measure(contender, task).score.collection_hit.mean == 0
