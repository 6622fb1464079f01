"""No film of a test split, nor of its collection, has a part in what a genre model learns."""

import os

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

import train_genres
from bert import training_data
from bert.training import Training, read_weights
from recommender.catalogue import read_catalogue
from recommender.evaluation.truth import read_collections
from recommender.genres.head import UNSEEN, VALUES
from recommender.genres.splits import make_task, split
from tests.genre_worlds import genre_rows, training_flags
from tests.reference import WORDS, random_checkpoint
from tests.worlds import write_csv

_BITS = (",", ".")  # word pieces that stand for 0 and 1 in the number of a film
_N_BITS = 7
_OTHERS = {"man": "woman", "woman": "meets", "meets": "man"}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return random_checkpoint(tmp_path_factory.mktemp("checkpoint") / "tiny")


def numbered_rows():
    """Films whose overviews begin with their ids in word pieces."""
    return [dict(film, overview=" ".join(
        [_BITS[film["id"] >> bit & 1] for bit in range(_N_BITS)] + [film["overview"]]))
        for film in genre_rows()]


def number_of(pieces, one):
    return sum(1 << bit for bit in range(_N_BITS) if pieces[bit] == one)


def task_of(path):
    movies = read_catalogue(path).movies
    collections = read_collections(path, movies)
    return make_task(movies, collections, 5), dict(
        zip((movie.id for movie in movies), collections))


@pytest.fixture
def seen(monkeypatch):
    """The ids of the films that came out of the input function, a set for each fold, and those
    whose overviews made a vocabulary, with that vocabulary."""
    trained, fitted = [], []
    run, thinned, fit = train_genres._run, training_data.thinned, TfidfVectorizer.fit

    def run_fold(*args):
        trained.append(set())
        return run(*args)

    def seen_in_batch(examples, rows, plan, step):
        trained[-1].update(number_of(examples.token_ids[row][1:], WORDS.index(_BITS[1]))
                           for row in rows)
        return thinned(examples, rows, plan, step)

    def fit_seen(vectorizer, texts):
        found = fit(vectorizer, texts)
        fitted.append(({number_of(text.split(), _BITS[1]) for text in texts},
                       vectorizer.vocabulary_, vectorizer.idf_.tolist()))
        return found

    monkeypatch.setattr(train_genres, "_run", run_fold)
    monkeypatch.setattr(training_data, "thinned", seen_in_batch)
    monkeypatch.setattr(TfidfVectorizer, "fit", fit_seen)
    return trained, fitted


def test_no_test_film_nor_its_collection_is_in_a_batch_or_a_vocabulary(tiny, tmp_path, seen):
    trained, fitted = seen
    films = write_csv(tmp_path / "films.csv", numbered_rows())
    assert train_genres.main(training_flags(tiny, films, tmp_path / "out", "--epochs", "1",
                                            "--folds", "2")) == 0
    task, collections = task_of(films)
    ids = np.array([movie.id for movie in task.movies])
    assert len(trained) == len(fitted) == 2
    for fold, (batches, (texts, *_)) in enumerate(zip(trained, fitted)):
        parts = split(task, fold)
        assert batches == texts == set(ids[parts.train])
        tested = set(ids[parts.test])
        assert not batches & tested
        of_tested = {collections[film] for film in tested} - {None}
        assert of_tested and not of_tested & {collections[film] for film in batches}


@pytest.mark.long
def test_other_texts_and_genres_of_the_test_films_change_no_bit_of_what_is_learnt(
        tiny, tmp_path, seen, monkeypatch):
    """Examples and vocabulary are the same bit for bit. What is computed from them is the same but
    for the order in which threads add: two trainings of the same films differ as much."""
    _, fitted = seen
    given, starts = [], []
    init, run = Training.__init__, Training.run

    def begin(self, model, plan, folder, weights):
        given.append([plan, weights])
        starts.extend(model._start)
        init(self, model, plan, folder, weights)

    def run_seen(self, train, validation, watch):
        given[-1] += [train.labels, *train.token_ids, validation.labels, *validation.token_ids]
        return run(self, train, validation, watch)

    monkeypatch.setattr(Training, "__init__", begin)
    monkeypatch.setattr(Training, "run", run_seen)
    rows = numbered_rows()
    films = write_csv(tmp_path / "films.csv", rows)
    task, _ = task_of(films)
    tested = {task.movies[place].id for place in split(task, 0).test}
    # As many of each genre and as many word pieces, so that the task and the batches stay.
    places = [place for place, film in enumerate(rows) if film["id"] in tested]
    genres = [rows[place]["genres"] for place in places]
    for place, other in zip(places, genres[1:] + genres[:1]):
        rows[place] = dict(rows[place], genres=other, overview=" ".join(
            _OTHERS.get(word, word) for word in rows[place]["overview"].split()))
    others = write_csv(tmp_path / "others.csv", rows)
    learnt = []
    for number, path in enumerate((films, others)):
        folder = str(tmp_path / "out{}".format(number))
        assert train_genres.main(training_flags(tiny, path, folder, "--epochs", "2")) == 0
        with np.load(os.path.join(folder, VALUES)) as file:
            head = dict(file)
        with np.load(os.path.join(folder, UNSEEN)) as file:
            unseen = dict(file)
        learnt.append((head, read_weights(os.path.join(folder, "bert_model.ckpt")), unseen))
    (head, weights, unseen), (other_head, other_weights, other_unseen) = learnt
    assert set(head) == {"kernel", "bias", "thresholds"}
    first, second = given[:len(given) // 2], given[len(given) // 2:]
    for one, other in zip(first, second):
        assert len(one) == len(other)
        for value, same in zip(one, other):
            np.testing.assert_array_equal(value, same)
    assert max(map(len, first)) > len(task.movies) // 2
    assert fitted[0] == fitted[1]
    for one, other in zip(starts[:len(starts) // 2], starts[len(starts) // 2:]):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-6)
    for one, other in ((head, other_head), (weights, other_weights)):
        assert set(one) == set(other)
        for name in one:
            # Adam turns the last digit of a gradient near 0 into a step: 2e-4 was seen between two
            # trainings of the same. Two films of the training split, changed so, make 0.17.
            np.testing.assert_allclose(one[name], other[name], rtol=0, atol=2e-3, err_msg=name)
    # And the change did change what is said of the test films.
    assert set(unseen["ids"]) == set(other_unseen["ids"]) == tested
    assert np.abs(unseen["probabilities"] - other_unseen["probabilities"]).max() > 0.05
