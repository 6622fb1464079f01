"""Neighbours that were mended: the beginning of what a comparison of all films with all gives."""

import numpy as np
import pytest

from recommender.mending import Films, mend_neighbours
from recommender.neighbours import nearest_films
from recommender.words import sparse_rows

N, K = 150, 30


class Worlds:
    """Films as vectors, some of them alike, that come, change and leave."""

    def __init__(self, seed, with_words):
        self.draw = np.random.RandomState(seed)
        self.kinds = self.draw.standard_normal((40, 6))  # films of a kind are alike
        self.with_words = with_words
        self.films = [self.film() for _ in range(N)]

    def film(self):
        return self.draw.randint(10 ** 6), self.draw.randint(40)

    def vectors(self, films):
        dense = self.kinds[[kind for _, kind in films]]
        dense = dense / np.linalg.norm(dense, axis=1, keepdims=True)
        if not self.with_words:
            return dense.astype(np.float32), None
        return (dense * 0.6).astype(np.float32), sparse_rows(
            [(np.array([kind // 4, 10 + kind // 2]), np.full(2, 0.8 / 2 ** 0.5, np.float32))
             for _, kind in films], 30)

    def change(self, in_order):
        """Replace some films; return them as vectors, and their rows before."""
        before = {film: row for row, film in enumerate(self.films)}
        films = [film for film in self.films if self.draw.rand() > 0.03]
        for _ in range(6):
            films.insert(self.draw.randint(len(films) + 1), self.film())
        if not in_order:
            films = [films[at] for at in self.draw.permutation(len(films))]
        self.films = films
        return Films(*self.vectors(films),
                     np.array([before.get(film, -1) for film in films], np.int64))


@pytest.mark.parametrize("in_order", [True, False])
@pytest.mark.parametrize("with_words", [True, False])
def test_lists_begin_as_those_of_a_comparison_of_all_films_and_stay_long(with_words, in_order):
    worlds = Worlds(1, with_words)
    mended = nearest_films(*worlds.vectors(worlds.films), K)
    n_short = n_kept = 0
    for _ in range(12):
        films = worlds.change(in_order)
        mended = mend_neighbours(films, mended, films.products())
        assert (mended[0].dtype, mended[1].dtype) == (np.int32, np.float64)
        rows, cosines = nearest_films(films.dense, films.words, K)
        for row in range(len(rows)):
            length = (mended[0][row] != row).sum()
            assert mended[0][row, :length].tolist() == rows[row, :length].tolist()
            assert mended[1][row, :length].tolist() == cosines[row, :length].tolist()
            assert (mended[0][row, length:] == row).all()
            assert (mended[1][row, length:] >= cosines[row, -1] - 1e-12).all()
            assert length >= 23
            n_short += length < K
            n_kept += films.old_rows[row] >= 0
    assert 0 < n_short < n_kept


def test_only_films_that_came_are_compared_where_few_left(monkeypatch):
    worlds = Worlds(2, True)
    mended = nearest_films(*worlds.vectors(worlds.films), K)
    films = worlds.change(True)
    compared = []
    monkeypatch.setattr("recommender.mending.exact_neighbours", lambda *args: compared.append(
        args[2]) or (np.full(K, 1), np.zeros(K)))
    mend_neighbours(films, mended, films.products())
    assert compared == films.came.tolist()


def test_lists_as_long_as_a_query_asks_for_are_made_whole_again():
    worlds = Worlds(3, False)
    mended = nearest_films(*worlds.vectors(worlds.films), 10)
    films = worlds.change(True)
    rows, _ = mend_neighbours(films, mended, films.products())
    assert rows.tolist() == nearest_films(films.dense, None, 10)[0].tolist()


@pytest.mark.parametrize("n", [1, 2, 4])
def test_a_few_films(n):
    dense = np.eye(5, dtype=np.float32)[:n]
    films = Films(dense, None, np.arange(n))
    films = films._replace(old_rows=np.where(np.arange(n) == 0, np.arange(n), -1))
    rows, cosines = mend_neighbours(films, nearest_films(np.eye(2, dtype=np.float32), None, 3),
                                    films.products())
    assert rows.shape == cosines.shape == (n, min(1, n - 1))
