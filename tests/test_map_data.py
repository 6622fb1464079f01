"""The bytes of which the page draws the map."""

import gzip
import json

import numpy as np
import pytest

from recommender.index import Index
from serving.app import create_app
from serving.library import Library
from tests.test_pages import FILMS, FakeTexts, write_films


@pytest.fixture()
def client(tmp_path):
    return create_app(Library(Index(write_films(tmp_path)), FakeTexts())).test_client()


def columns(data):
    length = int(np.frombuffer(data, "<u4", 1)[0])
    header = json.loads(data[4:4 + length].decode())
    at, films = 4 + length, {"genres": header["genres"]}
    for name, dtype in (("id", "<i4"), ("x", "<u2"), ("y", "<u2"), ("year", "<u2"),
                        ("genre", "u1"), ("votes", "u1"), ("rating", "u1")):
        films[name] = np.frombuffer(data, dtype, header["n"], at).tolist()
        at += header["n"] * np.dtype(dtype).itemsize
    return {**films, "title": data[at:].decode().splitlines()}


def test_the_bytes_say_what_the_json_says(client):
    expected = client.get("/api/v1/map").get_json()
    found = columns(client.get("/map/data").data)
    assert {name: found[name] for name in expected} == expected
    assert found["votes"] == [round(16 * np.log2(film[3] + 1)) for film in sorted(
        FILMS, key=lambda film: -film[3])]


def test_the_bytes_come_compressed_and_once(client):
    response = client.get("/map/data", headers={"Accept-Encoding": "gzip"})
    assert response.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(response.data) == client.get("/map/data").data
    again = client.get("/map/data", headers={"If-None-Match": response.headers["ETag"]})
    assert again.status_code == 304
    assert client.get("/map/data?recipe=none").status_code in (400, 404)


def test_a_bit_says_which_films_pass_the_filters(client):
    films = client.get("/api/v1/map").get_json()
    bits = np.unpackbits(np.frombuffer(client.get("/map/passing?year_from=1990").data, np.uint8))
    assert bits[:len(films["id"])].tolist() == [int((year or 0) >= 1990) for year in films["year"]]
    assert client.get("/map/passing?year_from=2000&year_to=1990").status_code == 400
