"""Pages of other origins: those that are named may read the API, no others may."""

import re
import subprocess
import sys

import pytest
import requests

from recommender.index import Index
from serving.app import create_app
from serving.library import Library
from tests.conftest import ROOT
from tests.served import FakeTexts, write_films

FRIEND, STRANGER = "https://films.example", "https://evil.example"
ALLOW = "Access-Control-Allow-Origin"


@pytest.fixture()
def client(tmp_path):
    library = Library(Index(write_films(tmp_path)), FakeTexts())
    return create_app(library, origins=[FRIEND]).test_client()


@pytest.mark.parametrize("path", ["/api/v1/movies/603", "/api/v1/movies/1", "/api/v1/nothing"])
def test_a_named_origin_may_read_every_answer_of_the_api(client, path):
    answer = client.get(path, headers={"Origin": FRIEND})
    assert answer.headers[ALLOW] == FRIEND
    assert "Origin" in answer.headers["Vary"]


def test_a_preflight_request_is_answered(client):
    answer = client.options("/api/v1/recommend", headers={
        "Origin": FRIEND, "Access-Control-Request-Method": "POST"})
    assert answer.status_code == 204
    assert (answer.headers[ALLOW], answer.headers["Access-Control-Allow-Methods"]) == (
        FRIEND, "GET, POST")
    assert "Content-Type" in answer.headers["Access-Control-Allow-Headers"]


@pytest.mark.parametrize("path, origin", [
    ("/api/v1/movies/603", STRANGER), ("/api/v1/movies/603", None), ("/", FRIEND)])
def test_others_may_not_and_pages_are_not_shared(client, path, origin):
    answer = client.get(path, headers={"Origin": origin} if origin else {})
    assert answer.status_code == 200
    assert ALLOW not in answer.headers


def test_without_a_named_origin_nothing_is_said(tmp_path):
    app = create_app(Library(Index(write_films(tmp_path)), FakeTexts()))
    answer = app.test_client().get("/api/v1/movies/603", headers={"Origin": FRIEND})
    assert ALLOW not in answer.headers
    assert "Vary" not in answer.headers


@pytest.mark.parametrize("host", ["[::1]", "::1"])
def test_an_ipv6_host_may_stand_in_brackets_as_the_server_prints_it(tmp_path, host):
    server = subprocess.Popen(
        [sys.executable, "server.py", "--index", write_films(tmp_path), "--host", host, "--port",
         "0", "--cors", FRIEND], cwd=ROOT, stderr=subprocess.PIPE, universal_newlines=True)
    try:
        address = re.fullmatch(r"server\.py: listening on (http://\[::1\]:\d+)\n",
                               server.stderr.readline()).group(1)
        answer = requests.get(address + "/api/v1/movies/603", headers={"Origin": FRIEND},
                              timeout=60)
        assert (answer.status_code, answer.headers[ALLOW]) == (200, FRIEND)
        told = requests.get(address + "/api/v1/recommend?overview=a+shark", timeout=60)
        assert told.status_code == 400
        assert "POST" in told.json()["error"]
    finally:
        server.terminate()
        server.communicate(timeout=60)
    assert server.returncode == 0
