"""Exact cosines of pairs: the digits of one query after the other."""

import numpy as np
import pytest

from recommender.pairs import exact_pairs
from recommender.ranking import exact_scores
from recommender.words import joined_row, sparse_rows


@pytest.mark.parametrize("with_words", [False, True])
@pytest.mark.parametrize("d", [0, 5, 384])
def test_pairs_have_the_digits_of_one_query_after_the_other(d, with_words):
    draw = np.random.RandomState(d)
    dense = (draw.standard_normal((300, d)) / 30).astype(np.float32)
    dense[7] = 0
    words = sparse_rows([(np.sort(draw.choice(90, n, replace=False)),
                          draw.rand(n).astype(np.float32))
                         for n in draw.randint(0, 60, 300)], 90) if with_words else None
    films, others = draw.randint(0, 300, (2, 9000))
    films[:5] = 7
    expected = [exact_scores(dense, words, joined_row(dense, words, film), np.array([other]))[0]
                for film, other in zip(films, others)]
    np.testing.assert_array_equal(exact_pairs(dense, words, films, others), expected)


def test_no_pairs_and_films_without_words():
    dense, none = np.eye(3, dtype=np.float32), np.zeros(0, np.int64)
    assert exact_pairs(dense, None, none, none).shape == (0,)
    words = sparse_rows([(none, np.zeros(0, np.float32))] * 3, 4)
    assert exact_pairs(dense, words, np.array([0, 1]), np.array([0, 2])).tolist() == [1.0, 0.0]
