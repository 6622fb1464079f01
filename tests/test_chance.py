"""Co-likes by chance: worked out by hand, and on made-up ratings of people without taste."""

import numpy as np
import pytest
from scipy import sparse

from recommender.evaluation import metrics
from recommender.evaluation.chance import expected_co_likes, like_probabilities


def expected(likes):
    """The expected co-likes of all pairs, (n, n)."""
    likes = sparse.csr_matrix(np.array(likes))
    rows, others = np.indices((likes.shape[0],) * 2).reshape(2, -1)
    return expected_co_likes(likes, rows, others).reshape(2 * (likes.shape[0],))


def test_films_liked_alike_are_met_as_if_drawn_without_putting_back():
    # Each of four people likes two of four films: a pair is one of six, so 4 / 6 people.
    likes = [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]]
    assert expected(likes)[np.triu_indices(4, 1)] == pytest.approx(2 / 3)


def test_more_popular_films_are_met_more_often():
    # Three people like two films each; films 0 and 1 have two of them, films 2 and 3 one. So each
    # likes them with probability 2/3 and 1/3, whose squares have the sum 10/9, half of it 5/9.
    found = expected([[1, 1, 0], [1, 1, 0], [0, 0, 1], [0, 0, 1]])
    often, seldom = 1 / (2 - 4 / 3 + 5 / 9), 1 / (2 - 2 / 3 + 5 / 9)  # 9/11 and 9/17
    assert found[0, 1] == pytest.approx(3 * 4 / 9 * often)
    assert found[2, 3] == pytest.approx(3 * 1 / 9 * seldom)
    assert found[0, 2] == found[2, 0] == pytest.approx(3 * 2 / 9 * (often + seldom) / 2)


def test_what_can_only_be_one_way_is_expected_so():
    # The first person likes all films and the first film is liked by all.
    assert expected([[1, 1], [1, 0]])[0, 1] == pytest.approx(1, abs=0.01)
    assert expected([[1, 1], [1, 1]])[0, 1] == pytest.approx(2, abs=0.01)
    assert expected([[1]]).tolist() == [[0]]


def test_a_film_that_nobody_likes_is_met_by_none():
    assert expected([[1, 1], [1, 1], [0, 0]])[2].tolist() == [0, 0, 0]
    assert not expected([[0, 0], [0, 0]]).any()


@pytest.mark.parametrize("seed", range(5))
def test_films_and_people_have_the_likes_that_they_have(seed):
    likes = np.random.default_rng(seed).random((30, 20)) < 0.3
    films, n_films = np.unique(likes.sum(axis=1), return_counts=True)
    people, n_people = np.unique(likes.sum(axis=0), return_counts=True)
    if films[0] == 0:
        films, n_films = films[1:], n_films[1:]
    p = like_probabilities(films, n_films, people, n_people)
    np.testing.assert_allclose(n_people @ p, films, rtol=1e-5)
    np.testing.assert_allclose(p @ n_films, people, rtol=1e-5)


def without_taste(seed, n=400, n_people=300):
    """Likes of people who pick films by their popularity only, some few and some many, the
    films' popularity, and what is recommended: the most popular, and films at random."""
    draw = np.random.default_rng(seed)
    popularity = np.exp(draw.normal(0, 1, n))
    likes = np.zeros((n, n_people))
    for person, wanted in enumerate(np.exp(draw.normal(3, 0.8, n_people)).astype(int)):
        picked = draw.choice(n, min(max(wanted, 2), n // 2), replace=False,
                             p=popularity / popularity.sum())
        likes[picked, person] = 1
    best = np.argsort(-popularity)[:11]
    popular = np.array([best[best != film][:10] for film in range(n)])
    others = np.array([draw.choice(n - 1, 10, replace=False) for _ in range(n)])
    return sparse.csr_matrix(likes), popular, others + (others >= np.arange(n)[:, None])


def without_activity(top, likes):
    """The mean agreement if all people were equally active, with |A| |B| / users expected."""
    sizes = np.asarray(likes.sum(axis=1)).ravel()
    films, others = np.repeat(np.arange(len(top)), top.shape[1]), top.ravel()
    both = np.asarray(likes[films].multiply(likes[others]).sum(axis=1)).ravel()
    scale = np.sqrt(sizes[films] * sizes[others])
    return (both / np.maximum(scale, 1) - scale / likes.shape[1]).mean()


def test_without_taste_popularity_scores_what_random_scores():
    worlds = [without_taste(seed) for seed in range(12)]
    found = [[metrics.estimate(metrics.people_agreement(top, likes), 0)
              for top in (popular, others)] for likes, popular, others in worlds]
    gaps = np.array([popular.mean - random.mean for popular, random in found])
    assert abs(gaps.mean()) < 2 * gaps.std() / np.sqrt(len(gaps))
    assert abs(gaps.mean()) < 0.002
    # The likes of the ten most popular films are in all lists, so their means spread more than the
    # intervals say, which are over films.
    within = [random.low <= popular.mean <= random.high for popular, random in found]
    overlap = [random.low <= popular.high and popular.low <= random.high
               for popular, random in found]
    assert sum(within) > 6
    assert sum(overlap) >= 11
    # Activity matters: without it popularity gains 0.02 by nothing.
    before = [without_activity(popular, likes) - without_activity(others, likes)
              for likes, popular, others in worlds]
    assert np.mean(before) > 0.02


def test_with_taste_films_of_a_taste_agree():
    # Half of the people like films of the first half, the others those of the second.
    draw = np.random.default_rng(0)
    likes = np.zeros((60, 100))
    for person in range(100):
        likes[draw.choice(30, draw.integers(2, 15), replace=False) + 30 * (person % 2), person] = 1
    same = np.array([[(film // 30) * 30 + (film + 1) % 30] for film in range(60)])
    other = np.array([[(film + 30) % 60] for film in range(60)])
    matrix = sparse.csr_matrix(likes)
    assert metrics.people_agreement(same, matrix).mean() > 0.05
    assert metrics.people_agreement(other, matrix).mean() < -0.05
