"""Baselines that recipes must beat: each baseline recommends what its name says."""

import math

import numpy as np
import pytest

from recommender.catalogue import read_catalogue
from recommender.evaluation import baselines
from tests.worlds import row, write_csv

GENRES = {"drama": "[{'id': 18, 'name': 'Drama'}]", "comedy": "[{'id': 35, 'name': 'Comedy'}]",
          "both": "[{'id': 18, 'name': 'Drama'}, {'id': 35, 'name': 'Comedy'}]", "none": "[]"}


def films(tmp_path, *cells):
    return read_catalogue(write_csv(tmp_path / "movies.csv", [
        row(at, "Film {}".format(at), **of_film) for at, of_film in enumerate(cells, 1)])).movies


@pytest.mark.parametrize("seed", range(20))
def test_random_films_are_others_and_differ_among_themselves(tmp_path, seed):
    movies = films(tmp_path, *[{}] * 6)
    top = baselines.at_random(movies, 5, seed)
    assert [sorted([at, *others]) for at, others in enumerate(top.tolist())] == [list(range(6))] * 6
    assert top.tolist() == baselines.at_random(movies, 5, seed).tolist()


def test_the_most_popular_are_those_with_most_votes(tmp_path):
    movies = films(tmp_path, *[{"vote_count": votes} for votes in ("5", "70", "6", "70")])
    assert baselines.most_popular(movies, 2).tolist() == [[1, 3], [3, 2], [1, 3], [1, 2]]


def test_of_films_that_share_a_genre_the_best_rated_come_first(tmp_path):
    movies = films(tmp_path, *[{"genres": GENRES[name]} for name in (
        "drama", "comedy", "both", "none", "drama")])
    ratings = np.array([1, 2, 3, 9, 5])
    assert baselines.same_genre_by_rating(movies, ratings, 2).tolist() == [
        [4, 2], [2, 3], [4, 1], [4, 2], [2, 0]]


def test_bm25_is_what_one_works_out_by_hand():
    queries, documents = baselines.bm25_rows(["shark shark beach", "shark hunt now again", "beach"])
    scores = (queries @ documents.T).toarray()
    shark = beach = math.log(1 + (3 - 2 + 0.5) / (2 + 0.5))  # two of three films have each
    mean = (3 + 4 + 1) / 3

    def weight(n, length):
        return n * 2.5 / (n + 1.5 * (0.25 + 0.75 * length / mean))

    assert scores[0, 1] == pytest.approx(2 * shark * weight(1, 4))
    assert scores[1, 0] == pytest.approx(shark * weight(2, 3))
    assert scores[2, 0] == pytest.approx(beach * weight(1, 3))
    assert scores[1, 2] == 0
