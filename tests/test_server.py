"""The server: every route and every status, one graph in a race, and the program itself."""

import csv
import http.client
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import types
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from bert.errors import BertError
from recommender.catalogue import COLUMNS, read_catalogue
from recommender.features import FeatureReader, FeatureWriter, Settings, overview_digest
from recommender.index import Index, build_index
from recommender.recipes import Source
from server import MAX_BODY, MAX_TEXT, TextEmbedder, create_app

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SETTINGS = Settings((-1, -2, -3, -4), 16, True, 8, "float32", False, "no-such-checkpoint", "0" * 64)
FILMS = [  # id, title, year, votes
    (603, "The Matrix", 1999, 9000),
    (604, "The Matrix Reloaded", 2003, 5000),
    (605, "The Matrix Revolutions", 2003, 4000),
    (194, "Amélie", 2001, 3000),
    (862, "Toy Story", 1995, 5400),
    (863, "Toy Story 2", 1999, 3900),
    (9598, "Babe", 1995, 700),
    (10830, "Matilda", 1996, 900),
    (10895, "Pinocchio", 1940, 1400),
    (10599, "Pinocchio", 2002, 60),
    (11360, "Pinocchio", 1996, 20),
    (128, "もののけ姫", 1997, 2000),
]


@pytest.fixture()
def index_path(tmp_path):
    """An index of FILMS whose features are random numbers."""
    catalogue = str(tmp_path / "movies.csv")
    with open(catalogue, "w", encoding="utf-8", newline="") as file:
        rows = csv.DictWriter(file, COLUMNS)
        rows.writeheader()
        for movie_id, title, year, votes in FILMS:
            rows.writerow({
                "id": movie_id, "imdb_id": "tt{}".format(movie_id), "title": title,
                "original_title": title, "original_language": "en",
                "overview": "What happens in {}.".format(movie_id),
                "genres": "[{'id': 18, 'name': 'Drama'}]",
                "release_date": "{}-05-01".format(year), "vote_average": 7.5,
                "vote_count": votes})
    random = np.random.RandomState(0)
    with FeatureWriter(str(tmp_path / "features"), SETTINGS) as writer:
        for movie_id, *_ in FILMS:
            writer.add(movie_id, random.randn(4, 5, 8).astype(np.float32),
                       np.arange(5, dtype=np.int32),
                       overview_digest("What happens in {}.".format(movie_id)))
    path = str(tmp_path / "index.h5")
    build_index(read_catalogue(catalogue), FeatureReader(str(tmp_path / "features")), "mean4",
                path)
    return path


@pytest.fixture()
def index(index_path):
    return Index(index_path)


def fake_embed(text):
    """Layers and tokens that depend on nothing but the text's length."""
    return (np.random.RandomState(len(text)).randn(4, 3, 8).astype(np.float32),
            np.arange(3, dtype=np.int32))


@pytest.fixture()
def client(index):
    return create_app(index=index, embed=fake_embed).test_client()


def body_of(response, status=200):
    assert response.status_code == status, response.data
    assert response.mimetype == "application/json"
    return json.loads(response.data.decode("utf-8"))


def error_of(response, status):
    body = body_of(response, status)
    assert list(body) == ["error"]
    assert "\n" not in body["error"]
    return body["error"]


def at_once(n, ask):
    """What `ask` returns in each of `n` threads that begin together."""
    together = threading.Barrier(n)

    def task(_):
        together.wait()
        return ask()

    with ThreadPoolExecutor(n) as pool:
        return list(pool.map(task, range(n)))


def test_title_query_answers_as_the_index_does(client, index):
    body = body_of(client.get("/recommend?title=matrix&k=3"))
    row = index.row_of_id(603)
    wanted = [result.to_dict() for result in index.search(index.embedding(row), 3, [row])]
    assert body == {"query": index.movie(row), "results": wanted}
    assert list(body["results"][0])[:4] == ["rank", "score", "id", "title"]


def test_id_query_equals_title_query(client):
    by_title = client.get("/recommend?title=Toy%20Story")
    assert client.get("/recommend?id=862").data == by_title.data
    assert len(body_of(by_title)["results"]) == 10


def test_k_beyond_the_index_gives_all_other_films(client):
    assert len(body_of(client.get("/recommend?id=603&k=1000"))["results"]) == len(FILMS) - 1


def test_shared_title_takes_most_votes_and_names_the_others(client):
    body = body_of(client.get("/recommend?title=pinocchio"))
    assert body["query"]["id"] == 10895
    assert body["others"] == [{"id": 10599, "title": "Pinocchio", "year": 2002},
                              {"id": 11360, "title": "Pinocchio", "year": 1996}]


def test_year_picks_among_films_of_one_title(client):
    body = body_of(client.get("/recommend?title=pinocchio&year=1996"))
    assert body["query"]["id"] == 11360
    assert "others" not in body


def test_text_query_goes_through_the_index_recipe(client, index):
    body = body_of(client.post("/recommend", json={"overview": "Ein Mädchen", "k": 4}))
    wanted = index.search(index.embed(Source("Ein Mädchen", *fake_embed("Ein Mädchen"))), 4)
    assert body == {"query": {"overview": "Ein Mädchen"},
                    "results": [result.to_dict() for result in wanted]}
    assert len(body_of(client.post("/recommend", json={"overview": "x"}))["results"]) == 10


def test_longest_text_that_is_allowed_is_answered(client):
    body_of(client.post("/recommend", json={"overview": "x" * MAX_TEXT}))


def test_non_ascii_is_sent_as_utf8(client):
    assert "Amélie".encode() in client.get("/movies/194").data
    assert "もののけ姫".encode() in client.get("/recommend?title=もののけ姫").data


def test_completion_puts_words_that_begin_so_first_by_votes(client):
    body = body_of(client.get("/movies?q=mat&k=4"))
    assert body["query"] == {"q": "mat"}
    assert [film["id"] for film in body["results"]] == [603, 604, 605, 10830]
    assert body["results"][0] == {"id": 603, "title": "The Matrix", "year": 1999}


def test_completion_finds_later_words_and_several_words(client):
    assert body_of(client.get("/movies?q=revol&k=1"))["results"][0]["id"] == 605
    assert body_of(client.get("/movies?q=Toy%20St&k=1"))["results"][0]["id"] == 862


def test_completion_gives_near_titles_only_where_no_word_begins_so(client):
    assert body_of(client.get("/movies?q=pinochio&k=3"))["results"][0]["title"] == "Pinocchio"
    ids = [film["id"] for film in body_of(client.get("/movies?q=matrix"))["results"]]
    assert ids == [603, 604, 605]


def test_completion_of_nothing_like_it_is_an_empty_list(client):
    assert body_of(client.get("/movies?q=%D0%96%D0%96%D0%96%D0%96"))["results"] == []


def test_one_film_is_shown_whole(client, index):
    assert body_of(client.get("/movies/194")) == index.movie(index.row_of_id(194))


def test_health_and_routes(client):
    assert body_of(client.get("/healthz")) == {"status": "ok", "movies": len(FILMS)}
    assert "GET /healthz" in body_of(client.get("/"))["routes"]


@pytest.mark.parametrize("address, said", [
    ("/recommend", "title or id"),
    ("/recommend?title=babe&id=9598", "title or id"),
    ("/recommend?title=", "empty"),
    ("/recommend?title=%20", "empty"),
    ("/recommend?id=babe", "'babe' is not a whole number"),
    ("/recommend?id=-1", "out of range"),
    ("/recommend?id=9223372036854775808", "out of range"),
    ("/recommend?id=603&k=0", "1 to 1000"),
    ("/recommend?id=603&k=1001", "1 to 1000"),
    ("/recommend?id=603&k=", "whole number"),
    ("/recommend?id=603&k=1.5", "whole number"),
    ("/recommend?id=603&k=1&k=2", "2 times"),
    ("/recommend?id=603&year=1999", "year goes with title"),
    ("/recommend?title=babe&year=95", "out of range"),
    ("/recommend?titel=babe", "'titel': known are title, id, year, k"),
    ("/recommend?title=" + "x" * 1001, "1000 characters"),
    ("/movies", "q is missing"),
    ("/movies?q=", "q is empty"),
    ("/movies?q=a&k=51", "1 to 50"),
    ("/movies?q=a&page=2", "known are q, k"),
    ("/movies/babe", "not a whole number"),
    ("/movies/%00", "not a whole number"),
    ("/movies/603?k=1", "none is known"),
    ("/healthz?x=1", "none is known"),
    ("/?x=1", "none is known"),
])
def test_wrong_parameter_is_400(client, address, said):
    assert said in error_of(client.get(address), 400)


@pytest.mark.parametrize("address, said", [
    ("/recommend?title=matrx", "The Matrix (1999, id 603)"),
    ("/recommend?title=babe&year=1996", "Babe (1995, id 9598)"),
    ("/recommend?title=%00%FF", "no film"),
    ("/recommend?id=1", "no movie with id 1"),
    ("/movies/1", "no movie with id 1"),
    ("/movies/", "there is no /movies/"),
    ("/static/x", "there is no /static/x"),
    ("/é", "there is no /é"),
])
def test_nothing_found_is_404(client, address, said):
    assert said in error_of(client.get(address), 404)


def test_wrong_method_is_405_and_says_which_are_allowed(client):
    response = client.delete("/recommend")
    error_of(response, 405)
    assert {"GET", "POST"} <= set(response.headers["Allow"].split(", "))


def test_large_body_is_413(client):
    error_of(client.post("/recommend", json={"overview": "x" * MAX_BODY}), 413)


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded",
                                          None])
def test_other_than_json_is_415(client, content_type):
    response = client.post("/recommend", data=b'{"overview": "x"}', content_type=content_type)
    error_of(response, 415)


@pytest.mark.parametrize("body", [
    b"", b"{", b'{"overview": "\xff"}', b"[" * 60000, b"{}", b'{"overview": "x", "k": 0}',
    b'{"overview": "x", "k": 1001}', b'{"overview": "x", "\\ud800": 1}', b'{"k": 5}'])
def test_malformed_or_wrong_body_is_400(client, body):
    response = client.post("/recommend", data=body, content_type="application/json")
    error_of(response, 400)


@pytest.mark.parametrize("body", [
    [], None, 7, "text", {"overview": 7}, {"overview": None}, {"overview": ["x"]},
    {"overview": ""}, {"overview": " \n"}, {"overview": "a\0b"}, {"overview": "\ud800"},
    {"overview": "x" * (MAX_TEXT + 1)}, {"overview": "x", "k": "5"},
    {"overview": "x", "k": 1.0}, {"overview": "x", "k": True}, {"overview": "x", "k": None}])
def test_body_of_wrong_type_is_422(client, body):
    response = client.post("/recommend", data=json.dumps(body), content_type="application/json")
    error_of(response, 422)


def test_text_query_takes_no_query_parameters(client):
    assert "none is known" in error_of(client.post("/recommend?k=3", json={"overview": "x"}), 400)


def test_missing_checkpoint_is_503_with_the_reason(index):
    def embed(text):
        raise BertError("text queries need the checkpoint x")

    client = create_app(index=index, embed=embed).test_client()
    response = client.post("/recommend", json={"overview": "x"})
    assert error_of(response, 503) == "text queries need the checkpoint x"
    body_of(client.get("/recommend?id=603"))


def test_unforeseen_error_shows_no_stack_trace(index):
    def embed(text):
        raise ZeroDivisionError("secret")

    client = create_app(index=index, embed=embed).test_client()
    message = error_of(client.post("/recommend", json={"overview": "x"}), 500)
    assert "secret" not in message
    assert "Traceback" not in message


def test_race_of_first_text_queries_builds_one_graph(index, monkeypatch):
    built = []
    asked = []
    all_asked = threading.Event()

    class Embedder:
        def hidden_layers(self, texts):
            return [fake_embed(text)[0] for text in texts]

        def token_ids(self, texts):
            return [fake_embed(text)[1] for text in texts]

    def embedder_of(*recipe):
        built.append(recipe)
        assert all_asked.wait(30)
        return Embedder()

    module = types.ModuleType("bert.embedder")
    module.embedder_of = embedder_of
    monkeypatch.setitem(sys.modules, "bert.embedder", module)
    embedder = TextEmbedder(index)

    def embed(text):
        asked.append(text)
        if len(asked) == 8:
            all_asked.set()
        return embedder(text)

    app = create_app(index=index, embed=embed)
    answers = at_once(8, lambda: app.test_client().post("/recommend", json={"overview": "x"}))
    assert len({body_of(answer)["results"][0]["id"] for answer in answers}) == 1
    assert built == [(index.features, None)]


def test_concurrent_title_queries_all_answer_alike(index):
    app = create_app(index=index)
    answers = at_once(8, lambda: [app.test_client().get("/recommend?title=pinocchio").data
                                  for _ in range(5)])
    assert len({data for of_one in answers for data in of_one}) == 1


# The program itself.

def run_server(*flags):
    return subprocess.Popen([sys.executable, "server.py", *flags], cwd=ROOT,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def port_of(program, seconds=60):
    """The port in the line that the program prints when it listens."""
    ready, _, _ = select.select([program.stderr], [], [], seconds)
    assert ready, "the server said nothing in {} s".format(seconds)
    line = program.stderr.readline().decode()
    match = re.match(r"server\.py: listening on http://127\.0\.0\.1:(\d+)$", line)
    assert match, line
    return int(match.group(1))


def get(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", path)
    response = connection.getresponse()
    return response.status, json.loads(response.read().decode("utf-8"))


@pytest.fixture()
def program(index_path):
    program = run_server("--index", index_path, "--port", "0")
    yield program
    if program.poll() is None:
        program.kill()
    program.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_program_serves_titles_without_tensorflow_and_stops_cleanly(program, number):
    port = port_of(program)
    assert get(port, "/healthz") == (200, {"status": "ok", "movies": len(FILMS)})
    status, body = get(port, "/recommend?title=am%C3%A9lie&k=2")
    assert (status, body["query"]["id"], len(body["results"])) == (200, 194, 2)
    with open("/proc/{}/maps".format(program.pid)) as maps:
        assert "tensorflow" not in maps.read()
    program.send_signal(number)
    out, err = program.communicate(timeout=30)
    assert (program.returncode, out, err) == (0, b"", b"")


def test_program_answers_what_is_no_http_in_json(program):
    port = port_of(program)
    for sent, status in ((b"GET / HTTP/1.1\r\nX : y\r\n\r\n", b"400"),
                         (b"POST /recommend HTTP/1.1\r\nContent-Length: 9999999\r\n\r\n",
                          b"413")):
        with socket.create_connection(("127.0.0.1", port), 30) as connection:
            connection.sendall(sent)
            head, body = connection.makefile("rb").read().split(b"\r\n\r\n", 1)
        assert head.split()[1] == status
        assert list(json.loads(body.decode())) == ["error"]


SLOW_SERVER = """
import sys, time
import server
from recommender.index import Index
from tests.test_server import fake_embed

def embed(text):
    print("asked", flush=True)
    sys.stdin.readline()
    return fake_embed(text)

server.serve(server.create_app(Index(sys.argv[1]), embed), server.bind("127.0.0.1", 0))
"""


def stops_listening(port, seconds):
    """Whether connections to `port` come to be refused within `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except ConnectionRefusedError:
            return True
        except ConnectionResetError:
            pass  # this one waited to be accepted when the listening socket was closed
    return False


def test_request_in_flight_is_answered_before_the_end(index_path):
    program = subprocess.Popen([sys.executable, "-c", SLOW_SERVER, index_path], cwd=ROOT,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    try:
        port = port_of(program)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("POST", "/recommend", json.dumps({"overview": "x"}),
                           {"Content-Type": "application/json"})
        assert program.stdout.readline() == b"asked\n"
        program.send_signal(signal.SIGTERM)
        assert stops_listening(port, seconds=30)
        program.stdin.write(b"\n")
        program.stdin.flush()
        response = connection.getresponse()
        assert (response.status, len(json.loads(response.read().decode())["results"])) == (200, 10)
        _, err = program.communicate(timeout=30)
        assert (program.returncode, err) == (0, b"")
    finally:
        program.kill()
        program.communicate()


def fails_in_one_line(*flags):
    program = run_server(*flags)
    try:
        out, err = program.communicate(timeout=60)
    finally:
        program.kill()
    assert (program.returncode, out, err.count(b"\n")) == (1, b"", 1), err
    assert err.startswith(b"server.py: error: ")
    return err.decode()


def test_port_in_use_is_one_line(index_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(1)
        port = str(taken.getsockname()[1])
        assert "127.0.0.1 port " + port in fails_in_one_line("--index", index_path,
                                                             "--port", port)


def test_missing_index_is_one_line(tmp_path):
    assert "no index at" in fails_in_one_line("--index", str(tmp_path / "none.h5"))


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 70])
def test_no_such_host_is_one_line(index_path, host):
    assert host in fails_in_one_line("--index", index_path, "--port", "0", "--host", host)
