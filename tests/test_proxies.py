"""A server behind a reverse proxy: whom it takes for the client, and at which path it is seen."""

import json
import re
from html import unescape
from urllib.parse import urljoin, urlsplit

import pytest
import requests

from recommender.index import Index
from serving.access_log import AccessLog
from serving.app import create_app
from serving.library import Library
from serving.openapi import DOCUMENT
from serving.proxies import Proxies, prefix_of
from tests.reverse_proxy import reverse_proxy
from tests.served import FakeTexts, running, write_films

TITLE = "/api/v1/recommend?title=matrix"
PROXY, OTHER_PROXY, CLIENT, LIAR = "127.0.0.1", "10.1.2.3", "192.0.2.1", "198.51.100.7"


@pytest.fixture()
def library(tmp_path):
    return Library(Index(write_films(tmp_path)), FakeTexts())


@pytest.fixture()
def client_of(library):
    def client(**options):
        return create_app(library, **options).test_client()
    return client


@pytest.mark.parametrize("peer, forwarded, client", [
    (PROXY, "", PROXY),
    (PROXY, CLIENT, CLIENT),
    (PROXY, "{}, {}".format(LIAR, CLIENT), CLIENT),
    (PROXY, "{},{} , {}".format(LIAR, CLIENT, OTHER_PROXY), CLIENT),
    (PROXY, "{}, {}".format(OTHER_PROXY, PROXY), OTHER_PROXY),
    (PROXY, "unknown", PROXY),
    (PROXY, CLIENT + ", _hidden", PROXY),
    (PROXY, CLIENT + ":4711", CLIENT),
    (PROXY, "[2001:db8::1]:4711", "2001:db8::1"),
    (PROXY, "2001:DB8::1", "2001:db8::1"),
    ("::ffff:127.0.0.1", CLIENT, CLIENT),
    ("fd00::1%eth0", CLIENT, CLIENT),
    ("", CLIENT, CLIENT),
    (LIAR, CLIENT, LIAR),
    ("fd00::2", CLIENT, "fd00::2"),
])
def test_the_client_is_the_last_address_that_is_no_named_proxy(peer, forwarded, client):
    proxies = Proxies([PROXY, "10.0.0.0/8", "fd00::1", "unix"])
    assert proxies.client(peer, forwarded) == client


def test_without_a_named_proxy_nobody_speaks_for_another():
    for peer in (PROXY, "::1", ""):
        assert Proxies().client(peer, CLIENT) == peer


@pytest.mark.parametrize("name", ["localhost", "10.0.0.0/99", "10.0.0", "", "unix:/run/x"])
def test_what_is_no_address_names_no_proxy(name):
    with pytest.raises(ValueError):
        Proxies([name])


@pytest.mark.parametrize("text, path", [
    ("/movies", "/movies"), ("movies", "/movies"), ("/movies/", "/movies"), ("/", ""), ("", ""),
    ("//evil.example", "/evil.example"), ("/a/b-c_d.e~f/2", "/a/b-c_d.e~f/2")])
def test_a_prefix_may_be_written_with_or_without_slashes(text, path):
    assert prefix_of(text) == path


@pytest.mark.parametrize("text", [
    "/a//b", "/a?b", "/a#b", "/a b", "/../a", "/a/..", "/.", "/%41", "/a\nb",
    "https://films.example/movies", '/"><script>', "/фильмы"])
def test_what_is_no_plain_path_is_no_prefix(text):
    with pytest.raises(ValueError):
        prefix_of(text)


def addresses(page):
    """All that a page refers to, but for what is in itself."""
    return [unescape(address) for address in re.findall(
        r'(?:href|src|action)="([^"#]+)"', page.get_data(as_text=True))]


@pytest.mark.parametrize("path", ["/", "/map", "/api"])
def test_pages_refer_to_their_neighbours_wherever_they_are_seen(client_of, path):
    client = client_of()
    found = addresses(client.get(path))
    assert found
    for address in found:
        seen = urljoin("https://films.example/movies" + path, address)
        assert seen.startswith("https://films.example/movies/"), address
        parts = urlsplit(seen)
        assert client.get("{}?{}".format(parts.path[len("/movies"):], parts.query)
                          ).status_code == 200, address


@pytest.mark.parametrize("path", ["", "/", "/map", "/api"])
def test_below_a_prefix_pages_and_answers_are_there_with_it_and_without(client_of, path):
    client = client_of(prefix="/movies")
    page = client.get("/movies" + path)
    assert page.status_code == 200
    assert page.get_data() == client.get(path or "/").get_data()
    for address in addresses(page):
        assert address.startswith("/movies/"), address
        assert client.get(address).status_code == 200, address


def test_below_a_prefix_errors_name_the_addresses_that_clients_see(client_of):
    said = client_of(prefix="/movies").get("/movies/nothing").get_json()["error"]
    assert said.startswith("there is nothing at '/movies/nothing'; there is /movies/api/v1/recom")


def test_a_path_that_only_begins_like_the_prefix_is_not_below_it(client_of):
    assert client_of(prefix="/movies").get("/moviesapi/v1/map").status_code == 404


def test_the_prefix_may_be_a_word_that_the_server_uses_itself(client_of):
    for prefix in ("/api", "/map", "/api/v1", "/static"):
        client = client_of(prefix=prefix)
        for path in (TITLE, "/", "/map", "/api", "/static/style.css"):
            assert client.get(prefix + path).status_code == 200, (prefix, path)


def test_the_document_names_its_server_wherever_it_is_seen():
    server, = DOCUMENT["servers"]
    for at in ("https://films.example", "https://films.example/movies"):
        assert urljoin(at + "/api/v1/openapi.json", server["url"]) == at + "/api/v1"


def test_a_named_proxy_may_tell_the_prefix_and_nobody_else(client_of):
    client = client_of(proxies=[PROXY])
    for peer, prefix, root in ((PROXY, "/movies", "/movies/"), (PROXY, "/movies/", "/movies/"),
                               (LIAR, "/movies", "./"), (PROXY, '/"><script>', "./"),
                               (PROXY, "", "./")):
        page = client.get("/map", headers={"X-Forwarded-Prefix": prefix},
                          environ_overrides={"REMOTE_ADDR": peer})
        assert addresses(page)[0] == root + "static/icon.svg"


def test_a_server_that_mounts_the_application_tells_where(client_of):
    page = client_of().get("/map", environ_overrides={"SCRIPT_NAME": "/mounted"})
    assert addresses(page)[0] == "/mounted/static/icon.svg"


def test_each_client_of_a_named_proxy_has_a_limit_of_its_own(client_of):
    client = client_of(rate_limit=1, proxies=[PROXY])

    def status(forwarded, peer=PROXY):
        return client.get(TITLE, headers={"X-Forwarded-For": forwarded},
                          environ_overrides={"REMOTE_ADDR": peer}).status_code

    assert [status(forwarded) for forwarded in (CLIENT, CLIENT, LIAR + ", " + CLIENT, LIAR)] == [
        200, 429, 429, 200]
    assert [status(forwarded, "203.0.113.1") for forwarded in ("192.0.2.2", "192.0.2.3")] == [
        200, 429]


def test_the_access_log_has_the_client_and_the_path_as_it_was_sent(library, tmp_path):
    path = str(tmp_path / "access.log")
    client = create_app(library, AccessLog(path), proxies=[PROXY], prefix="/movies").test_client()
    for peer in (PROXY, LIAR):
        client.get("/movies" + TITLE, headers={"X-Forwarded-For": CLIENT},
                   environ_overrides={"REMOTE_ADDR": peer})
    with open(path, encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    assert [line["client"] for line in lines] == [CLIENT, LIAR]
    assert {line["path"] for line in lines} == {"/movies/api/v1/recommend"}


@pytest.mark.parametrize("keeps_path, flags", [
    (False, ()), (True, ("--prefix", "/movies")), (False, ("--prefix", "/movies"))])
def test_all_is_served_through_a_real_proxy_that_removes_its_path_or_keeps_it(
        tmp_path, keeps_path, flags):
    log = str(tmp_path / "access.log")
    with running("--index", write_films(tmp_path), "--port", 0, "--proxy", "127.0.0.1",
                 "--access_log", log, "--cors", "https://films.example", *flags) as program:
        with reverse_proxy(program.port, keeps_path=keeps_path) as port:
            site = "http://127.0.0.1:{}".format(port)
            for path in ("/", "/map", "/api"):
                page = requests.get(site + "/movies" + path, timeout=60)
                for address in re.findall(r'(?:href|src|action)="([^"#]+)"', page.text):
                    seen = urljoin(page.url, unescape(address))
                    assert requests.get(seen, timeout=60).status_code == 200, seen
            document = requests.get(site + "/movies/api/v1/openapi.json", timeout=60)
            api = urljoin(document.url, document.json()["servers"][0]["url"])
            for path, methods in document.json()["paths"].items():
                given = {each["name"]: each["example"]
                         for each in methods.get("get", {}).get("parameters", ())
                         if each["in"] == "query" and "example" in each}
                # A path that takes a POST alone answers a browser that asks what it takes.
                answer = requests.request(
                    "GET" if "get" in methods else "OPTIONS",
                    api + path.replace("{id}", "603"), params=given, timeout=60, headers={
                        "Origin": "https://films.example", "X-Forwarded-For": CLIENT,
                        "X-Request-ID": "mine"})
                assert answer.status_code == (200 if "get" in methods else 204), path
                assert answer.headers["Access-Control-Allow-Origin"] == "https://films.example"
        broken = program.request("GET", "/healthz", headers={
            "X-Forwarded-For": CLIENT, "Transfer-Encoding": "gzip"})
        assert broken[0] == 400
    with open(log, encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    assert {line["client"] for line in lines if line["path"].endswith(".css")} == {PROXY}
    assert {line["client"] for line in lines if line["id"] == "mine"} == {CLIENT}
    assert [line["client"] for line in lines if line["status"] == 400] == [CLIENT]


@pytest.mark.parametrize("flags, said", [
    (["--proxy", "localhost"], "argument --proxy: 'localhost' is not an IP address or network"),
    (["--proxy", "127.0.0.1", "10.0.0.0/33"], "'10.0.0.0/33' is not an IP address or network"),
    (["--prefix", "/a b"], "argument --prefix: '/a b' is not a path like /movies"),
    (["--prefix", "https://films.example/movies"], "is not a path like /movies")])
def test_wrong_flags_are_one_line(run_program, flags, said):
    done = run_program("server.py", *flags)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert said in done.stderr
