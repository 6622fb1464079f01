"""TF-IDF rows: scikit-learn's, in arrays that NumPy alone can read."""

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from recommender.catalogue import read_catalogue
from recommender.recipes import Recipe
from recommender.source import Source
from recommender.text_words import Words
from recommender.words import SparseRows, count_words, fit_vocabulary, words_of
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def movies():
    return read_catalogue(ROOT + "/data/sample_movies.csv").movies


def test_rows_are_those_of_scikit_learn(movies):
    recipe = Recipe("tfidf", [(1.0, Words())])
    _, words = recipe.fit(movies, lambda: ())
    reference = TfidfVectorizer(max_df=0.2)
    wanted = reference.fit_transform([movie.overview for movie in movies])
    vocabulary = recipe.parts[0][1].arrays["vocabulary"]
    assert vocabulary.tolist() == reference.get_feature_names_out().tolist()
    for at in range(len(movies)):
        np.testing.assert_allclose(words.row(at), wanted[at].toarray()[0], atol=1e-6)


def test_a_text_goes_the_way_of_the_films(movies):
    recipe = Recipe("tfidf", [(1.0, Words())])
    _, words = recipe.fit(movies, lambda: ())
    np.testing.assert_array_equal(recipe.embed(Source(movies[7].overview)), words.row(7))


def test_titles_count_as_often_as_asked(movies):
    recipe = Recipe("t", [(1.0, Words(titles=3))])
    recipe.fit(movies, lambda: ())
    once = recipe.embed(Source("a shark in the water", title="shark"))
    np.testing.assert_array_equal(
        once, recipe.embed(Source("a shark in the water shark shark shark")))


def test_words_of_most_films_are_left_out_but_not_in_a_small_catalogue():
    many = [count_words("the shark {}".format(3 * c)) for c in "abcdefghijklmnopqrstuvwxyz"]
    vocabulary = fit_vocabulary(many)
    assert "the" not in vocabulary.words and vocabulary.common == ["shark", "the"]
    assert "aaa" in vocabulary.words
    in_few = fit_vocabulary(many[:20])
    assert {"shark", "the"} < set(in_few.words) and not in_few.common


def test_words_have_their_places_in_the_text():
    text = "Amélie's café — №1, \"Ok\"!"
    assert [(word, text[start:end]) for word, start, end in words_of(text)] == [
        ("amélie", "Amélie"), ("café", "café"), ("ok", "Ok")]


@pytest.fixture
def rows():
    """Five rows of four columns, the second and the last of them empty."""
    return SparseRows(np.array([0, 2, 2, 3, 4, 4]), np.array([0, 3, 1, 2], np.int32),
                      np.array([1, 2, 3, 4], np.float32), 4)


def test_the_product_with_a_vector_knows_empty_rows(rows):
    np.testing.assert_array_equal(rows.dot(np.array([1, 10, 100, 1000], np.float32)),
                                  [2001, 0, 30, 400, 0])
    assert rows.take(np.array([1, 4])).dot(np.ones(4)).tolist() == [0, 0]


def test_rows_are_taken_in_the_order_asked_for(rows):
    taken = rows.take(np.array([3, 0, 1]))
    assert [taken.row(at).tolist() for at in range(3)] == [
        [0, 0, 4, 0], [1, 0, 0, 2], [0, 0, 0, 0]]


@pytest.mark.parametrize("damage", [
    {"indptr": np.array([0, 2, 2, 3, 4])}, {"indptr": np.array([0, 3, 2, 3, 4, 4])},
    {"indptr": np.array([0, 2, 2, 3, 4, 9])}, {"indices": np.array([0, 3, 1, 4], np.int32)},
    {"indices": np.array([0, -1, 1, 2], np.int32)}, {"data": np.ones(3, np.float32)}])
def test_damaged_rows_are_seen(rows, damage):
    assert rows.is_whole(5)
    assert not rows._replace(**damage).is_whole(5)
