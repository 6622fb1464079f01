"""The map's places: near films together, for any number of films and any recipe."""

import numpy as np
import pytest

from recommender import film_map
from recommender.errors import NothingFound
from recommender.film_map import place_films
from recommender.index import Index
from recommender.words import SparseRows
from tests.worlds import row, write_index


def groups(n_groups, size, seed=0):
    """Unit rows of some groups that are far apart, float32, and the group of each."""
    random = np.random.RandomState(seed)
    centres = np.eye(n_groups, 16) * 4
    rows = np.repeat(centres, size, axis=0) + 0.5 * random.standard_normal((n_groups * size, 16))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows.astype(np.float32), np.repeat(np.arange(n_groups), size)


def assert_groups_lie_together(points, group):
    apart = np.linalg.norm(points[:, None] - points, axis=2)
    np.fill_diagonal(apart, np.inf)
    assert (group[apart.argmin(axis=1)] == group).mean() > 0.95


def test_films_that_are_near_lie_together():
    rows, group = groups(4, 40)
    points = place_films(rows, None)
    assert points.dtype == np.float32
    assert points.min() >= 0
    assert points.max() <= 1
    assert_groups_lie_together(points, group)


def test_words_alone_can_be_laid_out():
    _, group = groups(4, 40)
    random = np.random.RandomState(1)
    # Each film has 5 of the 20 words of its group.
    indices = np.concatenate([
        20 * g + np.sort(random.choice(20, 5, replace=False)) for g in group]).astype(np.int32)
    words = SparseRows(np.arange(0, 5 * len(group) + 1, 5), indices,
                       np.full(len(indices), 5 ** -0.5, np.float32), 80)
    assert_groups_lie_together(place_films(np.zeros((len(group), 0), np.float32), words), group)


def test_films_without_a_word_in_common_have_places_all_the_same():
    n = 60
    words = SparseRows(np.arange(n + 1), np.arange(n, dtype=np.int32), np.ones(n, np.float32), n)
    points = place_films(np.zeros((n, 0), np.float32), words)
    assert points.shape == (n, 2) and points.min() >= 0 and points.max() <= 1
    assert len(np.unique(points.round(3), axis=0)) > n // 2
    np.testing.assert_array_equal(points, place_films(np.zeros((n, 0), np.float32), words))


@pytest.mark.parametrize("with_words", [False, True])
def test_of_many_films_some_are_placed_and_the_others_among_them(monkeypatch, with_words):
    monkeypatch.setattr(film_map, "ALL_BY_TSNE", 100)
    monkeypatch.setattr(film_map, "BY_TSNE", 80)
    rows, group = groups(4, 40)
    words = SparseRows(np.arange(161), group.astype(np.int32), np.ones(160, np.float32), 4)
    points = place_films(rows[:, :0], words) if with_words else place_films(rows, None)
    assert points.shape == (160, 2)
    assert_groups_lie_together(points, group)


@pytest.mark.parametrize("n", [1, 2, 7, 8, 12])
def test_a_few_films_have_places_of_their_own(n):
    rows, _ = groups(1, n)
    points = place_films(rows, None)
    assert points.shape == (n, 2)
    assert len(np.unique(points, axis=0)) == n
    assert np.isfinite(points).all()


def test_the_same_films_have_the_same_places():
    rows, _ = groups(3, 20)
    np.testing.assert_array_equal(place_films(rows, None), place_films(rows, None))


def test_an_index_without_a_map_says_how_to_get_one(tmp_path):
    index = Index(write_index(tmp_path, [row(1, "Heat"), row(2, "Ronin")]))
    assert not index.space().has_map
    with pytest.raises(NothingFound, match="build_index.py --map"):
        index.space().map()
