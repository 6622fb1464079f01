"""Words that are weighed anew: what becomes of cosines, and of stored neighbours."""

import numpy as np
import pytest

from recommender.mending import Films, mend_neighbours
from recommender.neighbours import matrix_of, nearest_films
from recommender.reweighing import changes, greatest_rises
from recommender.text_words import TextWords
from recommender.words import inverse_frequency, sparse_rows

WIDTH, K = 300, 40


def rows_of(films, idf):
    """Words of films, lists of columns, weighed and of length 0.8."""
    rows = sparse_rows(((np.array(words, np.int32), idf[words]) for words in films), WIDTH)
    return rows.scaled(0.8 / np.maximum(rows.lengths(), 1e-9))


def idf_of(films):
    return inverse_frequency(np.bincount(np.concatenate(films).astype(int), minlength=WIDTH),
                             len(films))


class Catalogue:
    """Films of some words and numbers, some of which others replace at each change."""

    def __init__(self, seed, n=200):
        self.draw = np.random.RandomState(seed)
        self.films = [self.film() for _ in range(n)]
        self.films[0] = (self.films[0][0], [])  # a film without words

    def film(self):
        number = self.draw.standard_normal(8)
        return (number / np.linalg.norm(number)).tolist(), sorted(
            {int(WIDTH * self.draw.rand() ** 3) for _ in range(self.draw.randint(1, 20))})

    def change(self, n_new=8):
        """Replace some films; return them as vectors, the words by their weights of now."""
        before = self.films
        then = idf_of([words for _, words in before])
        kept = [row for row in range(len(before)) if self.draw.rand() > n_new / len(before)]
        self.films = [before[row] for row in kept] + [self.film() for _ in range(n_new)]
        dense, rows = self.vectors(then)
        reweighed = rows.reweighed(idf_of([words for _, words in self.films]) / then)
        return Films(dense, reweighed.words, np.array(kept + [-1] * n_new), reweighed)

    def whole(self):
        return self.vectors(idf_of([words for _, words in self.films]))

    def vectors(self, idf):
        rows = rows_of([words for _, words in self.films], idf)
        dense = np.array([numbers for numbers, _ in self.films], np.float32)
        dense[np.diff(rows.indptr) > 0] *= np.float32(0.6)
        return dense, rows


def test_rows_that_are_weighed_anew_are_those_of_the_new_weights_and_as_long_as_before():
    catalogue = Catalogue(0)
    films = catalogue.change()
    np.testing.assert_allclose(films.words.data, catalogue.whole()[1].data, atol=1e-6)
    np.testing.assert_allclose(films.words.lengths()[1:], 0.8, atol=1e-6)
    assert films.words.data.dtype == np.float32


def test_weights_that_did_not_change_leave_every_digit():
    rows = rows_of([words for _, words in Catalogue(1).films], np.linspace(1, 9, WIDTH))
    rows = rows._replace(text_data=rows.data * np.float32(0.7))
    words, _, scales = rows.reweighed(np.ones(WIDTH))
    assert (scales == 1).all()
    assert words.data.tolist() == rows.data.tolist()
    assert words.text_data.tolist() == rows.text_data.tolist()


def test_columns_in_another_order_keep_their_values():
    rows = rows_of([words for _, words in Catalogue(2).films], np.linspace(1, 9, WIDTH))
    rows = rows._replace(text_data=rows.data * 2)
    held = np.flatnonzero(np.bincount(rows.indices, minlength=WIDTH))
    order = np.random.RandomState(0).permutation(held)
    found = rows.with_columns(order)
    assert found.is_whole(len(rows.indptr) - 1)
    assert found.width == len(held) < WIDTH
    for row in (0, 1, 50, 199):
        np.testing.assert_array_equal(found.row(row), rows.row(row)[order])
        assert (np.diff(found.indices[found.indptr[row]:found.indptr[row + 1]]) > 0).all()
    np.testing.assert_array_equal(found.text_data, found.data * 2)


@pytest.mark.parametrize("cells", [1, 1000, 1 << 20])
def test_changes_and_their_bound_are_those_of_the_products(monkeypatch, cells):
    monkeypatch.setattr("recommender.reweighing._CELLS", cells)
    catalogue = Catalogue(3)
    before = matrix_of(catalogue.whole()[1]).toarray().astype(np.float64)
    films = catalogue.change()
    rows = films.stayed
    after = matrix_of(films.words).toarray().astype(np.float64)[rows]
    before = before[films.old_rows[rows]]
    wanted = after @ after.T - before @ before.T
    others = np.random.RandomState(0).randint(len(rows), size=(len(rows), 7))
    np.testing.assert_allclose(changes(films.reweighed, rows, rows[others]),
                               np.take_along_axis(wanted, others, axis=1), atol=1e-7)
    scales = films.reweighed.scales
    for greatest in (np.percentile(scales, 80), scales.max()):
        bound = greatest_rises(films.reweighed, greatest)[rows]
        counts = scales[rows] <= greatest
        assert counts.sum() > 50
        assert (wanted[:, counts] <= bound[:, None]).all()
        assert np.median(bound) < 20 * np.median(wanted[:, counts].max(axis=1)) + 1e-6


def test_neighbours_follow_the_new_weights_and_no_film_outside_exceeds_the_last_one():
    catalogue = Catalogue(4, 600)
    mended = nearest_films(*catalogue.whole(), K)
    n_kept = n_anew = 0
    for _ in range(6):
        films = catalogue.change(2)
        mended = mend_neighbours(films, mended, films.products())
        rows, cosines = nearest_films(films.dense, films.words, K)
        exact = films.products()(np.arange(len(rows)))
        for row in range(len(rows)):
            listed = mended[0][row] != row
            length = listed.sum()
            assert length >= 30
            assert listed[:length].all()
            np.testing.assert_allclose(mended[1][row, :length], cosines[row, :length], atol=1e-6)
            near = mended[0][row, :length]
            np.testing.assert_allclose(exact[row, near], mended[1][row, :length], atol=1e-5)
            outside = np.ones(len(rows), bool)
            outside[near] = False
            assert exact[row, outside].max() <= mended[1][row, -1] + 1e-5
            n_kept += length < K
            n_anew += length == K and films.old_rows[row] >= 0
    assert n_kept > 1000  # most lists are mended, not found anew
    assert n_anew > 0


def test_words_of_no_film_leave_the_vocabulary_and_it_is_in_order():
    words = TextWords()
    words.arrays = {"vocabulary": np.array(["palace", "ship", "ape"], object),
                    "idf": np.array([2.0, 3.0, 4.0]), "common": np.array([], object)}
    rows = sparse_rows([(np.array([0, 2]), np.ones(2)), (np.array([2]), np.ones(1))], 3)
    reweighed = words.reweigh(rows)
    assert words.arrays["vocabulary"].tolist() == ["ape", "palace"]
    np.testing.assert_allclose(words.arrays["idf"], [1, np.log(1.5) + 1])
    assert reweighed.words.width == 2
    assert reweighed.words.indices.tolist() == [0, 1, 0]
    assert words.reweigh(reweighed.words) is None
    assert words.of_no_film("an ape on a ship")[0] == ("an", "on", "ship")
