"""The pages as they are sent, and what the map asks for; tests/test_browser.py uses them."""

import pathlib
import re
from html import unescape
from urllib.parse import urljoin

import fastjsonschema
import numpy as np
import pytest

from recommender.index import Index
from serving.app import create_app
from serving.library import Library
from serving.openapi import DOCUMENT
from serving.pages import MEASURED
from tests.served import FILMS, FakeTexts
from tests.worlds import row, write_index


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
    for path in ("/", "/map", "/api", "/about"):
        response = client.get(path)
        text = response.data.decode("utf-8")
        assert response.content_type == "text/html; charset=utf-8"
        assert "script-src 'self'" in response.headers["Content-Security-Policy"]
        assert not re.search(r"<style| style=| on\w+=|<script(?! type=\"module\" src=\"\./)", text)
        assert not re.search(r"(href|src)=\"(?!\./|#)", text)
        for address in re.findall(r'(?:href|src)="\.(/[^"]+)"', text):
            assert client.get(unescape(address)).status_code == 200, address


@pytest.mark.parametrize("path", ["/", "/map", "/api", "/about"])
def test_a_link_to_a_page_is_shown_with_its_title_and_what_it_is_for(client, path):
    text = client.get(path).data.decode("utf-8")
    shown = dict(re.findall(r'<meta (?:property|name)="([\w:]+)" content="([^"]*)">', text))
    assert shown["og:title"] == re.search("<title>(.*)</title>", text).group(1)
    assert shown["og:description"] == shown["description"] != ""
    assert (shown["og:type"], shown["twitter:card"]) == ("website", "summary")


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


@pytest.mark.parametrize("titles, example", [
    (["The Lord of the Rings", "Heat"], "Heat"), (["千と千尋の神隠し", "もののけ姫"], "もののけ姫"),
    (["The Lord of the Rings", "千と千尋の神隠し"], "A film")])
def test_the_example_in_the_search_box_fits_on_a_phone(tmp_path, titles, example):
    index = Index(write_index(tmp_path, [row(at, title, vote_count=str(9 - at))
                                         for at, title in enumerate(titles, 1)]))
    page = create_app(Library(index, FakeTexts())).test_client().get("/").get_data(as_text=True)
    assert 'placeholder="{}, or: lost in space"'.format(example) in page


def test_the_page_of_the_api_opens_with_a_film_of_the_index(tmp_path):
    index = Index(write_index(tmp_path, [
        row(at, title, vote_count=str(9 - at), adult=str(title == "No"))
        for at, title in enumerate(["No", "Heat & Dust", "Ronin"], 1)]))
    page = create_app(Library(index, FakeTexts())).test_client().get("/api").get_data(as_text=True)
    assert "/api/v1/recommend?title=Heat+%26+Dust&amp;k=3</code>" in page
    assert '&#34;title&#34;: &#34;Ronin&#34;' in page
    assert "&#34;No&#34;" not in page


def test_the_page_of_the_api_needs_no_example(tmp_path):
    index = Index(write_index(tmp_path, [row(1, "No", adult="True")]))
    client = create_app(Library(index, FakeTexts())).test_client()
    assert b'class="try first"' not in client.get("/api").data


def test_an_index_without_years_has_no_decades(tmp_path):
    index = Index(write_index(tmp_path, [row(1, "One", release_date=""),
                                         row(2, "Two", release_date="")]))
    page = create_app(Library(index, FakeTexts())).test_client().get("/").get_data(as_text=True)
    assert "to 1949" not in page


BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"  # Accept of a browser


@pytest.mark.parametrize("path", ["/nope", "/a/b/c", "/map/", "/static/nope.css"])
@pytest.mark.parametrize("prefix, seen_at", [("", ""), ("", "/removed"), ("/movies", "/movies")])
def test_a_person_at_an_address_without_a_page_gets_one_with_style(index, path, prefix, seen_at):
    client = create_app(Library(index, FakeTexts()), prefix=prefix).test_client()
    response = client.get(path, headers={"Accept": BROWSER})
    assert response.status_code == 404
    assert response.content_type == "text/html; charset=utf-8"
    assert response.vary.as_set() == {"accept"}
    text = response.data.decode("utf-8")
    assert "No page of this site has the address “{}{}”.".format(prefix, path) in text
    links = [unescape(link) for link in re.findall(r'(?:href|src)="([^"#]+)"', text)]
    for link in links:
        found = urljoin("http://a" + seen_at + path, link)
        assert found.startswith("http://a" + seen_at + "/"), link
        assert client.get(found[len("http://a" + seen_at):]).status_code == 200, link
    assert any(link.endswith("style.css") for link in links)


def test_a_page_that_is_posted_to_says_what_it_answers(client):
    response = client.post("/map", headers={"Accept": BROWSER})
    assert response.status_code == 405
    assert "GET" in response.headers["Allow"]
    text = response.get_data(as_text=True)
    assert "<h1>This page only answers when it is opened</h1>" in text
    assert "“POST” is not answered here" in text


def test_a_fault_of_the_server_is_told_on_a_page_that_asks_the_index_for_nothing(
        index, monkeypatch):
    app = create_app(Library(index, FakeTexts()))
    monkeypatch.setattr("serving.pages._about", lambda *_: 1 / 0)
    response = app.test_client().get("/", headers={"Accept": BROWSER})
    assert response.status_code == 500
    assert b"<h1>Something went wrong on the server</h1>" in response.data
    assert b'class="made"' not in response.data


@pytest.mark.parametrize("path, accept", [
    ("/nope", "*/*"), ("/nope", None), ("/nope", "application/json"),
    ("/nope", "text/css,*/*;q=0.1"),
    ("/api/v1/nope", BROWSER), ("/api/v1/movies/9", BROWSER), ("/api/v1", BROWSER)])
def test_a_program_and_whoever_asks_the_api_gets_json(client, path, accept):
    response = client.get(path, headers={"Accept": accept} if accept else {})
    assert response.status_code == 404
    assert response.content_type.startswith("application/json")
    assert response.get_json()["error"]


@pytest.mark.parametrize("path, status", [
    ("/", 200), ("/?id=603", 200), ("/map", 200), ("/api", 200), ("/about", 200), ("/nope", 404)])
def test_every_page_tells_what_answers_and_leads_to_what_it_means(client, index, path, status):
    response = client.get(path, headers={"Accept": BROWSER})
    assert response.status_code == status
    line, = re.findall(r'<a class="made" href="\./about">(.+?)</a>',
                       response.get_data(as_text=True), re.S)
    for told in ("{:,} films".format(len(index)), *index.recipes, index.features.checkpoint,
                 index.made_by()["built"][:10]):
        assert told in line


def test_the_page_about_the_answers_tells_the_build_and_the_measured_figures(client, index):
    text = client.get("/about").get_data(as_text=True)
    for told in (index.made_by()["built"], index.made_by()["digest"]):
        assert told in text
    table = pathlib.Path("docs/recipes.md").read_text(encoding="utf-8")
    for recipe in MEASURED:
        row = re.search(r"^\| `{}` \|.*$".format(recipe.name), table, re.M).group().split("|")
        figures = [float(cell.split()[0]) for cell in (row[4], row[6])]
        assert figures == [recipe.recall, recipe.genres]
        assert "{:.1f}".format(100 * recipe.recall) in text
        assert "{:.1f}".format(100 * recipe.genres) in text
