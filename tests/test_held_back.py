"""Films held back: drawing them, ranking them, and what only ratings know, worked out by hand."""

import numpy as np
import pytest
from scipy import sparse

from recommender.catalogue import read_catalogue
from recommender.evaluation import held_back
from recommender.evaluation.baselines import genre_scores
from recommender.evaluation.contenders import Task, index_contenders, recipe_contenders
from recommender.evaluation.held_back import Trials, by_item_cosine, by_likes, draw, hold_back
from recommender.evaluation.ranks import rank_measures, ranks
from recommender.evaluation.truth import Truth
from recommender.index import Index
from recommender.recommender import Recommender
from recommender.storage.feature_store import FeatureReader
from tests.worlds import row, write_csv, write_index


def films(folder, cells):
    rows = [{**row(at, "Film {}".format(at)), **of_film} for at, of_film in enumerate(cells, 1)]
    return read_catalogue(write_csv(folder / "movies.csv", rows)).movies


def trials_of(likes, held):
    """Person 0 and on hold back those films."""
    wishes = likes.T.tolil().astype(float)
    for person, film in enumerate(held):
        wishes[person, film] = 0
    wishes = wishes.tocsr()[:len(held)]
    wishes.eliminate_zeros()
    return Trials(np.arange(len(held)), sparse.diags(1 / wishes.getnnz(axis=1)) @ wishes,
                  np.array(held), np.ones(likes.shape[0], bool))


# Five films, four people: who likes what.
LIKES = sparse.csr_matrix(np.array([
    [1, 1, 1, 0],
    [1, 1, 0, 0],
    [0, 0, 1, 1],
    [1, 0, 0, 1],
    [0, 0, 0, 0]]))


def test_the_wish_is_all_that_a_person_likes_but_the_film_held_back():
    for seed in range(20):
        trials = draw(LIKES, np.ones(5, bool), seed)
        assert trials.people.tolist() == [0, 1, 2, 3]
        for person, film in enumerate(trials.held):
            wish = trials.wishes[person].toarray()[0]
            liked = LIKES[:, person].toarray()[:, 0]
            assert liked[film] == 1
            others = np.flatnonzero(liked * (np.arange(5) != film))
            assert wish[others].tolist() == [1 / len(others)] * len(others)
            assert wish.sum() == pytest.approx(1)
            assert wish[film] == 0


def test_only_a_film_that_counts_is_held_back_and_only_of_people_who_like_two():
    likes = sparse.csr_matrix(np.array([[1, 1, 0], [1, 0, 1], [0, 0, 0]]))
    for seed in range(20):
        trials = draw(likes, np.array([False, True, True]), seed)
        assert (trials.people.tolist(), trials.held.tolist()) == ([0], [1])
    assert len(draw(likes, np.array([False, False, True]), 0).held) == 0


def test_of_many_people_some_are_drawn(monkeypatch):
    monkeypatch.setattr(held_back, "PEOPLE", 3)
    trials = draw(LIKES, np.ones(5, bool), 0)
    assert len(trials.people) == len(set(trials.people)) == len(trials.held) == 3
    assert trials.wishes.shape == (3, 5)


def test_films_told_apart_only_by_their_id_are_one(tmp_path):
    twin = {"overview": "A shark comes", "title": "Shark"}
    movies = films(tmp_path, [twin, {}, twin, {}, {}])
    likes = sparse.csr_matrix(np.array([[1, 0], [0, 1], [1, 1], [1, 0], [0, 0]]))
    held = hold_back(movies, likes, 0)
    assert held.likes.toarray().tolist() == [[1, 1], [0, 1], [0, 0], [1, 0], [0, 0]]
    assert held.all.counts.tolist() == [True, True, False, True, True]


def test_the_less_popular_half_has_fewer_votes_than_the_median_of_the_films_liked(tmp_path):
    movies = films(tmp_path, [{"vote_count": votes} for votes in (500, 20, 30, 40, 1)])
    held = hold_back(movies, LIKES, 0)  # the median of 500, 20, 30, 40 is 35
    assert held.rare.counts.tolist() == [False, True, True, False, True]
    assert held.rare.people.tolist() == [0, 1, 2, 3]
    assert held.rare.held.tolist() == [1, 1, 2, 2]


def test_popularity_leaves_out_the_like_of_the_person_asking():
    scores = by_likes(LIKES, trials_of(LIKES, [3, 1]))(slice(0, 2))
    assert scores.tolist() == [[3, 2, 2, 1, 0], [3, 1, 2, 2, 0]]


def test_item_cosine_leaves_out_the_like_of_the_person_asking():
    # Person 0 likes 0, 1, 3 and holds back 3, which then only person 3 likes, who likes neither 0
    # nor 1. Film 2: with 0 it shares person 2: 1 / sqrt(3 * 2), with 1 none.
    # Person 1 likes 0 and 1 and holds back 1, which then only person 0 likes, who likes 0, too:
    # 1 / sqrt(3 * 1). Film 2: 1 / sqrt(3 * 2), film 3: 1 / sqrt(3 * 2).
    found = by_item_cosine(LIKES, trials_of(LIKES, [3, 1]))(slice(0, 2))
    assert found[0, [2, 3, 4]] == pytest.approx([6 ** -0.5 / 2, 0, 0])
    assert found[1, [1, 2, 3, 4]] == pytest.approx([3 ** -0.5, 6 ** -0.5, 6 ** -0.5, 0])


def test_a_film_that_only_the_person_asking_likes_is_unknown_to_ratings():
    likes = sparse.csr_matrix(np.array([[1, 1], [1, 0], [0, 1]]))
    trials = trials_of(likes, [1])
    assert by_item_cosine(likes, trials)(slice(0, 1))[0, 1] == 0
    assert by_likes(likes, trials)(slice(0, 1))[0, 1] == 0


def test_films_of_the_wish_are_not_ranked_and_equal_ones_count_half():
    trials = trials_of(LIKES, [3, 1])
    scores = np.array([[9, 9, 5, 3, 3], [9, 7, 8, 7, 7]])
    # 3: behind film 2, and equal to 4. 1: behind 2, and equal to 3 and 4.
    assert held_back.held_ranks(trials, lambda rows: scores[rows]).tolist() == [2.5, 3]


def test_measures_of_ranks_are_what_one_works_out_by_hand():
    found = rank_measures(np.array([1, 2, 10, 11, 2.5]), 0)
    assert found.first.mean == pytest.approx(1 / 5)
    assert found.recall.mean == pytest.approx(4 / 5)
    assert found.ndcg.mean == pytest.approx(
        (1 + 1 / np.log2(3) + 1 / np.log2(11) + 1 / np.log2(3.5)) / 5)
    assert found.reciprocal.mean == pytest.approx((1 + 1 / 2 + 1 / 10 + 1 / 11 + 1 / 2.5) / 5)
    assert found.recall.low <= found.recall.mean <= found.recall.high
    assert rank_measures(np.zeros(0), 0).first == (None, None, None, 0)


def test_ranks_are_the_same_in_blocks():
    scores = np.random.default_rng(0).random((600, 7))
    right = np.arange(600) % 7

    def every(rows):
        return np.ones((rows.stop - rows.start, 7), bool)

    found = ranks(lambda rows: scores[rows], right, every)
    own = scores[np.arange(600), right]
    assert found.tolist() == (1 + (scores > own[:, None]).sum(axis=1)).tolist()


def test_films_of_a_genre_of_the_wish_come_first_by_rating(tmp_path):
    drama, crime = ({"genres": "[{'id': 1, 'name': '%s'}]" % name} for name in ("Drama", "Crime"))
    movies = films(tmp_path, [drama, crime, drama, {"genres": "[]"}])
    wishes = sparse.csr_matrix(np.array([[1, 0, 0, 0], [0.5, 0.5, 0, 0], [0, 0, 0, 1]]))
    scores = genre_scores(movies, np.array([5, 9, 6, 8.0]), wishes)(slice(0, 3))
    assert [np.argsort(-each).tolist() for each in scores] == [
        [2, 0, 1, 3], [1, 2, 0, 3], [1, 3, 2, 0]]


@pytest.mark.parametrize("recipe", ["mean4", "best"])
def test_a_wish_ranks_films_as_the_programs_do_for_several(tmp_path, recipe):
    path = write_index(tmp_path, [row(at, "Film {}".format(at)) for at in range(1, 21)],
                       recipes=[recipe])
    index, movies = Index(path), read_catalogue(str(tmp_path / "movies.csv")).movies
    likes = sparse.csr_matrix(np.eye(20)[:, :1] + np.eye(20)[:, 3:4] + np.eye(20)[:, 7:8])
    trials = trials_of(likes, [7])
    reader = FeatureReader(str(tmp_path / "features"))
    task = Task(movies, Truth(None, None, likes), 0)
    found = Recommender(index).similar(id=[1, 4], k=18)
    rank = [result.movie["id"] for result in found].index(8) + 1
    for contender in (*recipe_contenders([recipe], reader, task),
                      *index_contenders(path, index, task)):
        assert held_back.held_ranks(trials, contender.by_wish(trials)).tolist() == [rank]
