"""The HTML pages. Their scripts ask the API for everything that depends on the visitor."""

import os
from typing import Any, Dict, List, Optional
from weakref import WeakKeyDictionary

import numpy as np
from flask import Blueprint, render_template, request

from recommender.index import Index
from serving.api_page import operations, schemas
from serving.library import Library
from serving.map_data import unmarked
from serving.openapi import MAX_TEXT

_POPULAR = 8  # films offered on the first page: two rows of four
_FIRST_DECADE = 1950  # all older decades share one button
_TOPS = (100, 250, 1000, 10000)  # offered are the largest two that are at most half of all films
# Parameters by which a page's address asks for films; with others the page tells that it cannot.
_ASKS = {"id", "title", "text", "overview", "genres", "year_from", "year_to", "top_rated",
         "min_votes", "language"}


def pages(library: Library, has_posters: bool = False) -> Blueprint:
    """Return the views at `/`, `/map` and `/api`, of the index that `library` serves.

    With `has_posters`, they say where these come from.
    """
    blueprint = Blueprint("pages", __name__)
    known = WeakKeyDictionary()  # type: WeakKeyDictionary[Index, Dict[str, Any]]

    @blueprint.get("/")
    def home() -> str:
        return show("home", asks=not _ASKS.isdisjoint(request.args))

    @blueprint.get("/map")
    def map_of_films() -> str:
        return show("map")

    @blueprint.get("/api")
    def reference() -> str:
        return render_template("api.html", view="api", operations=operations(), schemas=schemas())

    @blueprint.context_processor
    def path_of_root() -> Dict[str, str]:
        # Relative where it is not known: all pages stand beside each other.
        return {"root": request.script_root + "/" if request.script_root else "./"}

    def show(view: str, **more: Any) -> str:
        index = library.now.index
        if index not in known:
            known[index] = _about(index, library.now.features)
        return render_template(view + ".html", view=view, script=view + ".js", max_text=MAX_TEXT,
                               has_posters=has_posters,
                               **known[index], **more)

    return blueprint


def _about(index: Index, features: str) -> Dict[str, Any]:
    """Return the values that the pages show of an index and of its folder of features."""
    space = index.space()
    maps = [name for name in index.recipes if index.space(name).has_map]
    most_voted = unmarked(index)[:_POPULAR]
    genres, has = index.genres()
    most_frequent = np.argsort(-has.sum(axis=0), kind="stable")
    return {"n_films": len(index), "checkpoint": index.features.checkpoint,
            "recipe": space.recipe.name, "recipes": index.recipes, "has_map": bool(maps),
            "maps": maps,
            "can_explain": os.path.isdir(features) or not space.recipe.uses_bert,
            "genres": [genres[at] for at in most_frequent], "decades": _decades(index),
            "tops": [n for n in _TOPS if 2 * n <= len(index)][-2:],
            "popular": [index.movie(int(row), full=False) for row in most_voted]}


def _decades(index: Index) -> List[Dict[str, Optional[int]]]:
    """Return the first and the last year of each decade that has films; the oldest are one."""
    years = index.column("year")
    decades = np.unique(years[years != 0] // 10 * 10).tolist()
    has_older = bool(decades) and decades[0] < _FIRST_DECADE
    old = [{"first": None, "last": _FIRST_DECADE - 1}] if has_older else []
    return old + [{"first": first, "last": first + 9} for first in decades
                  if first >= _FIRST_DECADE]
