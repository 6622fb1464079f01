"""Topics: found again where they were planted, measured, named, and the same by seed."""

import os

import numpy as np
import pytest

from recommender.catalogue import read_catalogue
from recommender.errors import RecommenderError
from recommender.evaluation.contenders import N_TOPICS, Task, topic_contender
from recommender.evaluation.truth import Truth
from recommender.index import Index
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
from tests.topics.films import N_FILMS, SUBJECTS, subject
from tests.worlds import row, write_index


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


def test_mixtures_rank_films_by_their_hellinger_distance(words, path):
    movies = read_catalogue(os.path.join(os.path.dirname(path), "movies.csv")).movies
    top = topic_contender(Task(movies, Truth(None, None, None), 0)).top()
    weights = mixtures(words, N_TOPICS, 0).transform(tfidf(words))
    p = weights / weights.sum(axis=1, keepdims=True)
    for film in range(0, N_FILMS, 7):
        distance = np.sqrt(np.maximum(1 - np.sqrt(p * p[film]).sum(axis=1), 0))
        distance[film] = np.inf
        assert np.sort(distance)[:10] == pytest.approx(distance[top[film]], abs=1e-3)


def test_numbers_of_a_range_hold_both_ends():
    assert numbers_within(5, 5) == [5]
    assert numbers_within(2, 4) == [2, 3, 4]


def test_too_few_films_are_one_line(tmp_path):
    index = Index(write_index(tmp_path, [row(at, "Film {}".format(at)) for at in range(1, 9)]))
    with pytest.raises(RecommenderError, match="has 8 films: topics need at least 20"):
        find_topics(index)
