"""The scripts and styles of the pages as they are sent."""

import gzip
import os
import re

import pytest

from recommender.index import Index
from serving import static_files
from serving.app import create_app
from serving.library import Library
from serving.static_files import FOLDER, imported_by
from tests.served import FakeTexts, write_films

ZIPPED = {"Accept-Encoding": "gzip, deflate, br"}


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    index = Index(write_films(tmp_path_factory.mktemp("films")))
    return create_app(Library(index, FakeTexts())).test_client()


@pytest.mark.parametrize("name", ["map.js", "style.css", "icon.svg"])
def test_scripts_and_styles_are_sent_compressed(client, name):
    with open(os.path.join(FOLDER, name), "rb") as file:
        body = file.read()
    plain = client.get("/static/" + name)
    zipped = client.get("/static/" + name, headers=ZIPPED)
    assert plain.data == gzip.decompress(zipped.data) == body
    assert plain.content_type == zipped.content_type
    assert zipped.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert plain.headers["Vary"] == zipped.headers["Vary"] == "Accept-Encoding"
    again = client.get("/static/" + name, headers={
        **ZIPPED, "If-None-Match": zipped.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_a_font_is_sent_as_it_is(client):
    answer = client.get("/static/fonts/inter.woff2", headers=ZIPPED)
    assert answer.status_code == 200
    assert "Content-Encoding" not in answer.headers


@pytest.mark.parametrize("name", ["nope.js", "../app.py", "%2e%2e/app.py", "fonts"])
def test_nothing_else_is_sent(client, name):
    assert client.get("/static/" + name, headers=ZIPPED).status_code == 404


def test_a_script_that_was_changed_is_sent_as_it_is_now(client, monkeypatch, tmp_path):
    monkeypatch.setattr(static_files, "FOLDER", str(tmp_path))
    script = tmp_path / "a.js"
    for at, words in enumerate(("one", "two")):
        script.write_text(words)
        os.utime(str(script), (at, at))
        assert client.get("/static/a.js").data == words.encode()


@pytest.mark.parametrize("path, script", [("/", "home.js"), ("/map", "map.js")])
def test_a_page_asks_for_all_its_modules_before_its_script_is_there(client, path, script):
    text = client.get(path).get_data(as_text=True)
    asked = re.findall(r'rel="modulepreload" href="\./static/(.+?)"', text)
    assert asked == imported_by(script)
    for name in [script, *asked]:  # no import is written so that it is overlooked
        with open(os.path.join(FOLDER, name), encoding="utf-8") as file:
            assert set(re.findall(r'from\s+"\./(.+?)"', file.read())) <= set(asked)
