"""Topics: found again where they were planted, measured, named, stored, and the same by seed."""

import json
import os
import re

import h5py
import numpy as np
import pytest

from recommender.building import build_index
from recommender.catalogue import read_catalogue
from recommender.errors import NothingFound, RecommenderError
from recommender.evaluation.contenders import N_TOPICS, Task, topic_contender
from recommender.evaluation.truth import Truth
from recommender.index import Index
from recommender.recommender import Recommender
from recommender.storage.feature_store import FeatureReader
from recommender.topics.topic_file import load_topics, save_topics
from recommender.topics.topic_levels import topic_tree
from recommender.topics.topic_measures import agreement, coherence, diversity
from recommender.topics.topic_models import (
    NONE,
    cluster_topics,
    mixtures,
    nmf_topics,
    reduced,
    tfidf,
    word_weights,
)
from recommender.topics.topic_search import find_topics, numbers_within
from recommender.topics.topic_tree import N_LEVELS
from recommender.topics.topic_words import topic_words
from serving.app import create_app
from serving.library import Library
from tests.served import FakeTexts
from tests.worlds import only_line, row, write_index

SUBJECTS = {  # ten words each, as many as a topic is measured by
    "space": "rocket planet astronaut orbit alien galaxy moon comet spaceship meteor",
    "west": "cowboy saloon ranch horse outlaw bandit sheriff cattle desert prairie",
    "music": "guitar concert singer orchestra melody drummer piano opera chorus ballad",
    "crime": "detective murder corpse suspect alibi blackmail poison motive clue witness"}
N_FILMS = 60


def subject(at):
    return list(SUBJECTS)[at % len(SUBJECTS)]


def overview(at):
    """Eight words of the film's subject, and some of none."""
    words = np.random.default_rng(at).choice(SUBJECTS[subject(at)].split(), 8, replace=False)
    return "A {} and the {} near Rupert, with {}, {}, {}, {} or {}, {}.".format(*words)


def layers(at):
    middle = np.eye(8)[at % len(SUBJECTS)]
    noise = np.random.default_rng(at).normal(0, 0.05, 8)
    return np.tile(np.float32(middle + noise), (4, 3, 1))


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    films = [row(at + 1, "Film {}".format(at), overview=overview(at)) for at in range(N_FILMS)]
    return write_index(tmp_path_factory.mktemp("world"), films,
                       {at + 1: layers(at) for at in range(N_FILMS)})


@pytest.fixture(scope="module")
def index(path):
    return Index(path)


@pytest.fixture(scope="module")
def words():
    return topic_words([overview(at) for at in range(N_FILMS)])


@pytest.fixture(scope="module")
def found(index):
    _, found = find_topics(index, [4], n_samples=2)
    return {each.method: each for each in found}


def test_words_are_those_that_name_a_subject(words):
    assert set(words.vocabulary) == set(" ".join(SUBJECTS.values()).split())  # no Rupert, no near
    assert words.films.sum(axis=1).min() == 8


def test_names_of_persons_are_no_words_and_those_of_places_are():
    texts = ["The rocket of John leaves for a trip in Paris." for _ in range(4)]
    texts += ["Fill {}".format(at) for at in range(40)]
    assert "paris" in topic_words(texts).vocabulary
    assert "john" not in topic_words(texts).vocabulary


def test_overviews_without_frequent_words_are_refused():
    with pytest.raises(RecommenderError, match="topics need more films"):
        topic_words(["one", "two"])


@pytest.mark.parametrize("method", ["clusters", "nmf"])
def test_planted_topics_are_found(found, method):
    each = found[method]
    fine = each.tree.of_films[:, -1]
    for at in range(N_FILMS):
        same = [other for other in range(N_FILMS) if fine[other] == fine[at]]
        assert {subject(other) for other in same} == {subject(at)}
        topic = each.tree.topics[fine[at]]
        assert set(SUBJECTS[subject(at)].split()) == set(topic.words)
    assert 0.9 < each.measures.stability <= 1
    assert each.measures.same_films == pytest.approx(1)


def test_the_number_of_topics_is_the_most_coherent_one(index):
    for each in find_topics(index, [2, 4, 7, 20], n_samples=0)[1]:
        assert set(each.tried) == {2, 4, 7, 20}
        assert len(set(each.tried.values())) == 4
        assert each.measures.coherence == max(each.tried.values())
        assert each.tried[each.measures.n_topics] == each.measures.coherence


@pytest.mark.parametrize("method", ["clusters", "nmf"])
def test_each_topic_lies_inside_one_of_the_level_above(found, method):
    tree = found[method].tree
    assert {topic.level for topic in tree.topics} == set(range(N_LEVELS))
    for topic in tree.topics:
        assert (topic.parent == -1) == (topic.level == 0)
        if topic.level:
            assert tree.topics[topic.parent].level == topic.level - 1
            rows = np.flatnonzero(tree.of_films[:, topic.level] == topic.number)
            assert set(tree.of_films[rows, topic.level - 1]) == {topic.parent}
            assert len(rows) == topic.n_films
    names = [topic.name for topic in tree.topics]
    assert len(set(names)) == len(names)
    assert all(2 <= len(name.split(", ")) <= 3 for name in names)


def test_representative_films_are_of_the_topic(found, index):
    tree = found["clusters"].tree
    for topic in tree.topics:
        assert topic.films
        for movie_id in topic.films:
            assert tree.of_films[index.row_of_id(movie_id), topic.level] == topic.number


def test_the_same_seed_finds_the_same_topics(index, found):
    _, again = find_topics(index, [4], n_samples=2)
    for each in again:
        assert each.tree.topics == found[each.method].tree.topics
        assert (each.tree.of_films == found[each.method].tree.of_films).all()
        assert each.measures == found[each.method].measures


def test_a_film_without_any_of_the_words_has_no_topic_by_nmf(words):
    empty = words._replace(films=words.films.tolil())
    empty.films[7] = 0
    empty = empty._replace(films=empty.films.tocsr())
    model = nmf_topics(empty, 4, 0)
    assert np.flatnonzero(model.of_films == NONE).tolist() == [7]
    tree = topic_tree(empty, model, range(N_FILMS))
    assert tree.of_films[7].tolist() == [-1] * N_LEVELS
    assert tree.names(7) == []


def test_c_tf_idf_is_that_of_its_formula(words):
    of_films = np.arange(N_FILMS) % 4
    model = cluster_topics(reduced(words.films, 0), 4, 0)._replace(of_films=of_films)
    weights = word_weights(words, model, np.arange(4))
    column = words.vocabulary.index("planet")
    tf = [words.films[of_films == topic, column].sum() for topic in range(4)]
    wanted = np.array(tf) * np.log(1 + words.films.sum() / 4 / sum(tf))
    assert weights[:, column] == pytest.approx(wanted)


def test_coherence_is_1_for_words_that_only_meet_and_minus_1_for_such_that_never_do():
    texts = 10 * ["apple banana"] + 10 * ["cherry date"] + 80 * ["nothing"]
    words = topic_words(texts)
    column = {word: at for at, word in enumerate(words.vocabulary)}
    always, never = ([column[one] for one in pair] for pair in (("apple", "banana"),
                                                                ("apple", "cherry")))
    assert coherence(words, np.array([always, never])) == pytest.approx([1, -1])


def test_diversity_and_agreement_count_words():
    tops = np.array([[0, 1], [1, 2]])
    assert diversity(tops) == 3 / 4
    assert agreement(tops, tops[::-1]) == 1
    assert agreement(tops, np.array([[0, 1], [8, 9]])) == 1 / 2
    assert agreement(tops, tops[:1]) == 1 / 2


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


@pytest.fixture(scope="module")
def joined(tmp_path_factory, found, index):
    """An index of the even films of the world and two others, with the topics of the world."""
    folder = tmp_path_factory.mktemp("joined")
    topics = str(folder / "topics.h5")
    save_topics(topics, found["clusters"].tree, index.ids, {})
    films = [at for at in range(N_FILMS) if at % 2 == 0] + [N_FILMS, N_FILMS + 1]
    write_index(folder, [row(at + 1, "Film {}".format(at), overview=overview(at)) for at in films],
                {at + 1: layers(at) for at in films})
    catalogue = read_catalogue(str(folder / "movies.csv"))
    path = str(folder / "joined.h5")
    build_index(catalogue, FeatureReader(str(folder / "features")), path, ["mean4"],
                topics=load_topics(topics))
    return path


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


def test_the_programs_join_and_filter(run_program, joined, path, tmp_path):
    folder = os.path.dirname(joined)
    output = str(tmp_path / "index.h5")
    built = run_program("build_index.py", "--input_file", os.path.join(folder, "movies.csv"),
                        "--features", os.path.join(folder, "features"), "--output", output,
                        "--recipe", "mean4", "--topics", os.path.join(folder, "topics.h5"))
    assert "topics.h5; 2 films have none" in built.stderr, built.stderr
    name = Index(output).topics().topics[-1].name
    told = run_program("recommend.py", "--index", output, "--topic", name, "--json").stdout
    assert all(name in film["topics"] for film in json.loads(told)["results"])
    table = run_program("recommend.py", "--index", output, "--id", "1", "--same-topic").stdout
    assert table.splitlines()[0].endswith("  topic")
    assert len({line.rpartition("  ")[2] for line in table.splitlines()[1:-1]}) == 1


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


def test_mixtures_rank_films_by_their_hellinger_distance(words, path):
    movies = read_catalogue(os.path.join(os.path.dirname(path), "movies.csv")).movies
    top = topic_contender(Task(movies, Truth(None, None, None), 0)).top()
    weights = mixtures(words, N_TOPICS, 0).transform(tfidf(words))
    p = weights / weights.sum(axis=1, keepdims=True)
    for film in range(0, N_FILMS, 7):
        distance = np.sqrt(np.maximum(1 - np.sqrt(p * p[film]).sum(axis=1), 0))
        distance[film] = np.inf
        assert np.sort(distance)[:10] == pytest.approx(distance[top[film]], abs=1e-3)


def test_evaluate_measures_topics(run_program, path):
    folder = os.path.dirname(path)
    told = run_program("evaluate.py", "--input_file", os.path.join(folder, "movies.csv"),
                       "--features", os.path.join(folder, "features"), "--recipes",
                       "mean4,topics", "--json")
    rows = [row["name"] for row in json.loads(told.stdout)["scores"]]
    assert rows[-2:] == ["mean4", "topics"]


def test_numbers_of_a_range_hold_both_ends():
    assert numbers_within(5, 5) == [5]
    assert numbers_within(2, 4) == [2, 3, 4]


def test_the_program_prints_measures_and_topics_and_writes_the_file(run_program, path, tmp_path):
    output = str(tmp_path / "topics.h5")
    flags = ("--index", path, "--output", output, "--range", "2-4", "--samples", "1")
    result = run_program("topics.py", *flags)
    assert result.returncode == 0, result.stderr
    assert "every film has one" in result.stderr
    assert "clusters        4" in result.stdout
    assert "coherence by number of topics, nmf: 2 " in result.stdout
    told = json.loads(run_program("topics.py", *flags, "--json").stdout)
    assert [topic["name"] for topic in told["topics"]] == [
        topic.name for topic in load_topics(output).tree.topics]
    assert told["without_topic"] == 0


def test_the_page_holds_all_topics_and_asks_for_nothing(run_program, path, tmp_path):
    page, output = str(tmp_path / "topics.html"), str(tmp_path / "topics.h5")
    result = run_program("topics.py", "--index", path, "--output", output, "--n_topics", "4",
                         "--samples", "0", "--html", page)
    assert result.returncode == 0, result.stderr
    with open(page, encoding="utf-8") as file:
        text = file.read()
    for topic in load_topics(output).tree.topics:
        assert topic.name in text
    assert not re.search(r"https?:|<script|<link|<img|url\(", text)
    assert "prefers-color-scheme: dark" in text


@pytest.mark.parametrize("flags, code, said", [
    (("--n_topics", "4", "--range", "3-5"), 2, "give one of them"),
    (("--range", "5-3"), 2, "the smaller number first"), (("--range", "x"), 2, "not a range like"),
    (("--n_topics", "61"), 1, "61 topics of 60 films"),
    (("--recipe", "worst"), 2, "no recipe 'worst'"), (("--index", "none.h5"), 1, "no index at")])
def test_wrong_flags_are_one_line(run_program, path, tmp_path, flags, code, said):
    result = run_program("topics.py", "--index", path, "--output", str(tmp_path / "topics.h5"),
                         *flags)
    assert (result.returncode, result.stdout) == (code, "")
    assert said in only_line(result.stderr)
    assert not (tmp_path / "topics.h5").exists()


def test_too_few_films_are_one_line(tmp_path):
    index = Index(write_index(tmp_path, [row(at, "Film {}".format(at)) for at in range(1, 9)]))
    with pytest.raises(RecommenderError, match="has 8 films: topics need at least 20"):
        find_topics(index)


@pytest.mark.parametrize("spoil, said", [
    (os.remove, "no topics at"), (lambda file: os.truncate(file, 100), "not a whole HDF5 file")])
def test_build_index_refuses_topics_that_cannot_be_read(run_program, path, found, index, tmp_path,
                                                        spoil, said):
    topics, output = str(tmp_path / "topics.h5"), tmp_path / "index.h5"
    save_topics(topics, found["nmf"].tree, index.ids, {})
    spoil(topics)
    folder = os.path.dirname(path)
    result = run_program("build_index.py", "--input_file", os.path.join(folder, "movies.csv"),
                         "--features", os.path.join(folder, "features"), "--output", str(output),
                         "--topics", topics)
    assert (result.returncode, result.stdout) == (1, "")
    assert said in only_line(result.stderr)
    assert not output.exists()


@pytest.mark.parametrize("flags, said", [
    (("--topic", "space"), "has no topics: topics.py finds them"),
    (("--id", "1", "--same-topic"), "has no topics: topics.py finds them"),
    (("--topic", " "), "the text is empty")])
def test_recommend_without_topics_is_one_line(run_program, path, flags, said):
    result = run_program("recommend.py", "--index", path, *flags)
    assert (result.returncode, result.stdout) == (2, "")
    assert said in only_line(result.stderr)
