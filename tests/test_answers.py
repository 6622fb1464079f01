"""Answers of the API to questions: the same as recommend.py prints for it."""

import json
import shutil

import fastjsonschema
import pytest

from recommender.building import build_index
from recommender.catalogue import read_catalogue
from recommender.index import Index
from recommender.storage.feature_store import FeatureReader
from serving.app import create_app
from serving.batching import TextEmbedder
from serving.library import Library
from serving.openapi import DOCUMENT
from tests.served import FakeTexts, write_films

RECOMMEND = "/api/v1/recommend"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Films, their features and two indexes of them: index.h5 by the mean, words.h5 as TF-IDF."""
    folder = tmp_path_factory.mktemp("films")
    write_films(folder)
    build_index(read_catalogue(str(folder / "movies.csv")),
                FeatureReader(str(folder / "features")), str(folder / "words.h5"), ["tfidf"])
    return folder


def client_of(folder, name, features="features"):
    library = Library(Index(str(folder / name)), FakeTexts(), str(folder / features))
    return create_app(library).test_client()


def library_of(path, features, bert_dir):
    index = Index(path)
    return Library(index, TextEmbedder(index.features, bert_dir), features, bert_dir)


def answer_of(response):
    """The answer, which is as the document says."""
    assert response.status_code == 200, response.data
    body = json.loads(response.data.decode("utf-8"))
    fastjsonschema.validate({"$ref": "#/components/schemas/Recommendation", **DOCUMENT}, body,
                            formats={"text": str.strip})
    return body


@pytest.mark.parametrize("asked, flags", [
    ({"title": "matrix", "k": 3}, "--title matrix -k 3"),
    ({"id": [603, 194], "title": "Pinocchio (1996)", "not_id": 862, "not": ["Babe", "matilda"]},
     "--id 603 --id 194 --title Pinocchio_(1996) --not-id 862 --not Babe --not matilda"),
    ({"title": "babe", "overview": ["a toy", "the matrix"], "diverse": 0.4, "year": 1995},
     "--title babe --overview a_toy --overview the_matrix --diverse 0.4 --year 1995"),
    ({"overview": "toy story", "explain": True, "not": "amelie"},
     "--overview toy_story --explain --not amelie"),
    ({"genres": "Drama", "year_from": 1996, "k": 2}, "--genres Drama --from 1996 -k 2"),
    ({"id": 603, "same_genre": True, "explain": True, "min_votes": 1000, "language": "en"},
     "--id 603 --same-genre --explain --min-votes 1000 --language en"),
])
def test_a_question_has_the_answer_that_recommend_py_prints(folder, run_program, asked, flags):
    printed = run_program("recommend.py", "--index", folder / "words.h5", "--json",
                          *[flag.replace("_", " ") for flag in flags.split()])
    assert printed.returncode == 0, printed.stderr
    answer = answer_of(client_of(folder, "words.h5").post(RECOMMEND, json=asked))
    assert answer == json.loads(printed.stdout)


@pytest.mark.parametrize("address, body", [
    ("title=matrix&title=babe&id=194&k=3", {"title": ["matrix", "babe"], "id": [194], "k": 3}),
    ("id=603&id=862&not=babe&not_id=194&diverse=0.5",
     {"id": [603, 862], "not": ["babe"], "not_id": 194, "diverse": 0.5}),
    ("id=603&explain=true&k=2", {"id": 603, "explain": True, "k": 2.0}),
    ("id=603&genres=Drama,Drama&diverse=.25", {"id": 603.0, "genres": ["Drama", "Drama"],
                                               "diverse": 0.25}),
])
def test_an_address_says_the_same_as_json(folder, address, body):
    client = client_of(folder, "words.h5")
    by_address = answer_of(client.get("{}?{}".format(RECOMMEND, address)))
    assert by_address == answer_of(client.post(RECOMMEND, json=body))


def test_films_named_and_not_wanted_are_told_and_left_out(folder):
    answer = answer_of(client_of(folder, "index.h5").get(
        RECOMMEND + "?id=603&title=pinocchio&not=babe&k=50"))
    assert [film["id"] for film in answer["query"]["wishes"]] == [10895, 603]
    assert [film["id"] for film in answer["not"]] == [9598]
    assert [film["id"] for film in answer["others"]] == [10599, 11360]
    assert not {603, 10895, 9598} & {film["id"] for film in answer["results"]}


def test_of_several_texts_those_that_were_cut_are_told(folder):
    client = client_of(folder, "index.h5")
    answer = answer_of(client.post(RECOMMEND, json={"overview": ["x", "y" * 6000, "z" * 6001]}))
    assert [note[-46:] for note in answer["note"].split("; ")] == [
        "longer than 256 word pieces: the rest was not read"[-46:]] * 2
    assert "note" not in answer_of(client.post(RECOMMEND, json={"overview": ["x", "y"]}))


def test_a_text_goes_through_the_model_once_whatever_it_is_needed_for(folder):
    asked = []

    class Texts(FakeTexts):
        def __call__(self, text):
            asked.append(text)
            return super().__call__(text)

    client = create_app(Library(Index(str(folder / "index.h5")), Texts())).test_client()
    for _ in range(2):
        answer_of(client.post(RECOMMEND, json={"overview": ["a", "b"], "diverse": 0.5}))
    assert asked == ["a", "b"]


def test_a_film_is_explained_out_of_its_features(sample, minilm):
    client = create_app(library_of(sample.index, sample.features, minilm)).test_client()
    answer = answer_of(client.get(RECOMMEND + "?id=603&k=3&explain=true"))
    for film in answer["results"]:
        for shares in (*film["why"]["asked"], film["why"]["found"]):
            assert sum(share["share"] for share in shares) == pytest.approx(film["score"], abs=1e-5)
        assert all(film["overview"][share["start"]:share["end"]] == share["word"]
                   for share in film["why"]["found"] if share["of"] == "overview")


def test_a_text_is_explained_as_recommend_py_does(sample, minilm, run_program):
    library = library_of(sample.index, sample.features, minilm)
    asked = {"overview": "a hacker", "k": 2, "explain": True}
    printed = run_program("recommend.py", "--index", sample.index, "--features", sample.features,
                          "--bert_dir", minilm, "--overview", "a hacker", "-k", 2, "--explain",
                          "--json")
    told = answer_of(create_app(library).test_client().post(RECOMMEND, json=asked))
    wanted = json.loads(printed.stdout)
    for ours, theirs in zip(told["results"], wanted["results"]):
        for our, their in zip(ours["why"]["found"], theirs["why"]["found"]):
            assert our.pop("share") == pytest.approx(their.pop("share"), abs=1e-6)
            assert our == their


@pytest.mark.parametrize("features, said", [("none", "there is no "), ("empty", "no features in ")])
def test_where_features_are_not_there_an_explanation_is_503_and_says_what_to_do(
        folder, features, said):
    (folder / "empty").mkdir(exist_ok=True)
    client = client_of(folder, "index.h5", features)
    for response in (client.get(RECOMMEND + "?id=603&explain=true"),
                     client.post(RECOMMEND, json={"id": 603, "explain": True})):
        assert response.status_code == 503
        assert said in response.get_json()["error"]
    answer_of(client.get(RECOMMEND + "?id=603"))


def test_features_that_go_away_are_told(sample, minilm, tmp_path):
    features = str(tmp_path / "features")
    shutil.copytree(sample.features, features)
    client = create_app(library_of(sample.index, features, minilm)).test_client()
    answer_of(client.get(RECOMMEND + "?id=603&k=1&explain=true"))
    shutil.rmtree(features + "/shards")
    response = client.get(RECOMMEND + "?id=603&k=1&explain=true")
    assert response.status_code == 503
    assert response.get_json()["error"].endswith(
        " no longer there for movie 603: run extract_features.py and build_index.py again")
