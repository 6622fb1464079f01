"""Limits on connections: no client keeps others out, and no error ends the accepting."""

import contextlib
import os
import socket
import subprocess
import sys
import time

import pytest
from waitress.adjustments import Adjustments

from serving import connections
from serving.connections import affordable_connections, origin_of
from tests.conftest import ROOT
from tests.served import running, write_films
from tests.test_server_program import comes_true

MAX = 20  # connections of the small server
SMALL_SERVER = """
import sys
from recommender.index import Index
from serving import connections, ports
from serving.app import create_app
from serving.library import Library
from serving.listening import serve
from tests.served import FakeTexts

connections.MAX_CONNECTIONS, connections.GRACE_SECONDS = {}, 0.3
library = Library(Index(sys.argv[1]), FakeTexts())
app = create_app(library, proxies=sys.argv[2:])
serve(app, ports.reserve("127.0.0.1", 0), library.reload)
""".format(MAX)


@pytest.fixture()
def serve_small(tmp_path):
    """Runs a server of 20 connections, with the proxies that are named."""
    path = write_films(tmp_path)
    with contextlib.ExitStack() as stack:
        yield lambda *proxies: stack.enter_context(
            running(path, *proxies, command=("-c", SMALL_SERVER)))


@contextlib.contextmanager
def unfinished(program, n, origin="127.0.0.1"):
    """`n` connections from the address `origin` that have sent half a header."""
    with contextlib.ExitStack() as stack:
        opened = []
        for _ in range(n):
            one = stack.enter_context(socket.create_connection(
                ("127.0.0.1", program.port), 60, (origin, 0)))
            one.sendall(b"GET /healthz HTTP/1.1\r\nX: ")
            opened.append(one)
        yield opened


def n_open(program, opened):
    """Count the connections that the server has not closed; it answers a query meanwhile."""
    assert program.get("/healthz")[0] == 200
    found = 0
    for one in opened:
        one.setblocking(False)
        try:
            found += one.recv(1) != b""
        except BlockingIOError:
            found += 1
        except ConnectionError:
            pass
    return found


def test_connections_that_never_finish_keep_nobody_out(serve_small):
    program = serve_small()
    with unfinished(program, 3 * MAX, "127.0.0.2") as opened:
        begin = time.monotonic()
        assert program.get("/healthz")[0] == 200
        assert time.monotonic() - begin < 10
        assert comes_true(lambda: n_open(program, opened) <= MAX // 4)


def test_the_address_with_the_most_unfinished_requests_gives_way_first(serve_small):
    program = serve_small()
    with unfinished(program, 2, "127.0.0.3") as few, unfinished(program, 3 * MAX, "127.0.0.2"):
        for _ in range(20):
            assert program.get("/healthz")[0] == 200
        assert n_open(program, few) == 2


def test_a_proxy_that_is_named_has_no_share(serve_small):
    program = serve_small("127.0.0.2")
    with unfinished(program, MAX // 2, "127.0.0.2") as of_proxy, \
            unfinished(program, MAX // 2 - 2, "127.0.0.3") as of_other:
        assert comes_true(lambda: n_open(program, of_other) <= MAX // 4)
        assert n_open(program, of_proxy) == MAX // 2


def test_idle_connections_that_were_answered_give_way(serve_small):
    program = serve_small()
    with contextlib.ExitStack() as stack:
        for _ in range(2 * MAX):
            one = stack.enter_context(socket.create_connection(("127.0.0.1", program.port), 60))
            one.sendall(b"GET /healthz HTTP/1.1\r\n\r\n")
            assert one.recv(1000).startswith(b"HTTP/1.1 200")


ACCEPTING_SERVER = """
import os
import sys
from recommender.index import Index
from serving import connections, ports
from serving.app import create_app
from serving.library import Library
from serving.listening import serve
from tests.served import FakeTexts

class Bound:
    "A socket that cannot accept when it is asked first."
    failed = 0
    def __init__(self, bound):
        self._bound = bound
    def __getattr__(self, name):
        return getattr(self._bound, name)
    def accept(self):
        Bound.failed += 1
        if Bound.failed == 1:
            raise {}
        return self._bound.accept()

library = Library(Index(sys.argv[1]), FakeTexts())
serve(create_app(library), Bound(ports.reserve("127.0.0.1", 0)), library.reload)
"""


def test_accepting_goes_on_after_an_error_of_the_system(tmp_path):
    command = ("-c", ACCEPTING_SERVER.format("OSError(24, 'Too many open files')"))
    with running(write_films(tmp_path), command=command) as program:
        assert program.get("/healthz")[0] == 200
        assert program.stop() == (0, b"", b"")


def test_an_unforeseen_error_in_accepting_ends_the_process(tmp_path):
    command = ("-c", ACCEPTING_SERVER.format("ZeroDivisionError('accept')"))
    with running(write_films(tmp_path), command=command) as program:
        with pytest.raises(OSError):
            program.get("/healthz")
        _, err = program.process.communicate(timeout=60)
        assert program.process.returncode == 1
        assert b"ZeroDivisionError: accept" in err


AFFORDABLE = """
import os, resource
from serving.connections import affordable_connections

n_open, (_, hard) = len(os.listdir("/proc/self/fd")), resource.getrlimit(resource.RLIMIT_NOFILE)
for n_free in (60, 10, 5, 0):
    resource.setrlimit(resource.RLIMIT_NOFILE, (n_open + n_free, hard))
    print(affordable_connections())
"""


def test_connections_leave_descriptors_for_texts_and_files():
    done = subprocess.run([sys.executable, "-c", AFFORDABLE], cwd=ROOT, stdout=subprocess.PIPE,
                          check=True)
    assert done.stdout.split() == [b"28", b"3", b"2", b"2"]
    assert affordable_connections() <= connections.MAX_CONNECTIONS


@pytest.mark.parametrize("one, other, are_one", [
    ("127.0.0.1", "127.0.0.2", False), ("127.0.0.1", "::ffff:127.0.0.1", True),
    ("2001:db8::1", "2001:db8::2:3", True), ("2001:db8::1", "2001:db8:0:1::1", False),
    ("fe80::1%eth0", "fe80::1", True)])
def test_addresses_that_one_client_can_choose_among_are_one_origin(one, other, are_one):
    assert (origin_of(one) == origin_of(other)) == are_one


def test_a_proxy_that_is_no_address_is_refused():
    done = subprocess.run([sys.executable, os.path.join(ROOT, "server.py"), "--proxy", "a.b"],
                          stderr=subprocess.PIPE, stdout=subprocess.PIPE, check=False)
    assert done.returncode == 2
    assert b"'a.b' is not an IP address" in done.stderr


def test_an_accepted_connection_sends_its_answers_at_once():
    accepted = []
    with contextlib.closing(socket.socket()) as listening, contextlib.closing(
            socket.socket()) as client:
        listening.bind(("127.0.0.1", 0))
        listening.listen(1)
        client.connect(listening.getsockname())
        server = connections.Server.__new__(connections.Server)
        vars(server).update(
            socket=listening, adj=Adjustments(clear_untrusted_proxy_headers=True), _map={},
            _is_full=lambda: False,
            channel_class=lambda server, connection, *rest, **named: accepted.append(connection))
        server.handle_accept()
        with accepted[0] as connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
