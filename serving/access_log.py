"""What the server tells of each request: an id, a count, a line in the access log.

Requests that Flask answers and those that waitress refuses before are told alike.
"""

import json
import logging
import random
import re
import sys
import time
from functools import lru_cache
from logging.handlers import WatchedFileHandler
from typing import Any, Callable, Dict, Iterable, List, NamedTuple, Optional, Tuple

from flask import Flask, request

from recommender import cli
from recommender.errors import RecommenderError
from serving import counters

REQUEST_ID = "X-Request-ID"
_ID = re.compile(r"[A-Za-z0-9._:+/=@-]{1,128}")
_METHODS = frozenset(("GET", "HEAD", "POST", "OPTIONS"))
_MAX_PATH = 1000  # characters of a path in the log
_ROUTE = "movies.route"  # in the WSGI environment: the rule of the address


class Seen(NamedTuple):
    """A request that was answered. `route` is the rule of its address, "" where none fits;
    `n_bytes` are those of the answer's body."""

    id: str
    client: str
    method: str
    path: str
    query: str
    route: str
    status: int
    seconds: float
    n_bytes: int


Observe = Callable[[Seen], None]


class AccessLog:
    """Requests as lines of JSON. What people ask for stands in a line only if `verbose`."""

    def __init__(self, path: str, verbose: bool = False):
        """Appends to the file at `path`, which may be moved away meanwhile; "-" is stderr.

        Raises RecommenderError if it cannot be written.
        """
        self._verbose = verbose
        try:
            self._handler = (logging.StreamHandler(sys.stderr) if path == "-"
                             else WatchedFileHandler(path, encoding="utf-8"))
        except OSError as error:
            raise RecommenderError("cannot write the access log {}: {}".format(
                path, error.strerror or error))
        self._has_failed = False
        self._handler.handleError = self._failed

    def write(self, seen: Seen) -> None:
        """Add the line of a request."""
        address = seen.path + ("?" + seen.query if self._verbose and seen.query else "")
        now = time.time()
        line = json.dumps({
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + ".{:03.0f}Z".format(
                int(now % 1 * 1000)),
            "id": seen.id, "client": seen.client, "method": seen.method[:20],
            "path": address[:_MAX_PATH], "status": seen.status,
            "seconds": round(seen.seconds, 6), "bytes": seen.n_bytes})
        try:
            self._handler.handle(logging.makeLogRecord({"msg": line}))
        except OSError:  # there is nowhere to open a new file
            self._failed()

    def _failed(self, *_: Any) -> None:
        if not self._has_failed:
            self._has_failed = True
            cli.note("server.py: the access log cannot be written and will have gaps: {}".format(
                sys.exc_info()[1]))


def observer(log: Optional[AccessLog] = None) -> Observe:
    """What counts a request that was answered, and writes it into `log`."""

    def observe(seen: Seen) -> None:
        count, duration = _counters(
            seen.route, seen.method if seen.method in _METHODS else "other", seen.status)
        count.inc()
        duration.observe(seen.seconds)
        if log:
            log.write(seen)

    return observe


@lru_cache(None)
def _counters(route: str, method: str, status: int) -> Tuple[Any, Any]:
    return (counters.REQUESTS.labels(route, method, status), counters.SECONDS.labels(route, method))


def request_id(given: Optional[str]) -> str:
    """The id that a client gave its request where it is a plain token, else a new one."""
    return given if given and _ID.fullmatch(given) else "{:032x}".format(random.getrandbits(128))


def observe_requests(app: Flask, observe: Observe) -> None:
    """Have `app` tell each of its requests, and give each answer the request's id."""
    app.config["OBSERVE"] = observe
    inner = app.wsgi_app

    @app.before_request
    def tell_route() -> None:
        found = request.url_rule
        request.environ[_ROUTE] = found.rule if found else ""

    def outer(environ: Dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        began = time.perf_counter()
        its_id = request_id(environ.get("HTTP_X_REQUEST_ID"))

        def start(status: str, headers: List[Tuple[str, str]], *error: Any) -> Any:
            method = environ["REQUEST_METHOD"]
            n_bytes = 0 if method == "HEAD" else int(dict(headers).get("Content-Length", 0))
            observe(Seen(
                its_id, environ.get("REMOTE_ADDR", ""), method,
                environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace"),
                environ["QUERY_STRING"], environ.get(_ROUTE, ""), int(status[:3]),
                time.perf_counter() - began, n_bytes))
            return start_response(status, [*headers, (REQUEST_ID, its_id)], *error)

        return inner(environ, start)

    app.wsgi_app = outer
