"""The Flask application: thin views over what is being served."""

from http import HTTPStatus
from typing import Any, Callable, Dict, List, Sequence, Tuple

from flask import Blueprint, Flask, Response, abort, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from bert.errors import BertError
from recommender.errors import NothingFound, WrongQuery
from recommender.filters import NONE, Filters
from recommender.index import Index
from recommender.recipes import Source
from recommender.recommender import Recommender, Wishes
from recommender.titles import nearest, title_key
from serving.api import DOCUMENT, PREFIX
from serving.http import JSON, SECURITY_HEADERS
from serving.library import Library
from serving.pages import film_map, pages
from serving.requests import reader, shown

Answer = Dict[str, Any]


class _Flask(Flask):
    """Flask that answers OPTIONS without a body."""

    def make_default_options_response(self) -> Response:
        response = super().make_default_options_response()
        response.status_code = 204
        del response.headers["Content-Type"]
        return response


def create_app(library: Library) -> Flask:
    """The application over what `library` serves."""
    app = _Flask(__name__)
    app.json.ensure_ascii = False
    app.json.sort_keys = False
    app.json.mimetype = JSON
    app.url_map.merge_slashes = False
    api = Blueprint("api", __name__, url_prefix=PREFIX)

    def answers(path: str, method: str = "get") -> Callable[[Callable[..., Answer]], None]:
        """Registers what answers an operation of the API; it gets what the request gives."""
        read = reader(path, method)
        rule = path.replace("{", "<").replace("}", ">")

        def register(view: Callable[[Answer], Answer]) -> None:
            api.add_url_rule(rule, view.__name__, lambda **in_path: view(read(in_path)),
                             methods=[method])

        return register

    @app.get("/healthz")
    def health() -> Answer:
        return {"status": "ok", "movies": len(library.now.index)}

    @answers("/recommend")
    def recommend_by_film(given: Answer) -> Answer:
        index = library.now.index
        filters = _filters(given)
        if filters != NONE and not {"title", "id", "year"} & set(given):
            best = Recommender(index).recommend(Wishes(), given["k"], filters)
            return {"query": {}, "results": [result.to_dict() for result in best]}
        return like_rows(index, _rows_asked_for(index, given), given["k"], filters)

    @answers("/recommend", "post")
    def recommend_by_text(given: Answer) -> Answer:
        index, embed = library.now
        source, was_cut = Source(given["overview"]), False
        if index.recipe.uses_bert:
            layers, token_ids, was_cut = embed(given["overview"])
            source = Source(given["overview"], layers, token_ids)
        recommender = Recommender(index, lambda text: source)
        results = recommender.recommend(Wishes(texts=(given["overview"],)), given["k"],
                                        _filters(given))
        answer = {"query": {"overview": given["overview"]},
                  "results": [result.to_dict() for result in results]}
        if was_cut:
            answer["note"] = "the text is longer than {} word pieces: what follows them was not " \
                             "read".format(index.features.max_seq_length)
        return answer

    @answers("/movies")
    def complete_title(given: Answer) -> Answer:
        index = library.now.index
        rows = completions(index, given["q"], given["k"])
        return {"query": {"q": given["q"]}, "results": [brief(index, row) for row in rows]}

    @answers("/map")
    def map_of_films(_: Answer) -> Answer:
        return film_map(library.now.index)

    @answers("/movies/{id}")
    def movie(given: Answer) -> Answer:
        index = library.now.index
        return index.movie(index.row_of_id(given["id"]))

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
    def no_text_queries(error: BertError) -> Tuple[Answer, int]:
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


def like_rows(index: Index, rows: Sequence[int], k: int, filters: Filters = NONE) -> Answer:
    """The answer for the first of `rows`; the rest share its title and are named."""
    row = rows[0]
    results = Recommender(index).recommend(Wishes((row,)), k, filters)
    answer = {"query": index.movie(row), "results": [r.to_dict() for r in results]}
    if len(rows) > 1:
        answer["others"] = [brief(index, other) for other in rows[1:]]
    return answer


def _filters(given: Answer) -> Filters:
    return Filters(**{name: given[name] for name in Filters._fields if name in given})


def brief(index: Index, row: int) -> Answer:
    """What tells a film from others of its title."""
    movie = index.movie(row, full=False)
    return {name: movie[name] for name in ("id", "title", "year", "genres")}


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


def _rows_asked_for(index: Index, given: Answer) -> List[int]:
    """Rows of the film that `title` and `year`, or `id`, name."""
    if ("title" in given) == ("id" in given):
        abort(400, "give either title or id")
    if "id" in given:
        if "year" in given:
            abort(400, "year goes with title")
        return [index.row_of_id(given["id"])]
    return index.rows_of_title(given["title"], given.get("year"))
