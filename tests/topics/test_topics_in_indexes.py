"""Topics in files and indexes: stored, joined, shown and filtered by, in Python and the API."""

import json

import fastjsonschema
import h5py
import numpy as np
import pytest

from recommender.errors import NothingFound, RecommenderError
from recommender.index import Index
from recommender.recommender import Recommender
from recommender.topics.topic_file import load_topics, save_topics
from recommender.topics.topic_regions import topic_regions
from recommender.topics.topic_tree import N_LEVELS
from serving.app import create_app
from serving.library import Library
from serving.openapi import DOCUMENT
from tests.served import FakeTexts
from tests.topics.films import N_FILMS


def test_stored_topics_are_read_as_they_were(found, index, tmp_path):
    tree, path = found["clusters"].tree, str(tmp_path / "new" / "topics.h5")
    save_topics(path, tree, index.ids, {"method": "clusters"})
    stored = load_topics(path)
    assert stored.tree.topics == tree.topics
    assert (stored.tree.of_films == tree.of_films).all()
    other = stored.for_films([3, 999, 1])
    assert other.of_films.tolist() == [tree.of_films[2].tolist(), [-1] * N_LEVELS,
                                       tree.of_films[0].tolist()]


@pytest.mark.parametrize("name, value", [
    ("parents", 99), ("parents", -2), ("levels", 3), ("of_films", 99), ("of_films", -2)])
def test_damaged_topics_are_one_line(found, index, tmp_path, name, value):
    path = str(tmp_path / "topics.h5")
    save_topics(path, found["nmf"].tree, index.ids, {})
    with h5py.File(path, "r+") as file:
        file[name][-1] = value
    with pytest.raises(RecommenderError, match="topics are damaged: make it again with topics.py"):
        load_topics(path)


def test_files_that_hold_no_topics_are_one_line(path, tmp_path):
    with pytest.raises(RecommenderError, match="no topics at .*: topics.py makes them"):
        load_topics(str(tmp_path / "none.h5"))
    with pytest.raises(RecommenderError, match="is not a file of topics of format 1"):
        load_topics(path)


def test_films_of_an_index_show_their_topics_and_new_ones_have_none(joined, found, index):
    with_topics = Index(joined)
    tree = found["clusters"].tree
    for film in (0, 2, 10):
        row = index.row_of_id(film + 1)
        shown = with_topics.movie(with_topics.row_of_id(film + 1))["topics"]
        assert shown == [tree.topics[at].name for at in tree.of_films[row]]
    assert with_topics.movie(with_topics.row_of_id(N_FILMS + 1))["topics"] == []
    fine = [topic for topic in with_topics.topics().topics if topic.level == N_LEVELS - 1]
    assert sum(topic.n_films for topic in fine) == N_FILMS // 2
    with_topics.read_columns()
    assert with_topics.movie(0)["topics"] == tree.names(0)


def test_topics_change_nothing_else_of_an_index(joined):
    plain, with_topics = Index(joined.replace("joined.h5", "index.h5")), Index(joined)
    assert "topics" not in plain.movie(0)
    assert plain.made_by()["digest"] == with_topics.made_by()["digest"]
    rows = np.arange(len(plain))
    assert (plain.space().rows(rows)[0] == with_topics.space().rows(rows)[0]).all()


def test_filters_by_topic(joined):
    recommender = Recommender.open(joined)
    topic = recommender.index.topics().topics[-1]
    wanted = {film for film in recommender.index.ids.tolist()
              if topic.name in recommender.index.movie(
                  recommender.index.row_of_id(film))["topics"]}
    assert wanted
    for name in (topic.name, topic.name.upper().replace(", ", ","), str(topic.number)):
        found = recommender.similar(topic=name, k=99)
        assert {result.movie["id"] for result in found} == wanted
    same = recommender.similar(id=min(wanted), same_topic=True, k=99)
    assert {result.movie["id"] for result in same} == wanted - {min(wanted)}


def test_a_topic_that_is_not_there_names_others(joined):
    recommender = Recommender.open(joined)
    tree = recommender.index.topics()
    with pytest.raises(NothingFound, match="no topic is called 'golf'; there are {}".format(
            tree.children()[0].name)):
        recommender.similar(topic="golf")
    with pytest.raises(NothingFound, match="no topic is called 'one guitar'") as error:
        recommender.similar(topic="one guitar")
    for topic in tree.topics:
        assert ("guitar" in topic.words) == (topic.name in str(error.value))
    with pytest.raises(NothingFound, match="no topic is known of Film {}".format(N_FILMS)):
        recommender.similar(id=N_FILMS + 1, same_topic=True)


def test_an_index_without_topics_says_how_they_come(path):
    with pytest.raises(NothingFound, match="has no topics: topics.py finds them, and build_index"):
        Recommender.open(path).similar(topic="space")


def test_topics_of_other_films_are_refused(found, index, tmp_path):
    path = str(tmp_path / "topics.h5")
    save_topics(path, found["nmf"].tree, index.ids + 1000, {})
    with pytest.raises(RecommenderError, match="has a topic for none of the films"):
        load_topics(path).for_films(index.ids.tolist())


def test_the_api_filters_by_topic_and_shows_topics(joined):
    client = create_app(Library(Index(joined), FakeTexts())).test_client()
    name = Index(joined).topics().topics[-1].name
    found = client.get("/api/v1/recommend", query_string={"topic": name, "k": 99}).json
    assert found["filters"] == {"topic": name}
    assert found["results"]
    assert all(name in film["topics"] for film in found["results"])
    same = client.post("/api/v1/recommend", json={"id": found["results"][0]["id"],
                                                  "same_topic": True})
    assert {film["topics"][-1] for film in same.json["results"]} == {name}
    wrong = client.get("/api/v1/recommend", query_string={"topic": "golf"})
    assert wrong.status_code == 404
    assert 'data-topic="{}"'.format(name) in client.get("/").get_data(as_text=True)


def test_the_api_lists_the_topics(joined, path):
    client = create_app(Library(Index(joined), FakeTexts())).test_client()
    body = client.get("/api/v1/topics").json
    fastjsonschema.validate({"$ref": "#/components/schemas/Topics", **DOCUMENT}, body)
    tree = Index(joined).topics()
    assert [topic["name"] for topic in body["topics"]] == [topic.name for topic in tree.topics]
    assert [topic["number"] for topic in body["topics"]] == list(range(len(tree.topics)))
    for topic, same in zip(body["topics"], tree.topics):
        assert topic["words"] == list(same.words) and topic["n_films"] == same.n_films
        assert topic["parent"] == (same.parent if same.level else None)
        found = client.get("/api/v1/recommend", query_string={"topic": topic["number"], "k": 99})
        assert len(found.json["results"]) == topic["n_films"]
    none = create_app(Library(Index(path), FakeTexts())).test_client().get("/api/v1/topics")
    assert (none.status_code, none.json) == (200, {"topics": []})
    assert client.get("/api/v1/topics?x=1").status_code == 400


def test_the_regions_of_the_map_are_the_topics_each_at_a_film_of_it(joined):
    with_topics = Index(joined)
    tree, space = with_topics.topics(), with_topics.space()
    points = space.map()
    for level, regions in space.regions().items():
        of_level = [topic for topic in tree.topics if topic.level == level and topic.n_films]
        assert {words for _, _, words in regions} == {topic.name for topic in of_level}
        number = {topic.name: topic.number for topic in of_level}
        sizes = [tree.topics[number[words]].n_films for _, _, words in regions]
        assert sizes == sorted(sizes, reverse=True)
        for x, y, words in regions:
            row = np.abs(points - [x, y]).sum(axis=1).argmin()
            assert points[row] == pytest.approx([x, y], abs=1e-6)
            assert tree.of_films[row, level] == number[words]


def test_films_that_the_map_does_not_show_name_no_region(joined):
    tree, points = Index(joined).topics(), Index(joined).space().map()
    hidden = tree.of_films[0, -1]
    shown = np.flatnonzero(tree.of_films[:, -1] != hidden)
    regions = topic_regions(points, tree, shown)
    assert tree.topics[hidden].name not in {words for _, _, words in regions[N_LEVELS - 1]}
    assert regions[N_LEVELS - 1]


def test_the_map_gets_the_coarse_topic_of_each_film(joined, path):
    index = Index(joined)
    client = create_app(Library(index, FakeTexts())).test_client()
    head, _, data = client.get("/map/films").data.partition(b"\n")
    told, tree = json.loads(head.decode()), index.topics()
    assert sorted(told["topics"]) == sorted(topic.name for topic in tree.children())
    ids = client.get("/api/v1/map").json["id"]
    n, n_planes = told["n"], 5 + -(-len(told["genres"]) // 8)
    for movie_id, place in zip(ids, data[n_planes * n:(n_planes + 1) * n]):
        names = tree.names(index.row_of_id(movie_id))
        assert (told["topics"][place] if place < 255 else None) == (names[0] if names else None)
    assert "data-topics" in client.get("/map").get_data(as_text=True)
    plain = create_app(Library(Index(path), FakeTexts())).test_client()
    assert "topics" not in json.loads(plain.get("/map/films").data.partition(b"\n")[0].decode())
    assert "data-topics" not in plain.get("/map").get_data(as_text=True)
