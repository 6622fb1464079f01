"""The part of the OpenAPI document that describes the list of topics."""

from serving.schemas import Schema, answer, object_of

_NUMBER: Schema = {"type": "integer", "minimum": 0}

PATHS = {
    "/topics": {
        "get": {
            "operationId": "topics",
            "summary": "The topics of the index, coarse ones first, none where it was built "
                       "without: any name or number is a value of the filter topic",
            "parameters": [],
            "responses": {"200": answer("the topics", "Topics"),
                          "400": answer("there are no parameters", "Error")},
        },
    },
}

SCHEMAS = {
    "Topics": object_of("topics", topics={"type": "array", "items": object_of(
        "number level parent name words films n_films",
        number={**_NUMBER, "description": "its place in this list"},
        level={**_NUMBER, "maximum": 2, "description": "0 is coarse, 2 fine"},
        parent={"description": "number of the topic of the level above that it lies in; null at "
                "level 0", "anyOf": [_NUMBER, {"type": "null"}]},
        name={"type": "string", "description": "no other topic has the same"},
        words={"type": "array", "items": {"type": "string"},
               "description": "its words, those that tell most first"},
        films={"type": "array", "items": _NUMBER,
               "description": "TMDB ids of its most representative films"},
        n_films={**_NUMBER, "description": "how many films of the index it has"})}),
}
