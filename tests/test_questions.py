"""A list of questions in a POST: a list of answers, each that of its question alone."""

import fastjsonschema
import pytest

from bert.errors import BertError
from recommender.index import Index
from serving.app import create_app
from serving.library import Library
from serving.openapi import DOCUMENT, MAX_QUESTIONS, MAX_RESULTS, MAX_TEXTS, PREFIX
from tests.served import FakeTexts, write_films

RECOMMEND = PREFIX + "/recommend"
QUESTIONS = [
    {"title": "babe"}, {"id": 603, "k": 3}, {"title": "pinocchio", "year": 1996, "recipe": "best"},
    {"overview": "a shark", "k": 2}, {"overview": ["a toy", "a pig"], "not": "Babe"},
    {"min_votes": 1000, "k": 4}, {"title": ["matilda", "babe"], "diverse": 0.5, "k": 2},
    {"title": "pinocchio", "year_from": 1999}, {"overview": "a shark привет"}]


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    return Index(write_films(tmp_path_factory.mktemp("films")))


@pytest.fixture
def client(index):
    return create_app(Library(index, FakeTexts())).test_client()


def test_each_question_of_a_list_has_the_answer_that_it_has_alone(client):
    response = client.post(RECOMMEND, json=QUESTIONS)
    assert response.status_code == 200
    assert response.get_json() == [client.post(RECOMMEND, json=each).get_json()
                                   for each in QUESTIONS]


def test_answers_are_as_the_document_says(client):
    schema = DOCUMENT["paths"]["/recommend"]["post"]["responses"]["200"]["content"][
        "application/json"]["schema"]
    for body in (QUESTIONS, QUESTIONS[0], [{"title": "no such film"}, {"id": 603}]):
        fastjsonschema.validate({**schema, "components": DOCUMENT["components"]},
                                client.post(RECOMMEND, json=body).get_json())


def test_an_error_stands_in_the_place_of_its_answer(client):
    wrong = [{"title": "no such film"}, {"id": 1}, {"overview": "привет"}, {"genres": ["x"]},
             {"k": 3}, {"title": "babe", "recipe": "x"}, {"title": "babe", "not": "babe"}]
    answers = client.post(RECOMMEND, json=[{"id": 603}, *wrong, {"id": 604}]).get_json()
    assert len(answers) == len(wrong) + 2
    assert [bool(each.get("results")) for each in answers] == [True, *[False] * len(wrong), True]
    assert answers[1:-1] == [client.post(RECOMMEND, json=each).get_json() for each in wrong]


@pytest.mark.parametrize("body, said", [
    ([{"id": 603}] * (MAX_QUESTIONS + 1), "a list of 101 questions: send 1 to 100"),
    ([{"id": 603}, {"id": "603"}], "question 2: id must be integer"),
    ([{"id": 603}, {"limit": 3}], "question 2: 'limit' is unknown"),
    ([{"id": 603}, []], "question 2: the body must be object"),
    ([{"id": 603}, None], "question 2: the body must be object"),
    ([{"overview": "x"}] * (MAX_TEXTS + 1), "9 texts together: send up to 8 in a list"),
    ([{"overview": ["x"] * 5}] * 2, "10 texts together"),
    ([{"id": 603, "k": MAX_RESULTS}, {"id": 603, "k": 1}], "ask for 1,001 films together"),
    ([{"id": 603}, {"id": 603, "explain": True}], "explain goes with a single question")],
    ids=lambda each: each if isinstance(each, str) else "")
def test_a_list_that_is_wrong_or_asks_for_too_much_is_422(client, body, said):
    response = client.post(RECOMMEND, json=body)
    assert response.status_code == 422
    assert said in response.get_json()["error"]


def test_as_many_questions_as_are_allowed_are_answered(client):
    body = [{"id": 603}] * (MAX_QUESTIONS - MAX_TEXTS) + [{"overview": "x"}] * MAX_TEXTS
    response = client.post(RECOMMEND, json=body)
    assert response.status_code == 200
    assert all(each["results"] for each in response.get_json())


def test_only_recommend_takes_lists(client):
    response = client.post(PREFIX + "/compare", json=[{"id": 603}])
    assert response.status_code == 422
    assert response.get_json() == {"error": "the body must be object"}


def test_where_no_text_can_be_read_the_whole_list_is_503(index):
    def embed(text):
        raise BertError("text queries need the checkpoint x")

    client = create_app(Library(index, embed)).test_client()
    response = client.post(RECOMMEND, json=[{"id": 603}, {"overview": "x"}])
    assert (response.status_code, response.get_json()) == (
        503, {"error": "text queries need the checkpoint x"})
    assert client.post(RECOMMEND, json=[{"id": 603}]).status_code == 200


def test_each_question_counts_for_the_rate_limit(index):
    client = create_app(Library(index, FakeTexts()), rate_limit=5).test_client()
    assert client.post(RECOMMEND, json=[{"id": 603}] * 3).status_code == 200
    response = client.post(RECOMMEND, json=[{"id": 603}] * 3)
    assert response.status_code == 429
    assert "more than 5 requests a minute" in response.get_json()["error"]
