"""Films held back: one film that a person likes is to be found from all others they like.

The wish is the mean of the embeddings of those others, as the programs have it for several
films. The film held back is ranked among all films that are not in the wish.
"""

from typing import Callable, Dict, List, NamedTuple, Sequence

import numpy as np
from scipy import sparse

from recommender.evaluation.ranks import Scores, ranks
from recommender.movie import Movie
from recommender.twins import twins_of

PEOPLE = 2000  # at most; more make intervals narrower than 0.02 and take minutes a recipe


class Trials(NamedTuple):
    """Films held back, one for each of m people.

    Attributes
    ----------
    people : np.ndarray
        int (m,): columns of the matrix of likes.
    wishes : sparse.csr_matrix
        float64 (m, n): 1 / the number of films in the wish at each of them, else 0.
    held : np.ndarray
        int (m,): row of the film held back.
    counts : np.ndarray
        bool (n,): films among which it is ranked, beside those in the wish.
    """

    people: np.ndarray
    wishes: sparse.csr_matrix
    held: np.ndarray
    counts: np.ndarray


class HeldBack(NamedTuple):
    """Films held back among all films, and among the less popular half.

    Attributes
    ----------
    likes : sparse.csr_matrix
        (n, n_users), 1 where a user likes a film or one told apart from it only by its id.
    all, rare : Trials
    """

    likes: sparse.csr_matrix
    all: Trials
    rare: Trials


def hold_back(movies: Sequence[Movie], likes: sparse.csr_matrix, seed: int) -> HeldBack:
    """Hold back a film of each person who likes two or more, drawn at random.

    The less popular half are the films with at most as many votes in the catalogue as the median
    of those that anybody likes; a person who likes none of them does not count there. By likes,
    a film held back would be less popular than others as its one like is left out. Films told
    apart only by their id are one.
    """
    first = first_twins(movies)
    likes = sparse.csr_matrix((np.ones(likes.nnz), (first[likes.tocoo().row], likes.tocoo().col)),
                              shape=likes.shape)
    likes.data[:] = 1
    counts = first == np.arange(len(movies))
    votes = np.array([movie.vote_count for movie in movies])
    of_liked = votes[likes.getnnz(axis=1) > 0]
    rare = counts & (votes <= (np.median(of_liked) if len(of_liked) else 0))
    return HeldBack(likes, draw(likes, counts, seed), draw(likes, rare, seed))


def draw(likes: sparse.csr_matrix, counts: np.ndarray, seed: int) -> Trials:
    """Return trials of at most PEOPLE people with a film that `counts`, bool (n,), held back.

    Examples
    --------
    >>> likes = sparse.csr_matrix(np.array([[1, 1], [1, 0], [0, 0]]))
    >>> trials = draw(likes, np.array([False, True, True]), seed=0)
    >>> trials.people.tolist(), trials.held.tolist(), trials.wishes.toarray().tolist()
    ([0], [1], [[1.0, 0.0, 0.0]])
    """
    draws = np.random.default_rng(seed)
    of_people = likes.T.tocsr()
    able = (of_people.getnnz(axis=1) > 1) & (of_people @ counts.astype(np.int64) > 0)
    people = np.flatnonzero(able)
    if len(people) > PEOPLE:
        people = np.sort(draws.choice(people, PEOPLE, replace=False))
    held: List[int] = []
    wishes: List[np.ndarray] = []
    for person in people:
        films = np.sort(of_people.indices[of_people.indptr[person]:of_people.indptr[person + 1]])
        held.append(draws.choice(films[counts[films]]))
        wishes.append(films[films != held[-1]])
    sizes = np.array([len(films) for films in wishes], np.int64)
    weights = sparse.csr_matrix(
        (np.repeat(1 / np.maximum(sizes, 1), sizes),
         np.concatenate([np.zeros(0, np.int64), *wishes]), np.concatenate([[0], sizes.cumsum()])),
        shape=(len(people), likes.shape[0]))
    return Trials(people, weights, np.array(held, np.int64), counts)


def held_ranks(trials: Trials, scores: Scores) -> np.ndarray:
    """Return the rank of each film held back, by `scores` of all films, float64 (m,)."""
    def others(rows: slice) -> np.ndarray:
        return trials.counts & (trials.wishes[rows].toarray() == 0)

    return ranks(scores, trials.held, others)


def by_likes(likes: sparse.csr_matrix, trials: Trials) -> Scores:
    """Score films by their likes, without that of the person asking for the film held back."""
    sizes = likes.getnnz(axis=1).astype(np.float64)

    def scores(rows: slice) -> np.ndarray:
        held = trials.held[rows]
        found = np.tile(sizes, (len(held), 1))
        found[np.arange(len(held)), held] -= 1
        return found

    return scores


def by_item_cosine(likes: sparse.csr_matrix, trials: Trials) -> Scores:
    """Score films by the mean cosine of their likes with those of the films of the wish.

    Item-based nearest neighbours of ratings alone: Sarwar et al. 2001 (Item-based collaborative
    filtering recommendation algorithms), section 3.1.1. That the person asking likes the film
    held back is left out of all cosines.
    """
    sizes = likes.getnnz(axis=1).astype(np.float64)
    scaled = sparse.diags(1 / np.sqrt(np.maximum(sizes, 1)))
    transposed = likes.T.tocsr()

    def scores(rows: slice) -> np.ndarray:
        wishes, held = trials.wishes[rows] @ scaled, trials.held[rows]
        shared = (wishes @ likes @ transposed).toarray()
        at = np.arange(len(held))
        own = (shared[at, held] - np.asarray(wishes.sum(axis=1)).ravel()).round(9)
        shared /= np.sqrt(np.maximum(sizes, 1))
        others = sizes[held] - 1
        shared[at, held] = np.where(others > 0, own / np.sqrt(np.maximum(others, 1)), 0)
        return shared

    return scores


def first_twins(movies: Sequence[Movie]) -> np.ndarray:
    """Return for each film the place of the first that is told apart from it only by its id."""
    first = np.arange(len(movies))
    for places in twins_of(movies):
        first[places] = places[0]
    return first


# What only ratings know, by the names of its rows.
RATINGS: Dict[str, Callable[[sparse.csr_matrix, Trials], Scores]] = {
    "most liked": by_likes, "item-item cosine": by_item_cosine}
