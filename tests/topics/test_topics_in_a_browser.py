"""Topics in a real browser: on cards, as chips that filter, and on the map."""

import json

import pytest

from recommender.index import Index
from recommender.topics.topic_tree import N_LEVELS
from tests.browser import watched
from tests.served import running

PAGE, MAP = "/?id=1&recipe=mean4&k=4", "/map?colour=topic"


@pytest.fixture(scope="module")
def address(joined):
    with running("--index", joined, "--port", 0) as server:
        yield "http://127.0.0.1:{}".format(server.port)


@pytest.fixture()
def page(driver, address):
    yield from watched(driver, address)


@pytest.fixture(scope="module")
def of_level(joined):
    """The names of the topics of each level, the coarsest first."""
    topics = Index(joined).topics().topics
    return [[topic.name for topic in topics if topic.level == level] for level in range(N_LEVELS)]


def test_a_card_shows_its_fine_topic_which_filters(page, of_level):
    page.open(PAGE)
    button = page.one(".card .topic button")
    name = button.get_attribute("data-topic")
    assert name in of_level[-1] and page.texts(".card .topic button")[0] == name
    button.click()
    page.wait(lambda: page.run("new URLSearchParams(location.search).get('topic')") == name,
              "the topic in the address")
    page.wait(lambda: set(page.texts(".card .topic")) == {name}, "films of that topic alone")


def test_a_chip_of_a_coarse_topic_filters_and_shows_those_inside_it(page, of_level):
    def shown():
        return page.run("[...document.querySelectorAll('#filters [data-topic]')]"
                        ".filter(e => e.offsetParent).map(e => e.dataset.topic)")

    page.open(PAGE)
    page.one(".card")
    page.one("#open-filters").click()
    assert shown() == of_level[0]
    page.one("#filters [data-topic]").click()
    page.wait(lambda: page.run("new URLSearchParams(location.search).get('topic')")
              == of_level[0][0], "the topic in the address")
    inside = page.run("[...document.querySelectorAll('#filters [data-topic]')].filter("
                      "e => e.dataset.within === arguments[0]).map(e => e.dataset.topic)",
                      of_level[0][0])
    assert inside and set(shown()) == {*of_level[0], *inside}


def test_the_map_is_coloured_by_coarse_topics_and_names_its_regions_by_them(page, of_level):
    page.open(MAP)
    page.map("mean4")
    assert page.texts("#colour [aria-pressed=true]") == ["Topic"]
    assert set(page.texts("#legend button")) - {"no topic"} == set(of_level[0])

    def regions():
        labels = page.one("canvas").get_attribute("data-labels")
        return {label["words"] for label in json.loads(labels or "[]")
                if label["of"] == "region"}

    page.wait(regions, "names of regions")
    assert regions() <= set(of_level[0])
