"""HTTP connections by waitress: limits on how many there are, errors as JSON."""

import ipaddress
import json
import os
import resource
import socket
import sys
import time
from collections import defaultdict
from typing import Any, DefaultDict, Dict, List, Optional

from flask import Flask
from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer
from waitress.task import ErrorTask

from serving.access_log import REQUEST_ID, Seen, request_id
from serving.openapi import MAX_BODY
from serving.ports import BACKLOG, listen
from serving.threads import Threads

REQUEST_SECONDS = 30.0  # in which a request must have come in; then its connection is closed
MAX_CONNECTIONS = 500  # of a process: beyond, one poll of all would take milliseconds
GRACE_SECONDS = 1.0  # in which a new connection need not give way: its request is on the way
_SHARE = 4  # one address holds at most one in so many connections without a whole request
_SPARE_FILES = 4  # descriptors kept for index, log and metrics when connections use up the rest
_LOOK_SECONDS = 0.5  # between two looks at the shares of addresses
_ACCEPT_PAUSE = 0.1  # seconds before accepting again when the system had no descriptor or memory
_MAX_REFUSED = 16 << 20  # bytes still read of a refused request, so that its client sees why
# Headers that restrict what a browser does with an answer to showing it and running our scripts.
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
    """The answer to a request that waitress refuses before Flask sees it, as JSON."""

    def execute(self) -> None:
        error = self.request.error
        # 501 is for an unknown transfer coding: the request is wrong, not the server.
        status = "400 Bad Request" if error.code == 501 else "{} {}".format(
            error.code, error.reason)
        body = json.dumps({"error": "the request cannot be read: {}".format(
            " ".join(str(error.body).split()))}).encode()
        method, path, query = (getattr(self.request, name, None) or ""  # as far as it was read
                               for name in ("command", "path", "query"))
        client = self.channel.server.proxies.client(
            self.channel.addr[0], self.request.headers.get("X_FORWARDED_FOR", ""))
        seen = Seen(request_id(self.request.headers.get("X_REQUEST_ID")), client,
                    method, path, query, "", int(status.split()[0]),
                    time.time() - self.start_time, len(body))
        headers = {"Content-Type": JSON, REQUEST_ID: seen.id, **SECURITY_HEADERS}
        # waitress 3 gives it the name of the server, which these answers do not tell.
        error.to_response = lambda *_: (status, list(headers.items()), body)
        self.channel.refused = True
        self.channel.server.observe(seen)
        super().execute()


class Channel(HTTPChannel):
    """A connection. Its requests must come in within REQUEST_SECONDS each; a client whose
    request is refused can read why although it is still sending."""

    error_task_class = _JsonErrorTask
    refused = False
    has_asked = False  # a whole request has come in
    will_close = False
    _began: Optional[float] = None  # when the request that is coming in began to
    _to_drop: Optional[int] = None  # bytes still read and dropped after a refusal

    def __init__(self, server: "Server", sock: socket.socket, addr: Any, adj: Adjustments,
                 map: Optional[Dict[int, wasyncore.dispatcher]] = None):
        self.origin = origin_of(addr[0])
        self.is_proxy = addr[0] in server.proxies
        self._opened = time.monotonic()
        super().__init__(server, sock, addr, adj, map)

    def is_busy(self) -> bool:
        """Return whether a request is being answered or its answer being sent."""
        # In this order: an answer is in the buffer before its request is forgotten.
        return bool(self.requests) or self.total_outbufs_len > 0

    def is_unfinished(self) -> bool:
        """Return whether the client has yet to send a whole request."""
        return not self.is_busy() and (self.request is not None or not self.has_asked)

    def is_idle(self) -> bool:
        """Return whether all requests are answered and no other has begun to come in."""
        return self.has_asked and self.request is None and not self.is_busy()

    def waiting_since(self) -> float:
        """Return when the request began that has not come in yet, in monotonic seconds."""
        return self._opened if self._began is None else self._began

    def give_way(self) -> None:
        """Close a connection on which no request is being answered."""
        super().handle_close()

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
        # Of a request that is complete or refused, nothing more is to come: waitress would wait.
        if self.request.completed:
            self.request.expect_continue = False
        else:
            super().send_continue()

    def handle_close(self) -> None:
        # Closing while data come in would reset the connection, and the client would lose the
        # answer that it has not read yet.
        if self.refused and self.connected and self._to_drop is None:
            self._to_drop, self.will_close = _MAX_REFUSED, False
            self._began = time.monotonic()
            try:
                self.socket.shutdown(socket.SHUT_WR)
            except OSError:
                super().handle_close()
        else:
            super().handle_close()


class Server(TcpWSGIServer):
    """waitress's server with limits that no client can use up for others.

    When `max_connections` are open, or the system has no file descriptor left, one that has sent
    no whole request gives way to a new one, first of the address with the most of them; else one
    that has been answered and is idle. A single address keeps at most a share of unfinished ones.
    """

    channel_class = Channel
    next_channel_cleanup = 0.0  # when connections without activity are looked for, seconds

    def __init__(self, app: Flask, sockets: Dict[int, wasyncore.dispatcher], bound: socket.socket):
        adjustments = Adjustments(
            ident=None, log_socket_errors=False, backlog=BACKLOG,
            # Above MAX_BODY: the rest of a body that is slightly too large is read.
            max_request_body_size=16 * MAX_BODY, max_request_header_size=MAX_BODY,
            channel_timeout=60, cleanup_interval=5, clear_untrusted_proxy_headers=False)
        super().__init__(
            app, sockets, _start=False, _sock=bound, dispatcher=Threads(), adj=adjustments,
            sockinfo=(bound.family, bound.type, bound.proto, bound.getsockname()),
            bind_socket=False)
        self.observe = app.config["OBSERVE"]
        self.max_connections = affordable_connections()
        self._share = max(1, self.max_connections // _SHARE)
        self.proxies = app.config["PROXIES"]  # without a share: many clients stand behind each
        self._resume = self._looked = 0.0

    def accept_connections(self) -> None:
        """Begin to listen. Raises RecommenderError if another program has the port."""
        self.accepting = True
        listen(self.socket)

    def add_task(self, task: Channel) -> None:
        task.has_asked = True
        super().add_task(task)

    def readable(self) -> bool:
        now = time.time()
        if now >= self.next_channel_cleanup:
            self.next_channel_cleanup = now + self.adj.cleanup_interval
            self.maintenance(now)
        if len(self.active_channels) > self._share and now - self._looked > _LOOK_SECONDS:
            self._looked = now
            self._keep_shares()
        return (self.accepting and time.monotonic() >= self._resume
                and (not self._is_full() or self._first_to_go() is not None))

    def handle_accept(self) -> None:
        if self._is_full() and not self._make_room():
            return
        try:
            connection, address = self.socket.accept()
        except (BlockingIOError, ConnectionError):  # the client has gone
            return
        except OSError:
            if not self._make_room():
                self._resume = time.monotonic() + _ACCEPT_PAUSE
            return
        # Without TCP_NODELAY, one of them, an answer waits 40 ms for the client's acknowledgement.
        self.set_socket_options(connection)
        self.channel_class(self, connection, address, self.adj, map=self._map)

    def handle_error(self) -> None:
        """Let the process end, to be started again: waitress would go on without accepting."""
        _, error, _ = sys.exc_info()
        raise error or RuntimeError("an unknown error of the server's socket")

    def _is_full(self) -> bool:
        return len(self.active_channels) >= self.max_connections

    def _make_room(self) -> bool:
        found = self._first_to_go()
        if found is not None:
            found.give_way()
        return found is not None

    def _first_to_go(self) -> Optional[Channel]:
        """Return the connection that gives way to a new one, None if all are new or busy."""
        for theirs in self._unfinished()[:1]:  # of other addresses, none is closed instead
            if theirs[0].waiting_since() < time.monotonic() - GRACE_SECONDS:
                return theirs[0]
        idle_since = time.time() - GRACE_SECONDS
        idle = [channel for channel in self.active_channels.values()
                if channel.is_idle() and channel.last_activity < idle_since]
        return min(idle, key=lambda each: each.last_activity) if idle else None

    def _unfinished(self) -> List[List[Channel]]:
        """Return the unfinished connections of each address, the oldest first; the address with
        the most of them first. Proxies come last, each connection by itself."""
        by_origin: DefaultDict[bytes, List[Channel]] = defaultdict(list)
        of_proxies = []
        for channel in sorted(self.active_channels.values(), key=Channel.waiting_since):
            if channel.is_unfinished():
                if channel.is_proxy:
                    of_proxies.append([channel])
                else:
                    by_origin[channel.origin].append(channel)
        return sorted(by_origin.values(), key=len, reverse=True) + of_proxies

    def _keep_shares(self) -> None:
        """Close the oldest unfinished connections of each address beyond its share."""
        latest = time.monotonic() - GRACE_SECONDS
        for theirs in self._unfinished():
            for channel in theirs[:max(0, len(theirs) - self._share)]:
                if channel.waiting_since() < latest:
                    channel.give_way()


def affordable_connections() -> int:
    """Return how many connections this process can hold: each needs a file descriptor, and a
    second one while it asks the process that embeds texts."""
    n_files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if n_files == resource.RLIM_INFINITY:
        return MAX_CONNECTIONS
    try:
        n_open = len(os.listdir("/proc/self/fd"))
    except OSError:  # all are in use
        n_open = n_files
    return max(2, min(MAX_CONNECTIONS, (n_files - n_open - _SPARE_FILES) // 2))


def origin_of(address: str) -> bytes:
    """Return what identifies a client by its address: of IPv6 the first 64 bits, which one
    customer of a provider has to itself.

    >>> origin_of("127.0.0.1") == origin_of("::ffff:127.0.0.1"), origin_of("2001:db8::1")
    (True, b' \\x01\\r\\xb8\\x00\\x00\\x00\\x00')
    """
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        return found.ipv4_mapped.packed if found.ipv4_mapped else found.packed[:8]
    return found.packed
