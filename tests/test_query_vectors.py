"""The vector of a query without the zeros of its words: the same numbers as with them."""

import numpy as np
import pytest

from recommender.query_vectors import film_query, query_vector
from recommender.ranking import exact_scores, nearest_rows, unit
from recommender.words import joined_row, sparse_rows

N, D, WIDTH = 60, 5, 40


@pytest.fixture(scope="module")
def films():
    draw = np.random.RandomState(0)
    dense = draw.standard_normal((N, D)).astype(np.float32)
    words = sparse_rows(((np.sort(draw.permutation(WIDTH)[:n]), draw.rand(n))
                         for n in draw.randint(0, 6, N)), WIDTH)
    return dense, words.scaled(np.ones(N))._replace(text_data=draw.rand(len(words.data)))


def of_all_kinds(films):
    """Vectors of films, of texts, and of the sum of both, of any length; and one of zeros."""
    films_own = [joined_row(*films, row) for row in range(5)]
    draw = np.random.RandomState(1)
    texts = [np.concatenate([draw.standard_normal(D), np.zeros(WIDTH), draw.rand(WIDTH) > 0.9])
             for _ in range(5)]
    return [*films_own, *texts, np.append(films_own[1], np.zeros(WIDTH)) - 3 * texts[1],
            np.zeros(D + WIDTH)]


def test_it_is_the_vector_scaled_to_length_1(films):
    for vector in of_all_kinds(films):
        query = query_vector(vector, D)
        np.testing.assert_allclose(np.concatenate([query.numbers, query.words()]), unit(vector),
                                   atol=1e-7)
        assert query.length == pytest.approx(np.linalg.norm(vector))
        assert (query.words()[query.places] != 0).all()
        assert query_vector(query, D) is query


def test_a_film_has_the_same_from_its_row_and_from_its_vector(films):
    dense, words = films
    for row in range(N):
        for some_words in (words, None):
            ours = film_query(dense, some_words, row)
            theirs = query_vector(joined_row(dense, some_words, row), D)
            assert ours.n_words == theirs.n_words and ours.length == theirs.length
            for mine, other in zip(ours[:3], theirs[:3]):
                assert mine.dtype == other.dtype
                np.testing.assert_array_equal(mine, other)


def test_films_are_compared_alike_with_it_and_with_the_vector(films):
    rows, counts = np.arange(N), np.ones(N, bool)
    for vector in of_all_kinds(films):
        query = query_vector(vector, D)
        scores = exact_scores(*films, vector, rows)
        np.testing.assert_array_equal(exact_scores(*films, query, rows), scores)
        by_hand = films[0] @ unit(vector)[:D] + films[1].dot(unit(vector)[D:])
        np.testing.assert_allclose(scores, by_hand, atol=1e-6)
        for ours, theirs in zip(nearest_rows(*films, query, 9, counts),
                                nearest_rows(*films, vector, 9, counts)):
            np.testing.assert_array_equal(ours, theirs)
