"""More load than the server can take, for a moment: each answer is right, or 503 with a hint."""

import http.client
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from serving.texts import MAX_WAITING
from tests.served import running

RECOMMEND = "/api/v1/recommend"
TEXTS = ["a man meets a ghost", "war", "a heist goes wrong in Paris", "two friends " * 40]
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


def scores(body):
    return {film["id"]: film["score"] for film in body["results"]}


def test_under_load_each_answer_is_what_it_is_alone_or_503(program):
    alone = {question: scores(body) for question, _, _, body in ask(program, TEXTS + FILMS)}
    n_texts = 3 * MAX_WAITING
    clients = [[TEXTS[n % 4], TEXTS[(n + 1) % 4]] * 3 for n in range(n_texts)] + [FILMS * 5] * 8
    with ThreadPoolExecutor(len(clients)) as pool:
        answers = [answer for found in pool.map(lambda questions: ask(program, questions), clients)
                   for answer in found]
    assert len(answers) == 6 * n_texts + 8 * 20
    for question, status, headers, body in answers:
        if status == 503:
            assert isinstance(question, str)
            assert headers["Retry-After"] == "1"
        else:
            assert status == 200
            assert scores(body) == pytest.approx(alone[question], abs=1e-5)
    assert any(status == 200 for question, status, _, _ in answers if isinstance(question, str))
    assert program.stop() == (0, b"", b"")
