"""The index that is served: queries at once, a change of index."""

import gc
import os
import sys
import threading
import types
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from bert.batches import TokenFeatures
from bert.tokenizing import Reading
from recommender.index import Index
from serving.app import create_app
from serving.batching import TextEmbedder
from serving.library import Library
from tests.served import FILMS, MORE_FILMS, FakeTexts, write_films
from tests.test_server import RECOMMEND, at_once, body_of, error_of


@pytest.fixture()
def index_path(tmp_path):
    return write_films(tmp_path)


@pytest.fixture()
def index(index_path):
    return Index(index_path)


def test_race_of_first_text_queries_builds_one_graph(index, monkeypatch, tmp_path):
    built = []
    asked = []
    all_asked = threading.Event()

    class Pieces:
        def read(self, text):
            return Reading((), True)

    class Embedder:
        pieces = Pieces()

        def features(self, texts):
            return [TokenFeatures(row, np.arange(3), FakeTexts.layers(text), False)
                    for row, text in enumerate(texts)]

    def embedder_of(*recipe):
        built.append(recipe)
        assert all_asked.wait(30)
        return Embedder()

    module = types.ModuleType("bert.embedder")
    module.embedder_of = embedder_of
    monkeypatch.setitem(sys.modules, "bert.embedder", module)
    embedder = TextEmbedder(index.features, str(tmp_path))

    def embed(text):
        asked.append(text)
        if len(asked) == 8:
            all_asked.set()
        return embedder(text)

    app = create_app(Library(index, embed))
    answers = at_once(8, lambda: app.test_client().post(RECOMMEND, json={"overview": "x"}))
    assert len({body_of(answer)["results"][0]["id"] for answer in answers}) == 1
    assert built == [(index.features, str(tmp_path))]


def test_concurrent_title_queries_all_answer_alike(index):
    app = create_app(Library(index, FakeTexts()))
    answers = at_once(8, lambda: [app.test_client().get(RECOMMEND + "?title=pinocchio").data
                                  for _ in range(5)])
    assert len({data for of_one in answers for data in of_one}) == 1


# A change of index.

def test_reload_serves_the_new_index_and_lets_the_old_one_go(index_path, tmp_path, capsys):
    library = Library(Index(index_path), FakeTexts())
    client = create_app(library).test_client()
    old = weakref.ref(library.now.index)
    error_of(client.get(RECOMMEND + "?id=550"), 404)
    os.replace(write_films(tmp_path / "new", MORE_FILMS), index_path)
    library.reload()
    assert body_of(client.get(RECOMMEND + "?id=550"))["query"]["title"] == "Fight Club"
    assert "13 films" in capsys.readouterr().err
    gc.collect()
    assert old() is None


def test_a_query_ends_on_the_index_that_it_began_with(index_path, tmp_path):
    class Slow(FakeTexts):
        begun, go_on = threading.Event(), threading.Event()

        def __call__(self, text):
            self.begun.set()
            assert self.go_on.wait(30)
            return super().__call__(text)

    library = Library(Index(index_path), Slow())
    app = create_app(library)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(app.test_client().post, RECOMMEND, json={"overview": "x", "k": 50})
        assert Slow.begun.wait(30)
        os.replace(write_films(tmp_path / "new", MORE_FILMS), index_path)
        library.reload()
        assert body_of(app.test_client().get("/healthz"))["movies"] == 13
        Slow.go_on.set()
        assert len(body_of(answer.result())["results"]) == 12


def test_a_bad_new_index_leaves_the_old_one_serving(index_path, tmp_path, capsys):
    other = write_films(tmp_path / "other")
    library = Library(Index(index_path), FakeTexts())
    client = create_app(library).test_client()

    def missing():
        os.remove(index_path)

    def no_index():
        with open(index_path, "w") as file:
            file.write("no index")

    def of_another_checkpoint():
        import h5py
        with h5py.File(other, "r+") as file:
            file.attrs["checkpoint"] = "another"
        os.replace(other, index_path)

    for spoil, said in ((missing, "no index at"), (no_index, "not a whole HDF5 file"),
                        (of_another_checkpoint, "no checkpoint another")):
        spoil()
        library.reload()
        line, = capsys.readouterr().err.splitlines()
        assert line.startswith("server.py: the old index stays: ")
        assert said in line
        assert len(body_of(client.get(RECOMMEND + "?id=603&k=50"))["results"]) == len(FILMS) - 1
