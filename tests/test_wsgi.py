"""The application under servers of others: the real gunicorn, and the standard library's."""

import argparse
import contextlib
import glob
import http.client
import itertools
import json
import os
import re
import signal
import socket
import subprocess
import sys

import pytest

from recommender.errors import RecommenderError
from serving import shared_folder
from serving.settings import add_flags, from_environment, variable_of
from tests.conftest import ROOT
from tests.served import FILMS, MORE_FILMS, Program, write_films
from tests.test_server_program import comes_true

RECOMMEND = "/api/v1/recommend"
JSON = {"Content-Type": "application/json"}
GUNICORN = (sys.executable, "-m", "gunicorn", "--bind", "127.0.0.1:0", "--threads", "4")


class Server(Program):
    """A server of others with the application, in a process group of its own."""

    def __init__(self, command, variables):
        self.process = subprocess.Popen(
            [*command, "serving.wsgi:app"], cwd=ROOT, bufsize=0, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**os.environ, **{name: str(value) for name, value in variables.items()}})
        self.pid = self.process.pid
        self.port = 0
        while not self.port:
            found = re.search(r"(?:Listening at: (?:http://127\.0\.0\.1:|unix:/)|port )(\d*)",
                              self.line())
            self.port = int(found.group(1) or -1) if found else 0

    def nearest(self, overview="A shark terrorises a seaside town"):
        """Status and the title that is nearest to a text."""
        status, _, body = self.request("POST", RECOMMEND, json.dumps({"overview": overview}), JSON)
        return status, (body.get("results") or [{"title": body.get("error")}])[0]["title"]


@pytest.fixture()
def started(tmp_path, monkeypatch):
    """Starts servers that must leave nothing in their temporary folder."""
    folder = tmp_path / "t"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    with contextlib.ExitStack() as stack:
        def start(*flags, command=GUNICORN, **variables):
            server = Server([*command, *flags], variables)
            stack.callback(server.end)
            return server
        yield start
    assert comes_true(lambda: not os.listdir(str(folder)), 60)


@pytest.fixture()
def index_path(tmp_path):
    return write_films(tmp_path)


def commands():
    """Command lines by process id."""
    found = {}
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        with contextlib.suppress(OSError), open(path, "rb") as file:
            found[int(path.split("/")[2])] = file.read().decode().split("\0")
    return found


def parent(pid):
    with open("/proc/{}/stat".format(pid)) as file:
        return int(file.read().rpartition(")")[2].split()[1])


def keepers():
    """The processes that keep those of this test's servers that embed texts."""
    return {pid for pid, command in commands().items() if "serving.shared_texts" in command
            and any(part.startswith(os.environ["TMPDIR"]) for part in command)}


def text_processes():
    return {pid for pid, command in commands().items()
            if "serving.text_process" in command and parent(pid) in keepers()}


def workers(server):
    return {pid for pid, command in commands().items() if "gunicorn" in command
            and pid != server.pid and parent(pid) == server.pid}


def is_gone(pid):
    return not os.path.exists("/proc/{}".format(pid))


@pytest.mark.parametrize("flags", [["--workers", "2"], ["--workers", "2", "--preload"],
                                   ["--workers", "1"]])
def test_one_process_embeds_the_texts_of_all_workers_and_outlives_each(started, sample, flags):
    server = started(*flags, MOVIES_INDEX=sample.index, MOVIES_FEATURES=sample.features)
    assert server.get(RECOMMEND + "?title=the+matrix")[0] == 200
    assert not workers(server) or server.nearest() == (200, "Jaws 2")
    before = text_processes()
    assert len(before) == 1
    for pid in workers(server):  # whichever of them started it
        os.kill(pid, signal.SIGKILL)
        assert comes_true(lambda: pid not in workers(server)  # noqa: B023
                          and len(workers(server)) == int(flags[1]))
        for n in range(8):
            assert server.nearest("A shark {}".format(n))[0] == 200
    assert text_processes() == before
    _, _, asked = server.request("POST", RECOMMEND, json.dumps(
        {"overview": "A shark", "explain": True}), JSON)
    assert "why" in asked["results"][0]
    both = before | keepers()
    server.stop()
    assert comes_true(lambda: all(map(is_gone, both)), 20)


def test_texts_are_answered_again_when_their_processes_were_killed(started, sample):
    server = started("--workers", "2", MOVIES_INDEX=sample.index)
    assert server.nearest() == (200, "Jaws 2")
    texts = ("A shark attack {}".format(n) for n in itertools.count())  # none was answered before
    for kill in (text_processes, keepers):
        before = kill()
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        assert comes_true(lambda: not before & kill())  # noqa: B023
        assert comes_true(lambda: server.nearest(next(texts))[0] == 200)
        assert len(text_processes()) == len(keepers()) == 1


@pytest.mark.parametrize("flags", [[], ["--preload"]])
def test_nothing_is_left_of_a_server_that_was_never_asked(started, index_path, flags):
    server = started("--workers", "2", *flags, MOVIES_INDEX=index_path)
    assert comes_true(lambda: os.listdir(os.environ["TMPDIR"]))
    server.stop()
    assert not os.listdir(os.environ["TMPDIR"])


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_is_left_when_the_server_ends_or_is_killed(started, index_path, number):
    server = started("--workers", "2", MOVIES_INDEX=index_path)
    server.nearest("a man")
    assert comes_true(lambda: len(keepers()) == 1)
    # gunicorn waits half a minute for a worker that gets the signal while it is being started.
    counters = os.environ["TMPDIR"] + "/*/counter_{}.db"
    assert comes_true(lambda: len(workers(server)) == 2 and all(
        glob.glob(counters.format(pid)) for pid in workers(server)))
    assert len(os.listdir(os.environ["TMPDIR"])) == 1
    server.process.send_signal(number)
    server.process.wait(60)
    assert comes_true(lambda: not keepers() and not os.listdir(os.environ["TMPDIR"]), 60)


def test_two_servers_share_nothing(started, index_path):
    servers = [started("--workers", "1", MOVIES_INDEX=index_path) for _ in range(2)]
    for n, server in enumerate(servers, start=1):
        for _ in range(n):
            server.get(RECOMMEND + "?id=603")
    for n, server in enumerate(servers, start=1):
        assert 'route="/api/v1/recommend",status="200"}} {}.0'.format(n) in server.text("/metrics")
    assert len(os.listdir(os.environ["TMPDIR"])) == 2


def test_variables_set_what_flags_of_the_program_set(started, index_path, tmp_path):
    log = str(tmp_path / "access.log")
    server = started(
        "--workers", "2", MOVIES_INDEX=index_path, MOVIES_PREFIX="/movies", MOVIES_ACCESS_LOG=log,
        MOVIES_PROXY="127.0.0.1, 10.0.0.0/8", MOVIES_RATE_LIMIT=1, MOVIES_VERBOSE=1,
        MOVIES_CORS="https://films.example https://other.example")
    for client in ("192.0.2.1", "192.0.2.2"):
        for origin in ("https://films.example", "https://other.example"):
            status, headers, _ = server.request("GET", "/movies" + RECOMMEND + "?id=603", headers={
                "X-Forwarded-For": client + ", 10.1.2.3", "Origin": origin})
            assert status in (200, 429)  # each worker counts by itself
            assert headers["Access-Control-Allow-Origin"] == origin
    assert 'href="/movies/static/style.css"' in server.text("/movies/")
    with open(log, encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    assert [line["client"] for line in lines[:4]] == ["192.0.2.1"] * 2 + ["192.0.2.2"] * 2
    assert lines[0]["path"] == "/movies/api/v1/recommend?id=603"


def test_a_proxy_at_a_unix_socket_is_named_unix(started, index_path, tmp_path):
    path, log = str(tmp_path / "s"), str(tmp_path / "access.log")
    started("--bind", "unix:" + path, command=GUNICORN[:3], MOVIES_INDEX=index_path,
            MOVIES_PROXY="unix", MOVIES_ACCESS_LOG=log)
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 192.0.2.1\r\n"
                           b"Connection: close\r\n\r\n")
        assert b" 200 OK" in connection.makefile("rb").readline()
    with open(log, encoding="utf-8") as file:
        assert json.loads(file.read())["client"] == "192.0.2.1"


def test_all_workers_count_together(started, index_path):
    server = started("--workers", "3", MOVIES_INDEX=index_path)
    for _ in range(20):
        assert server.get(RECOMMEND + "?id=603")[0] == 200
    assert re.search(r'route="/api/v1/recommend",status="200"} 20\.0', server.text("/metrics"))
    server.stop()


def test_sighup_has_new_workers_read_the_new_index(started, index_path, tmp_path):
    server = started("--workers", "2", MOVIES_INDEX=index_path)
    assert server.get("/healthz")[1]["movies"] == len(FILMS)
    os.replace(write_films(tmp_path / "new", MORE_FILMS), index_path)
    server.process.send_signal(signal.SIGHUP)

    def sizes():
        with contextlib.suppress(ConnectionError):  # of a worker that is just ending
            return {server.get("/healthz")[1]["movies"] for _ in range(10)}

    assert comes_true(lambda: sizes() == {len(MORE_FILMS)})


def test_a_body_without_a_length_is_refused_where_it_becomes_too_large(started, index_path):
    server = started(MOVIES_INDEX=index_path)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request("POST", RECOMMEND, iter([b'{"overview": "'] + [b"x" * 10000] * 10), JSON,
                       encode_chunked=True)
    answer = connection.getresponse()
    assert (answer.status, list(json.loads(answer.read().decode()))) == (413, ["error"])
    connection.close()


# The smallest of other servers: one process, one thread.
_WSGIREF = """
import sys
from wsgiref.simple_server import make_server
from serving.wsgi import app
server = make_server("127.0.0.1", 0, app)
print("port", server.server_port, file=sys.stderr, flush=True)
server.serve_forever()
"""


def test_any_other_server_may_import_it(started, sample):
    server = started(command=[sys.executable, "-c", _WSGIREF], MOVIES_INDEX=sample.index)
    assert server.get("/healthz") == (200, {"status": "ok", "movies": 533})
    assert server.nearest() == (200, "Jaws 2")
    assert len(text_processes()) == 1


@pytest.mark.parametrize("variables, said", [
    ({"MOVIES_INDEX": "none.h5"}, "no index at none.h5"),
    ({"MOVIES_RATE_LIMIT": "many"}, "MOVIES_RATE_LIMIT: 'many' is not a whole number"),
    ({"MOVIES_PREFIX": "/a b"}, "MOVIES_PREFIX: '/a b' is not a path like /movies"),
    ({"MOVIES_PROXY": "127.0.0.1 localhost"}, "MOVIES_PROXY: 'localhost' is not an IP address"),
    ({"MOVIES_CORS": "films.example"}, "MOVIES_CORS: 'films.example' is not an origin")])
@pytest.mark.parametrize("flags", [[], ["--preload"]])
def test_a_wrong_variable_is_one_line_and_the_server_ends(variables, said, flags):
    done = subprocess.run([*GUNICORN, *flags, "serving.wsgi:app"], cwd=ROOT, timeout=60,
                          env={**os.environ, **variables}, check=False, stderr=subprocess.PIPE,
                          encoding="utf-8")
    assert done.returncode == 3
    assert "serving.wsgi: error: " + said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_switch_is_off_where_its_variable_says_so():
    for value, is_on in (("1", True), ("true", True), ("0", False), ("", False), ("False", False)):
        assert from_environment({"MOVIES_VERBOSE": value}).verbose == is_on


def test_empty_variables_are_as_none_and_all_are_in_the_docs():
    variables = [variable_of(flag) for flag in add_flags(argparse.ArgumentParser())]
    empty = vars(from_environment(dict.fromkeys(variables, "")))
    assert empty == vars(from_environment({}))
    with open(os.path.join(ROOT, "docs", "serving.md"), encoding="utf-8") as file:
        text = file.read()
    assert not [name for name in variables if "`{}`".format(name) not in text]


def test_a_folder_of_that_name_that_is_not_ours_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    joined = shared_folder.join_folder("x")
    assert shared_folder.join_folder("x").folder == joined.folder
    assert shared_folder.join_folder("y").folder != joined.folder
    monkeypatch.setattr("os.geteuid", lambda: os.getuid() + 1)
    os.rename(joined.folder, joined.folder.replace("-{}-".format(os.getuid()), "-{}-".format(
        os.getuid() + 1), 1))
    with pytest.raises(RecommenderError, match="TMPDIR"):
        shared_folder.join_folder("x")


def test_a_folder_that_was_removed_is_joined_anew(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    first = shared_folder.join_folder("x")
    shared_folder.remove_abandoned()
    assert shared_folder.is_at(first.folder, first.lock)
    first.lock.close()
    shared_folder.remove_abandoned()
    assert not os.listdir(str(tmp_path))
    second = shared_folder.join_folder("x")
    assert second.folder == first.folder
    second.lock.close()
