"""Records of the server about its requests: ids, metrics, the access log, limits, ETags."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from recommender.index import Index
from serving import counters
from serving.access_log import AccessLog
from serving.app import create_app
from serving.batching import Overloaded
from serving.library import Library
from tests.conftest import ROOT
from tests.served import FILMS, MORE_FILMS, FakeTexts, running, write_films
from tests.worlds import only_line

RECOMMEND = "/api/v1/recommend"
TITLE = RECOMMEND + "?title=matrix"


@pytest.fixture()
def library(tmp_path):
    return Library(Index(write_films(tmp_path)), FakeTexts())


@pytest.fixture()
def client(library):
    return create_app(library).test_client()


def counted(client):
    """Each sample of /metrics: name and labels to value."""
    response = client.get("/metrics")
    assert response.content_type.startswith(
        ("text/plain; version=0.0.4;", "text/plain; version=1.0.0;"))
    return values_of(response.data.decode())


def values_of(text):
    return {(sample.name, *sorted(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text) for sample in family.samples}


def grown(before, after, name, **labels):
    """By how much a sample has grown."""
    key = (name, *sorted(labels.items()))
    return after.get(key, 0) - before.get(key, 0)


def test_requests_are_counted_by_route_method_and_status(client):
    before = counted(client)
    for address in (TITLE, TITLE + "&k=2", RECOMMEND + "?k=0", "/api/v1/movies/603", "/no/such"):
        client.get(address)
    client.open(RECOMMEND, method="BREW")
    after = counted(client)

    def n(name="movies_http_requests_total", **labels):
        return grown(before, after, name, **labels)

    assert n(route=RECOMMEND, method="GET", status="200") == 2
    assert n(route=RECOMMEND, method="GET", status="400") == 1
    assert n(route="/api/v1/movies/<id>", method="GET", status="200") == 1
    assert n(route="", method="GET", status="404") == 1
    assert n(route="", method="other", status="405") == 1
    assert n("movies_http_request_duration_seconds_count", route=RECOMMEND, method="GET") == 3
    assert n("movies_http_request_duration_seconds_bucket", route=RECOMMEND, method="GET",
             le="+Inf") == 3


def test_texts_and_the_index_are_counted(client, library, tmp_path, capsys):
    before = counted(client)
    assert before["movies_index_films",] == len(FILMS)
    assert before["movies_text_queries_waiting",] == 0
    client.post(RECOMMEND, json={"overview": ["a", "bc"]})
    os.replace(write_films(tmp_path / "new", MORE_FILMS), library.now.index.path)
    library.reload()
    os.remove(library.now.index.path)
    library.reload()
    after = counted(client)
    assert grown(before, after, "movies_text_queries_total") == 2
    assert after["movies_index_films",] == len(MORE_FILMS)
    assert grown(before, after, "movies_index_reloads_total", result="taken") == 1
    assert grown(before, after, "movies_index_reloads_total", result="kept") == 1
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_a_text_that_is_being_embedded_is_seen_to_wait(tmp_path):
    seen = []

    class Texts(FakeTexts):
        def __call__(self, text):
            seen.append(values_of(counters.text(0).decode())["movies_text_queries_waiting",])
            return super().__call__(text)

    library = Library(Index(write_films(tmp_path)), Texts())
    create_app(library).test_client().post(RECOMMEND, json={"overview": "x"})
    assert seen == [1]


@pytest.mark.parametrize("given, kept", [
    ("a-1_b.c:/+=@", True), ("x" * 128, True), ("x" * 129, False), ("", False), ("a b", False),
    ("a\"b", False), ("<b>", False), ("\xe9", False), (None, False)])
def test_a_request_keeps_its_id_where_that_is_a_plain_token(client, given, kept):
    headers = {} if given is None else {"X-Request-ID": given}
    for path in (TITLE, "/no/such", RECOMMEND, "/", "/static/style.css"):
        answered = client.get(path, headers=headers).headers["X-Request-ID"]
        assert (answered == given) == kept
        assert kept or re.fullmatch("[0-9a-f]{32}", answered)


def lines_of(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def test_the_access_log_has_a_line_for_each_request_but_not_what_was_asked(library, tmp_path):
    path = str(tmp_path / "access.log")
    client = create_app(library, AccessLog(path)).test_client()
    answer = client.get(TITLE, headers={"X-Request-ID": "mine"})
    client.post(RECOMMEND, json={"overview": "a secret"})
    client.get("/no%0Asuch")
    client.head(TITLE)
    first, second, third, fourth = lines_of(path)
    assert list(first) == ["time", "id", "client", "method", "path", "status", "seconds", "bytes"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first["time"])
    assert (first["id"], first["client"], first["method"], first["path"], first["status"],
            first["bytes"]) == ("mine", "127.0.0.1", "GET", RECOMMEND, 200, len(answer.data))
    assert 0 < first["seconds"] < 60
    assert (second["method"], second["path"], second["status"]) == ("POST", RECOMMEND, 200)
    assert (third["path"], third["status"]) == ("/no\nsuch", 404)
    assert (fourth["method"], fourth["bytes"]) == ("HEAD", 0)
    with open(path, encoding="utf-8") as file:
        assert not re.search("matrix|secret", file.read())


def test_a_verbose_access_log_tells_the_address(library, tmp_path):
    path = str(tmp_path / "access.log")
    client = create_app(library, AccessLog(path, verbose=True)).test_client()
    client.get(TITLE)
    client.get("/" + "x" * 5000)
    assert lines_of(path)[0]["path"] == TITLE
    assert len(lines_of(path)[1]["path"]) == 1000


def test_an_access_log_that_is_moved_away_goes_on_in_a_new_file(library, tmp_path):
    path = str(tmp_path / "access.log")
    client = create_app(library, AccessLog(path)).test_client()
    client.get(TITLE)
    os.rename(path, path + ".1")
    client.get(TITLE)
    assert (len(lines_of(path)), len(lines_of(path + ".1"))) == (1, 1)


def test_an_access_log_without_room_is_told_once_and_nobody_waits(library, capsys):
    client = create_app(library, AccessLog("/dev/full")).test_client()
    for _ in range(3):
        assert client.get(TITLE).status_code == 200
    line, = capsys.readouterr().err.splitlines()
    assert line.startswith("server.py: the access log cannot be written and will have gaps: ")


def test_an_access_log_whose_folder_goes_away_is_told_once_and_nobody_waits(
        library, tmp_path, capsys):
    (tmp_path / "logs").mkdir()
    client = create_app(library, AccessLog(str(tmp_path / "logs" / "access.log"))).test_client()
    assert client.get(TITLE).status_code == 200
    shutil.rmtree(str(tmp_path / "logs"))
    assert [client.get(TITLE).status_code for _ in range(2)] == [200, 200]
    assert "will have gaps" in only_line(capsys.readouterr().err)


def test_too_many_requests_of_a_client_are_429_until_the_minute_is_over(library, monkeypatch):
    app = create_app(library, rate_limit=3)
    client = app.test_client()
    before = counted(client)
    answers = [client.get(TITLE) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert 1 <= int(answers[3].headers["Retry-After"]) <= 60
    assert re.fullmatch(r"more than 3 requests a minute: ask again in \d+ s",
                        answers[3].get_json()["error"])
    other = client.get(TITLE, environ_base={"REMOTE_ADDR": "127.0.0.2"})
    assert other.status_code == 200
    assert [client.get(path).status_code for path in ("/", "/healthz", "/metrics")] == [200] * 3
    assert grown(before, counted(client), "movies_http_refused_total", reason="rate") == 2
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + 61)
    assert client.get(TITLE).status_code == 200


def test_without_a_limit_a_client_may_ask_on(client):
    assert {client.get(TITLE).status_code for _ in range(300)} == {200}


def test_a_text_that_would_wait_too_long_is_503_and_may_come_again(tmp_path):
    def embed(_):
        raise Overloaded("16 texts are waiting")

    client = create_app(Library(Index(write_films(tmp_path)), embed)).test_client()
    before = counted(client)
    answer = client.post(RECOMMEND, json={"overview": "x"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert answer.get_json() == {"error": "16 texts are waiting"}
    assert grown(before, counted(client), "movies_http_refused_total", reason="texts") == 1
    assert client.get(TITLE).status_code == 200


@pytest.mark.parametrize("address", [
    TITLE, RECOMMEND + "?id=603&k=3", "/api/v1/movies?q=mat", "/api/v1/movies/603", "/api/v1/map",
    "/api/v1/openapi.json"])
def test_who_has_an_answer_gets_304_until_the_index_is_another(client, library, tmp_path, address):
    first = client.get(address)
    tag = first.headers["ETag"]
    assert first.headers["Cache-Control"] == "public, max-age=60"
    for given in (tag, "W/" + tag, '"x", ' + tag):
        again = client.get(address, headers={"If-None-Match": given})
        assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", tag)
        assert again.headers["Cache-Control"] == "public, max-age=60"
        assert "Content-Security-Policy" in again.headers
    other = "/api/v1/movies/604"
    assert client.get(other, headers={"If-None-Match": tag}).status_code == 200
    os.replace(write_films(tmp_path / "new", MORE_FILMS), library.now.index.path)
    library.reload()
    changed = client.get(address, headers={"If-None-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != tag


def test_what_is_no_answer_has_no_etag(client):
    for response in (client.get(RECOMMEND + "?id=1", headers={"If-None-Match": "*"}),
                     client.get(RECOMMEND, headers={"If-None-Match": "*"}),
                     client.post(RECOMMEND, json={"overview": "x"}), client.get("/healthz"),
                     client.get("/metrics")):
        assert response.status_code != 304
        assert "ETag" not in response.headers
        assert response.headers["Cache-Control"] == "no-cache"


# The program.

def test_the_program_writes_the_log_also_of_what_it_cannot_read(tmp_path):
    path = str(tmp_path / "access.log")
    with running("--index", write_films(tmp_path), "--port", "0", "--access_log", path) as program:
        _, headers, _ = program.request("GET", TITLE, headers={"X-Request-ID": "one"})
        assert headers["X-Request-ID"] == "one"
        status, headers, _ = program.request(
            "GET", TITLE, headers={"X-Request-ID": "two", "Transfer-Encoding": "gzip"})
        assert (status, headers["X-Request-ID"]) == (400, "two")
        status, headers, _ = program.request("GET", TITLE, headers={"X": "x" * 70000})
        assert status == 431
        made = headers["X-Request-ID"]
        assert re.fullmatch("[0-9a-f]{32}", made)
        assert program.stop() == (0, b"", b"")
    lines = lines_of(path)
    assert [(line["id"], line["status"]) for line in lines] == [
        ("one", 200), ("two", 400), (made, 431)]
    assert {line["client"] for line in lines} == {"127.0.0.1"}
    assert lines[1]["path"] == RECOMMEND


def test_several_workers_count_together_and_write_one_log(tmp_path):
    path = str(tmp_path / "access.log")
    with running("--index", write_films(tmp_path), "--port", "0", "--access_log", path,
                 "--workers", "2") as program:
        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(lambda _: program.get(TITLE)[0], range(80))) == {200}
        counts = values_of(requests.get(
            "http://127.0.0.1:{}/metrics".format(program.port), timeout=60).text)
        assert counts["movies_http_requests_total", ("method", "GET"), ("route", RECOMMEND),
                      ("status", "200")] == 80
        assert counts["movies_index_films",] == len(FILMS)
        assert program.stop() == (0, b"", b"")
    assert [line["status"] for line in lines_of(path)] == [200] * 81


def test_the_program_writes_the_log_to_stderr(tmp_path):
    with running("--index", write_films(tmp_path), "--port", "0", "--access_log", "-",
                 "--rate_limit", "1") as program:
        assert [program.get(TITLE)[0] for _ in range(2)] == [200, 429]
        code, out, err = program.stop()
    assert (code, out) == (0, b"")
    assert [json.loads(line)["status"] for line in err.decode().splitlines()] == [200, 429]


def test_an_access_log_that_cannot_be_opened_is_one_line(tmp_path, run_program):
    path = str(tmp_path / "none" / "access.log")
    done = run_program("server.py", "--index", write_films(tmp_path), "--access_log", path)
    assert (done.returncode, done.stderr.splitlines()) == (1, [
        "server.py: error: cannot write the access log {}: No such file or directory".format(path)])


_TWO_PROCESSES = """
import os
from serving import counters

def said():
    return [line for line in counters.text(7).decode().splitlines() if not line.startswith("#")]

children, (counted, tell), (may_end, held) = [], os.pipe(), os.pipe()
for n in (2, 3):
    pid = os.fork()
    if not pid:
        os.close(held)
        counters.TEXTS.inc(n)
        counters.TEXTS_WAITING.inc(n)
        counters.REQUESTS.labels("/x", "GET", 200).inc()
        os.write(tell, b"x")
        os.read(may_end, 1)
        os._exit(0)
    children.append(pid)
    os.read(counted, 1)
print(sorted(said()))
os.close(held)
for pid in children:
    os.waitpid(pid, 0)
print(sorted(said()))
"""


def test_processes_count_together_and_what_waits_in_one_that_has_ended_does_not_count(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", _TWO_PROCESSES], cwd=ROOT, check=True, stdout=subprocess.PIPE,
        encoding="utf-8", env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)})
    together, after = done.stdout.splitlines()
    for said, waiting in ((together, 5.0), (after, 0.0)):
        for line in ("movies_index_films 7.0", "movies_text_queries_total 5.0",
                     "movies_text_queries_waiting {}".format(waiting),
                     'movies_http_requests_total{method="GET",route="/x",status="200"} 2.0'):
            assert line in said


def test_counters_are_read_while_a_process_creates_its_file(tmp_path):
    (tmp_path / "counter_99999.db").touch()
    source = "from serving import counters; counters.TEXTS.inc(); print(counters.text(7).decode())"
    done = subprocess.run(
        [sys.executable, "-c", source], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        encoding="utf-8", env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)},
        check=False)
    assert done.returncode == 0, done.stderr
    assert "movies_text_queries_total 1.0" in done.stdout
