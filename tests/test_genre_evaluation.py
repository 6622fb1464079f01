"""evaluate.py --genre_features: features of genre models, on films that they did not learn from."""

import json

import numpy as np
import pytest

from bert.checkpoint import open_checkpoint
from recommender.catalogue import read_catalogue
from recommender.genres.head import GenreHead, Unseen, save_unseen
from tests.reference import random_checkpoint
from tests.worlds import SETTINGS, overviews_of, row, write_csv, write_features

GENRES = ("Comedy", "Drama")
COLLECTION = "{'id': 1, 'name': 'C'}"
# Two comedies and two dramas were tested, ten others trained on; 1 and 2 are a collection.
TESTED = (1, 2, 3, 4)


def genre_of(film):
    return GENRES[film % 2]


def save_model(folder, tested=TESTED):
    """Write a genre model whose folds 0 and 1 hold `tested` and film 5."""
    GenreHead(GENRES, (-1, -2), 64, True, np.zeros((8, 2), np.float32), np.zeros(2, np.float32),
              np.full(2, 0.5), {"encoder": "bert", "test_fold": 0}).save(folder)
    ids = np.array([*tested, 5])
    save_unseen(Unseen(ids, np.zeros((len(ids), 2), np.float32),
                       np.array([0] * len(tested) + [1])), folder)


@pytest.fixture
def world(tmp_path):
    """A catalogue, features that know nothing, and features by a model that knows the genres."""
    path = write_csv(tmp_path / "movies.csv", [
        row(film, "Film {}".format(film), genres=str([{"id": 1, "name": genre_of(film)}]),
            belongs_to_collection=COLLECTION if film < 3 else "") for film in range(1, 15)])
    overviews = overviews_of(read_catalogue(path))
    model = random_checkpoint(tmp_path / "models" / "genres-tiny")
    save_model(model)
    draws = np.random.RandomState(0)
    layers = {film: draws.normal(size=(4, 3, 8)).astype(np.float32) for film in overviews}
    write_features(tmp_path / "features", layers, overviews=overviews)
    settings = SETTINGS._replace(layers=(-1, -2), checkpoint="genres-tiny",
                                 checkpoint_sha256=open_checkpoint(model).sha256)
    write_features(tmp_path / "of_genres", {
        film: np.tile(np.eye(8, dtype=np.float32)[film % 2] + 0.1, (2, 3, 1))
        + 0.01 * each[:2] for film, each in layers.items()}, settings, overviews)
    return tmp_path


@pytest.fixture
def evaluate(run_program, world):
    def run(*args):
        return run_program("evaluate.py", "--input_file", world / "movies.csv", "--features",
                           world / "features", "--models_dir", world / "models",
                           "--recipes", "mean4,best", "--genre_features", world / "of_genres",
                           *args)
    return run


def test_genre_models_are_measured_on_films_they_did_not_learn_from(evaluate):
    result = evaluate("--json")
    assert result.returncode == 0, result.stderr
    assert "4 films are of the test split of genres-tiny" in result.stderr
    scores = {score["name"]: score for score in json.loads(result.stdout)["scores"]}
    rows = ["genres-tiny (mean)", "genres-tiny (best)", "best and genres-tiny"]
    assert list(scores)[-3:] == rows
    for name in rows:  # what was learnt from is not measured
        assert scores[name]["genre_jaccard"] is None
        assert scores[name]["never_recommended"] is None
    assert {scores[name]["unseen_genre_jaccard"]["n"] for name in [*rows, "mean4", "tfidf"]} == {4}
    assert {scores[name]["unseen_collection_recall"]["n"] for name in scores} == {2}
    # Six others have the film's genre, and come first by features that know it.
    assert scores["genres-tiny (mean)"]["unseen_genre_jaccard"]["mean"] == pytest.approx(0.6)
    assert scores["mean4"]["genre_jaccard"]["n"] == 14


def test_the_table_of_films_not_trained_on_has_all_rows(evaluate):
    result = evaluate()
    assert result.returncode == 0, result.stderr
    tables = result.stdout.split("\n\n")
    head, *lines = tables[-1].splitlines()
    assert head.startswith("films not trained on") and "genre Jaccard" in head
    assert [line.split("  ")[0] for line in lines][-5:] == [
        "mean4", "best", "genres-tiny (mean)", "genres-tiny (best)", "best and genres-tiny"]
    assert "genres-tiny" not in tables[0]


def test_a_page_shows_the_films_not_trained_on(evaluate, world):
    assert evaluate("--html", world / "report.html").returncode == 0
    page = (world / "report.html").read_text()
    assert "Films not trained on" in page and "best and genres-tiny" in page


@pytest.mark.parametrize("spoil, said", [
    (lambda world: (world / "models" / "genres-tiny" / "genre_head.json").unlink(),
     "holds no genre model: train_genres.py makes one"),
    (lambda world: (world / "models" / "genres-tiny" / "vocab.txt").write_text(
        (world / "models" / "genres-tiny" / "vocab.txt").read_text().replace("woman", "women")),
     "was trained again after the features"),
    (lambda world: save_model(str(world / "models" / "genres-tiny"), tested=(77,)),
     "0 film that is measured is of the test split of genres-tiny")])
def test_features_without_their_model_are_one_line(evaluate, world, spoil, said):
    spoil(world)
    result = evaluate()
    assert result.returncode == 1
    assert said in result.stderr.splitlines()[-1], result.stderr


def test_genre_features_need_recipes_beside_them(run_program, world):
    result = run_program("evaluate.py", "--input_file", world / "movies.csv", "--index",
                         world / "index.h5", "--genre_features", world / "of_genres")
    assert result.returncode == 2 and "name some with --recipes" in result.stderr
