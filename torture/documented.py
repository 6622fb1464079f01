"""Requests that schemathesis makes of the API's own document: answered as it says, and not refused
where it allows them."""

import copy
import json
import os
import subprocess
import sys
from typing import Any, Dict, List, Optional

import jsonschema
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy
from hypothesis_jsonschema import _from_schema
from schemathesis import DataGenerationMethod, experimental
from schemathesis.exceptions import CheckFailed
from schemathesis.models import APIOperation, Case

from tests.served import Program
from torture.table import Row
from torture.worlds import ROOT, SEED, make_world, program, temporary_folder

_SAMPLE = os.path.join(ROOT, "data", "sample_movies.csv")
_REFUSED = (400, 415, 422)
# What JSON Schema cannot say: it compares no two values, and knows no film.
_NEVER_SAID = ("no year is from", "is both asked for and not wanted")
# What OpenAPI cannot say of parameters, which stand each by itself.
_NOT_SAID_OF_ADDRESSES = (
    "nothing is asked for", "name some genres", "the same genre as which film", "a year picks",
    "explain goes with k", "name a film or give a text")
_merged_as_strategies = _from_schema.merged_as_strategies
_made: Dict[str, SearchStrategy] = {}  # by the JSON of its schemas


def _made_once(schemas: List[dict], formats: Optional[dict]) -> SearchStrategy:
    """Return the strategy of values that fit all schemas.

    hypothesis-jsonschema makes it again for each property of each example, which takes nine tenths
    of the time.
    """
    key = json.dumps(schemas, sort_keys=True)
    if key not in _made:
        _made[key] = _merged_as_strategies(schemas, formats)
    return _made[key]


_from_schema.merged_as_strategies = _made_once


def run(short: bool) -> List[Row]:
    n_examples = 10 if short else 200
    experimental.OPEN_API_3_1.enable()
    with temporary_folder() as folder:
        world = make_world(folder, 1)._replace(catalogue=_SAMPLE)
        for command in (world.extraction(world.features), world.indexing(world.index, "--map")):
            subprocess.run(command, stderr=subprocess.PIPE, check=True)
        server = Program(program(
            "server.py", "--index", world.index, "--features", world.features, "--bert_dir",
            world.bert_dir, "--port", "0"))
        try:
            return [_ask(server, n_examples)]
        finally:
            server.process.kill()
            server.process.communicate()


def _ask(server: Program, n_examples: int) -> Row:
    tried, lost = [], []  # type: List[str], List[str]
    address = "http://127.0.0.1:{}/api/v1".format(server.port)
    _, document = server.get("/api/v1/openapi.json")
    # To find requests that keep or break the conditions of a question takes schemathesis minutes.
    # So it is told the rest of the document: of the requests that keep that, those that keep the
    # conditions, too, are sent as allowed; those that break it are wrong by the whole document.
    without = copy.deepcopy(document)
    for schema in without["components"]["schemas"].values():
        schema.pop("allOf", None)
    operations = [found.ok() for found in schemathesis.from_dict(
        without, base_url=address).get_all_operations()]

    def try_all(operation: APIOperation, method: DataGenerationMethod) -> None:
        @seed(SEED)
        @settings(max_examples=n_examples, database=None, deadline=None,
                  phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck))
        @given(operation.as_strategy(data_generation_method=method).filter(
            lambda case: method == DataGenerationMethod.negative or _is_allowed(case, document)))
        def try_one(case: Case) -> None:
            tried.append(operation.verbose_name)
            wrong = _what_is_wrong(case, method)
            if wrong:
                lost.append(wrong)
                print("{}\n{}".format(wrong, case.get_code_to_reproduce()[:2000]), file=sys.stderr)

        try_one()

    for operation in operations:
        try_all(operation, DataGenerationMethod.positive)
        if _can_be_wrong(operation):
            try_all(operation, DataGenerationMethod.negative)
    return Row("requests that schemathesis generates from the OpenAPI document, with all its "
               "checks; those that the document allows are not refused", len(tried), len(lost))


def _is_allowed(case: Case, document: Dict[str, Any]) -> bool:
    """Return False for a body that the whole document refuses."""
    operation = document["paths"][case.operation.path][case.operation.method]
    if "requestBody" not in operation:
        return True
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    return jsonschema.Draft202012Validator(
        {**schema, "components": document["components"]}).is_valid(case.body)


def _can_be_wrong(operation: APIOperation) -> bool:
    """Return True if anything in a request can contradict the document."""
    return bool(operation.query or operation.path_parameters or operation.body)


def _what_is_wrong(case: Case, method: DataGenerationMethod) -> Optional[str]:
    response = case.call(timeout=60)
    try:
        case.validate_response(response)
    except CheckFailed as error:
        return "{} {}: {}".format(case.method, response.url, error)
    if method == DataGenerationMethod.positive and response.status_code in _REFUSED:
        said = response.json()["error"]
        foreseen = _NEVER_SAID + (_NOT_SAID_OF_ADDRESSES if case.method == "GET" else ())
        if not any(each in said for each in foreseen):
            return "{} {} is allowed and refused: {}".format(case.method, response.url, said)
    return None
