"""The Flask application: thin views over what is being served."""

from http import HTTPStatus
from typing import Any, Callable, Dict, Tuple

import orjson
from flask import Blueprint, Flask, Response, request
from flask.json.provider import JSONProvider
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from bert.errors import BertError
from recommender.errors import NothingFound, RecommenderError, WrongQuery
from serving.answers import brief, recommendation
from serving.api import DOCUMENT, PREFIX
from serving.http import JSON, SECURITY_HEADERS
from serving.library import Library
from serving.pages import film_map, pages
from serving.requests import reader, shown

Answer = Dict[str, Any]


class _Json(JSONProvider):
    """JSON by orjson, which takes a tenth of the time that json does."""

    def dumps(self, obj: Any, **_: Any) -> str:
        return orjson.dumps(obj, option=orjson.OPT_SERIALIZE_NUMPY).decode()

    def loads(self, s: Any, **_: Any) -> Any:
        return orjson.loads(s)

    def response(self, *args: Any, **named: Any) -> Response:
        return Response(self.dumps(self._prepare_response_obj(args, named)), content_type=JSON)


class _Flask(Flask):
    """Flask that answers OPTIONS without a body."""

    json_provider_class = _Json

    def make_default_options_response(self) -> Response:
        response = super().make_default_options_response()
        response.status_code = 204
        del response.headers["Content-Type"]
        return response


def create_app(library: Library) -> Flask:
    """The application over what `library` serves."""
    app = _Flask(__name__)
    app.url_map.merge_slashes = False
    api = Blueprint("api", __name__, url_prefix=PREFIX)

    def answers(path: str, method: str = "get") -> Callable[[Callable], Callable]:
        """Registers what answers an operation of the API; it gets what the request gives."""
        read = reader(path, method)
        rule = path.replace("{", "<").replace("}", ">")

        def register(view: Callable[[Answer], Answer]) -> Callable[[Answer], Answer]:
            api.add_url_rule(rule, DOCUMENT["paths"][path][method]["operationId"],
                             lambda **in_path: view(read(in_path)), methods=[method])
            return view

        return register

    @app.get("/healthz")
    def health() -> Answer:
        return {"status": "ok", "movies": len(library.now.index)}

    @answers("/recommend")
    @answers("/recommend", "post")
    def recommend(given: Answer) -> Answer:
        return recommendation(library.now, given)

    @answers("/movies")
    def complete_title(given: Answer) -> Answer:
        index, titles = library.now.index, library.now.titles
        rows = titles.complete(given["q"], given["k"])
        return {"query": {"q": given["q"]}, "results": [brief(index, row) for row in rows]}

    @answers("/map")
    def map_of_films(_: Answer) -> Answer:
        return film_map(library.now.index)

    @answers("/movies/{id}")
    def movie(given: Answer) -> Answer:
        index = library.now.index
        return index.movie(index.row_of_id(given["id"]))

    @answers("/openapi.json")
    def document(_: Answer) -> Answer:
        return DOCUMENT

    @app.after_request
    def secure(response: Response) -> Response:
        response.headers.update(SECURITY_HEADERS)
        return response

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> Response:
        # The error's own response is kept for its headers (405 has Allow).
        response = error.get_response()
        response.data = app.json.dumps({"error": _in_own_words(error)})
        response.content_type = JSON
        return response

    @app.errorhandler(NothingFound)
    def nothing_found(error: NothingFound) -> Tuple[Answer, int]:
        return {"error": str(error)}, 404

    @app.errorhandler(WrongQuery)
    def senseless(error: WrongQuery) -> Tuple[Answer, int]:
        return {"error": str(error)}, 422 if request.method == "POST" else 400

    @app.errorhandler(BertError)
    @app.errorhandler(RecommenderError)
    def not_now(error: Exception) -> Tuple[Answer, int]:
        return {"error": str(error)}, 503

    app.register_blueprint(api)
    app.register_blueprint(pages(library))
    return app


def _in_own_words(error: HTTPException) -> str:
    """One line that says what is wrong with a request, also where werkzeug refused it."""
    if isinstance(error, NotFound):
        return "there is nothing at {}; there is {}".format(
            shown(request.path), ", ".join(PREFIX + path for path in DOCUMENT["paths"]))
    if isinstance(error, MethodNotAllowed):
        return "{} is not answered here, but {}".format(
            shown(request.method), ", ".join(sorted(error.valid_methods or ())))
    if error.description == type(error).description:
        return "{}: this cannot be answered".format(HTTPStatus(error.code).phrase)
    return error.description
