"""More load than the server can take, for a moment: each answer is right, or 503 with a hint."""

import http.client
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from recommender.index import Index
from recommender.recommender import Recommender
from serving.batching import MAX_WAITING
from tests.served import running

RECOMMEND = "/api/v1/recommend"
TEXTS = ["a man meets a ghost", "war", "a heist goes wrong in Paris", "two friends " * 40]
N_CLIENTS = 3 * MAX_WAITING  # that ask for texts
FILMS = [603, 605, 348, 578]


@pytest.fixture(scope="module")
def program(sample, minilm):
    with running("--index", sample.index, "--bert_dir", minilm, "--port", "0", "--preload",
                 "--workers", "2") as program:
        yield program


def ask(program, questions):
    """(question, status, headers, body) of each question, on one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", program.port, timeout=120)
    found = []
    for question in questions:
        if isinstance(question, int):
            connection.request("GET", "{}?id={}".format(RECOMMEND, question))
        else:
            connection.request("POST", RECOMMEND, json.dumps({"overview": question}),
                               {"Content-Type": "application/json"})
        response = connection.getresponse()
        body = json.loads(response.read().decode())
        found.append((question, response.status, response.headers, body))
    connection.close()
    return found


@pytest.mark.long
def test_under_load_each_answer_is_what_it_is_alone_or_503(program, sample, minilm):
    # No two texts are the same: what was asked before is remembered.
    clients = [["{} {}".format(TEXTS[(n + m) % 4], 3 * n + m) for m in range(3)]
               for n in range(N_CLIENTS)] + [FILMS * 5] * 8
    with ThreadPoolExecutor(len(clients)) as pool:
        answers = [answer for found in pool.map(lambda questions: ask(program, questions), clients)
                   for answer in found]
    assert program.stop() == (0, b"", b"")
    assert len(answers) == 3 * N_CLIENTS + 8 * 20
    alone = Recommender(Index(sample.index), bert_dir=minilm)
    n_texts = 0
    for question, status, headers, body in answers:
        is_text = isinstance(question, str)
        if status == 503:
            assert is_text
            assert headers["Retry-After"] == "1"
        else:
            assert status == 200
            n_texts += is_text
            wanted = alone.similar(**{"overview" if is_text else "id": question})
            assert [film["score"] for film in body["results"]] == pytest.approx(
                [result.score for result in wanted], abs=1e-5)
    assert n_texts
