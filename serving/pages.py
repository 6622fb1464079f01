"""The HTML pages. Their scripts ask the API for everything that depends on the visitor."""

import os
from typing import Any, Dict, List, NamedTuple, Optional
from unicodedata import east_asian_width
from weakref import WeakKeyDictionary

import numpy as np
from flask import Blueprint, Response, render_template, request
from werkzeug.exceptions import InternalServerError, MethodNotAllowed, NotFound

from recommender.index import Index
from serving.api_page import operations, told_once
from serving.asked_for import filters_of, wishes_of
from serving.first_request import FirstRequest, first_request
from serving.library import Library
from serving.map_data import on_map, unmarked
from serving.openapi import MAX_TEXT, PREFIX
from serving.posters import with_posters
from serving.static_files import imported_by

_POPULAR = 8  # films offered on the first page: two rows of four
_SHORT = 12  # characters of a title that the search box of the first page names as an example
_FIRST_DECADE = 1950  # all older decades share one button
_TOPS = (100, 250, 1000, 10000)  # offered are the largest two that are at most half of all films
# Parameters by which a page's address asks for films; with others the page tells that it cannot.
_ASKS = {"id", "title", "text", "overview", "genres", "topic", "year_from", "year_to", "top_rated",
         "min_votes", "language"}
# Headings of the page about an error, by status; each has the sentence of the error below it.
_HEADINGS = {NotFound.code: "There is nothing here",
             MethodNotAllowed.code: "This page only answers when it is opened",
             InternalServerError.code: "Something went wrong on the server"}
_HEADING = "This cannot be answered"  # of all other errors


class Measured(NamedTuple):
    """A recipe and how good it is, as docs/recipes.md tells."""

    name: str
    meaning: str
    recall: float  # collection recall
    genres: float  # genre Jaccard


MEASURED = (
    Measured("mean4", "The research: BERT’s last four layers over the overview, averaged over all "
                      "words.", 0.341, 0.302),
    Measured("best", "BERT’s last layer, joined with how rare each word of overview and title is, "
                     "and a tenth of the weight for the genres.", 0.949, 0.635))


def pages(library: Library, posters: str = "") -> Blueprint:
    """Return the views at `/`, `/map`, `/api` and `/about`, of the index of `library`.

    `posters` is the address that paths of posters are appended to, "" for none.
    """
    blueprint = Blueprint("pages", __name__)
    known = WeakKeyDictionary()  # type: WeakKeyDictionary[Index, Dict[str, Any]]
    opened_with: "WeakKeyDictionary[Index, Optional[FirstRequest]]" = WeakKeyDictionary()
    modules = {view: imported_by(view + ".js") for view in ("home", "map")}

    @blueprint.get("/")
    def home() -> str:
        return show("home", asks=not _ASKS.isdisjoint(request.args),
                    wishes=wishes_of(request.args, library.now.index),
                    filters_on=filters_of(request.args),
                    recall={each.name: round(100 * each.recall) for each in MEASURED})

    @blueprint.get("/map")
    def map_of_films() -> str:
        return show("map")

    @blueprint.get("/api")
    def reference() -> str:
        served = library.now
        if served.index not in opened_with:
            opened_with[served.index] = first_request(served)
        return render_template("api.html", view="api", operations=operations(),
                               schemas=told_once(), first=opened_with[served.index],
                               n_films=len(served.index))

    @blueprint.get("/about")
    def about() -> str:
        return render_template("about.html", view="about", measured=MEASURED)

    @blueprint.app_context_processor
    def common() -> Dict[str, Any]:
        index = library.now.index
        return {"root": _path_of_root(), "has_posters": bool(posters),
                "made": {**index.made_by(), "recipes": index.recipes, "films": len(index)}}

    def show(view: str, **more: Any) -> str:
        index = library.now.index
        if index not in known:
            known[index] = _about(index, library.now.features, posters)
        return render_template(view + ".html", view=view, script=view + ".js",
                               modules=modules[view], max_text=MAX_TEXT, **known[index], **more)

    return blueprint


def wants_page() -> bool:
    """Return True if this request is of a person who opens an address outside the API."""
    return not (request.path + "/").startswith(PREFIX + "/") and (
        request.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html")


def error_page(said: str, code: int) -> Response:
    """Return the page about an error, with its sentence.

    It shows nothing of the index after an error of the server, which may lie in the index.
    """
    known = {"made": None} if code >= InternalServerError.code else {}  # type: Dict[str, Any]
    response = Response(render_template("error.html", view="error", code=code, said=said,
                                        heading=_HEADINGS.get(code, _HEADING), **known), code)
    response.vary.add("Accept")
    return response


def _path_of_root() -> str:
    """Return the path of the site's first page as seen from the page that is asked for.

    It is relative where a proxy may have removed a part that is not known.
    """
    if request.script_root:
        return request.script_root + "/"
    return "../" * (request.path.count("/") - 1) or "./"


def _about(index: Index, features: str, posters: str) -> Dict[str, Any]:
    """Return the values that the pages show of an index and of its folder of features."""
    space = index.space()
    maps = [name for name in index.recipes if index.space(name).has_map]
    most_voted = unmarked(index)[:_POPULAR]
    genres, has = index.genres()
    most_frequent = np.argsort(-has.sum(axis=0), kind="stable")
    return {"n_films": len(index), "n_on_map": len(on_map(index)),
            "few_on_map": len(on_map(index)) < len(unmarked(index)),
            "checkpoint": index.features.checkpoint,
            "recipe": space.recipe.name, "recipes": index.recipes, "has_map": bool(maps),
            "maps": maps,
            "can_explain": os.path.isdir(features) or not space.recipe.uses_bert,
            "topics": _topics(index),
            "genres": [genres[at] for at in most_frequent], "decades": _decades(index),
            "tops": [n for n in _TOPS if 2 * n <= len(index)][-2:],
            "example": next(filter(_is_short, index.column("title")[most_voted]), "A film"),
            "popular": [with_posters(index, posters, index.movie(int(row), full=False))
                        for row in most_voted]}


def _is_short(title: str) -> bool:
    """Return True if a title leaves room in the search box of a phone; wide characters, such as
    Chinese ones, count twice."""
    return sum(2 if east_asian_width(each) in "FW" else 1 for each in title) <= _SHORT


def _topics(index: Index) -> List[Dict[str, Any]]:
    """Return the topics of an index, each before those inside it, or none."""
    if not index.has_topics:
        return []
    tree = index.topics()

    def inside(parent: int) -> List[Dict[str, Any]]:
        within = tree.topics[parent].name if parent >= 0 else ""
        return [each for topic in tree.children(parent)
                for each in [{"name": topic.name, "level": topic.level, "within": within},
                             *inside(topic.number)]]

    return inside(-1)


def _decades(index: Index) -> List[Dict[str, Optional[int]]]:
    """Return the first and the last year of each decade that has films; the oldest are one."""
    years = index.column("year")
    decades = np.unique(years[years != 0] // 10 * 10).tolist()
    has_older = bool(decades) and decades[0] < _FIRST_DECADE
    old = [{"first": None, "last": _FIRST_DECADE - 1}] if has_older else []
    return old + [{"first": first, "last": first + 9} for first in decades
                  if first >= _FIRST_DECADE]
