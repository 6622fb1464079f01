#!/usr/bin/env python3
"""Serves recommendations over HTTP, as JSON.

    python server.py --index data/index.h5
    curl "http://127.0.0.1:5000/recommend?title=The+Matrix&k=5"
"""

import argparse
import json
import logging
import signal
import socket
import threading
import time
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

import numpy as np
from flask import Flask, Response, abort, request
from waitress import create_server, wasyncore
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer
from waitress.task import ErrorTask
from werkzeug.exceptions import BadRequest, HTTPException, NotFound

from bert.errors import BertError
from recommender import cli
from recommender.errors import NothingFound, RecommenderError
from recommender.index import Index
from recommender.recipes import Source
from recommender.titles import nearest, title_key

MAX_BODY = 64 << 10  # bytes of a request's body
MAX_TEXT = 10000  # characters of an overview
MAX_PARAMETER = 1000  # characters of a value in the address
DRAIN_SECONDS = 30.0  # how long a server that stops waits for the requests in flight
ROUTES = {
    "GET /recommend?title=&year=&k=": "films like the one of that title",
    "GET /recommend?id=&k=": "films like the one with that TMDB id",
    "POST /recommend": 'films like a text, sent as JSON: {"overview": ..., "k": ...}',
    "GET /movies?q=&k=": "titles that complete what was typed",
    "GET /movies/<id>": "one film",
    "GET /healthz": "whether the server is well",
}

Embed = Callable[[str], Tuple[np.ndarray, np.ndarray]]


class TextEmbedder:
    """Texts through the checkpoint that made an index; the graph is built once, when needed."""

    def __init__(self, index: Index, bert_dir: Optional[str] = None, verbose: bool = False):
        self._made_by = index.features
        self._bert_dir = bert_dir
        self._verbose = verbose
        self._lock = threading.Lock()
        self._embedder = None  # type: Optional[bert.embedder.Embedder]

    def __call__(self, text: str) -> Tuple[np.ndarray, np.ndarray]:
        """Hidden layers of `text`, (n_layers, n_tokens, hidden_size), and its token ids.

        Raises BertError if the checkpoint fails.
        """
        self.load()
        layers, = self._embedder.hidden_layers([text])
        token_ids, = self._embedder.token_ids([text])
        return layers, token_ids

    def load(self) -> None:
        """Build the graph unless it is there. Who comes meanwhile waits for the same one."""
        with self._lock:
            if self._embedder is not None:
                return
            # Imported here: a server asked for titles only never loads TensorFlow.
            from bert import quiet
            quiet.silence(self._verbose)
            from bert.embedder import embedder_of

            self._embedder = embedder_of(self._made_by, self._bert_dir)


def create_app(index: Index, embed: Optional[Embed] = None) -> Flask:
    """The application over an open index.

    `embed` takes a text to its hidden layers, (n_layers, n_tokens, hidden_size), and token
    ids, for text queries; without it the index's own checkpoint is looked for at the first of them.
    """
    embed = embed or TextEmbedder(index)
    app = Flask(__name__, static_folder=None)
    app.json.ensure_ascii = False
    app.json.sort_keys = False

    @app.before_request
    def refuse_large_bodies() -> None:
        if (request.content_length or 0) > MAX_BODY:
            abort(413, "the body is larger than {} bytes".format(MAX_BODY))

    @app.get("/")
    def routes() -> Dict[str, Any]:
        _parameters()
        return {"routes": ROUTES}

    @app.get("/healthz")
    def health() -> Dict[str, Any]:
        _parameters()
        return {"status": "ok", "movies": len(index)}

    @app.get("/recommend")
    def recommend_by_film() -> Dict[str, Any]:
        given = _parameters("title", "id", "year", "k")
        k = _whole_number("k", given.get("k", "10"), 1, 1000)
        return like_rows(index, _rows_asked_for(index, given), k)

    @app.post("/recommend")
    def recommend_by_text() -> Dict[str, Any]:
        _parameters()
        overview, k = _text_query()
        layers, token_ids = embed(overview) if index.recipe.uses_bert else (None, None)
        results = index.search(index.embed(Source(overview, layers, token_ids)), k)
        return {"query": {"overview": overview}, "results": [r.to_dict() for r in results]}

    @app.get("/movies")
    def complete_title() -> Dict[str, Any]:
        given = _parameters("q", "k")
        k = _whole_number("k", given.get("k", "10"), 1, 50)
        rows = completions(index, _not_blank(given, "q"), k)
        return {"query": {"q": given["q"]}, "results": [brief(index, row) for row in rows]}

    @app.get("/movies/<movie_id>")
    def movie(movie_id: str) -> Dict[str, Any]:
        _parameters()
        return index.movie(index.row_of_id(_whole_number("id", movie_id, 0, 2 ** 63 - 1)))

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> Response:
        # The error's own response is kept for its headers (405 has Allow).
        response = error.get_response()
        response.data = app.json.dumps({"error": error.description})
        response.content_type = "application/json"
        return response

    @app.errorhandler(NotFound)
    def no_route(error: NotFound) -> Tuple[Dict[str, str], int]:
        return {"error": "there is no {}: GET / lists the routes".format(request.path)}, 404

    @app.errorhandler(NothingFound)
    def nothing_found(error: NothingFound) -> Tuple[Dict[str, str], int]:
        return {"error": str(error)}, 404

    @app.errorhandler(BertError)
    def no_text_queries(error: BertError) -> Tuple[Dict[str, str], int]:
        return {"error": str(error)}, 503

    return app


def like_rows(index: Index, rows: Sequence[int], k: int) -> Dict[str, Any]:
    """The answer for the first of `rows`; the rest share its title and are named."""
    row = rows[0]
    results = index.search(index.embedding(row), k, without=[row])
    answer = {"query": index.movie(row), "results": [r.to_dict() for r in results]}
    if len(rows) > 1:
        answer["others"] = [brief(index, other) for other in rows[1:]]
    return answer


def brief(index: Index, row: int) -> Dict[str, Any]:
    """What tells a film from others of its title."""
    movie = index.movie(row, full=False)
    return {name: movie[name] for name in ("id", "title", "year")}


def completions(index: Index, typed: str, limit: int) -> List[int]:
    """Rows of films whose title or original title has a word that begins as `typed` does, most
    votes first; where there is none, of near titles, the nearest first."""
    key = title_key(typed)
    keys = index.column("title_key").tolist()
    originals = index.column("original_title_key").tolist()
    votes = index.column("vote_count").tolist()
    rows = [row for row, titles in enumerate(zip(keys, originals))
            if any(" " + key in " " + title for title in titles)]
    rows.sort(key=lambda row: (-votes[row], row))
    return (rows or nearest(key, keys, limit))[:limit]


def _parameters(*known: str) -> Dict[str, str]:
    """The request's query parameters; 400 for one that is unknown, doubled or too long."""
    for name, values in request.args.lists():
        if name not in known:
            abort(400, "unknown parameter {!r}: {}".format(
                name, "known are " + ", ".join(known) if known else "none is known here"))
        if len(values) > 1:
            abort(400, "{} is given {} times".format(name, len(values)))
        if len(values[0]) > MAX_PARAMETER:
            abort(400, "{} is longer than {} characters".format(name, MAX_PARAMETER))
    return request.args.to_dict()


def _whole_number(name: str, text: str, at_least: int, at_most: int) -> int:
    try:
        return cli.whole_number(at_least, at_most)(text)
    except argparse.ArgumentTypeError as error:
        return abort(400, "{}: {}".format(name, error))


def _not_blank(given: Dict[str, str], name: str) -> str:
    if not given.get(name, "").strip():
        abort(400, "{} is {}".format(name, "empty" if name in given else "missing"))
    return given[name]


def _rows_asked_for(index: Index, given: Dict[str, str]) -> List[int]:
    """Rows of the film that `title` and `year`, or `id`, name."""
    if ("title" in given) == ("id" in given):
        abort(400, "give either title or id")
    if "id" in given:
        if "year" in given:
            abort(400, "year goes with title")
        return [index.row_of_id(_whole_number("id", given["id"], 0, 2 ** 63 - 1))]
    year = _whole_number("year", given["year"], 1870, 2200) if "year" in given else None
    return index.rows_of_title(_not_blank(given, "title"), year)


def _text_query() -> Tuple[str, int]:
    """The overview and k of a JSON body."""
    if not request.is_json:
        abort(415, "send JSON, with Content-Type: application/json")
    try:
        body = request.get_json()
    except (BadRequest, RecursionError):
        abort(400, "the body is not JSON")
    if not isinstance(body, dict):
        abort(422, 'the body is not a JSON object such as {"overview": "...", "k": 10}')
    for name in body:
        if name not in ("overview", "k"):
            abort(400, "unknown field {!r}: known are overview, k".format(name))
    if "overview" not in body:
        abort(400, "overview is missing")
    k = body.get("k", 10)
    if not isinstance(k, int) or isinstance(k, bool):
        abort(422, "k is not a whole number")
    return _checked_text(body["overview"]), _whole_number("k", str(k), 1, 1000)


def _checked_text(overview: Any) -> str:
    if not isinstance(overview, str):
        abort(422, "overview is not a string")
    if not overview.strip():
        abort(422, "overview is empty")
    if len(overview) > MAX_TEXT:
        abort(422, "overview has {} characters, more than {}".format(len(overview), MAX_TEXT))
    if any(c == "\0" or "\ud800" <= c <= "\udfff" for c in overview):
        abort(422, "overview has a NUL or half a surrogate pair")
    return overview


class _JsonErrorTask(ErrorTask):
    """What waitress refuses before Flask sees it, as JSON like every other error."""

    def execute(self) -> None:
        error = self.request.error
        status = "{} {}".format(error.code, error.reason)
        body = json.dumps({"error": "{}: {}".format(error.reason, error.body)}).encode()
        error.to_response = lambda: (status, [("Content-Type", "application/json")], body)
        super().execute()


class _Channel(HTTPChannel):
    error_task_class = _JsonErrorTask

    def is_busy(self) -> bool:
        """Whether a request is being answered or its answer being sent."""
        # In this order: an answer is in the buffer before its request is forgotten.
        return bool(self.requests) or self.total_outbufs_len > 0


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


def serve(app: Flask, bound: socket.socket, verbose: bool = False) -> None:
    """Answer requests until SIGTERM or Ctrl-C, then finish those in flight."""
    # Else waitress warns of its queue when a request comes before its threads are up.
    logging.getLogger("waitress").setLevel(logging.WARNING if verbose else logging.CRITICAL)
    sockets = {}  # type: Dict[int, wasyncore.dispatcher]
    server = create_server(
        app, sockets, sockets=[bound], threads=8, ident=None, log_socket_errors=False,
        # Above MAX_BODY: what is little too large is read to its end, so that the client
        # reads the answer; what is far too large is cut off.
        max_request_body_size=16 * MAX_BODY, clear_untrusted_proxy_headers=True)
    server.channel_class = _Channel
    stop = threading.Event()

    def on_signal(number: int, _: Any) -> None:
        signal.signal(number, signal.SIG_DFL)  # a second one ends the program at once
        stop.set()
        server.pull_trigger()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    host = server.effective_host
    cli.note("server.py: listening on http://{}:{}".format(
        "[{}]".format(host) if ":" in host else host, server.effective_port))
    while not stop.is_set():
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


def parse_flags(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    flags = cli.Flags(prog="server.py", description=__doc__.splitlines()[0])
    flags.add_argument("--index", default="data/index.h5", help="what build_index.py wrote")
    flags.add_argument("--host", default="127.0.0.1", help="the address to listen on")
    flags.add_argument("--port", type=cli.whole_number(0, 65535), default=5000,
                       help="the port to listen on; 0 takes a free one")
    flags.add_argument("--bert_dir", help="the checkpoint for text queries (default: the one in "
                       "tmp/ that made the index)")
    flags.add_argument("--preload", action="store_true",
                       help="build the graph at the start, not at the first text query")
    flags.add_argument("--verbose", action="store_true", help="let TensorFlow and waitress talk")
    return flags.parse_args(argv)


def main(argv: Optional[Sequence[str]] = None) -> int:
    args = parse_flags(argv)
    index = Index(args.index)
    bound = bind(args.host, args.port)
    embed = TextEmbedder(index, args.bert_dir, args.verbose)
    if args.preload:
        embed.load()
    serve(create_app(index, embed), bound, args.verbose)
    return 0


if __name__ == "__main__":
    cli.run(main, (BertError, RecommenderError))
