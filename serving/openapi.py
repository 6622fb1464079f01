"""The API's OpenAPI document. Requests are checked against the schemas in it.

Each operation is described here only: `serving.validation` makes its checks from the description,
`serving.app` answers it.
"""

from typing import Any, Dict

from serving.schemas import RANK_IN_OTHER, RANKS_TO, Schema
from serving.schemas import answer as _answer
from serving.schemas import object_of as _object
from serving.topic_document import PATHS, SCHEMAS

PREFIX = "/api/v1"  # of all addresses of the API
MAX_BODY = 64 << 10  # bytes of a request's body: room for several long overviews
MAX_TEXT = 10000  # characters of an overview; BERT reads some 2,000 of them
MAX_PARAMETER = 1000  # characters of a title; the longest that is known has 250
MAX_FILMS = 20  # films in a query by title, by id, and as many to keep away from
MAX_GENRES = 50  # genres in a query; TMDB has 20
MAX_LISTED = 1000  # films in a list of what people like or know; fit in a body by title
MAX_TEXTS = 8  # overviews in a query; each takes a place in a batch of 16
MAX_QUESTIONS = 100  # questions in a list
MAX_RESULTS = 1000  # films in the answers to a list, as many as in one answer
MAX_EXPLAINED = 50  # films in an answer with explanations; each reads its features
MAP_SIZE = 65535  # greatest coordinate of the map: 16 bits
MAX_ID = 2 ** 63 - 1  # ids of films are int64

# A string that is not blank, and has no NUL and no half of a surrogate pair.
_TEXT_KIND: Schema = {"type": "string", "minLength": 1, "pattern":
                      r"^\s*[^\s\u0000\ud800-\udfff][^\u0000\ud800-\udfff]*$"}


def _one_or_more(schema: Dict[str, Any], at_most: int) -> Dict[str, Any]:
    """Return the schema of a value or a list of up to `at_most` such values."""
    one = {name: value for name, value in schema.items() if name != "description"}
    return {"description": schema["description"], "anyOf": [
        one, {"type": "array", "items": one, "minItems": 1, "maxItems": at_most}]}


_TITLE: Schema = {**_TEXT_KIND, "maxLength": MAX_PARAMETER,
          "description": "a film's title; case, accents, punctuation and articles do not matter, "
                         "and its year may stand behind it: Heat (1995)"}
_ID: Schema = {"type": "integer", "minimum": 0, "maximum": MAX_ID,
               "description": "a film's TMDB id"}
_YEAR: Schema = {"type": "integer", "minimum": 1870, "maximum": 2200,
         "description": "picks among films that share the title"}
_K: Schema = {"type": "integer", "minimum": 1, "maximum": 1000, "default": 10,
      "description": "how many films to recommend"}
_COUNT: Schema = {"type": "integer", "minimum": 0, "maximum": 2 ** 31 - 1}
_GENRE: Schema = {**_TEXT_KIND, "maxLength": 100, "description":
          "a recommended film has all of these genres; in an address, between commas"}
_FILTERS: Dict[str, Schema] = {  # those of recommender.filters.Filters
    "genres": _one_or_more(_GENRE, MAX_GENRES),
    "any_genre": {"type": "boolean", "description": "one of the genres is enough; needs genres"},
    "same_genre": {"type": "boolean", "description":
                   "it shares a genre with a film asked for; needs a title or an id"},
    "topic": {**_TEXT_KIND, "maxLength": 100, "description":
              "it is of this topic, by name or number, of an index with topics"},
    "same_topic": {"type": "boolean", "description":
                   "it is of the fine topic of a film asked for; needs a title or an id"},
    "top_rated": {**_COUNT, "minimum": 1,
                  "description": "it is among so many best by weighted rating"},
    "min_votes": {**_COUNT, "description": "it has so many votes or more"},
    "year_from": {**_YEAR, "description": "it is of this year or later; no later than year_to"},
    "year_to": {**_YEAR, "description": "it is of this year or earlier"},
    "language": {**_TEXT_KIND, "maxLength": 10,
                 "description": "its original language, as ISO 639-1 has it: fr"},
    "adult": {"type": "boolean", "description":
              "it may be marked as adult; such films are left out otherwise"}}
_RECIPE: Schema = {**_TEXT_KIND, "maxLength": 50,
                   "description": "a recipe of the index, by default its first"}
# What a query for films may say, in the address or, with texts, as JSON.
_QUESTION: Dict[str, Schema] = {
    "title": _one_or_more(_TITLE, MAX_FILMS), "id": _one_or_more(_ID, MAX_FILMS),
    "year": {**_YEAR, "description": "picks among films that share the title; needs one title"},
    "not": _one_or_more({**_TITLE, "description": "the title of a film to keep away from; needs "
                         "something asked for"}, MAX_FILMS),
    "not_id": _one_or_more({**_ID, "description": "the TMDB id of a film to keep away from; "
                            "needs something asked for"}, MAX_FILMS),
    "k": _K,
    "recipe": _RECIPE,
    "diverse": {"type": "number", "minimum": 0, "maximum": 1, "default": 0,
                "description": "how much variety counts against nearness; above 0, needs "
                               "something asked for"},
    "explain": {"type": "boolean", "default": False, "description":
                "tell what each word adds to a score; needs something asked for, and k and the "
                "number of films liked are then at most {}".format(MAX_EXPLAINED)},
    **_FILTERS}
# Two answers have no explanations.
_COMPARED = {name: schema for name, schema in _QUESTION.items() if name != "explain"}
_EXAMPLE = {"title": "The Matrix", "k": 3}
_TEXT = {**_TEXT_KIND, "maxLength": MAX_TEXT,
         "description": "what the films should be about"}
# A film of a list of one's own. JSON schema applies each bound to values of its own type.
_LISTED: Schema = {"type": ["integer", "string"], "minimum": 0, "maximum": MAX_ID,
                   **{name: _TITLE[name] for name in ("minLength", "maxLength", "pattern")}}
_LIKED: Schema = {
    **_LISTED, "type": ["integer", "string", "object"], "required": ["film"],
    "additionalProperties": False, "properties": {
        "film": _LISTED, "stars": {"type": "number", "minimum": 0.5, "maximum": 5}}}
_OF_LISTS = "its TMDB id, its IMDb id, or its title with the year behind it"
# What a body may say that an address cannot.
_IN_BODY: Dict[str, Schema] = {
    "overview": _one_or_more(_TEXT, MAX_TEXTS),
    "liked": _one_or_more({**_LIKED, "description": "a film that is a wish, weighted by its stars "
                           "of 5; below 2.5 stars it is only left out of the answer: " + _OF_LISTS
                           + ', alone or as {"film": 603, "stars": 4.5}'}, MAX_LISTED),
    "seen": _one_or_more({**_LISTED, "description": "a film to leave out of the answer: "
                          + _OF_LISTS}, MAX_LISTED)}


def _any_of(*names: str) -> Dict[str, Any]:
    """Return the schema of objects that have at least one of some properties."""
    return {"anyOf": [{"required": [name]} for name in names]}


def _is(name: str, **schema: Any) -> Dict[str, Any]:
    """Return the schema of objects that have a property of a schema."""
    return {"required": [name], "properties": {name: schema}}


_WISHES = _any_of("title", "id", "overview", "liked")
# What a question must have if it has something else. OpenAPI cannot say it of parameters in an
# address, so there the descriptions do. Answering checks it, and says better what is wrong.
_CONDITIONS = [
    _any_of("title", "id", *_IN_BODY, *(name for name in _FILTERS if name not in {
        "any_genre", "same_genre", "same_topic", "adult"})),
    {"if": _is("any_genre", const=True), "then": {"required": ["genres"]}},
    *({"if": _is(name, const=True), "then": _any_of("title", "id", "liked")}
      for name in ("same_genre", "same_topic")),
    {"if": _is("year"), "then": _is("title", anyOf=[{"type": "string"}, {"maxItems": 1}])},
    {"if": {"anyOf": [_is("not"), _is("not_id"), _is("diverse", exclusiveMinimum=0),
                      _is("explain", const=True)]}, "then": _WISHES},
    {"if": _is("explain", const=True), "then": {"properties": {
        "k": {"maximum": MAX_EXPLAINED}, "liked": {"maxItems": MAX_EXPLAINED}}}}]
_PLACE = {"type": "integer", "minimum": 0, "maximum": MAP_SIZE}


def _query(name: str, schema: Dict[str, Any], required: bool = False,
           example: Any = None) -> Dict[str, Any]:
    parameter = {"name": name, "in": "query", "required": required, "schema": schema}
    if example is not None:
        parameter["example"] = example
    if name != "genres":  # several films are a parameter each, since titles have commas
        return parameter
    one = {name: value for name, value in _GENRE.items() if name != "description"}
    one["pattern"] = one["pattern"].replace(r"\u0000", r"\u0000,")
    return {**parameter, "style": "form", "explode": False, "schema": {
        "description": _GENRE["description"], "type": "array", "items": one, "minItems": 1,
        "maxItems": MAX_GENRES}}


_BRIEF: Dict[str, Schema] = {
    "id": _ID, "title": {"type": "string"}, "year": {"type": ["integer", "null"]},
    "genres": {"type": "array", "items": {"type": "string"}}}
_FILM: Dict[str, Schema] = {
    **_BRIEF, "original_title": {"type": "string"}, "language": {"type": "string"},
    "imdb_id": {"type": "string"}, "vote_average": {"type": "number"},
    "vote_count": {"type": "integer"},
    "weighted_rating": {"type": "number", "description": "IMDb's formula, from 0 to 10"},
    "overview": {"type": "string"},
    "topics": {"type": "array", "items": {"type": "string"}, "description":
               "names of its topics, coarse to fine; of an index with topics only"},
    "poster": {"type": "string", "description": "address of its poster; with --posters only"}}
_OF_A_FILM = " ".join(name for name in _FILM if name not in ("poster", "topics"))  # of each film
_BRIEF_FILM = _object(" ".join(_BRIEF), **_BRIEF)
_SHARES = {"type": "array", "items": {"$ref": "#/components/schemas/Share"}}
_BAD_REQUEST = _answer("the address or the body cannot be understood", "Error")
_NOT_FOUND = _answer("no such film, genre, topic or language; what there is is named; or, with a "
                     "code, the film is known but cannot be recommended for", "Error")
_CODE = {"type": "string", "enum": ["no_overview", "not_in_index"], "description":
         "why a film that the catalogue has cannot be recommended for: it has no overview, or the "
         "index was built without its features"}
_WISH = {"anyOf": [{"$ref": "#/components/schemas/WishedFilm"},
                   _object("overview", overview={"type": "string"})]}
_RANKED: Dict[str, Schema] = {
    "rank": {"type": "integer"},
    "score": {"type": "number", "description": "cosine, from -1 to 1, or weighted rating"},
    "nearness": {"type": "number", "description": "where the score lies: 0 as with any film, 1 as "
                 "with a nearest one; of several wishes, the mean of its places by each"}}
# What an answer says of the query.
_ASKED: Dict[str, Schema] = {
    "query": {
        "description": "the film or text that was asked for, several as wishes, or nothing",
        "anyOf": [_WISH, _object("wishes", wishes={"type": "array", "items": _WISH}), _object("")]},
    "filters": _object("", **_FILTERS),
    "diverse": {"type": "number"},
    "others": {"type": "array", "items": _BRIEF_FILM,
               "description": "other films of a title that was given"},
    "note": {"type": "string", "description": "said of texts too long to be read whole, of words "
             "that the checkpoint does not know, of films of a title given that cannot be "
             "recommended for, of what fits no film in a list, and where nothing near was found"},
    "not": {"type": "array", "items": {"$ref": "#/components/schemas/Film"},
            "description": "the films to keep away from"},
    "seen": {"type": "array", "items": _ID, "description": "the films left out by a list"},
    "heard": {"type": "array", "items": _object("genre probability", genre={"type": "string"},
                                                probability={"type": "number"}),
              "description": "genres that a genre model hears in the texts, the likeliest first; "
              "with --genre_model only"}}
_FOUND = _answer("what was asked for and the films nearest to it", "Recommendation")
_TWO_FOUND = _answer("what was asked for and what two recipes answer", "Comparison")
_BODY_REFUSED = {
    "400": _BAD_REQUEST, "404": _NOT_FOUND,
    "413": _answer("the body is larger than {} bytes".format(MAX_BODY), "Error"),
    "415": _answer("the body is not sent as application/json", "Error"),
    "422": _answer("the JSON is not what the schema says", "Error")}
_AGAIN = {"Retry-After": {"description": "seconds after which to ask again",
                          "schema": {"type": "integer"}}}
_NOT_NOW = {**_answer("too many texts wait, or what a text or an explanation needs is not here",
                      "Error"), "headers": _AGAIN}
_TOO_OFTEN = {**_answer("the client asks too often", "Error"), "headers": _AGAIN}
_TOO_LONG = _answer("address and headers are larger than {} bytes".format(MAX_BODY), "Error")
_KNOWN = {"description": "the client has the answer: its If-None-Match is the answer's ETag"}
_TAG = {"ETag": {"description": "of the index and the address", "schema": {"type": "string"}}}


def _asking(operation: str, summary: str, question: Dict[str, Schema], schema: str,
            found: Dict[str, Any]) -> Dict[str, Any]:
    """Return the operations of an address that answers a query: in the address, or as JSON."""
    return {
        "get": {
            "operationId": operation, "summary": summary,
            "parameters": [_query(name, each, example=_EXAMPLE.get(name))
                           for name, each in question.items()],
            "responses": {"200": found, "400": _BAD_REQUEST, "404": _NOT_FOUND, "503": _NOT_NOW},
        },
        "post": {
            "operationId": operation + "_by_text",
            "summary": "The same for texts, alone or with films",
            "requestBody": {"required": True, "content": {"application/json": {
                "schema": {"$ref": "#/components/schemas/" + schema},
                "example": {"overview": "A shark terrorises a seaside town", "k": 3}}}},
            "responses": {"200": found, **_BODY_REFUSED, "503": _NOT_NOW},
        },
    }


def _with_lists(operations: Dict[str, Any]) -> Dict[str, Any]:
    """Return what `_asking` returns for questions, with lists of them taken in the body as well."""
    def or_list(schema: Schema, items: Schema, **limits: int) -> Schema:
        return {"anyOf": [schema, {"type": "array", "items": items, **limits}]}

    post = operations["post"]
    post["summary"] += ("; a list of up to {} questions has a list of answers, in each place an "
                        "answer or an error. Together they have up to {} texts and up to {:,} "
                        "films to recommend, and none asks to explain").format(
                            MAX_QUESTIONS, MAX_TEXTS, MAX_RESULTS)
    body = post["requestBody"]["content"]["application/json"]
    body["schema"] = or_list(body["schema"], body["schema"], minItems=1, maxItems=MAX_QUESTIONS)
    found = post["responses"]["200"]
    answer = found["content"]["application/json"]["schema"]
    post["responses"]["200"] = {**found, "content": {"application/json": {"schema": or_list(
        answer, {"anyOf": [answer, {"$ref": "#/components/schemas/Error"}]})}}}
    return operations


DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "Movie recommender", "version": "1",
             "description": "Films whose stories are nearest to a film's or to a text."},
    # Relative to the address of this document, so that it is right behind any proxy.
    "servers": [{"url": "../v1"}],
    "paths": {
        "/recommend": _with_lists(_asking(
            "recommend", "Films like a film, or like several, which are named by title or id; with "
            "filters alone, the best rated, whose score is their weighted rating",
            _QUESTION, "Question", _FOUND)),
        "/compare": _asking(
            "compare", "The answers of two recipes to the same query, which names a film: of the "
            "first of the index, and of another, by default its second",
            _COMPARED, "ComparedQuestion", _TWO_FOUND),
        "/movies": {
            "get": {
                "operationId": "complete_title",
                "summary": "Films whose titles complete what was typed, most votes first",
                "parameters": [
                    _query("q", {**_TITLE, "description": "the beginning of a title, or of a word "
                                 "in it"}, required=True, example="matr"),
                    _query("k", {**_K, "maximum": 50, "description": "how many titles"})],
                "responses": {"200": _answer("the films", "Completion"), "400": _BAD_REQUEST},
            },
        },
        "/map": {
            "get": {
                "operationId": "map_of_films",
                "summary": "Up to 100,000 films as points in the plane, most votes first",
                "parameters": [_query("recipe", _RECIPE)],
                "responses": {"200": _answer("the films, a list for each thing", "Map"),
                              "400": _BAD_REQUEST,
                              "404": _answer("the index has no map, or no such recipe", "Error")},
            },
        },
        "/map/place": {
            "post": {
                "operationId": "place_text",
                "summary": "Where a text would lie on the map, if its nearest films lie together",
                "requestBody": {"required": True, "content": {"application/json": {
                    "schema": {"$ref": "#/components/schemas/TextToPlace"},
                    "example": {"overview": "A shark terrorises a seaside town"}}}},
                "responses": {"200": _answer("the place", "Place"), **_BODY_REFUSED,
                              "503": _NOT_NOW},
            },
        },
        "/movies/{id}": {
            "get": {
                "operationId": "movie",
                "summary": "One film",
                "parameters": [{"name": "id", "in": "path", "required": True, "schema": _ID,
                                "example": 603}],
                "responses": {"200": _answer("the film", "Film"), "400": _BAD_REQUEST,
                              "404": _NOT_FOUND},
            },
        },
        **PATHS,
        "/openapi.json": {
            "get": {
                "operationId": "document",
                "summary": "This document, of which all requests are checked against the schemas",
                "responses": {"200": {"description": "an OpenAPI document", "content": {
                    "application/json": {"schema": {"type": "object"}}}}, "400": _BAD_REQUEST},
            },
        },
    },
    "components": {"schemas": {
        **SCHEMAS,
        "Question": {**_object("", **_IN_BODY, **_QUESTION),
                     "allOf": _CONDITIONS},
        "ComparedQuestion": {**_object("", **_IN_BODY, **_COMPARED),
                             "allOf": [_WISHES, *_CONDITIONS]},
        "Recommendation": _object(
            "query made_by results", made_by={"$ref": "#/components/schemas/MadeBy"},
            results={"$ref": "#/components/schemas/Results"}, **_ASKED),
        "Comparison": _object(
            "query lists", **_ASKED, lists={
                "type": "array", "minItems": 2, "maxItems": 2,
                "description": "the index's first recipe comes first", "items": _object(
                    "made_by results", made_by={"$ref": "#/components/schemas/MadeBy"},
                    ranks_to=RANKS_TO, results={"type": "array", "items": _object(
                        "rank score rank_in_other " + _OF_A_FILM, **_RANKED, **_FILM,
                        rank_in_other=RANK_IN_OTHER)})}),
        "MadeBy": _object(
            "recipe checkpoint index built digest", recipe={"type": "string"},
            checkpoint={"type": "string"},
            index={"type": "string", "description": "the name of the index's file"},
            built={"type": "string", "format": "date-time"},
            digest={"type": "string", "description": "of the films and their embeddings"}),
        "Completion": _object("query results", query=_object("q", q={"type": "string"}),
                              results={"type": "array", "items": _BRIEF_FILM},
                              meant={**_BRIEF_FILM, "description": "the film of the title that was "
                                     "typed, whole, mistyped beyond doubt or begun as no other is"},
                              left_out={"type": "array", "items": _object(
                                  "id title year code", id=_ID, title=_BRIEF["title"],
                                  year=_BRIEF["year"], code=_CODE), "description":
                                  "films of exactly this title that cannot be recommended for"}),
        "Film": _object(_OF_A_FILM, **_FILM),
        "WishedFilm": _object(_OF_A_FILM, **_FILM, weight={
            "type": "number", "description": "of the film among the wishes, where they differ"}),
        "Results": {"type": "array", "items": _object(
            "rank score " + _OF_A_FILM, **_RANKED, **_FILM, why=_object(
                "asked found", found=_SHARES, asked={
                    "type": "array", "items": _SHARES, "description":
                    "of each wish, films first, then texts, then what is not wanted"}))},
        "Share": _object(
            "of word start end share",
            of={"type": "string", "enum": ["overview", "title", "genres", "marks"], "description":
                "where the word stands; marks are what BERT puts around a text"},
            word={"type": "string"}, start={"type": "integer"}, end={"type": "integer"},
            share={"type": "number", "description": "what it adds to the score: all of asked, and "
                                                    "all of found, add up to it"}),
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
        "TextToPlace": _object("overview", overview=_TEXT, recipe=_RECIPE),
        "Place": _object(
            "place agreement",
            place={"description": "null where the nearest films do not lie together",
                   "anyOf": [_object("x y", x=_PLACE, y=_PLACE), {"type": "null"}]},
            agreement={"type": "number", "minimum": 0, "maximum": 1, "description":
                       "how many of the ten nearest films lie there"}),
        "Error": _object("error", error={"type": "string", "description": "one line"}, code=_CODE),
    }},
}  # type: Dict[str, Any]

# Answers that every operation may give.
for _methods in DOCUMENT["paths"].values():
    for _method, _operation in _methods.items():
        _operation["responses"]["429"] = _TOO_OFTEN
        _operation["responses"]["431"] = _TOO_LONG
        if _method == "get":
            _operation["responses"]["304"] = _KNOWN
            _operation["responses"]["200"] = {**_operation["responses"]["200"], "headers": _TAG}
        _operation["responses"] = dict(sorted(_operation["responses"].items()))
