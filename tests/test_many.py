"""Many queries at once: each answered as it is alone, and errors that stay with their query."""

import numpy as np
import pytest

from recommender import many
from recommender.errors import NothingFound, WrongQuery
from recommender.filters import Filters
from recommender.index import Index
from recommender.many import Query, recommend_many, similar_many
from recommender.recommender import Recommender
from tests.served import FakeTexts
from tests.worlds import row, write_index

WORDS = ["a", "shark", "in", "the", "sea", "meets", "one", "old", "man", "who", "sails", "far"]
FILMS = [row(n, "Film {}".format(n % 40),
             overview=" ".join(WORDS[n % 7:n % 7 + 3 + n % 4]) + " word{}".format(n % 9),
             release_date="{}-01-01".format(1950 + n), vote_count=str(n % 11),
             genres="[{'id': 1, 'name': '%s'}]" % ("Drama" if n % 3 else "Horror"))
         for n in range(1, 61)]
ASKED = ["Film 7", 12, {"title": "Film 3", "year": 1993}, {"id": [4, 5]}, {"overview": "a shark"},
         {"overview": ["old man", "the sea"], "unlike": "Film 9"}, {"title": "Film 8", "id": 30},
         {"id": 9, "unlike_id": 10}, {"title": "Film 11", "recipe": "best"},
         {"overview": "one word3 sea", "recipe": "tfidf"}, {"id": 60, "overview": "who sails"}]


@pytest.fixture(scope="module", params=[0, 20], ids=["plain", "neighbours"])
def recommender(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("many")
    path = write_index(folder, FILMS, recipes=("mean4", "best", "tfidf"),
                       n_neighbours=request.param)
    return Recommender(Index(path), FakeTexts())


def alone(recommender, asked, **options):
    """The answer to one query of ASKED by itself."""
    named = asked if isinstance(asked, dict) else {
        "title" if isinstance(asked, str) else "id": asked}
    return recommender.similar(**named, **options)


@pytest.mark.parametrize("options", [
    {}, {"k": 3}, {"k": 100}, {"genres": "Horror"}, {"year_from": 1980, "k": 2},
    {"diverse": 0.4, "k": 5}, {"top_rated": 10}], ids=str)
def test_each_answer_is_that_of_the_query_alone(recommender, options):
    found = similar_many(recommender, ASKED, **options)
    assert found == [alone(recommender, asked, **options) for asked in ASKED]
    assert all(isinstance(each, type(alone(recommender, 12))) for each in found)


@pytest.mark.parametrize("limit, n", [("_BLOCK", 4), ("_PRODUCTS", 300), ("_PRODUCTS", 1)])
def test_more_queries_than_fit_a_block_are_answered_in_their_order(recommender, monkeypatch, limit,
                                                                   n):
    monkeypatch.setattr(many, limit, n)
    found = similar_many(recommender, ASKED * 3)
    assert found == [alone(recommender, asked) for asked in ASKED] * 3


def test_no_queries_have_no_answers(recommender):
    assert similar_many(recommender, []) == []


def test_the_first_query_without_an_answer_raises(recommender):
    with pytest.raises(NothingFound, match="no movie with id 999"):
        similar_many(recommender, ["Film 7", 999, "nothing"])
    with pytest.raises(WrongQuery, match="k is 0"):
        similar_many(recommender, ["Film 7"], k=0)


def test_a_query_without_an_answer_does_not_end_the_others(recommender):
    queries = [Query(many.wishes_or_error(recommender, asked), 3) for asked in (
        "Film 7", "Nothing at all", {"overview": "привет"}, 12)]
    queries += [queries[0]._replace(diverse=2.0), queries[0]._replace(
        filters=Filters(genres="Musical")), queries[0]]
    answers = list(recommend_many(recommender, queries))
    errors = [str(each.error) if each.error else "" for each in answers]
    assert [bool(each) for each in errors] == [False, True, True, False, True, True, False]
    assert "no film is called 'Nothing at all'" in errors[1]
    assert "knows no word" in errors[2]
    assert "diverse is 2.0" in errors[4]
    assert "no film is of the genre 'Musical'" in errors[5]
    assert [bool(each.results) for each in answers] == [not each for each in errors]
    assert answers[0].results == answers[-1].results == alone(recommender, "Film 7", k=3)


def test_each_query_has_its_own_conditions_and_notes(recommender):
    queries = [Query(recommender.wishes(id=7), 2, Filters(genres="Horror")),
               Query(recommender.wishes(overview="shark привет"), 4),
               Query(recommender.wishes(), 3, Filters(year_to=1960))]
    answers = list(recommend_many(recommender, queries))
    for query, answer in zip(queries, answers):
        assert answer.results == recommender.recommend(*query)
        assert answer.notes == recommender.notes(query.wishes, answer.results, query.filters)
    assert "does not know привет" in answers[1].notes[0]


def test_twins_and_films_asked_for_are_left_out(tmp_path):
    films = [row(1, "One", overview="same"), row(2, "One", overview="same"),
             *(row(n, "Film {}".format(n)) for n in range(3, 9))]
    recommender = Recommender(Index(write_index(tmp_path, films)))
    for found in similar_many(recommender, [1, {"id": [2, 3]}]):
        assert not {1, 2} & {film.movie["id"] for film in found}


class Counting(FakeTexts):
    """Counts how often a text is read."""

    def __init__(self):
        self.read = []

    def __call__(self, text):
        self.read.append(text)
        return super().__call__(text)


def test_a_text_is_read_once_however_often_it_is_asked_for(recommender):
    counting = Counting()
    similar_many(Recommender(recommender.index, counting),
                 [{"overview": "a shark"}, {"overview": ["a shark", "the sea"]}, "Film 7"])
    assert counting.read == ["a shark", "the sea"]


def test_films_equally_near_come_in_the_order_of_the_catalogue(tmp_path):
    films = [row(n, "Film {}".format(n)) for n in range(1, 30)]
    features = {n: np.tile(np.float32([1, n % 3, 0, 0, 0, 0, 0, 1]), (4, 3, 1))
                for n in range(1, 30)}
    catalogue = write_index(tmp_path, films, features)
    recommender = Recommender(Index(catalogue))
    found = similar_many(recommender, [3, 4, 5], k=12)
    assert found == [recommender.similar(id=n, k=12) for n in (3, 4, 5)]
    assert [film.movie["id"] for film in found[0]][:9] == [6, 9, 12, 15, 18, 21, 24, 27, 1]
