"""The API's OpenAPI document. The schemas in it are those that requests are checked against.

Operations stand in it once: `serving.requests` makes its checks out of them, `serving.app`
answers them.
"""

from typing import Any, Dict

PREFIX = "/api/v1"
MAX_BODY = 64 << 10  # bytes of a request's body
MAX_TEXT = 10000  # characters of an overview
MAX_PARAMETER = 1000  # characters of a value in the address
MAP_SIZE = 65535  # the sides of the map
MAX_ID = 2 ** 63 - 1

_TITLE = {"type": "string", "format": "text", "maxLength": MAX_PARAMETER,
          "description": "a film's title; case, accents, punctuation and articles do not matter"}
_ID = {"type": "integer", "minimum": 0, "maximum": MAX_ID, "description": "a film's TMDB id"}
_YEAR = {"type": "integer", "minimum": 1870, "maximum": 2200,
         "description": "picks among films that share the title"}
_K = {"type": "integer", "minimum": 1, "maximum": 1000, "default": 10,
      "description": "how many films to recommend"}
_COUNT = {"type": "integer", "minimum": 0, "maximum": 2 ** 31 - 1}
_FILTERS = {  # those of recommender.filters.Filters; in an address, genres stand between commas
    "genres": {"type": "array", "items": {"type": "string", "format": "text", "maxLength": 100},
               "maxItems": 50, "description": "a recommended film has all of these genres"},
    "any_genre": {"type": "boolean", "description": "one of the genres is enough"},
    "same_genre": {"type": "boolean", "description": "it shares a genre with the film asked for"},
    "top_rated": {**_COUNT, "minimum": 1,
                  "description": "it is among so many best by weighted rating"},
    "min_votes": {**_COUNT, "description": "it has so many votes or more"},
    "year_from": {**_YEAR, "description": "it is of this year or later"},
    "year_to": {**_YEAR, "description": "it is of this year or earlier"},
    "language": {"type": "string", "format": "text", "maxLength": 10,
                 "description": "its original language, as ISO 639-1 has it: fr"}}
_PLACE = {"type": "integer", "minimum": 0, "maximum": MAP_SIZE}


def _query(name: str, schema: Dict[str, Any], required: bool = False) -> Dict[str, Any]:
    return {"name": name, "in": "query", "required": required, "schema": schema}


def _answer(description: str, schema: str) -> Dict[str, Any]:
    return {"description": description, "content": {
        "application/json": {"schema": {"$ref": "#/components/schemas/" + schema}}}}


def _object(required: str, **properties: Dict[str, Any]) -> Dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required.split(),
            "additionalProperties": False}


_BRIEF = {"id": _ID, "title": {"type": "string"}, "year": {"type": ["integer", "null"]},
          "genres": {"type": "array", "items": {"type": "string"}}}
_FILM = {
    **_BRIEF, "original_title": {"type": "string"}, "language": {"type": "string"},
    "imdb_id": {"type": "string"}, "vote_average": {"type": "number"},
    "vote_count": {"type": "integer"},
    "weighted_rating": {"type": "number", "description": "IMDb's formula, from 0 to 10"},
    "overview": {"type": "string"}}
_BAD_REQUEST = _answer("the address or the body cannot be understood", "Error")
_NOT_FOUND = _answer("no such film, genre or language; what there is is named", "Error")

DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "Movie recommender", "version": "1",
             "description": "Films whose stories are nearest to a film's or to a text."},
    "servers": [{"url": PREFIX}],
    "paths": {
        "/recommend": {
            "get": {
                "summary": "Films like a film, which is named by either title or id; with filters "
                           "alone, the best rated, whose score is their weighted rating",
                "parameters": [_query("title", _TITLE), _query("id", _ID), _query("year", _YEAR),
                               _query("k", _K), *(_query(*item) for item in _FILTERS.items())],
                "responses": {"200": _answer("the film and those nearest to it", "LikeFilm"),
                              "400": _BAD_REQUEST, "404": _NOT_FOUND},
            },
            "post": {
                "summary": "Films like a text",
                "requestBody": {"required": True, "content": {"application/json": {
                    "schema": {"$ref": "#/components/schemas/TextQuery"}}}},
                "responses": {
                    "200": _answer("the text and the films nearest to it", "LikeText"),
                    "400": _BAD_REQUEST,
                    "413": _answer("the body is larger than {} bytes".format(MAX_BODY), "Error"),
                    "415": _answer("the body is not sent as application/json", "Error"),
                    "422": _answer("the JSON is not what the schema says", "Error"),
                    "503": _answer("texts cannot be answered here or now", "Error"),
                },
            },
        },
        "/movies": {
            "get": {
                "summary": "Films whose titles complete what was typed, most votes first",
                "parameters": [
                    _query("q", {**_TITLE, "description": "the beginning of a title, or of a word "
                                 "in it"}, required=True),
                    _query("k", {**_K, "maximum": 50, "description": "how many titles"})],
                "responses": {"200": _answer("the films", "Completion"), "400": _BAD_REQUEST},
            },
        },
        "/map": {
            "get": {
                "summary": "All films as points in the plane, most votes first, near ones together",
                "responses": {"200": _answer("the films, a list for each thing", "Map"),
                              "404": _answer("the index was built without a map", "Error")},
            },
        },
        "/movies/{id}": {
            "get": {
                "summary": "One film",
                "parameters": [{"name": "id", "in": "path", "required": True, "schema": _ID}],
                "responses": {"200": _answer("the film", "Film"), "400": _BAD_REQUEST,
                              "404": _NOT_FOUND},
            },
        },
    },
    "components": {"schemas": {
        "TextQuery": _object("overview", overview={
            "type": "string", "format": "text", "maxLength": MAX_TEXT,
            "description": "what the films should be about"}, k=_K, **_FILTERS),
        "LikeFilm": _object("query results",
                            query={"anyOf": [{"$ref": "#/components/schemas/Film"}, _object("")]},
                            results={"$ref": "#/components/schemas/Results"},
                            others={"type": "array", "items": _object(" ".join(_BRIEF), **_BRIEF),
                                    "description": "other films of that title"}),
        "LikeText": _object("query results", query=_object(
            "overview", overview={"type": "string"}),
            results={"$ref": "#/components/schemas/Results"},
            note={"type": "string", "description": "said of a text too long to be read whole"}),
        "Completion": _object("query results", query=_object("q", q={"type": "string"}),
                              results={"type": "array",
                                       "items": _object(" ".join(_BRIEF), **_BRIEF)}),
        "Film": _object(" ".join(_FILM), **_FILM),
        "Results": {"type": "array", "items": _object(
            "rank score " + " ".join(_FILM), rank={"type": "integer"},
            score={"type": "number", "description": "cosine, from -1 to 1, or weighted rating"},
            **_FILM)},
        "Map": _object(
            "genres id title year genre x y",
            genres={"type": "array", "items": {"type": "string"},
                    "description": "all of them, those of the most films first"},
            id={"type": "array", "items": _ID},
            title={"type": "array", "items": {"type": "string"}},
            year={"type": "array", "items": {"type": ["integer", "null"]}},
            genre={"type": "array", "items": {"type": ["integer", "null"]},
                   "description": "the place of the film's first genre in genres"},
            x={"type": "array", "items": _PLACE}, y={"type": "array", "items": _PLACE}),
        "Error": _object("error", error={"type": "string", "description": "one line"}),
    }},
}  # type: Dict[str, Any]
