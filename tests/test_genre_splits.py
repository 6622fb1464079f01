"""Splits by hash, baselines and measures of genre models: no film that is measured is learnt."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score

from recommender.catalogue import read_catalogue
from recommender.errors import RecommenderError
from recommender.evaluation.truth import read_collections
from recommender.genres import genre_baselines as baselines
from recommender.genres.genre_metrics import (
    Answers,
    average_precision,
    best_thresholds,
    f1,
    figures,
    micro_f1,
)
from recommender.genres.splits import N_FOLDS, make_task, split
from tests.genre_worlds import genre_rows, write_genre_films
from tests.worlds import write_csv


def task_of(path, min_films=5):
    movies = read_catalogue(path).movies
    return make_task(movies, read_collections(path, movies), min_films)


@pytest.fixture
def task(tmp_path):
    return task_of(write_genre_films(tmp_path / "films.csv"))


def test_every_film_is_tested_once_and_is_on_one_side_of_each_fold(task):
    tested = np.concatenate([split(task, fold).test for fold in range(N_FOLDS)])
    assert sorted(tested) == list(range(len(task.movies)))
    for fold in range(N_FOLDS):
        assert sorted(np.concatenate(split(task, fold))) == list(range(len(task.movies)))


def test_no_collection_is_on_two_sides(tmp_path, task):
    collections = read_collections(str(tmp_path / "films.csv"), task.movies)
    assert len(set(collections)) > 3
    for fold in range(N_FOLDS):
        sides = [{collections[row] for row in rows} - {None} for rows in split(task, fold)]
        assert not sides[0] & sides[1] and not sides[1] & sides[2] and not sides[0] & sides[2]


def test_a_film_stays_on_its_side_when_others_come(tmp_path, task):
    more = task_of(write_csv(tmp_path / "more.csv", genre_rows()[::-1] + [
        dict(film, id=film["id"] + 1000) for film in genre_rows(40, seed=1)]))
    folds = dict(zip([movie.id for movie in more.movies], more.folds))
    assert [folds[movie.id] for movie in task.movies] == task.folds.tolist()


def test_films_without_a_genre_and_rare_genres_are_left_out_and_told(tmp_path):
    rows = genre_rows()
    rows[0]["genres"] = "[{'id': 2, 'name': 'Western'}]"
    task = task_of(write_csv(tmp_path / "films.csv", rows))
    assert task.genres == ("Action", "Comedy", "Drama") and task.rare == (("Western", 1),)
    assert "9 films without a genre" in task.report() and "Western (1)" in task.report()
    assert len(task.movies) == 81


def test_a_catalogue_of_one_genre_is_one_line(tmp_path):
    rows = [dict(film, genres="[{'id': 1, 'name': 'Drama'}]") for film in genre_rows()]
    with pytest.raises(RecommenderError, match="two such genres"):
        task_of(write_csv(tmp_path / "films.csv", rows))


@pytest.mark.parametrize("of", ["tfidf", "frozen", "majority"])
def test_what_a_model_predicts_does_not_depend_on_the_films_it_is_tested_on(task, of):
    """Other texts, embeddings and genres of the test films change nothing for the others."""
    parts = split(task, 2)
    draws = np.random.RandomState(0)
    features = draws.normal(size=(len(task.movies), 6))
    labels, others = task.labels.copy(), features.copy()
    labels[parts.test] = ~labels[parts.test]
    others[parts.test] *= 100
    movies = [movie._replace(overview="never seen words") if row in parts.test else movie
              for row, movie in enumerate(task.movies)]
    changed = task._replace(movies=movies, labels=labels)

    def predict(task, features):
        return {"tfidf": lambda: baselines.tfidf(task, parts),
                "frozen": lambda: baselines.frozen(features, task, parts),
                "majority": lambda: baselines.majority(task, parts)}[of]()

    seen = np.concatenate(parts[:2])
    before, after = predict(task, features), predict(changed, others)
    np.testing.assert_array_equal(before[seen], after[seen])
    np.testing.assert_array_equal(
        best_thresholds(task.labels[parts.validation], before[parts.validation]),
        best_thresholds(changed.labels[parts.validation], after[parts.validation]))


def test_average_precision_and_f1_are_those_of_scikit_learn():
    draws = np.random.RandomState(1)
    labels = draws.rand(200, 4) < [0.5, 0.2, 0.1, 0.05]
    scores = draws.rand(200, 4).round(1)  # many are equal
    np.testing.assert_allclose(average_precision(labels, scores), [
        average_precision_score(labels[:, n], scores[:, n]) for n in range(4)])
    chosen = scores > 0.6
    np.testing.assert_allclose(f1(labels, chosen), f1_score(labels, chosen, average=None))
    assert micro_f1(labels, chosen) == pytest.approx(f1_score(labels, chosen, average="micro"))


def test_the_chosen_threshold_has_the_best_f1():
    draws = np.random.RandomState(2)
    labels = draws.rand(60, 3) < 0.3
    probabilities = (0.5 * labels + draws.rand(60, 3)).round(1) / 2
    chosen = f1(labels, probabilities >= best_thresholds(labels, probabilities))
    for threshold in np.linspace(-0.01, 1, 60):
        assert (chosen >= f1(labels, probabilities >= threshold) - 1e-9).all()


def test_figures_are_means_over_folds_within_their_intervals():
    draws = np.random.RandomState(3)
    folds = []
    for _ in range(3):
        labels = draws.rand(50, 2) < 0.4
        scores = labels + draws.normal(size=(50, 2))
        folds.append(Answers(labels, scores, scores > 0.5))
    found = figures(folds)
    assert found.macro_map.mean == pytest.approx(np.mean(
        [average_precision(fold.labels, fold.probabilities).mean() for fold in folds]))
    for each in (found.macro_map, found.micro_f1, found.macro_f1):
        assert each.low < each.mean < each.high and each.n == 150
    assert figures(folds).macro_map == found.macro_map


def test_the_probe_makes_the_probabilities_calibrated_without_its_class_weights(task):
    probabilities = baselines.tfidf(task, split(task, 0))
    shares = task.labels.mean(axis=0)
    np.testing.assert_allclose(probabilities.mean(axis=0), shares, atol=0.12)
