"""Record each request: an id in its answer, a count, a line in the access log.

Requests that Flask answers and those that waitress refuses before Flask are recorded alike.
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

REQUEST_ID = "X-Request-ID"  # header of requests and answers
# Ids of clients that are kept: nothing in them can break a line of a log.
_ID = re.compile(r"[A-Za-z0-9._:+/=@-]{1,128}")
_METHODS = frozenset(("GET", "HEAD", "POST", "OPTIONS"))  # counted by name, all else as "other"
_MAX_PATH = 1000  # characters of a path that the log keeps, so that no line grows without limit
_ROUTE = "movies.route"  # in the WSGI environment: the rule of the address


class Seen(NamedTuple):
    """A request that was answered.

    Attributes
    ----------
    id : str
        The client's X-Request-ID, or one that was made for it.
    client : str
        The client's IP address.
    method, path, query : str
        As they were sent, as far as they could be read.
    route : str
        The rule that the path matches, such as /api/v1/movies/<id>; "" if there is none.
    status : int
        HTTP status of the answer.
    seconds : float
        From the request's arrival to its answer.
    n_bytes : int
        Length of the answer's body.
    """

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
    """A file of JSON lines, one for each request."""

    def __init__(self, path: str, verbose: bool = False):
        """Open the log for appending.

        Parameters
        ----------
        path : str
            A file, which may be moved away while it is written; "-" is stderr.
        verbose : bool
            Log what was asked for, too: the query string behind the path.

        Raises
        ------
        RecommenderError
            If the file cannot be written.
        """
        self._verbose = verbose
        try:
            if path == "-":
                self._handler: logging.Handler = logging.StreamHandler(sys.stderr)
            else:
                self._handler = WatchedFileHandler(path, encoding="utf-8")
        except OSError as error:
            raise RecommenderError("cannot write the access log {}: {}".format(
                path, error.strerror or error))
        self._has_failed = False
        setattr(self._handler, "handleError", self._failed)  # noqa: B010 (mypy takes no method)

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
        except OSError:  # the file was moved away and a new one cannot be opened
            self._failed()

    def _failed(self, *_: Any) -> None:
        if not self._has_failed:
            self._has_failed = True
            cli.note("server.py: the access log cannot be written and will have gaps: {}".format(
                sys.exc_info()[1]))


def observer(log: Optional[AccessLog] = None) -> Observe:
    """Return a function that counts an answered request and writes it to `log`."""

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
    """Return the id that a client gave its request if it is a plain token, else a new one."""
    return given if given and _ID.fullmatch(given) else "{:032x}".format(random.getrandbits(128))


def observe_requests(app: Flask, observe: Observe) -> None:
    """Have `app` call `observe` for each request, and give each answer the request's id."""
    app.config["OBSERVE"] = observe
    inner = app.wsgi_app

    @app.before_request
    def tell_route() -> None:
        found = request.url_rule
        request.environ[_ROUTE] = found.rule if found else ""

    def outer(environ: Dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        began, path = time.perf_counter(), environ["PATH_INFO"]
        its_id = request_id(environ.get("HTTP_X_REQUEST_ID"))

        def start(status: str, headers: List[Tuple[str, str]], *error: Any) -> Any:
            method = environ["REQUEST_METHOD"]
            n_bytes = 0 if method == "HEAD" else int(dict(headers).get("Content-Length", 0))
            observe(Seen(
                its_id, environ.get("REMOTE_ADDR", ""), method,
                path.encode("latin-1").decode("utf-8", "replace"),
                environ["QUERY_STRING"], environ.get(_ROUTE, ""), int(status[:3]),
                time.perf_counter() - began, n_bytes))
            return start_response(status, [*headers, (REQUEST_ID, its_id)], *error)

        return inner(environ, start)

    setattr(app, "wsgi_app", outer)  # noqa: B010 (Flask's way of wrapping; mypy takes no method)
