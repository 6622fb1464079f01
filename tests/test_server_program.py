"""The server as a program: start, signals, a change of index under load, broken HTTP."""

import http.client
import json
import os
import pty
import signal
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import h5py
import pytest

from recommender.errors import RecommenderError
from serving import ports
from serving.shared_folder import shared_folder
from tests.conftest import ROOT, SAMPLE
from tests.served import FILMS, MORE_FILMS, running, write_films
from tests.worlds import only_line

RECOMMEND = "/api/v1/recommend"
JSON = {"Content-Type": "application/json"}


@pytest.fixture()
def index_path(tmp_path):
    return write_films(tmp_path)


@pytest.fixture()
def program(index_path):
    with running("--index", index_path, "--port", "0") as program:
        yield program


def maps_of(program):
    with open("/proc/{}/maps".format(program.pid)) as maps:
        return maps.read()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_titles_without_tensorflow_and_stops_cleanly(program, number):
    assert program.get("/healthz") == (200, {"status": "ok", "movies": len(FILMS)})
    status, body = program.get(RECOMMEND + "?title=am%C3%A9lie&k=2")
    assert (status, body["query"]["id"], len(body["results"])) == (200, 194, 2)
    assert "tensorflow" not in maps_of(program)
    assert program.stop(number) == (0, b"", b"")


# A server whose texts wait for a byte on stdin.
SLOW_SERVER = """
import os
import sys
from recommender.index import Index
from serving import connections, ports
from serving.app import create_app
from serving.library import Library
from serving.listening import serve
from tests.served import FakeTexts

class Slow(FakeTexts):
    def __call__(self, text):
        print("asked", flush=True)
        os.read(0, 1)
        return super().__call__(text)

connections.REQUEST_SECONDS = 1.0
library = Library(Index(sys.argv[1]), Slow())
serve(create_app(library), ports.reserve("127.0.0.1", 0), library.reload)
"""


@pytest.fixture()
def slow_program(index_path):
    with running(index_path, command=("-c", SLOW_SERVER)) as program:
        yield program


def ask_slowly(program):
    """A connection whose text query is being answered and waits for `let_go_on`."""
    connection = http.client.HTTPConnection("127.0.0.1", program.port, timeout=60)
    connection.request("POST", RECOMMEND, json.dumps({"overview": "x", "k": 50}), JSON)
    assert program.process.stdout.readline() == b"asked\n"
    return connection


def let_go_on(program, connection):
    """The answer to the query of `ask_slowly`."""
    program.process.stdin.write(b"\n")
    program.process.stdin.flush()
    response = connection.getresponse()
    return response.status, json.loads(response.read().decode())


def comes_true(condition, seconds=120):
    """Return True if `condition` becomes true within `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.01)
    return False


def refuses_connections(program):
    try:
        socket.create_connection(("127.0.0.1", program.port), 1).close()
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:
        pass  # this one waited to be accepted when the listening socket was closed
    return False


def test_a_request_in_flight_is_answered_before_the_end(slow_program):
    connection = ask_slowly(slow_program)
    slow_program.process.send_signal(signal.SIGTERM)
    assert comes_true(lambda: refuses_connections(slow_program))
    status, body = let_go_on(slow_program, connection)
    assert (status, len(body["results"])) == (200, len(FILMS))
    _, err = slow_program.process.communicate(timeout=30)
    assert (slow_program.process.returncode, err) == (0, b"")


def test_films_are_answered_however_many_texts_wait(slow_program):
    connections = [ask_slowly(slow_program) for _ in range(32)]
    assert slow_program.get(RECOMMEND + "?title=matrix")[0] == 200
    slow_program.process.stdin.write(b"\n" * 32)
    slow_program.process.stdin.flush()
    assert [connection.getresponse().status for connection in connections] == [200] * 32
    assert slow_program.get(RECOMMEND + "?title=matrix")[0] == 200
    assert slow_program.stop() == (0, b"", b"")


def test_sighup_brings_the_new_index_and_drops_no_request(program, index_path, tmp_path):
    new = [write_films(tmp_path / "new{}".format(n), films)
           for n, films in enumerate([MORE_FILMS, FILMS, MORE_FILMS, FILMS, MORE_FILMS])]
    stop = threading.Event()
    sizes = {len(FILMS) - 1, len(MORE_FILMS) - 1}

    def ask():
        connection = http.client.HTTPConnection("127.0.0.1", program.port, timeout=60)
        n_answers = 0
        while not stop.is_set() or not n_answers:
            connection.request("GET", RECOMMEND + "?title=matrix&k=50")
            response = connection.getresponse()
            results = json.loads(response.read().decode())["results"]
            assert response.status == 200
            assert len(results) in sizes
            n_answers += 1
        return n_answers

    with ThreadPoolExecutor(4) as pool:
        clients = [pool.submit(ask) for _ in range(4)]
        try:
            for path in new:
                os.replace(path, index_path)
                program.process.send_signal(signal.SIGHUP)
                assert program.line().startswith("server.py: {} is read anew".format(index_path))
        finally:
            stop.set()
        assert all(client.result() for client in clients)
    assert program.get("/healthz")[1]["movies"] == len(MORE_FILMS)
    assert comes_true(lambda: "index.h5 (deleted)" not in maps_of(program))


def test_a_request_in_flight_keeps_the_old_index_open_until_it_is_answered(
        slow_program, index_path, tmp_path):
    connection = ask_slowly(slow_program)
    os.replace(write_films(tmp_path / "new", MORE_FILMS), index_path)
    slow_program.process.send_signal(signal.SIGHUP)
    assert slow_program.line().endswith("13 films")
    assert "index.h5 (deleted)" in maps_of(slow_program)
    status, body = let_go_on(slow_program, connection)
    assert (status, len(body["results"])) == (200, len(FILMS))
    assert comes_true(lambda: "index.h5 (deleted)" not in maps_of(slow_program))


def test_sighup_with_a_bad_index_leaves_the_old_one_serving(program, index_path):
    os.remove(index_path)
    program.process.send_signal(signal.SIGHUP)
    assert program.line().startswith("server.py: the old index stays: no index at ")
    assert len(program.get(RECOMMEND + "?id=603")[1]["results"]) == 10
    assert program.stop() == (0, b"", b"")


def test_a_terminal_that_is_closed_ends_the_server(index_path):
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [sys.executable, os.path.join(ROOT, "server.py"),
                                  "--index", index_path, "--port", "0"])
    said = b""
    while b"listening" not in said:
        said += os.read(terminal, 1000)
    os.close(terminal)
    assert os.waitpid(pid, 0)[1] == 0


def exchange(program, *parts):
    """All that the server answers to bytes as they stand, head and body."""
    with socket.create_connection(("127.0.0.1", program.port), 60) as connection:
        for part in parts:
            connection.sendall(part)
        head, _, body = connection.makefile("rb").read().partition(b"\r\n\r\n")
    return head.decode("latin-1"), body


POST = b"POST /api/v1/recommend HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
CHUNKED = POST + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize("status, parts", [
    (400, [b"GET / HTTP/1.1\r\nX : y\r\n\r\n"]),
    (200, [b"GET /healthz HTTP/1.1\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"]),
    (400, [b"get / HTTP/1.1\r\n\r\n"]),
    (400, [POST + b"Content-Length: x\r\n\r\n"]),
    (400, [POST + b"Content-Length: -1\r\n\r\n"]),
    (400, [POST + b"Transfer-Encoding: gzip\r\n\r\n"]),
    (400, [CHUNKED + b"zz\r\n"]),
    (400, [CHUNKED + b"2\r\n{}x\r\n"]),
    (400, [b"GET /healthz?" + b"\xff" * 10 + b" HTTP/1.1\r\n", b"Connection: close\r\n\r\n"]),
    (400, [b"GET /\xff\xfe HTTP/1.1\r\n\r\n"]),
    (404, [b"GET /%ff%fe%00 HTTP/1.1\r\nConnection: close\r\n\r\n"]),
    ((400, 405), [b"\0\xff /healthz HTTP/1.1\r\nConnection: close\r\n\r\n"]),
    (405, [b"BREW /healthz HTTP/1.1\r\nConnection: close\r\n\r\n"]),
    (413, [POST + b"Content-Length: 99999999999999999999\r\n\r\n"]),
    (413, [POST + b"Expect: 100-continue\r\nContent-Length: 10000000\r\n\r\n"]),
    (413, [POST + b"Connection: close\r\nContent-Length: 70000\r\n\r\n", b"x" * 70000]),
    (413, [POST + b"Content-Length: 10000000\r\n\r\n", b"x" * 10000000]),
    (413, [CHUNKED] + [b"fffff\r\n" + b"x" * 0xfffff + b"\r\n"] * 10),
    (422, [CHUNKED + b"2\r\n{}\r\n0\r\n\r\n"]),
    (431, [b"GET /api/v1/recommend?title=" + b"x" * 10000000 + b" HTTP/1.1\r\n\r\n"]),
])
def test_odd_http_gets_its_answer_as_json(program, status, parts):
    head, body = exchange(program, *parts)
    assert int(head.split()[1]) in (status if isinstance(status, tuple) else (status,)), head
    assert (list(json.loads(body.decode())) == ["error"]) == (status != 200)
    headers = head.lower()
    assert "\r\ncontent-type: application/json; charset=utf-8" in headers
    assert "\r\nx-content-type-options: nosniff" in headers
    assert "\r\nserver:" not in headers
    assert "waitress" not in (head + body.decode()).lower()
    assert program.get("/healthz")[0] == 200


def test_a_request_that_never_ends_is_cut_off(slow_program):
    with socket.create_connection(("127.0.0.1", slow_program.port), 60) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nX: ")
        assert connection.recv(1) == b""
    assert slow_program.get("/healthz")[0] == 200


def test_clients_that_go_away_leave_the_server_well(program):
    for sent in (b"", b"GET", POST, POST + b"Content-Length: 100\r\n\r\n{",
                 b"GET /api/v1/recommend?id=603&k=1000 HTTP/1.1\r\n\r\n" * 50):
        with socket.create_connection(("127.0.0.1", program.port), 60) as connection:
            connection.sendall(sent)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    assert program.get("/healthz")[0] == 200
    assert program.stop() == (0, b"", b"")


def fails_in_one_line(run_program, *flags):
    done = run_program("server.py", *flags, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    line = only_line(done.stderr)
    assert line.startswith("server.py: error: ")
    return line


def is_refused(run_program, index_path, port, *flags):
    begin = time.monotonic()
    said = fails_in_one_line(run_program, "--index", index_path, "--port", port, *flags)
    assert "127.0.0.1 port {}".format(port) in said
    assert "--port" in said
    return time.monotonic() - begin


@pytest.mark.parametrize("listens", [True, False])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_port_that_another_program_holds_is_refused_at_once(
        index_path, run_program, listens, workers):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        if listens:
            taken.listen(1)
        # The index is not even looked for.
        assert is_refused(run_program, index_path + ".none", taken.getsockname()[1],
                          "--workers", workers) < 10


@pytest.mark.parametrize("first", [1, 2])
@pytest.mark.parametrize("second", [1, 2])
def test_two_servers_never_share_a_port(index_path, run_program, first, second):
    with running("--index", index_path, "--port", 0, "--workers", first) as program:
        is_refused(run_program, index_path, program.port, "--workers", second)
        assert program.get("/healthz")[0] == 200


def test_a_reserved_port_refuses_clients_and_other_servers_until_it_listens():
    with ports.reserve("127.0.0.1", 0) as bound:
        port = bound.getsockname()[1]
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), 10)
        for host in ("127.0.0.1", "0.0.0.0", "::"):
            with pytest.raises(RecommenderError, match="port {}".format(port)):
                ports.reserve(host, port)
        others = ports.shares(bound, 2)[1:]
        with pytest.raises(RecommenderError):
            ports.reserve("127.0.0.1", port)
        for one in [bound, *others]:
            ports.listen(one)
        with pytest.raises(RecommenderError):
            ports.reserve("127.0.0.1", port)
        for one in others:
            one.close()


def test_a_server_takes_the_port_of_one_that_has_just_ended(index_path):
    with running("--index", index_path, "--port", 0) as program:
        # Its side closes first, so that the connection stays in the kernel for a minute.
        with socket.create_connection(("127.0.0.1", program.port), 60) as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n")
            assert connection.makefile("rb").read()
        port = program.port
        assert program.stop()[0] == 0
    for workers in (1, 2):
        with running("--index", index_path, "--port", port, "--workers", workers) as program:
            assert program.port == port
            assert program.stop()[0] == 0


def test_no_checkpoint_is_preloaded_for_a_recipe_without_bert(sample, run_program, tmp_path):
    index = str(tmp_path / "index.h5")
    done = run_program("build_index.py", "--input_file", SAMPLE, "--features", sample.features,
                       "--output", index, "--recipe", "tfidf")
    assert done.returncode == 0, done.stderr
    with running("--index", index, "--port", 0, "--preload",
                 "--bert_dir", tmp_path / "none") as program:
        status, _, body = program.request("POST", RECOMMEND, json.dumps({"overview": "a shark"}),
                                          JSON)
        assert (status, len(body["results"])) == (200, 10)
        assert program.stop() == (0, b"", b"")


def test_preloading_fails_where_texts_cannot_be_answered(index_path, run_program, tmp_path):
    said = fails_in_one_line(run_program, "--index", index_path, "--port", 0, "--preload",
                             "--bert_dir", tmp_path / "none")
    assert "checkpoint" in said


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_server_that_is_killed_leaves_no_temporary_folder(
        index_path, tmp_path, monkeypatch, workers, number):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    os.mkdir(os.environ["TMPDIR"])
    with running("--index", index_path, "--port", 0, "--workers", workers) as program:
        assert len(os.listdir(os.environ["TMPDIR"])) == 1
        program.process.send_signal(number)
        program.process.wait(60)
        assert comes_true(lambda: not os.listdir(os.environ["TMPDIR"]))


def test_the_folder_of_a_server_of_which_nothing_is_left_is_removed_by_the_next(
        tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    left, kept = tmp_path / "movies-left", tmp_path / "movies-other"
    left.mkdir()
    kept.mkdir()  # without a lock: another program's
    (left / "lock").write_text("")
    with shared_folder() as folder, shared_folder() as other:
        assert sorted(os.listdir(str(tmp_path))) == sorted(
            [os.path.basename(folder), os.path.basename(other), "movies-other"])


def test_missing_index_is_one_line(tmp_path, run_program):
    assert "no index at" in fails_in_one_line(run_program, "--index", tmp_path / "none.h5")


def test_an_index_of_an_unknown_recipe_is_one_line(index_path, run_program):
    with h5py.File(index_path, "r+") as file:
        file.attrs["recipes"] = file.attrs["recipes"].replace("mean", "median")
    said = fails_in_one_line(run_program, "--index", index_path, "--port", "0")
    assert index_path in said
    assert "recipe" in said


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 70])
def test_no_such_host_is_one_line(index_path, run_program, host):
    assert host in fails_in_one_line(run_program, "--index", index_path, "--port", "0",
                                     "--host", host)
