"""Words of texts: values of their own in films, saturated, and other forms of a word."""

import json
import math
import shutil

import h5py
import numpy as np
import pytest

from recommender.blends import scale_of_wishes
from recommender.errors import RecommenderError
from recommender.explain import explain
from recommender.index import Index
from recommender.many import similar_many
from recommender.recipes import Recipe
from recommender.recommender import Recommender
from recommender.scale import Scale
from recommender.source import Source
from recommender.text_words import TextWords, Words
from recommender.wishes import Wishes
from tests.served import FakeTexts
from tests.worlds import row, write_index

FILMS = [
    row(1, "One", overview="killers at sea, killers ashore and killers again"),
    row(2, "Two", overview="a killer at sea meets a singer"),
    row(3, "Three", overview="singing lessons by the sea"),
    row(4, "Four", overview="snow, snow, snow and a town")]
TEXTS = ["the killer sings", "snow at sea", "killers"]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return write_index(tmp_path_factory.mktemp("films"), FILMS, recipes=("mean4", "best"))


@pytest.fixture
def recommender(path):
    return Recommender(Index(path), FakeTexts())


def fitted(part):
    """A recipe of words alone, fitted to FILMS, and its rows."""
    films = [Source(film["overview"], title=film["title"]) for film in FILMS]
    recipe = Recipe("words", [(1.0, part)])
    return recipe, recipe.fit(films, lambda: ())[1]


def test_values_for_texts_level_off_and_are_as_long_as_the_films_own():
    recipe, rows = fitted(TextWords())
    part = recipe.parts[0][1]
    at = slice(*rows.indptr[:2])
    idf = part.arrays["idf"][rows.indices[at]]
    n = np.array([3 if part.arrays["vocabulary"][column] == "killers" else 1
                  for column in rows.indices[at]])
    wanted = n / (n + 1.2) * idf
    np.testing.assert_allclose(rows.text_data[at], wanted / np.linalg.norm(wanted), atol=1e-6)
    np.testing.assert_allclose(rows.data, fitted(Words())[1].data, atol=0)


def test_another_form_of_a_word_counts_half():
    recipe, _ = fitted(TextWords())
    part = recipe.parts[0][1]
    values = part.embed(Source("killer"))[len(part.arrays["idf"]):] / part.arrays["idf"]
    words = part.arrays["vocabulary"]
    assert {words[at]: values[at] for at in np.flatnonzero(values)} == {"killer": 1, "killers": 0.5}
    # A word that no film has counts by its other forms alone.
    values = part.embed(Source("sings"))[len(part.arrays["idf"]):] / part.arrays["idf"]
    assert {words[at]: values[at] for at in np.flatnonzero(values)} == {"singer": 0.5,
                                                                       "singing": 0.5}


def test_films_are_compared_as_without_values_for_texts(path):
    with h5py.File(path, "r") as file:
        before = {name: file["recipes/best/words/" + name][()] for name in ("data", "text_data")}
    assert not np.array_equal(before["data"], before["text_data"])
    index = Index(path)
    space, rows = index.space("best"), index.space("best").all_rows()[1]
    plain = rows._replace(text_data=None)
    for at in range(len(index)):
        vector = space.embedding(at)[-rows.width:]
        np.testing.assert_array_equal(rows.dot(vector), plain.dot(vector))


def test_a_film_and_a_text_together_are_the_mean_of_both(recommender):
    space = recommender.index.space("best")
    alone = [recommender.wishes(recipe="best", **wish)
             for wish in ({"id": 4}, {"overview": TEXTS[0]})]
    both = recommender.wishes(id=4, overview=TEXTS[0], unlike_id=3, recipe="best")
    cosines = []
    for wishes in alone:
        rows, scores = space.nearest(recommender.vector(wishes), 4)
        cosines.append(scores[np.argsort(rows)])
    away = space.nearest(space.embedding(2), 4)
    vector = recommender.vector(both)
    rows, scores = space.nearest(vector, 4)
    wanted = np.mean(cosines, axis=0) - 0.5 * away[1][np.argsort(away[0])]
    np.testing.assert_allclose(scores[np.argsort(rows)], wanted / np.linalg.norm(vector),
                               atol=1e-6)


def test_many_queries_of_films_and_texts_have_the_answers_of_each(recommender):
    queries = [{"id": 1}, {"overview": TEXTS[0]}, {"id": 4, "overview": TEXTS[1]},
               {"overview": TEXTS[2], "unlike_id": 4}]
    for query, answer in zip(queries, similar_many(recommender, queries, recipe="best")):
        alone = recommender.similar(recipe="best", **query)
        assert [result.movie["id"] for result in answer] == [
            result.movie["id"] for result in alone]
        assert [result.score for result in answer] == pytest.approx(
            [result.score for result in alone], abs=1e-5)


def test_shares_of_words_and_of_their_other_forms_add_up():
    recipe, rows = fitted(TextWords(titles=2))

    class Space:
        def fitted_recipe(self):
            return recipe

    for text in TEXTS:
        scores = rows.dot(recipe.embed(Source(text)))
        for film, score in zip(FILMS, scores):
            why = explain(Space(), Source(text), Source(film["overview"], title=film["title"]))
            assert why.score == pytest.approx(score, abs=1e-6)
            for shares in (why.asked, why.found):
                assert math.fsum(share.share for share in shares) == pytest.approx(score, abs=1e-6)
    of_word = {share.word: share.share for share in explain(
        Space(), Source(TEXTS[0]), Source(FILMS[0]["overview"])).asked}
    assert of_word["killer"] > 0 == of_word.get("the", 0)


def test_an_index_of_the_version_before_answers_texts_as_it_did(path, tmp_path):
    """Such an index names the part `words` and holds no values for texts."""
    older = str(tmp_path / "older.h5")
    with h5py.File(path, "r") as file, h5py.File(older, "w") as copy:
        for name in file:
            file.copy(name, copy)
        for name, value in file.attrs.items():
            copy.attrs[name] = value
        del copy["recipes/best/words/text_data"]
        copy.attrs["recipes"] = json.dumps(json.loads(file.attrs["recipes"])).replace(
            "text_words", "words")
    recommender = Recommender(Index(older), FakeTexts())
    space = recommender.index.space("best")
    vector = recommender.vector(recommender.wishes(overview=TEXTS[0], recipe="best"))
    assert len(vector) == len(space.embedding(0))
    assert recommender.similar(overview=TEXTS[0], id=4, recipe="best")


def test_values_for_texts_that_are_not_whole_are_told(path, tmp_path):
    broken = shutil.copy(path, str(tmp_path / "broken.h5"))
    with h5py.File(broken, "r+") as file:
        values = file["recipes/best/words/text_data"][:-1]
        del file["recipes/best/words/text_data"]
        file["recipes/best/words/text_data"] = values
    with pytest.raises(RecommenderError, match="the words of the films are damaged"):
        Index(broken).space("best")


def test_the_share_of_words_that_no_film_has_is_that_of_words_of_one_film():
    part = fitted(TextWords())[0].parts[0][1]
    # "killer" and, by half, "killers" are in one film each; "hanks" would be in one.
    assert part.of_no_film("killer hanks") == (("hanks",), pytest.approx(1 / (1 + 1 + 0.25)))
    assert part.of_no_film("killers sings") == ((), 0)
    assert part.of_no_film("streep") == (("streep",), 1)


def test_words_too_common_to_weigh_are_words_of_films():
    films = [Source("the shark and {}".format(3 * letter)) for letter in "abcdefghijklmnopqrstuvw"]
    part = Words()
    part.fit(films, lambda: ())
    assert part.of_no_film("the shark and a fish") == (("fish",), 1)


def test_a_text_of_words_that_no_film_has_is_told_so(recommender):
    def notes(text):
        wishes = recommender.wishes(overview=text, recipe="best")
        return [note for note in recommender.notes(wishes, recommender.recommend(wishes))
                if "actors" in note]

    assert not notes("the killer")
    assert notes("the killer by spielberg and streep") == [
        "no title or overview here has spielberg, streep: actors and directors are not read"]


def test_words_that_no_film_has_make_an_answer_less_near():
    class Space:
        def scale(self, of):
            return Scale(np.array([0.0, 0.1, 0.2]), np.array([0.2, 0.3, 0.4]))

        def of_no_film(self, text):
            return (("streep",), 0.5) if "streep" in text else ((), 1.0)

    def nearness(*texts):
        scale = scale_of_wishes(Space(), Wishes(texts=texts), 0.5, lambda: np.array([1.0]))
        return float(scale.nearness(np.array(0.4)))

    assert nearness("killer") == pytest.approx((0.4 - 0.1) / (0.3 - 0.1))
    # As if the score were half as great: 0.2.
    assert nearness("killer streep") == pytest.approx((0.2 - 0.1) / (0.3 - 0.1))
    assert nearness("killer streep", "killer") == pytest.approx((0.4 - 0.15) / (0.45 - 0.15))


def test_an_index_that_does_not_tell_common_words_tells_no_words_of_no_film(path, tmp_path):
    older = shutil.copy(path, str(tmp_path / "older.h5"))
    with h5py.File(older, "r+") as file:
        group = file["recipes/best/learnt"]
        for part in group.values():
            if "common" in part:
                del part["common"]
    space = Index(older).space("best")
    assert space.of_no_film("streep") == ((), 1)
