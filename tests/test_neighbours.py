"""Stored neighbours: what a comparison with all films gives, and as fast answers of an index."""

import h5py
import numpy as np
import pytest

from recommender.errors import RecommenderError
from recommender.index import Index
from recommender.neighbours import nearest_films
from recommender.ranking import nearest_rows
from recommender.recommender import Recommender
from recommender.words import sparse_rows
from tests.worlds import random_layers, row, write_index


def unit_rows(n, width, seed=0):
    rows = np.random.RandomState(seed).standard_normal((n, width))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def by_comparison(dense, words, k):
    def vector(row):
        return dense[row] if words is None else np.concatenate([dense[row], words.row(row)])

    found = [nearest_rows(dense, words, vector(row), k, np.arange(len(dense)) != row)
             for row in range(len(dense))]
    return [rows.tolist() for rows, _ in found], [cosines.tolist() for _, cosines in found]


def stored(dense, words, k):
    rows, cosines = nearest_films(dense, words, k)
    assert (rows.dtype, cosines.dtype) == (np.int32, np.float64)
    return rows.tolist(), cosines.tolist()


@pytest.mark.parametrize("n, k", [(1, 3), (2, 3), (30, 50), (300, 5), (300, 250)])
def test_each_film_has_the_nearest_others_in_order(n, k):
    dense = unit_rows(n, 8)
    assert stored(dense, None, k) == by_comparison(dense, None, k)


def test_films_that_are_alike_come_in_the_order_of_the_catalogue():
    dense = np.concatenate([unit_rows(3, 8)[[0] * 40 + [1] * 40], unit_rows(60, 8)])
    assert stored(dense, None, 10) == by_comparison(dense, None, 10)


def test_words_count_with_the_rest():
    draw, dense = np.random.RandomState(1), unit_rows(100, 8) * np.float32(0.6)
    words = sparse_rows([(np.sort(draw.choice(20, 4, replace=False)), np.full(4, 0.4, np.float32))
                         for _ in range(100)], 20)
    assert stored(dense, words, 7) == by_comparison(dense, words, 7)


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """One index with neighbours and one without, of the same films."""
    rows = [row(n, "Film {}".format(n), vote_count=str(n), release_date="{}-01-01".format(
        1950 + n % 60)) for n in range(1, 121)]
    features = {n: random_layers(2, n % 100) for n in range(1, 121)}  # some films are alike
    return [Index(write_index(tmp_path_factory.mktemp("index"), rows, features, n_neighbours=n))
            for n in (20, 0)]


@pytest.mark.parametrize("options", [
    {}, {"k": 1}, {"k": 20}, {"k": 21}, {"k": 1000}, {"min_votes": 60}, {"min_votes": 110},
    {"year_from": 1960, "year_to": 1970, "k": 3}, {"diverse": 0.4, "k": 3},
    {"unlike": "Film 7"}, {"top_rated": 5}])
def test_an_index_with_neighbours_answers_as_one_without(both, options):
    for movie_id in range(8, 121, 3):
        answers = [Recommender(index).similar(id=movie_id, **options) for index in both]
        assert answers[0] == answers[1]


def test_neighbours_spare_the_comparison_with_all_films(both, monkeypatch):
    def compare(*_):
        raise AssertionError("all films were compared")

    monkeypatch.setattr("recommender.spaces.nearest_rows", compare)
    assert len(Recommender(both[0]).similar(id=9, min_votes=5)) == 10
    with pytest.raises(AssertionError):
        Recommender(both[1]).similar(id=9)


@pytest.mark.parametrize("what, value", [("rows", 8), ("rows", -1), ("cosines", np.nan)])
def test_neighbours_that_cannot_be_are_refused(tmp_path, what, value):
    path = write_index(tmp_path, [row(n, "Film {}".format(n)) for n in range(1, 9)],
                       n_neighbours=3)
    with h5py.File(path, "r+") as file:
        file["recipes/mean4/neighbours"][what][2, 1] = value
    with pytest.raises(RecommenderError, match="neighbours are damaged"):
        Recommender(Index(path)).similar(id=3, k=2)
