"""Read the values of a request strictly, and check them against the API's document.

An address with wrong parameters and a body that is not JSON are refused with status 400, JSON that
contradicts the document with 422. The message is one line.
"""

import functools
import json
import re
from typing import Any, Callable, Dict, List, Optional, Set, Tuple
from urllib.parse import unquote_to_bytes

import fastjsonschema
from flask import abort, request

from serving.openapi import DOCUMENT, MAX_BODY

# As JSON writes it, of so few digits that Python reads it at once; .5 is let through, too.
_NUMBER = re.compile(r"-?[0-9]{0,9}\.?[0-9]{1,20}([eE][+-]?[0-9]{1,3})?")
_MAX_DIGITS = 20  # digits of a number in JSON: Python takes seconds to read a million
Reader = Callable[[Dict[str, str]], Dict[str, Any]]


@functools.lru_cache(maxsize=None)
def reader(path: str, method: str) -> Reader:
    """Return a function that reads requests of an operation of the document.

    It is made once for all applications of a process, as compiling a schema takes long.

    It takes the values in the path, by name, and returns all that are given, by name, with the
    defaults of the others; a list of what may be one or several. A body that is a list of
    questions, where the document allows one, is returned as `questions`.
    """
    return _reader_of(DOCUMENT["paths"][path][method])


@functools.lru_cache(maxsize=None)
def address_reader(names: Tuple[str, ...]) -> Reader:
    """Return a function that reads an address that may hold these parameters of a query."""
    return _reader_of({"parameters": [
        each for each in DOCUMENT["paths"]["/recommend"]["get"]["parameters"]
        if each["name"] in names]})


def _reader_of(operation: Dict[str, Any]) -> Reader:
    parameters = {p["name"]: p for p in operation.get("parameters", ())}
    in_address = _checker({
        "type": "object", "additionalProperties": False,
        "properties": {name: p["schema"] for name, p in parameters.items()},
        "required": [name for name, p in parameters.items() if p["required"]]}, 400)
    body = operation.get("requestBody")
    in_body = _body_checker(body["content"]["application/json"]["schema"]) if body else None

    def read(in_path: Dict[str, str]) -> Dict[str, Any]:
        given = {name: _value(name, texts, parameters.get(name, {"schema": {}}))
                 for name, texts in {**_query_string(),
                                     **{name: [text] for name, text in in_path.items()}}.items()}
        given = in_address(given)
        return {**given, **in_body(_json())} if in_body else given

    return read


def _body_checker(schema: Dict[str, Any]) -> Callable[[Any], Dict[str, Any]]:
    """Return a function that returns a body with its defaults, or refuses it with 422.

    A list of bodies, if the schema allows one, is returned as `questions`.
    """
    of_list = _list_of(schema)
    check = _checker(of_list["items"] if of_list else schema, 422)

    def checked(value: Any) -> Dict[str, Any]:
        if not of_list or not isinstance(value, list):
            return check(value)
        if not of_list["minItems"] <= len(value) <= of_list["maxItems"]:
            abort(422, "the body is a list of {:,} questions: send {} to {}".format(
                len(value), of_list["minItems"], of_list["maxItems"]))
        return {"questions": [check(each, "question {}: ".format(number))
                              for number, each in enumerate(value, 1)]}

    return checked


def _checker(schema: Dict[str, Any], status: int) -> Callable[..., Dict[str, Any]]:
    """Return a function that returns an object with its defaults, or refuses it with `status`.

    Its second argument, if there is one, is what the message begins with.
    """
    schema = _resolved(schema)
    # A value that may be one or several is checked as a list.
    properties = {name: _list_of(each) or each for name, each in schema["properties"].items()}
    # Without the conditions of `allOf`: answering checks these, and names what is missing.
    check = fastjsonschema.compile(
        {**{name: each for name, each in schema.items() if name != "allOf"},
         "properties": properties})

    def checked(value: Any, where: str = "") -> Dict[str, Any]:
        single = set()
        if isinstance(value, dict):
            single = {name for name, each in value.items() if not isinstance(each, list)
                      and _list_of(schema["properties"].get(name, {}))}
            value = {name: [each] if name in single else each for name, each in value.items()}
        try:
            return {name: _whole(found, properties[name]) for name, found in check(value).items()}
        except fastjsonschema.JsonSchemaValueException as error:
            return abort(status, where + _said(error, single))

    return checked


def _resolved(schema: Any) -> Any:
    """Return a schema with those of the document that it refers to in their places."""
    if isinstance(schema, list):
        return [_resolved(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _resolved(DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    return {name: _resolved(each) for name, each in schema.items()}


def _list_of(schema: Dict[str, Any]) -> Optional[Dict[str, Any]]:
    """Return the schema of the list if a value may be one or several, else None."""
    if schema.get("type") == "array":
        return schema
    return schema["anyOf"][1] if "anyOf" in schema else None


def _whole(value: Any, schema: Dict[str, Any]) -> Any:
    """Return a value that was checked, with whole numbers as int, also those written as 3.0."""
    if schema["type"] == "array":
        return [_whole(each, schema["items"]) for each in value]
    return int(value) if isinstance(value, float) and "integer" in schema["type"] else value


def _said(error: fastjsonschema.JsonSchemaValueException, single: Set[str]) -> str:
    """Return what is wrong with a value, as this API says it; `single` names were made lists."""
    path = error.path[1:2] if single.intersection(error.path[1:2]) else error.path[1:]
    name = ".".join(path) or "the body"
    properties = error.definition.get("properties", {})
    if error.rule == "additionalProperties":
        unknown = next(key for key in error.value if key not in properties)
        if unknown == "overview" and request.method == "GET":
            return ("'overview' is not read from an address: POST it as JSON, "
                    '{"overview": "A shark terrorises a seaside town"}')
        return "{} is unknown: {}".format(shown(unknown), "known are " + ", ".join(properties)
                                          if properties else "none is known here")
    if error.rule == "required":
        missing = next(key for key in error.definition["required"] if key not in error.value)
        return "{} is missing".format(missing)
    if error.rule in ("minLength", "pattern"):
        return "{} is empty, or has a NUL or half a surrogate pair".format(name)
    return name + error.message[len(error.name):]


def shown(text: str) -> str:
    """Return a text of a request as an error quotes it: printable and short.

    >>> print(shown("a\\0b"))
    'a\\x00b'
    """
    return repr(text if len(text) <= 60 else text[:60] + "…")


def _query_string() -> Dict[str, List[str]]:
    try:
        unquote_to_bytes(request.query_string.replace(b"+", b" ")).decode("utf-8")
    except UnicodeDecodeError:
        abort(400, "the address is not UTF-8")
    return request.args.to_dict(flat=False)


def _value(name: str, texts: List[str], parameter: Dict[str, Any]) -> Any:
    """Return the value of a parameter in the address, of the type that the document says."""
    schema = parameter["schema"]
    of_list = _list_of(schema)
    in_one = not parameter.get("explode", True)
    if len(texts) > 1 and (in_one or not of_list):
        abort(400, "{} is given {} times".format(shown(name), len(texts)))
    if of_list:
        schema, texts = of_list["items"], texts[0].split(",") if in_one else texts
    values = [_typed(name, text, schema.get("type")) for text in texts]
    return values if len(values) > 1 else values[0]


def _typed(name: str, text: str, of_type: Optional[str]) -> Any:
    if of_type == "number":
        if not _NUMBER.fullmatch(text):
            abort(400, "{}: {} is not a number".format(name, shown(text)))
        return float(text)
    if of_type == "boolean":
        if text not in ("true", "false"):
            abort(400, "{}: {} is neither true nor false".format(name, shown(text)))
        return text == "true"
    if of_type != "integer":
        return text
    if not re.fullmatch("-?[0-9]{1,20}", text):
        abort(400, "{}: {} is not a whole number".format(name, shown(text)))
    return int(text)


def _json() -> Any:
    if (request.content_length or 0) > MAX_BODY:
        abort(413, "the body is larger than {} bytes".format(MAX_BODY))
    if not request.is_json or request.headers.get("Content-Encoding", "identity") != "identity":
        abort(415, "send JSON as it is, with Content-Type: application/json")
    try:
        # Under a server that sets no limit of its own, a body that is sent in chunks has no length.
        body = request.stream.read(MAX_BODY + 1)
        if len(body) > MAX_BODY:
            abort(413, "the body is larger than {} bytes".format(MAX_BODY))
        return json.loads(body.decode("utf-8"), object_pairs_hook=_unique,
                          parse_constant=_no_constant, parse_int=_short)
    except UnicodeDecodeError:
        return abort(400, "the body is not UTF-8")
    except RecursionError:
        return abort(400, "the body is nested too deep")
    except ValueError as error:
        return abort(400, "the body is not JSON: {}".format(error))


def _unique(pairs: List[Tuple[str, Any]]) -> Dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is there twice")
    return found


def _no_constant(name: str) -> None:
    raise ValueError("{} is no number of JSON".format(name))


def _short(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise ValueError("a number has {} digits".format(len(digits)))
    return int(digits)
