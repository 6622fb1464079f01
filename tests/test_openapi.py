"""The API's document: OpenAPI, served, shown, and what the requests are checked against."""

import json
import re
from io import BytesIO
from pathlib import Path

import fastjsonschema
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate_spec

from recommender.index import Index
from serving.api_page import operations, schemas
from serving.app import create_app
from serving.library import Library
from serving.openapi import DOCUMENT, PREFIX
from tests.served import FakeTexts, write_films

try:
    from jsonschema_spec.handlers import urllib
except ImportError:  # its name in the releases for CPython 3.8 and later
    from jsonschema_path.handlers import urllib


@pytest.fixture()
def client(tmp_path):
    return create_app(Library(Index(write_films(tmp_path)), FakeTexts())).test_client()


def test_the_document_that_is_served_is_openapi(client, monkeypatch):
    # Under CPython 3.7 the validator does not take what urlopen gives for a file.
    monkeypatch.setattr(urllib, "urlopen", lambda url, **_: BytesIO(
        Path(url[7:]).read_bytes()))
    served = client.get(PREFIX + "/openapi.json").get_json()
    assert served == DOCUMENT
    validate_spec(served)


def test_every_example_is_answered_as_the_document_says(client):
    for operation in operations():
        if operation.method == "POST":
            response = client.post(operation.address, json=json.loads(operation.example))
        else:
            response = client.get(operation.example)
        assert response.status_code == 200, operation
        schema = DOCUMENT["paths"][operation.address[len(PREFIX):]][operation.method.lower()][
            "responses"]["200"]["content"]["application/json"]["schema"]
        fastjsonschema.validate({**schema, "components": DOCUMENT["components"]},
                                response.get_json())


def test_the_page_shows_every_operation_field_status_and_schema(client):
    text = client.get("/api").data.decode("utf-8")
    ids = re.findall(r'id="(\w+)"', text)
    assert {"main", *schemas()} <= set(ids)
    assert set(re.findall(r'href="#(\w+)"', text)) <= set(ids)
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            section, = (section for section in text.split("<section")
                        if ">{}<".format(method.upper()) in section
                        and "<code>{}{}</code></h2>".format(PREFIX, path) in section)
            assert operation["summary"] in section
            for status in operation["responses"]:
                assert "<b>{}</b>".format(status) in section


def test_the_page_tells_each_field_once(client):
    sections = client.get("/api").get_data(as_text=True).split("<section")[1:]
    rows = {re.search(r'id="(\w+)"', section).group(1): re.findall(
        r'<th scope="row"><code>(\w+)</code>', section) for section in sections}
    bases = {re.search(r'id="(\w+)"', section).group(1): re.findall(
        r'The fields of <a href="#(\w+)">', section) for section in sections}
    for name, fields in schemas().items():
        told = rows[name] + [field for base in bases[name] for field in rows[base]]
        for field in fields:
            assert told.count(field.name) == 1, (name, field.name)
    # What an operation takes is told with it, or where it names: never in both places.
    for operation in operations():
        own = [] if operation.takes else [field.name for field in operation.fields]
        assert rows[operation.anchor] == own


def test_kinds_are_told_in_words():
    kinds = {field.name: field.kind for field in operations()[0].fields}
    assert kinds["title"] == "string of up to 1,000 characters; or a list of up to 20"
    assert kinds["id"] == "integer from 0; or a list of up to 20"
    assert (kinds["diverse"], kinds["explain"]) == ("number from 0 to 1", "boolean")
    answer = {field.name: field.kind for field in schemas()["Results"]}
    assert (answer["year"], answer["genres"]) == ("integer or null", "list of string")
    assert schemas()["Share"][0].kind == "overview or title or genres or marks"


FILM = {"id": 603}


@pytest.mark.parametrize("question, is_allowed", [
    ({}, False), ({"k": 5}, False), (FILM, True), ({"title": "babe"}, True),
    ({"title": ""}, False), ({"title": " \n"}, False), ({"title": "a\0b"}, False),
    ({"overview": "\ud800"}, False), ({"overview": ["x", " "]}, False), ({"overview": "x\n"}, True),
    ({"genres": ["Drama"]}, True), ({"genres": [""]}, False), ({"genres": []}, False),
    ({"adult": True}, False), ({**FILM, "adult": True}, True),
    ({"adult": True, "min_votes": 1}, True), ({**FILM, "adult": "yes"}, False),
    ({"any_genre": True}, False), ({"any_genre": False}, False),
    ({**FILM, "any_genre": True}, False), ({**FILM, "any_genre": False}, True),
    ({**FILM, "any_genre": True, "genres": "Drama"}, True),
    ({"min_votes": 1, "same_genre": True}, False), ({**FILM, "same_genre": True}, True),
    ({"overview": "x", "same_genre": True}, False),
    ({**FILM, "year": 1999}, False), ({"title": "babe", "year": 1995}, True),
    ({"title": ["babe"], "year": 1995}, True), ({"title": ["babe", "M"], "year": 1995}, False),
    ({"min_votes": 1, "not": "babe"}, False), ({**FILM, "not": "babe"}, True),
    ({"min_votes": 1, "diverse": 0.5}, False), ({"min_votes": 1, "diverse": 0}, True),
    ({"min_votes": 1, "explain": True}, False), ({"min_votes": 1, "explain": False}, True),
    ({**FILM, "explain": True, "k": 51}, False), ({**FILM, "explain": False, "k": 51}, True)])
def test_a_question_is_refused_where_the_document_forbids_it_and_only_there(
        client, question, is_allowed):
    schema = {**DOCUMENT["components"]["schemas"]["Question"],
              "components": DOCUMENT["components"]}
    assert Draft202012Validator(schema).is_valid(question) == is_allowed
    response = client.post(PREFIX + "/recommend", data=json.dumps(question),
                           content_type="application/json")
    assert (response.status_code == 422) == (not is_allowed), response.data


@pytest.mark.parametrize("number", ["1e-7", "0", "0.5", "1.0", "2.220446049250313e-16", "-0.0"])
def test_a_number_in_an_address_is_read_as_json_writes_it(client, number):
    assert client.get(PREFIX + "/recommend?id=603&diverse=" + number).status_code == 200
