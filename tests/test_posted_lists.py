"""Lists of films that are POSTed to the API: wishes weighted by stars, and films to leave out."""

import json

import fastjsonschema
import pytest

from recommender.recommender import Recommender
from serving.openapi import DOCUMENT, PREFIX


def ask(client, body, path="/recommend", status=200):
    response = client.post(PREFIX + path, data=json.dumps(body), content_type="application/json")
    assert response.status_code == status, response.data
    if status == 200:
        schema = DOCUMENT["paths"][path]["post"]["responses"]["200"]["content"][
            "application/json"]["schema"]
        fastjsonschema.validate({**schema, "components": DOCUMENT["components"]},
                                response.get_json())
    return response.get_json()


def test_a_list_is_answered_as_python_answers_it(client, index):
    body = ask(client, {"liked": [603, {"film": "Toy Story (1995)", "stars": 2.5},
                                  {"film": "tt0000194", "stars": 1}],
                        "seen": ["Babe", 862, 10830.0, 999999], "k": 3})
    wanted = Recommender(index).similar(liked={603: 1.0, 862: 0.5}, seen=[194, 9598, 862, 10830],
                                        k=3)
    assert body["results"] == [result.to_dict() for result in wanted]
    assert [(film["id"], film["weight"]) for film in body["query"]["wishes"]] == [
        (603, 1.0), (862, 0.5)]
    assert sorted(body["seen"]) == [194, 862, 9598, 10830]
    assert body["note"] == (
        "liked: 2 films are wishes, 1 below 2.5 of 5 stars left out of the answer; "
        "seen: 1 of 4 fit no film of {}: 999999; seen: 3 films left out of the answer".format(
            index.path))


def test_lists_go_with_wishes_comparisons_filters_and_many_questions(client):
    mixed = ask(client, {"overview": "a film", "liked": 603, "k": 2})
    assert [wish.get("id") for wish in mixed["query"]["wishes"]] == [603, None]
    lists = ask(client, {"liked": [603], "seen": [604]}, "/compare")["lists"]
    assert all(604 not in [film["id"] for film in each["results"]] for each in lists)
    best = ask(client, {"seen": [550, 603], "k": 50})["results"]
    assert best and 603 not in [film["id"] for film in best]
    one, other = ask(client, [{"liked": [603], "k": 1}, {"liked": ["No Such Film"]}])
    assert one == ask(client, {"liked": [603], "k": 1})
    assert "no film of the index" in other["error"]


@pytest.mark.parametrize("body, status, told", [
    ({"liked": ["No Such Film"]}, 404, "liked: no film of the index {} is liked there: name one by "
     "its title, or describe one in your own words"),
    ({"liked": [{"film": 603, "stars": 1}]}, 404, "liked: no film of the index {} is liked there: "
     "name one by its title, or describe one in your own words"),
    ({"liked": []}, 422, "liked must contain at least 1 items"),
    ({"liked": [{"film": 603, "stars": 6}]}, 422,
     "liked.0.stars must be smaller than or equal to 5"),
    ({"liked": [{"stars": 5}]}, 422, "film is missing"),
    ({"seen": [{"film": 603}]}, 422, "seen.0 must be integer or string"),
    ({"seen": [1.5]}, 422, "seen.0 must be integer or string"),
    ({"seen": [-1]}, 422, "seen.0 must be bigger than or equal to 0"),
    ({"seen": [" "]}, 422, "seen.0 is empty, or has a NUL or half a surrogate pair"),
    ({"seen": [1] * 1001}, 422, "seen must contain less than or equal to 1000 items"),
    ({"liked": [603] * 51, "explain": True}, 422,
     "explain goes with k, and films liked, up to 50")])
def test_lists_that_cannot_be_are_told(client, index, body, status, told):
    assert ask(client, body, status=status)["error"] == told.format(index.path)


def test_lists_are_read_from_no_address(client):
    response = client.get(PREFIX + "/recommend?liked=603")
    assert response.status_code == 400
    assert "'liked' is unknown" in response.get_json()["error"]
