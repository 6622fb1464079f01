"""The request with which the page /api opens, and what it is answered."""

import json
from typing import Any, Dict, NamedTuple, Optional, Sequence
from urllib.parse import urlencode

from serving.answers import recommendation
from serving.library import Served
from serving.map_data import unmarked
from serving.openapi import PREFIX

_K = 3  # films in the answer: with them it fits on a phone's first screen
_TELLING = ("rank", "score", "id", "title", "year")  # fields that are shown of a film


class FirstRequest(NamedTuple):
    """A request for films like the one of the most votes, and its answer, shortened by "…"."""

    address: str
    answer: str


def first_request(served: Served) -> Optional[FirstRequest]:
    """Return the request for an index and its answer; None if it has no film to ask for."""
    index = served.index
    films = unmarked(index)[:1]
    if not len(films):
        return None
    query = {"title": index.movie(int(films[0]), full=False)["title"], "k": _K}
    if "best" in index.recipes and len(index.recipes) > 1:
        query["recipe"] = "best"
    answer = recommendation(served, {**query, "explain": False, "diverse": 0.0})
    return FirstRequest("{}/recommend?{}".format(PREFIX, urlencode(query)), "\n".join([
        "{", '  "query": {},'.format(_shortened(answer["query"], _TELLING)), '  "results": [',
        ",\n".join("    " + _shortened(film, _TELLING) for film in answer["results"]),
        "  ],", "  …", "}"]))


def _shortened(film: Dict[str, Any], names: Sequence[str]) -> str:
    """Return a film as JSON in one line, with some of its fields."""
    shown = {name: film[name] for name in names if name in film}
    return json.dumps(shown, ensure_ascii=False)[:-1] + ", …}"
