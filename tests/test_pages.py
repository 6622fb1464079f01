"""The pages as they are sent, and what the map asks for; tests/test_browser.py uses them."""

import re
from html import unescape

import fastjsonschema
import numpy as np
import pytest

from recommender.index import Index
from serving.app import create_app
from serving.library import Library
from serving.openapi import DOCUMENT
from tests.served import FILMS, FakeTexts, write_films
from tests.worlds import row, write_index


@pytest.fixture()
def index(tmp_path):
    return Index(write_films(tmp_path))


@pytest.fixture()
def client(index):
    return create_app(Library(index, FakeTexts())).test_client()


def test_the_map_lists_all_films_most_votes_first(client, index):
    body = client.get("/api/v1/map").get_json()
    fastjsonschema.validate({"$ref": "#/components/schemas/Map", **DOCUMENT}, body)
    by_votes = sorted(FILMS, key=lambda film: -film[3])
    assert body["id"] == [film[0] for film in by_votes]
    assert body["title"] == [film[1] for film in by_votes]
    assert body["year"] == [film[2] for film in by_votes]
    assert [body["genres"][genre] for genre in body["genre"]] == ["Drama"] * len(FILMS)
    rows = [index.row_of_id(movie_id) for movie_id in body["id"]]
    np.testing.assert_allclose(np.stack([body["x"], body["y"]], axis=1) / 65535,
                               index.space().map()[rows], rtol=0, atol=1e-5)


def test_the_pages_run_nothing_that_stands_in_them_and_ask_no_other_host(client):
    for path in ("/", "/map", "/api"):
        response = client.get(path)
        text = response.data.decode("utf-8")
        assert response.content_type == "text/html; charset=utf-8"
        assert "script-src 'self'" in response.headers["Content-Security-Policy"]
        assert not re.search(r"<style| style=| on\w+=|<script(?! type=\"module\" src=\"\./)", text)
        assert not re.search(r"(href|src)=\"(?!\./|#)", text)
        for address in re.findall(r'(?:href|src)="\.(/[^"]+)"', text):
            assert client.get(unescape(address)).status_code == 200, address


def test_the_chips_are_of_what_the_index_holds(client):
    text = client.get("/").data.decode("utf-8")
    assert re.findall(r'data-genre="(.+?)"', text) == ["Drama"]
    assert re.findall(r'data-to="(\d+)"', text) == ["1949", "1999", "2009"]
    assert re.findall(r'data-from="(\d+)"', text) == ["1990", "2000"]
    assert not re.findall(r'data-top="(\d+)"', text)  # a hundred best of twelve films


def test_a_page_offers_to_explain_only_where_the_features_were_kept(index, tmp_path):
    for features, offers in ((tmp_path, True), (tmp_path / "gone", False)):
        client = create_app(Library(index, FakeTexts(), str(features))).test_client()
        assert (b'class="why"' in client.get("/").data) == offers


def test_an_index_without_a_map_says_how_to_get_one(tmp_path):
    index = Index(write_index(tmp_path, [row(1, "Heat"), row(2, "Ronin")]))
    client = create_app(Library(index, FakeTexts())).test_client()
    response = client.get("/api/v1/map")
    assert response.status_code == 404
    assert "build_index.py --map" in response.get_json()["error"]
    assert b"has no map yet" in client.get("/map").data
    assert b"<canvas" not in client.get("/map").data


def test_an_index_without_years_has_no_decades(tmp_path):
    index = Index(write_index(tmp_path, [row(1, "One", release_date=""),
                                         row(2, "Two", release_date="")]))
    page = create_app(Library(index, FakeTexts())).test_client().get("/").get_data(as_text=True)
    assert "to 1949" not in page
