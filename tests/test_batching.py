"""Text queries that come at once: one run for all, the same answers, a bounded number waiting."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from bert.checkpoint import open_checkpoint
from bert.errors import BertError
from serving.batching import MAX_WAITING, Batches, Overloaded, TextEmbedder
from tests.worlds import SETTINGS


class Graph:
    """Notes the texts of each run; a run goes on when it is let go."""

    def __init__(self):
        self.runs, self.begun, self.go_on = [], threading.Semaphore(0), threading.Semaphore(0)

    def __call__(self, texts):
        self.runs.append(sorted(texts))
        self.begun.release()
        assert self.go_on.acquire(timeout=30)
        if "wrong" in texts:
            raise BertError("a wrong text")
        return [text.upper() for text in texts]


def waiting(batches, n):
    """Returns once `n` texts wait for the graph."""
    with batches._changed:
        assert batches._changed.wait_for(lambda: len(batches._waiting) == n, 30)


@pytest.fixture()
def pool():
    with ThreadPoolExecutor(MAX_WAITING + 2) as pool:
        yield pool


def test_texts_that_come_while_the_graph_is_busy_go_in_its_next_run(pool):
    graph = Graph()
    batches = Batches(graph)
    first = pool.submit(batches, "first")
    assert graph.begun.acquire(timeout=30)
    others = [pool.submit(batches, text) for text in "abc"]
    waiting(batches, 3)
    for _ in range(2):
        graph.go_on.release()
    assert [future.result(30) for future in [first, *others]] == ["FIRST", "A", "B", "C"]
    assert graph.runs == [["first"], ["a", "b", "c"]]


def test_more_texts_than_may_wait_are_refused_and_those_that_wait_are_answered(pool):
    graph = Graph()
    batches = Batches(graph)
    running = pool.submit(batches, "running")
    assert graph.begun.acquire(timeout=30)
    texts = ["text {}".format(n) for n in range(MAX_WAITING)]
    futures = [pool.submit(batches, text) for text in texts]
    waiting(batches, MAX_WAITING)
    with pytest.raises(Overloaded, match="ask again"):
        batches("one too many")
    for _ in range(2):
        graph.go_on.release()
    assert running.result(30) == "RUNNING"
    assert [future.result(30) for future in futures] == [text.upper() for text in texts]
    assert graph.runs[1] == sorted(texts)


def test_a_run_that_fails_is_told_to_each_and_the_next_one_goes_on(pool):
    graph = Graph()
    batches = Batches(graph)
    first = pool.submit(batches, "first")
    assert graph.begun.acquire(timeout=30)
    both = [pool.submit(batches, text) for text in ("wrong", "right")]
    waiting(batches, 2)
    for _ in range(3):
        graph.go_on.release()
    assert first.result(30) == "FIRST"
    for future in both:
        with pytest.raises(BertError, match="a wrong text"):
            future.result(30)
    assert batches("later") == "LATER"


def test_each_answer_of_a_batch_is_what_it_is_alone(minilm, pool):
    checkpoint = open_checkpoint(minilm)
    embed = TextEmbedder(SETTINGS._replace(
        hidden_size=384, checkpoint=checkpoint.name, checkpoint_sha256=checkpoint.sha256), minilm)
    texts = ["a man " * n + "meets a ghost" for n in (1, 40, 3, 100, 7, 200, 2, 5)]
    alone = [embed(text) for text in texts]
    sizes, run = [], embed._in_batches._run
    embed._in_batches._run = lambda some: sizes.append(len(some)) or run(some)
    together = list(pool.map(embed, texts * 2))
    assert max(sizes) > 1 and sum(sizes) == 16
    for one, other in zip(alone * 2, together):
        assert one.token_ids.tolist() == other.token_ids.tolist()
        assert one.was_cut == other.was_cut
        a, b = (found.layers.mean(axis=(0, 1)) for found in (one, other))
        cosine = a @ b / np.linalg.norm(a) / np.linalg.norm(b)
        assert cosine == pytest.approx(1, abs=1e-5)
