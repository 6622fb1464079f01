"""A small world of films whose topics are known, and those that are found in it."""

import pytest

from recommender.building import build_index
from recommender.catalogue import read_catalogue
from recommender.index import Index
from recommender.storage.feature_store import FeatureReader
from recommender.topics.topic_file import load_topics, save_topics
from recommender.topics.topic_search import find_topics
from recommender.topics.topic_words import topic_words
from tests.topics.films import N_FILMS, layers, overview
from tests.worlds import row, write_index


@pytest.fixture(scope="session")
def path(tmp_path_factory):
    films = [row(at + 1, "Film {}".format(at), overview=overview(at)) for at in range(N_FILMS)]
    return write_index(tmp_path_factory.mktemp("world"), films,
                       {at + 1: layers(at) for at in range(N_FILMS)})


@pytest.fixture(scope="session")
def index(path):
    return Index(path)


@pytest.fixture(scope="session")
def words():
    return topic_words([overview(at) for at in range(N_FILMS)])


@pytest.fixture(scope="session")
def found(index):
    _, found = find_topics(index, [4], n_samples=2)
    return {each.method: each for each in found}


@pytest.fixture(scope="session")
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
    build_index(catalogue, FeatureReader(str(folder / "features")), path, ["mean4"], with_map=True,
                topics=load_topics(topics))
    return path
