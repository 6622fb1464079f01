"""server.py --genre_model: the genres that a model hears in a text, in answers and on the page."""

import numpy as np
import pytest

from bert.errors import BertError
from recommender.errors import RecommenderError
from recommender.genres.head import read_head
from recommender.index import Index
from recommender.storage.shards import Settings
from serving.app import create_app
from serving.batching import TextEmbedder
from serving.heard_genres import open_model
from serving.library import Library
from tests.browser import watched
from tests.genre_worlds import write_genre_model
from tests.reference import random_checkpoint
from tests.served import FakeTexts, running, write_films
from tests.worlds import SETTINGS, only_line

TEXTS = ("a man", "a woman meets a woman", "meets")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_genre_model(tmp_path_factory.mktemp("model") / "genres")


def settings_of(folder, **others):
    checkpoint = open_model(folder)[1] if "checkpoint_sha256" not in others else None
    return Settings(**{**SETTINGS._asdict(), "layers": (-2, -1), "max_seq_length": 64,
                       **({"checkpoint_sha256": checkpoint.sha256} if checkpoint else {}),
                       **others})


def test_a_text_is_heard_alike_by_the_index_s_own_checkpoint_and_by_another(
        model, tmp_path, monkeypatch):
    """The layers of the index's checkpoint are used where it is the model's, in any order."""
    from bert.checkpoint import open_checkpoint
    other = random_checkpoint(tmp_path / "other", seed=7)
    apart = TextEmbedder(settings_of(
        model, checkpoint_sha256=open_checkpoint(other).sha256), other, genre_model=model)
    heard = [apart(text).heard for text in TEXTS]
    assert any(heard)
    head = read_head(model)
    for genres in heard:
        found = [probability for _, probability in genres]
        assert found == sorted(found, reverse=True) and all(p >= 0.6 for p in found)
        assert {genre for genre, _ in genres} <= set(head.genres)
    together = TextEmbedder(settings_of(model), model, genre_model=model)
    for text, genres in zip(TEXTS, heard):
        source = together(text)
        assert [genre for genre, _ in source.heard] == [genre for genre, _ in genres]
        np.testing.assert_allclose([p for _, p in source.heard], [p for _, p in genres], atol=1e-4)
    assert together._hear._embedder is None and apart._hear._embedder is not None
    assert TextEmbedder(settings_of(model), model)("a man").heard == ()


class Hearing(FakeTexts):
    """Texts in which genres are heard by their words; one of them no film of the index has."""

    def __call__(self, text):
        return super().__call__(text)._replace(heard=tuple(
            each for each in (("Western", 0.9), ("Drama", 0.8 if "love" in text else 0.7))
            if each[0].lower() in text))


def client_of(path, texts):
    return create_app(Library(Index(path), texts)).test_client()


def test_answers_to_texts_tell_the_genres_that_the_index_has(tmp_path):
    path = write_films(tmp_path)
    client = client_of(path, Hearing())

    def heard(**given):
        answer = client.post("/api/v1/recommend", json=given)
        assert answer.status_code == 200, answer.data
        return answer.json.get("heard")

    assert heard(overview="a drama and a western") == [{"genre": "Drama", "probability": 0.7}]
    assert heard(overview=["a drama", "love and drama"], id=603) == [
        {"genre": "Drama", "probability": 0.8}]
    assert heard(overview="nothing of it") is None
    assert client.get("/api/v1/recommend?id=603").json.get("heard") is None
    compared = client.post("/api/v1/compare", json={"overview": "a drama"}).json
    assert compared["heard"] == [{"genre": "Drama", "probability": 0.7}]
    many = client.post("/api/v1/recommend", json=[{"overview": "a drama"}, {"id": 603}]).json
    assert [answer.get("heard") for answer in many] == [
        [{"genre": "Drama", "probability": 0.7}], None]
    plain = client_of(path, FakeTexts()).post("/api/v1/recommend", json={"overview": "a drama"})
    assert "heard" not in plain.json


def test_a_folder_without_a_model_is_one_line_before_anything_is_served(run_program, tmp_path,
                                                                        model):
    path = write_films(tmp_path)
    done = run_program("server.py", "--index", path, "--port", "0", "--genre_model", tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "{} holds no genre model: train_genres.py makes one".format(tmp_path) in only_line(
        done.stderr)
    (tmp_path / "half").mkdir()
    read_head(model).save(str(tmp_path / "half"))  # a head without a checkpoint
    with pytest.raises((BertError, RecommenderError)) as caught:
        open_model(str(tmp_path / "half"))
    only_line(str(caught.value))


def test_the_page_shows_genres_that_filter_when_pressed(driver, sample, minilm, model):
    with running("--index", sample.index, "--features", sample.features, "--bert_dir", minilm,
                 "--genre_model", model, "--port", "0") as server:
        pages = watched(driver, "http://127.0.0.1:{}".format(server.port))
        page = next(pages)
        page.open("/?text=a+man+meets+a+woman")
        page.wait(lambda: page.texts(".heard .chip"), "genres")
        assert page.texts(".heard .label") == ["Heard in it"]
        genre = page.texts(".heard .chip")[0]
        assert not page.all(".heard [aria-current]")
        page.one(".heard .chip").click()
        page.at("/?text=a+man+meets+a+woman&genres={}".format(genre))
        page.wait(lambda: page.texts(".heard [aria-current=true]") == [genre], "the genre is on")
        page.wait(lambda: page.tokens("filters-on") == [genre], "its filter")
        page.screen(360, 740)
        assert page.run("document.documentElement.scrollWidth") == 360
        page.one(".heard .chip").click()
        page.at("/?text=a+man+meets+a+woman")
        page.wait(lambda: not page.all(".heard [aria-current]"), "the genre is off")
        next(pages, None)
