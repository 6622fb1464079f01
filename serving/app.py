"""The Flask application: thin views over what is being served."""

import hashlib
import json
import re
from http import HTTPStatus
from typing import Any, Callable, Collection, Dict, List, Optional, Tuple, Union

import orjson
from flask import Blueprint, Flask, Response, request
from flask.json.provider import JSONProvider
from werkzeug.exceptions import (
    HTTPException,
    MethodNotAllowed,
    NotFound,
    ServiceUnavailable,
    TooManyRequests,
)

from bert.errors import BertError
from recommender.errors import NothingFound, RecommenderError, WrongQuery
from recommender.index import Index
from serving import counters
from serving.access_log import AccessLog, observe_requests, observer
from serving.answers import (
    compared,
    completion,
    placed_text,
    recommendation,
    recommendations,
    refusal,
)
from serving.batching import Overloaded
from serving.connections import JSON, SECURITY_HEADERS
from serving.cross_origin import allow_origins
from serving.library import Library
from serving.limits import RateLimit
from serving.map_data import film_map, map_data
from serving.map_tiles import map_tiles
from serving.openapi import DOCUMENT, PREFIX
from serving.pages import error_page, pages, wants_page
from serving.posters import origin_of, with_posters
from serving.proxies import Proxies, name_clients, serve_below
from serving.static_files import compress_static
from serving.validation import reader, shown

Answer = Dict[str, Any]
# Part of each ETag: another version of the program may answer otherwise from the same index.
_VERSION = hashlib.blake2b(json.dumps(DOCUMENT).encode(), digest_size=12).hexdigest()
_FRESH = "public, max-age=60"  # seconds for which caches may reuse an answer without asking
_STRAIGHT = re.compile(r"(['\"])(.*?)\1")  # what an error quotes, to be set as a page sets it
_AGAIN = 1  # seconds after which a text that was refused may be sent again: a batch takes less


def _json(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)


class _Json(JSONProvider):
    """JSON by orjson, which needs a tenth of the time of the standard library."""

    def dumps(self, obj: Any, **_: Any) -> str:
        return _json(obj).decode()

    def loads(self, s: Any, **_: Any) -> Any:
        return orjson.loads(s)

    def response(self, *args: Any, **named: Any) -> Response:
        return Response(_json(self._prepare_response_obj(args, named)), content_type=JSON)


class _Flask(Flask):
    """Flask with security headers on every answer, and no body on answers to OPTIONS."""

    json_provider_class = _Json
    security_headers = SECURITY_HEADERS

    def make_default_options_response(self) -> Response:
        response = super().make_default_options_response()
        response.status_code = 204
        del response.headers["Content-Type"]
        return response

    def wsgi_app(self, environ: Dict[str, Any], start_response: Callable[..., Any]) -> Any:
        def start(status: str, headers: List[Tuple[str, str]], *error: Any) -> Any:
            if not any(name == "Cache-Control" for name, _ in headers):
                headers = [*headers, ("Cache-Control", "no-cache")]
            return start_response(status, [*headers, *self.security_headers.items()], *error)

        return super().wsgi_app(environ, start)


def create_app(library: Library, log: Optional[AccessLog] = None, rate_limit: int = 0,
               origins: Collection[str] = (), proxies: Collection[str] = (),
               prefix: str = "", posters: str = "") -> Flask:
    """Return the application.

    Parameters
    ----------
    library : Library
        Holds the index that is served.
    log : AccessLog, optional
        Gets a line for each request.
    rate_limit : int
        Requests to the API that a client may send per minute; 0 is no limit.
    origins : collection of str
        Origins of other pages that may read the API's answers.
    proxies : collection of str
        Names of reverse proxies that tell their clients' addresses, as `Proxies` takes them.
    prefix : str
        Path at which clients see the application, from `prefix_of`; "" is the root.
    posters : str
        Address of the films' posters, from `image_host`; "" gives none.
    """
    app = _Flask(__name__)
    if posters:
        app.security_headers = {name: value.replace(
            "img-src 'self'", "img-src 'self' " + origin_of(posters))
            for name, value in SECURITY_HEADERS.items()}
    app.url_map.merge_slashes = False
    app.config["PROXIES"] = Proxies(proxies)
    serve_below(app, prefix)
    compress_static(app)
    observe_requests(app, observer(log))
    name_clients(app, app.config["PROXIES"])
    allow_origins(app, PREFIX, origins)
    api = Blueprint("api", __name__, url_prefix=PREFIX)

    def answers(path: str, method: str = "get") -> Callable[[Callable], Callable]:
        """Register a view for an operation of the API; it gets the values of a request."""
        read = reader(path, method)
        rule = path.replace("{", "<").replace("}", ">")

        def register(view: Callable[[Answer], Any]) -> Callable[[Answer], Any]:
            def answer(**in_path: str) -> Any:
                return view(read(in_path))

            api.add_url_rule(rule, DOCUMENT["paths"][path][method]["operationId"],
                             unless_known(answer) if method == "get" else answer,
                             methods=[method])
            return view

        return register

    def unless_known(answer: Callable[..., Answer]) -> Callable[..., Response]:
        """Return a view that adds an ETag, or answers 304 if the client has that answer, which
        depends only on the index and the address."""

        def view(**in_path: str) -> Response:
            tag = etag(library.now.index, posters)
            known = request.if_none_match
            # `*` matches any answer, and whether there is one is not known yet.
            response = Response(status=304) if known.contains_weak(tag) and not known.star_tag \
                else app.json.response(answer(**in_path))
            response.set_etag(tag)
            response.headers["Cache-Control"] = _FRESH
            return response

        return view

    limit = RateLimit(rate_limit) if rate_limit else None

    def count_requests(n: int) -> None:
        """Refuse a client that asks too often; `n` requests came."""
        if limit and n:
            seconds = limit.seconds_to_wait(request.remote_addr or "", n)
            if seconds:
                counters.REFUSED.labels("rate").inc()
                raise TooManyRequests("more than {} requests a minute: ask again in {} s".format(
                    rate_limit, seconds), retry_after=seconds)

    if limit:
        api.before_request(lambda: count_requests(1))

    def shown_films(answer: Any) -> Any:
        return with_posters(library.now.index, posters, answer)

    @app.get("/healthz")
    def health() -> Answer:
        return {"status": "ok", "movies": len(library.now.index)}

    @app.get("/metrics")
    def all_metrics() -> Response:
        return Response(counters.text(len(library.now.index)), content_type=counters.CONTENT_TYPE)

    @answers("/recommend")
    @answers("/recommend", "post")
    def recommend(given: Answer) -> Union[Answer, List[Answer]]:
        if "questions" in given:
            count_requests(len(given["questions"]) - 1)  # each counts as a request
            return shown_films(recommendations(library.now, given["questions"]))
        return shown_films(recommendation(library.now, given))

    @answers("/compare")
    @answers("/compare", "post")
    def compare(given: Answer) -> Answer:
        return shown_films(compared(library.now, given))

    @answers("/movies")
    def complete_title(given: Answer) -> Answer:
        return completion(library.now, given["q"], given["k"])

    @answers("/map")
    def map_of_films(given: Answer) -> Answer:
        return film_map(library.now.index, given.get("recipe"))

    @answers("/map/place", "post")
    def place(given: Answer) -> Answer:
        return placed_text(library.now, given)

    @answers("/topics")
    def topics(_: Answer) -> Answer:
        index = library.now.index
        return {"topics": [topic.to_dict() for topic in index.topics().topics]
                if index.has_topics else []}

    @answers("/movies/{id}")
    def movie(given: Answer) -> Answer:
        index = library.now.index
        return shown_films(index.movie(index.row_of_id(given["id"])))

    @answers("/openapi.json")
    def document(_: Answer) -> Answer:
        return DOCUMENT

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> Response:
        # Its headers are kept: 405 has Allow, 503 has Retry-After.
        headers = [(name, value) for name, value in error.get_response().headers
                   if name not in ("Content-Type", "Content-Length")]
        if wants_page():
            response = error_page(_for_people(error), error.code or 500)
            response.headers.extend(headers)
            return response
        return Response(_json({"error": _in_own_words(error)}), error.code, headers,
                        content_type=JSON)

    @app.errorhandler(NothingFound)
    def nothing_found(error: NothingFound) -> Tuple[Answer, int]:
        return refusal(error), 404

    @app.errorhandler(WrongQuery)
    def senseless(error: WrongQuery) -> Tuple[Answer, int]:
        return {"error": str(error)}, 422 if request.method == "POST" else 400

    @app.errorhandler(Overloaded)
    def too_many_texts(error: Overloaded) -> Response:
        counters.REFUSED.labels("texts").inc()
        return refused(ServiceUnavailable(str(error), retry_after=_AGAIN))

    @app.errorhandler(BertError)
    @app.errorhandler(RecommenderError)
    def not_now(error: Exception) -> Tuple[Answer, int]:
        return {"error": str(error)}, 503

    app.register_blueprint(api)
    app.register_blueprint(pages(library, posters))
    app.register_blueprint(map_data(library))
    app.register_blueprint(map_tiles(library))
    return app


def etag(index: Index, posters: str = "") -> str:
    """Return what differs between the answers to this request of two indexes or programs, or
    with posters from two addresses."""
    return hashlib.blake2b("\n".join(
        [_VERSION, index.identity, posters, request.full_path]).encode("utf-8", "surrogatepass"),
        digest_size=12).hexdigest()


def _for_people(error: HTTPException) -> str:
    """Return a sentence that says what is wrong with the address of a page."""
    if isinstance(error, NotFound):
        told = "No page of this site has the address {}.".format(
            shown(request.script_root + request.path))
    else:
        told = _in_own_words(error) + "."
        told = told[0].upper() + told[1:]
    return _STRAIGHT.sub(r"“\2”", told)


def _in_own_words(error: HTTPException) -> str:
    """Return one line that says what is wrong with a request, also if werkzeug refused it."""
    if isinstance(error, NotFound):
        return "there is nothing at {}; there is {}".format(
            shown(request.script_root + request.path),
            ", ".join(request.script_root + PREFIX + path for path in DOCUMENT["paths"]))
    if isinstance(error, MethodNotAllowed):
        return "{} is not answered here, but {}".format(
            shown(request.method), ", ".join(sorted(error.valid_methods or ())))
    if error.description == type(error).description:
        return "{}: this cannot be answered".format(HTTPStatus(error.code or 500).phrase)
    return error.description or ""
