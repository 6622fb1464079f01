"""The measures, each against a value worked out by hand on a catalogue of a few films."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy import sparse

from recommender.evaluation import metrics, report
from recommender.evaluation.metrics import Estimate

# Five films, two recommendations each.
TOP = np.array([[1, 2], [0, 3], [3, 4], [2, 4], [0, 1]])


def test_collection_recall_is_the_share_of_the_others_that_were_found():
    # Films 0, 1 and 4 are one collection, film 2 is alone in its own, film 3 has none.
    recall, hit = metrics.collection_recall(TOP, [7, 7, 9, None, 7])
    # 0: finds 1 of {1, 4}; 1: finds 0 of {0, 4}; 4: finds both.
    assert recall.tolist() == [1 / 2, 1 / 2, 1]
    assert hit.tolist() == [1, 1, 1]


def test_collection_recall_counts_no_more_films_than_can_be_recommended():
    # All five are one collection: two recommendations cannot hold the other four.
    recall, _ = metrics.collection_recall(TOP, [7] * 5)
    assert recall.tolist() == [1] * 5
    recall, hit = metrics.collection_recall(np.array([[1], [2], [1]]), [7, None, 7])
    assert recall.tolist() == [0, 0]
    assert hit.tolist() == [0, 0]


def test_without_collections_no_film_counts():
    recall, hit = metrics.collection_recall(TOP, [None, 1, 2, 3, None])
    assert len(recall) == len(hit) == 0
    assert metrics.estimate(recall, 0) == (None, None, None, 0)


def test_genre_jaccard_is_the_mean_over_the_recommendations():
    genres = [("Drama",), ("Drama", "Crime"), ("Comedy",), (), ("Drama", "Crime", "War")]
    # 0: with 1 it shares 1 of 2, with 2 0 of 2. 1: with 0 1 of 2, with 3 0 of 2.
    # 2: with 3 0 of 1, with 4 0 of 4. 3 has no genres. 4: with 0 1 of 3, with 1 2 of 3.
    np.testing.assert_allclose(metrics.genre_jaccard(TOP, genres), [1 / 4, 1 / 4, 0, 1 / 2])


def test_a_genre_that_is_named_twice_counts_once():
    genres = [("Drama", "Drama"), ("Drama",), (), (), ()]
    assert metrics.genre_jaccard(TOP, genres)[0] == 1 / 2


def test_keyword_ndcg_discounts_by_rank_and_divides_by_the_best_list():
    keywords = [("a", "b"), ("a", "b"), ("a",), ("z",), ()]
    top = np.array([[2, 1], [3, 0], [1, 0], [0, 1], [0, 1]])
    second = 1 / np.log2(3)
    # Gains for film 0: 1 has 1, 2 has 1/2; it was given 2 before 1.
    # For film 1: 0 has 1, 2 has 1/2; it was given 3 (0) and 0 (1).
    # For film 2: 0 and 1 have 1/2 each, and it was given them. 3 and 4 share none with any.
    best = 1 + second / 2
    np.testing.assert_allclose(metrics.keyword_ndcg(top, keywords),
                               [(1 / 2 + second) / best, second / best, 1])


def test_keyword_ndcg_is_the_same_in_blocks(monkeypatch):
    keywords = [("a", "b"), ("a", "b"), ("a",), ("z",), ()]
    whole = metrics.keyword_ndcg(TOP, keywords)
    monkeypatch.setattr(metrics, "_BLOCK", 2)
    np.testing.assert_array_equal(metrics.keyword_ndcg(TOP, keywords), whole)


def test_people_agreement_is_the_cosine_of_likes_less_that_by_chance():
    likes = sparse.csr_matrix(np.array([
        [1, 1, 0, 0],    # film 0
        [1, 1, 0, 0],    # film 1: the same people
        [0, 0, 1, 1],    # film 2: the others
        [0, 0, 1, 1],
        [0, 0, 0, 0]]))  # film 4: nobody
    # Each person likes two of four films that are liked alike: a pair is one of six, and meets in
    # 4 / 6 people. 0: with 1 2/2 - 1/3, with 2 0/2 - 1/3. 1: with 0 2/3, with 3 -1/3. 2: with 3
    # 2/3, with 4, whom nobody likes, 0. 3: with 2 2/3, with 4 0.
    np.testing.assert_allclose(metrics.people_agreement(TOP, likes), [1 / 6, 1 / 6, 1 / 3, 1 / 3])


def test_hubness_tells_films_never_recommended_and_the_most_frequent():
    # Every film twice; in the other list film 0 four times and film 1 once.
    assert metrics.hubness(TOP) == (0, 2)
    assert metrics.hubness(np.array([[1], [0], [0], [0], [0]])) == (3 / 5, 4)


def test_an_interval_holds_the_mean_and_narrows_with_more_films():
    values = np.random.RandomState(0).random_sample(400)
    few, many = metrics.estimate(values[:40], 0), metrics.estimate(values, 0)
    assert few.low < few.mean < few.high
    assert many.high - many.low < few.high - few.low
    # The normal approximation: 1.96 standard errors to each side.
    error = values.std() / 20
    assert many.low == pytest.approx(values.mean() - 1.96 * error, abs=0.2 * error)
    assert many.high == pytest.approx(values.mean() + 1.96 * error, abs=0.2 * error)


def test_an_interval_is_the_same_from_run_to_run_and_follows_the_seed():
    values = np.random.RandomState(0).random_sample(50)
    assert metrics.estimate(values, 3) == metrics.estimate(values, 3)
    assert metrics.estimate(values, 3) != metrics.estimate(values, 4)


def test_one_film_has_no_interval_but_its_value():
    assert metrics.estimate(np.array([0.5]), 0) == (0.5, 0.5, 0.5, 1)


def test_columns_stay_aligned_where_an_interval_lies_below_zero():
    below, above = Estimate(-0.0035, -0.0049, -0.0021, 9), Estimate(0.25, 0.125, 0.5, 9)
    scores = [SimpleNamespace(name="a", agreement=below, recall=above),
              SimpleNamespace(name="long name", agreement=above, recall=above)]
    table = report.Table("films", "", {"agreement": "people agreement", "recall": "recall"}, scores)
    assert report.as_text(table).splitlines() == [
        "films           people agreement              recall",
        "a          -0.004 -.005 to -.002     0.250 .125-.500",
        "long name        0.250 .125-.500     0.250 .125-.500"]
