"""The scale of scores, from that of any film to that of a nearest one, and progress bars."""

import contextlib
import shutil
import tracemalloc

import h5py
import numpy as np
import pytest

from recommender import cli
from recommender.blends import MOST
from recommender.errors import RecommenderError
from recommender.film_map import place_films
from recommender.filters import Filters
from recommender.index import Index
from recommender.neighbours import nearest_films
from recommender.recommender import Recommender
from recommender.scale import Scale, sample, scale_of, scales_of_texts, short_text
from recommender.words import joined_row, sparse_rows
from tests.served import FakeTexts
from tests.worlds import row, write_index

N = 60
WORDS = ["shark", "heist", "robot", "ghost", "train", "queen", "island"]


def near_pairs(n, width=8):
    """Layers by film id: films 1 and 2 are alike, 3 and 4, and so on; the last is unlike all."""
    random = np.random.RandomState(0)
    middles = random.standard_normal((n // 2 + 1, width)) + 3
    found = {}
    for movie_id in range(1, n + 1):
        vector = middles[movie_id // 2 if movie_id % 2 == 0 else (movie_id + 1) // 2]
        found[movie_id] = np.tile(vector + 0.1 * random.standard_normal(width), (4, 2, 1))
    found[n] = -found[n]
    return {movie_id: layers.astype(np.float32) for movie_id, layers in found.items()}


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return write_index(tmp_path_factory.mktemp("scale"), [
        row(n, "Film {}".format(n), overview="film number {} of many {}".format(n, WORDS[n % 7]))
        for n in range(1, N + 1)], near_pairs(N), recipes=("mean4", "tfidf"))


@pytest.fixture(scope="module")
def recommender(path):
    return Recommender(Index(path), FakeTexts())


@pytest.mark.parametrize("make", [scale_of, lambda *given: scales_of_texts(*given)["texts"]],
                         ids=["films", "texts"])
@pytest.mark.parametrize("d", [0, 4])
def test_wide_vectors_of_words_are_not_held_together(make, d):
    n, width = 100, 200000  # 80 MB of vectors
    words = sparse_rows(((np.array([row]), np.ones(1, np.float32)) for row in range(n)), width)
    dense = np.eye(n, d, dtype=np.float32)
    tracemalloc.start()
    scale = make(dense, words, (joined_row(dense, words, row) for row in range(n)), range(n))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert scale.nearest.max() == 0
    assert most < 10e6


def test_a_scale_is_that_of_all_others_and_of_the_nearest_one():
    # Cosines 0.8, 0.6 and 0: the nearest other film is at 0.8, 0.8 and 0.6.
    rows = np.array([[1, 0], [0.8, 0.6], [0, 1]], np.float32)
    scale = scale_of(rows, None, rows, [0, 1, 2])
    assert (scale.nearest.min(), np.median(scale.nearest)) == pytest.approx((0.6, 0.8))
    assert (scale.random.min(), scale.random.max()) == pytest.approx((0.0, 0.8))
    assert float(np.median(scale.random)) == pytest.approx(0.6)
    assert scale.nearness(0.6) == pytest.approx(0.0, abs=1e-6)
    assert scale.nearness(0.8) == pytest.approx(1.0)
    assert scale.nearness(0.7) == pytest.approx(0.5)


def test_a_nearest_film_lies_at_one_and_any_film_at_zero(recommender):
    found = recommender.similar(id=5, k=N)
    assert found[0].movie["id"] == 6
    assert found[0].nearness == pytest.approx(1.0, abs=0.3)
    assert np.median([result.nearness for result in found]) == pytest.approx(0.0, abs=0.3)
    assert found[0].to_dict()["nearness"] == round(found[0].nearness, 2)


def test_a_film_that_stands_alone_is_told(recommender):
    lonely, other = recommender.wishes(id=N), recommender.wishes(id=5)
    assert recommender.notes(other, recommender.recommend(other)) == []
    note, = recommender.notes(lonely, recommender.recommend(lonely))
    assert note == "nothing near was found: 98 of 100 films have a nearer film (by mean4)"
    late = Filters(year_from=1900)
    assert recommender.notes(lonely, recommender.recommend(lonely, filters=late), late) == []


def test_several_wishes_are_as_near_as_each_of_them_at_the_mean(recommender):
    one, other = ({result.movie["id"]: result.nearness
                   for result in recommender.similar(id=movie_id, k=N)} for movie_id in (5, 7))
    found = recommender.similar(id=[5, 7], k=N)
    assert len(found) > 10
    for result in found:
        movie_id = result.movie["id"]
        assert result.nearness == pytest.approx((one[movie_id] + other[movie_id]) / 2, abs=1e-4)


def test_a_film_as_near_as_any_to_a_disliked_one_keeps_its_place(recommender):
    near = {result.movie["id"]: result.nearness for result in recommender.similar(id=5, k=N)}
    away = {result.movie["id"]: result.nearness for result in recommender.similar(id=9, k=N)}
    for result in recommender.similar(id=5, unlike_id=9, k=N):
        movie_id = result.movie["id"]
        assert result.nearness == pytest.approx(near[movie_id] - 0.5 * away[movie_id], abs=1e-4)


def test_ratings_and_long_lists_have_no_scale(recommender):
    for found in (recommender.similar(year_from=1900),
                  recommender.similar(id=list(range(1, MOST + 2)))):
        assert {result.nearness for result in found} == {None}
        assert "nearness" not in found[0].to_dict()


def test_texts_have_a_scale_of_their_own_where_they_could_be_read(recommender):
    words = recommender.similar(overview="a ghost on a train", recipe="tfidf")
    assert words[0].nearness is not None
    # Nothing could read texts for mean4 when the index was built.
    assert recommender.similar(overview="film number 7")[0].nearness is None


def test_an_index_without_a_scale_answers_all_the_same(path, tmp_path):
    shutil.copy(path, str(tmp_path / "index.h5"))
    with h5py.File(str(tmp_path / "index.h5"), "r+") as file:
        del file["recipes/mean4/scale"]
    found = Recommender(Index(str(tmp_path / "index.h5"))).similar(id=5)
    assert [result.movie["id"] for result in found][:1] == [6]
    assert found[0].nearness is None


@pytest.mark.parametrize("quantiles", [np.zeros((2, 0)), np.full((2, 3), np.nan), np.zeros(3)])
def test_a_scale_that_is_damaged_is_told(path, tmp_path, quantiles):
    shutil.copy(path, str(tmp_path / "index.h5"))
    with h5py.File(str(tmp_path / "index.h5"), "r+") as file:
        del file["recipes/mean4/scale/films"]
        file["recipes/mean4/scale/films"] = quantiles.astype(np.float32)
    with pytest.raises(RecommenderError, match="build it again"):
        Recommender(Index(str(tmp_path / "index.h5"))).similar(id=5)


def test_a_scale_of_films_that_are_all_alike_is_finite():
    assert np.isfinite(Scale(np.ones(5), np.ones(5)).nearness(1.0))


@pytest.mark.parametrize("n", [1, 2, 299, 300, 301, 45000])
def test_the_sample_is_of_different_films_from_all_over(n):
    rows = sample(n)
    assert len(set(rows.tolist())) == len(rows) == min(n, 300)
    assert (rows[0], rows[-1]) == (0, n - 1)


@pytest.mark.parametrize("overview, expected", [
    ("A man. A woman.", "A man."), ("No end", "No end"), ("", ""),
    (" ".join("abcdefghijklmnop"), "a b c d e f g h i j k l")])
def test_a_short_text_is_as_long_as_what_people_type(overview, expected):
    assert short_text(overview) == expected


class Watched:
    """A progress that notes how far each piece of work came."""

    def __init__(self):
        self.done = {}

    @contextlib.contextmanager
    def __call__(self, what, n):
        self.done[what] = [0, n]

        def advance(steps):
            self.done[what][0] += steps
            return True  # as a bar that has just been drawn

        yield advance


def test_progress_comes_to_the_end(tmp_path):
    rows = np.random.RandomState(0).standard_normal((700, 8)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    watched = Watched()
    nearest_films(rows, None, 3, watched)
    assert watched.done == {"comparing films": [700, 700]}
    np.testing.assert_array_equal(place_films(rows, None, watched), place_films(rows, None))
    assert watched.done["placing films on the map"] == [750, 750]


def test_a_bar_is_shown_only_for_work_that_takes_a_while(capsys, monkeypatch):
    with cli.progress_bar("short work", 3) as advance:
        advance(3)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(cli, "_BAR_DELAY", 0)
    with cli.progress_bar("long work", 3) as advance:
        advance(3)
    assert "long work" in capsys.readouterr().err
