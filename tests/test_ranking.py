"""The k best of many, equal ones in the order of their places."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.neighbours import nearest_others
from recommender.ranking import nearest_rows, reached, top_k, unit


def test_equal_scores_at_the_border_come_in_order():
    scores = np.zeros(1000)
    scores[[999, 500]] = 1
    assert top_k(scores, 5).tolist() == [500, 999, 0, 1, 2]


@settings(deadline=None)
@given(st.lists(st.sampled_from([-np.inf, 0.0, 0.25, 0.5]), min_size=1, max_size=60), st.data())
def test_it_is_the_beginning_of_a_stable_sort(scores, data):
    k = data.draw(st.integers(1, len(scores)))
    expected = sorted(range(len(scores)), key=lambda at: -scores[at])[:k]
    assert top_k(np.array(scores), k).tolist() == expected
    both = np.array([scores, scores[::-1]])
    assert top_k(both, k)[0].tolist() == expected


@pytest.mark.parametrize("k", [1, 10, 300, 4000])
def test_long_rows_are_ranked_as_short_ones(k, monkeypatch):
    draw = np.random.RandomState(k)
    scores = np.stack([draw.standard_normal(5000), draw.randint(0, 9, 5000),
                       np.where(draw.rand(5000) < 0.9, -np.inf, 1)]).astype(np.float32)
    long = top_k(scores, k)
    monkeypatch.setattr("recommender.ranking._LONG", 10000)
    assert long.tolist() == top_k(scores, k).tolist()


@pytest.mark.parametrize("k", [1, 3, 7])
def test_films_that_are_all_alike_are_taken_in_order(k):
    dense = np.ones((20, 4), np.float32) / 2
    rows, _ = nearest_rows(dense, None, unit(np.ones(4)), k, np.ones(20, bool))
    assert rows.tolist() == list(range(k))
    assert nearest_others(dense, None, k)[5].tolist() == [row for row in range(20) if row != 5][:k]


@pytest.mark.parametrize("kind", ["any", "mostly zero", "few count", "equal", "ascending"])
@pytest.mark.parametrize("n", [50, 4095, 9000, 100_000])
def test_the_score_that_k_reach_is_the_kth_greatest(kind, n):
    draw = np.random.RandomState(n)
    scores = draw.standard_normal(n).astype(np.float32)
    if kind == "mostly zero":
        scores = np.where(draw.random_sample(n) < 0.01, np.abs(scores), np.float32(0))
    elif kind == "few count":
        scores[draw.permutation(n)[n // 50 + 20:]] = -np.inf
    elif kind == "equal":
        scores[:] = 0.5
    elif kind == "ascending":
        scores.sort()
    for k in (1, 7, 20):
        assert reached(scores, k) == np.sort(scores)[-k]
