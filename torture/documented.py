"""Requests that schemathesis makes of the API's own document: answered as it says, and not refused
where it allows them."""

import copy
import os
import subprocess
import sys
from typing import List, Optional

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
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
    schema = schemathesis.from_dict(document, base_url=address)
    # Requests that break the rest of it: to find such that break its conditions takes minutes.
    without = copy.deepcopy(document)
    del without["components"]["schemas"]["Question"]["allOf"]
    simpler = schemathesis.from_dict(without, base_url=address)

    def try_all(operation: APIOperation, method: DataGenerationMethod) -> None:
        @seed(SEED)
        @settings(max_examples=n_examples, database=None, deadline=None,
                  phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck))
        @given(operation.as_strategy(data_generation_method=method))
        def try_one(case: Case) -> None:
            tried.append(operation.verbose_name)
            wrong = _what_is_wrong(case, method)
            if wrong:
                lost.append(wrong)
                print("{}\n{}".format(wrong, case.get_code_to_reproduce()[:2000]), file=sys.stderr)

        try_one()

    for found in schema.get_all_operations():
        try_all(found.ok(), DataGenerationMethod.positive)
    for found in simpler.get_all_operations():
        if _can_be_wrong(found.ok()):
            try_all(found.ok(), DataGenerationMethod.negative)
    return Row("requests that schemathesis generates from the OpenAPI document, with all its "
               "checks; those that the document allows are not refused", len(tried), len(lost))


def _can_be_wrong(operation: APIOperation) -> bool:
    """Whether there is anything in a request that may contradict the document."""
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
