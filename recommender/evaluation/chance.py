"""Chance: how many people would like two films if all picked films by their popularity alone."""

import numpy as np
from scipy import sparse

_ROUNDS = 200  # of the fit at most; ten do, unless a film is liked by all or a person likes all
_PRECISION = 1e-6  # relative error of the numbers of likes at which the fit ends
_STEPS = 3  # of Newton's method in a round; more do not save rounds


def expected_co_likes(likes: sparse.csr_matrix, rows: np.ndarray,
                      others: np.ndarray) -> np.ndarray:
    """Return by how many people each of `rows` and its partner are liked together by chance.

    A configuration model: every person picks one film after the other at random, each with a
    probability in proportion to its popularity, as many as the person really likes. Then person
    u likes film i with probability p_ui = 1 - exp(-x_u y_i) (Norros and Reittu 2006, On a
    conditionally Poissonian graph process), fitted so that all films and all people have the
    numbers of likes that they have. Since a person who likes d films and among them i has d - 1
    others, the probability of a pair is p_ui p_uj (c_ui + c_uj) / 2 with c_ui = (d - 1) /
    (d - 2 p_ui + sum_k p_uk^2 / d) (Brewer and Donadio 2003, The high entropy variance of the
    Horvitz-Thompson estimator, equation 11), which is exact where all films are equally popular.

    Parameters
    ----------
    likes : sparse.csr_matrix
        (n, n_users), 1 where a user likes a film.
    rows, others : np.ndarray
        int (m,) each: the films of each pair.

    Returns
    -------
    np.ndarray
        float64 (m,).

    Examples
    --------
    Three people who like one film each never like two.

    >>> likes = sparse.csr_matrix(np.array([[1, 0, 1], [0, 1, 0]]))
    >>> expected_co_likes(likes, np.array([0]), np.array([1])).tolist()
    [0.0]
    """
    of_films, film_kind, n_films = np.unique(likes.getnnz(axis=1), return_inverse=True,
                                             return_counts=True)
    of_people, n_people = np.unique(likes.getnnz(axis=0), return_counts=True)
    found = np.zeros((len(of_films), len(of_films)))
    film_likes, person_likes = of_films[of_films > 0], of_people[of_people > 0]
    if len(film_likes) and len(person_likes):
        found[-len(film_likes):, -len(film_likes):] = _pairs(
            film_likes, n_films[of_films > 0], person_likes, n_people[of_people > 0])
    return found[film_kind[rows], film_kind[others]]


def _pairs(film_likes: np.ndarray, n_films: np.ndarray, person_likes: np.ndarray,
           n_people: np.ndarray) -> np.ndarray:
    """Return the expected co-likes of films by their numbers of likes, float64 (f, f).

    Films with equally many likes are equal here, and so are people: `film_likes` (f,) are the
    different numbers of likes, `n_films` (f,) says how many films have each; likewise for people.
    """
    p = like_probabilities(film_likes, n_films, person_likes, n_people)
    d = person_likes[:, None].astype(np.float64)
    squares = (p * p) @ n_films
    rest = d - 2 * p + squares[:, None] / d  # 0 only for a person who likes the only film
    others = np.where(rest > 0, (d - 1) / np.where(rest > 0, rest, 1), 0)
    half = (p * others * n_people[:, None]).T @ p
    return (half + half.T) / 2


def like_probabilities(film_likes: np.ndarray, n_films: np.ndarray, person_likes: np.ndarray,
                       n_people: np.ndarray) -> np.ndarray:
    """Return 1 - exp(-x_u y_i), float64 (people, films), that give the numbers of likes.

    The arguments are those of `_pairs`. x and y are fitted in turn by Newton's method.
    """
    total = np.sqrt(person_likes @ n_people)
    x, y = person_likes / total, film_likes / total
    for _ in range(_ROUNDS):
        y = _solve(y, film_likes, x, n_people)
        x = _solve(x, person_likes, y, n_films)
        p = -np.expm1(-np.outer(x, y))
        if np.allclose(n_people @ p, film_likes, rtol=_PRECISION, atol=0):
            break
    return p


def _solve(x: np.ndarray, wanted: np.ndarray, y: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return x nearer to where sum_k counts_k (1 - exp(-x y_k)) is `wanted`, (len(x),)."""
    for _ in range(_STEPS):
        missed = np.exp(-np.outer(x, y))
        slope = missed @ (counts * y)
        error = wanted - (1 - missed) @ counts
        step = np.where(slope > 0, error / np.where(slope > 0, slope, 1), 0)
        x = np.maximum(x + step, x / 2)  # never below 0
    return x
