"""HTTP by waitress: listening, errors as JSON, signals, an end that drops no request."""

import json
import logging
import os
import signal
import socket
import sys
import threading
import time
from typing import Any, Callable, Dict, List

from flask import Flask
from waitress import create_server, wasyncore
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer
from waitress.task import ErrorTask

from recommender import cli
from recommender.errors import RecommenderError
from serving.access_log import REQUEST_ID, Seen, request_id
from serving.api import MAX_BODY
from serving.threads import Threads

DRAIN_SECONDS = 30.0  # how long a server that stops waits for the requests in flight
_SWITCH_SECONDS = 0.0005
REQUEST_SECONDS = 30.0  # how long a request may take to come in
BACKLOG = 1024  # connections that wait to be accepted
_MAX_REFUSED = 16 << 20  # bytes that are still taken of a request that was refused
# What a browser may do with an answer: show it, and run what comes from here.
SECURITY_HEADERS = {
    "Content-Security-Policy":
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
JSON = "application/json; charset=utf-8"


class _JsonErrorTask(ErrorTask):
    """What waitress refuses before Flask sees it, as JSON like every other error."""

    def execute(self) -> None:
        error = self.request.error
        # 501 is for a transfer coding that nobody uses: the request is wrong, not the server.
        status = "400 Bad Request" if error.code == 501 else "{} {}".format(
            error.code, error.reason)
        body = json.dumps({"error": "the request cannot be read: {}".format(
            " ".join(str(error.body).split()))}).encode()
        method, path, query = (getattr(self.request, name, None) or ""  # as far as it was read
                               for name in ("command", "path", "query"))
        seen = Seen(request_id(self.request.headers.get("X_REQUEST_ID")), self.channel.addr[0],
                    method, path, query, "", int(status.split()[0]),
                    time.time() - self.start_time, len(body))
        headers = {"Content-Type": JSON, REQUEST_ID: seen.id, **SECURITY_HEADERS}
        error.to_response = lambda: (status, list(headers.items()), body)
        self.channel.refused = True
        self.channel.server.observe(seen)
        super().execute()


class _Channel(HTTPChannel):
    """A connection that gives a request time to come in, but not for ever, and whose client
    reads why a request was refused although it is still sending."""

    error_task_class = _JsonErrorTask
    refused = False
    _began = None  # when the request that is coming in began to
    _to_drop = None  # bytes still taken and dropped after a refusal

    def is_busy(self) -> bool:
        """Whether a request is being answered or its answer being sent."""
        # In this order: an answer is in the buffer before its request is forgotten.
        return bool(self.requests) or self.total_outbufs_len > 0

    def readable(self) -> bool:  # asked of every connection whenever there is news of one
        if self._began is not None and time.monotonic() - self._began > REQUEST_SECONDS:
            self.will_close = True
        return self._to_drop is not None or super().readable()

    def received(self, data: bytes) -> bool:
        if self._to_drop is not None:
            self._to_drop -= len(data)
            if self._to_drop < 0:
                self.handle_close()
            return False
        done = super().received(data)
        if self.request is None:
            self._began = None
        elif self._began is None:
            self._began = time.monotonic()
        return done

    def send_continue(self) -> None:
        # Nothing more is to come of a request without a body, or of one that is refused already;
        # waitress would wait for it.
        if self.request.completed:
            self.request.expect_continue = False
        else:
            super().send_continue()

    def handle_close(self) -> None:
        # To close while data come in would reset the connection, and take with it the answer
        # that the client has not read yet.
        if self.refused and self.connected and self._to_drop is None:
            self._to_drop, self.will_close = _MAX_REFUSED, False
            self._began = time.monotonic()
            try:
                self.socket.shutdown(socket.SHUT_WR)
            except OSError:
                super().handle_close()
        else:
            super().handle_close()


def bind(host: str, port: int) -> socket.socket:
    """A socket bound to an address. Raises RecommenderError that names the address."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        bound = socket.socket(family, kind, protocol)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except (OSError, UnicodeError) as error:
        raise RecommenderError("cannot listen on {} port {}: {}".format(
            host, port, getattr(error, "strerror", None) or error))
    return bound


def shares(bound: socket.socket, n: int) -> List[socket.socket]:
    """`n` sockets in place of one that was bound: the system deals connections out to them, where
    of several processes that wait at one socket the quickest would take nearly all."""
    family, address = bound.family, bound.getsockname()
    bound.close()
    found = []
    for _ in range(n):
        one = socket.socket(family, socket.SOCK_STREAM)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        one.bind(address)
        found.append(one)
    return found


def announce(bound: socket.socket) -> None:
    """Take connections, and say where."""
    bound.listen(BACKLOG)
    host, port = bound.getsockname()[:2]
    cli.note("server.py: listening on http://{}:{}".format(
        "[{}]".format(host) if ":" in host else host, port))


def serve(app: Flask, bound: socket.socket, reload: Callable[[], Any],
          verbose: bool = False, is_announced: bool = False) -> None:
    """Answer requests until SIGTERM or Ctrl-C, then finish those in flight.

    SIGHUP calls `reload` beside them; from a terminal that was closed it ends the server. Says
    where it listens unless that `is_announced`.
    """
    # A thread that has the answer of a millisecond gives way to waitress's own sooner than in
    # Python's 5 ms: at 16 connections that is twice the rate.
    sys.setswitchinterval(_SWITCH_SECONDS)
    # Else waitress warns of its queue when a request comes before its threads are up.
    logging.getLogger("waitress").setLevel(logging.WARNING if verbose else logging.CRITICAL)
    sockets = {}  # type: Dict[int, wasyncore.dispatcher]
    server = create_server(
        app, sockets, _dispatcher=Threads(), sockets=[bound], backlog=BACKLOG, ident=None,
        log_socket_errors=False,
        # Above MAX_BODY: what is little too large is read to its end.
        max_request_body_size=16 * MAX_BODY, max_request_header_size=MAX_BODY,
        connection_limit=500, channel_timeout=60, cleanup_interval=5, asyncore_use_poll=True,
        clear_untrusted_proxy_headers=True)
    server.channel_class, server.observe = _Channel, app.config["OBSERVE"]
    stops, hang_ups = [], []  # type: List[int], List[int]
    in_terminal = os.isatty(0)

    def on_stop(number: int, _: Any) -> None:
        signal.signal(number, signal.SIG_DFL)  # a second one ends the program at once
        stops.append(number)
        server.pull_trigger()

    def on_hangup(number: int, _: Any) -> None:
        (stops if in_terminal and not os.isatty(0) else hang_ups).append(number)
        server.pull_trigger()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_stop)
    signal.signal(signal.SIGHUP, on_hangup)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTERM, signal.SIGINT, signal.SIGHUP))
    if not is_announced:
        announce(bound)
    while not stops:
        if hang_ups:
            hang_ups.clear()
            threading.Thread(target=reload, daemon=True).start()
        wasyncore.loop(timeout=1, use_poll=True, map=sockets, count=1)
    _drain(server, sockets)


def _drain(server: TcpWSGIServer, sockets: Dict[int, wasyncore.dispatcher]) -> None:
    """Accept no more, and send the answers to what was accepted."""
    wasyncore.dispatcher.close(server)
    deadline = time.monotonic() + DRAIN_SECONDS
    while (time.monotonic() < deadline
           and any(channel.is_busy() for channel in list(server.active_channels.values()))):
        wasyncore.loop(timeout=0.1, use_poll=True, map=sockets, count=1)
    server.task_dispatcher.shutdown()
