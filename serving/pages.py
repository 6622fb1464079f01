"""The pages for people. They ask the API for everything that is not the same for all."""

from typing import Any, Dict
from weakref import WeakKeyDictionary

import numpy as np
from flask import Blueprint, render_template

from recommender.index import Index
from serving.api import MAX_TEXT
from serving.library import Library

_POPULAR = 8  # films to start with


def pages(library: Library) -> Blueprint:
    """The views at `/` and below, about what `library` serves."""
    blueprint = Blueprint("pages", __name__)
    known = WeakKeyDictionary()  # type: WeakKeyDictionary[Index, Dict[str, Any]]

    @blueprint.get("/")
    def home() -> str:
        index = library.now.index
        if index not in known:
            known[index] = _about(index)
        return render_template("home.html", view="home", script="home.js", max_text=MAX_TEXT,
                               **known[index])

    return blueprint


def _about(index: Index) -> Dict[str, Any]:
    """What the pages say of an index."""
    most_voted = np.argsort(-index.column("vote_count"), kind="stable")[:_POPULAR]
    return {"n_films": len(index), "checkpoint": index.features.checkpoint,
            "recipe": index.recipe.name,
            "popular": [index.movie(int(row), full=False) for row in most_voted]}
