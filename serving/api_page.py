"""Describe the API's document in words, for the page /api."""

import json
from typing import Any, Dict, List, NamedTuple
from urllib.parse import urlencode

from serving.openapi import DOCUMENT, PREFIX

_SCHEMAS = DOCUMENT["components"]["schemas"]
_WORTH_A_LINK = 5  # fields in common from which on an object names the other instead


class Field(NamedTuple):
    """A parameter or a property of JSON; `kind` is its type and its bounds in words."""

    name: str
    where: str  # "path", "query" or "JSON"
    kind: str
    required: bool
    description: str
    example: str = ""


class Operation(NamedTuple):
    """A method of an address. `answers` are status, description and name of the schema.

    `takes` names the schema that tells the fields: that of the body, also for a GET that takes
    the same fields in its address; "" where there is none.
    """

    method: str
    address: str
    summary: str
    fields: List[Field]
    example: str  # an address that can be asked for, or the body where there is one
    answers: List[List[str]]
    takes: str
    anchor: str


class Told(NamedTuple):
    """Fields of an object that are not told with another; that one is `base`, "" if there is none.

    `without` names the fields of `base` that this object has not.
    """

    base: str
    without: List[str]
    fields: List[Field]


def operations() -> List[Operation]:
    """Return all operations of the API, in the order of the document."""
    return [_operation(method.upper(), PREFIX + path, operation, _body(methods.get("post", {})))
            for path, methods in DOCUMENT["paths"].items()
            for method, operation in methods.items()]


def schemas() -> Dict[str, List[Field]]:
    """Return the fields of each object, or list of objects, in the API's answers, by name."""
    shown = {name: schema.get("items", schema) for name, schema in _SCHEMAS.items()}
    return {name: _fields(schema) for name, schema in shown.items()}


def told_once() -> Dict[str, Told]:
    """Return for each object of `schemas` the fields that no object before it has told."""
    told: Dict[str, Told] = {}
    whole = schemas()
    for name, fields in whole.items():
        meaning = {each.name: each._replace(required=False) for each in fields}
        shared = {base: [each.name for each in whole[base]
                         if each._replace(required=False) == meaning.get(each.name)]
                  for base, known in told.items() if not known.base}
        base = max(shared, key=lambda known: len(shared[known]), default="")
        if base and len(shared[base]) >= _WORTH_A_LINK:
            told[name] = Told(base, [each.name for each in whole[base]
                                     if each.name not in shared[base]],
                              [each for each in fields if each.name not in shared[base]])
        else:
            told[name] = Told("", [], fields)
    return told


def _body(operation: Dict[str, Any]) -> str:
    """Return the name of the schema of an operation's body, "" if it takes none."""
    if "requestBody" not in operation:
        return ""
    return _name_of(operation["requestBody"]["content"]["application/json"]["schema"])


def _operation(method: str, address: str, operation: Dict[str, Any], takes: str) -> Operation:
    parameters = operation.get("parameters", [])
    fields = [Field(p["name"], p["in"], _kind(p["schema"]), p["required"],
                    _description(p["schema"]), str(p.get("example", ""))) for p in parameters]
    given = {p["in"]: {q["name"]: q["example"] for q in parameters
                       if q["in"] == p["in"] and "example" in q} for p in parameters}
    example = address.format(**given.get("path", {}))
    if given.get("query"):
        example += "?" + urlencode(given["query"])
    if "requestBody" in operation:
        body = operation["requestBody"]["content"]["application/json"]
        fields = _fields(_SCHEMAS[takes])
        example = json.dumps(body["example"], indent=2)
    answers = [[status, answer["description"],
                _name_of(answer["content"]["application/json"]["schema"]) if "content" in answer
                else ""] for status, answer in operation["responses"].items()]
    return Operation(method, address, operation["summary"], fields, example, answers, takes,
                     operation["operationId"])


def _fields(schema: Dict[str, Any]) -> List[Field]:
    return [Field(name, "JSON", _kind(each), name in schema["required"], _description(each))
            for name, each in schema["properties"].items()]


def _description(schema: Dict[str, Any]) -> str:
    default = schema.get("default")
    said = [schema["description"]] if "description" in schema else []
    return "; ".join(said + (["{} if not given".format(json.dumps(default))]
                             if default is not None else []))


def _name_of(schema: Dict[str, Any]) -> str:
    one = schema.get("anyOf", [schema])[0]  # of one or several, the one
    return one.get("$ref", "").rpartition("/")[2]


def _kind(schema: Dict[str, Any]) -> str:
    """Return the type of a value and its bounds, in words."""
    if "$ref" in schema:
        return _name_of(schema)
    if "anyOf" in schema:
        one, *others = schema["anyOf"]
        if others[0].get("items") == one:
            return "{}; or a list of up to {}".format(_kind(one), others[0]["maxItems"])
        return " or ".join(dict.fromkeys(map(_kind, schema["anyOf"])))
    if "enum" in schema:
        return " or ".join(schema["enum"])
    if isinstance(schema["type"], list):
        return " or ".join(schema["type"])
    if schema["type"] == "array":
        return "list of {}".format(_kind(schema["items"]))
    if schema["type"] == "object":
        return "object of {}".format(", ".join(schema["properties"])) if (
            schema.get("properties")) else "object"
    if "maxLength" in schema:
        return "{} of up to {:,} characters".format(schema["type"], schema["maxLength"])
    if "minimum" in schema:
        return "{} from {}".format(schema["type"], schema["minimum"]) + (
            " to {}".format(schema["maximum"]) if schema["maximum"] < 2 ** 31 - 1 else "")
    return schema["type"]
