"""The first look at a map of more films than it names at once, in a real browser."""

import json

import pytest

from benchmarks.frames import write_index
from serving.map_data import NAMED
from tests.browser import watched
from tests.served import running

N = NAMED + 300


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """Address of a server of more films than have their names with the points."""
    index = write_index(str(tmp_path_factory.mktemp("many")), N)
    with running("--index", index, "--port", 0) as server:
        yield "http://127.0.0.1:{}".format(server.port)


@pytest.fixture()
def page(driver, many):
    yield from watched(driver, many)


def asked_for(page):
    """When each thing was asked for and there, in milliseconds, by its path."""
    return {name.split("/", 3)[3]: (start, end) for name, start, end in page.run(
        "performance.getEntriesByType('resource').map("
        "each => [each.name, each.startTime, each.responseEnd])")}


def test_other_names_are_asked_for_when_all_that_is_drawn_first_is_there(page):
    page.open("/map")
    films = page.map()
    times = asked_for(page)
    first = [name for name in times if name.endswith(".js") or name.startswith("map/")]
    first.remove("map/names?")
    assert {"map/films?", "map/places?recipe=mean4", "static/points.js"} <= set(first)
    assert times["map/names?"][0] >= max(times[name][1] for name in first)
    # The rest of the names is there, too.
    title = films["title"][-1]
    page.type(title)
    assert title in page.suggestions()
    page.one("#suggestions li").click()
    page.wait(lambda: page.texts("#chosen:not([hidden]) .title") == [title], title)


def test_titles_stand_on_the_map_before_the_other_names_are_there(page):
    page.driver.execute_cdp_cmd("Network.enable", {})
    page.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["*/map/names*"]})
    try:
        page.open("/map")
        drawn = page.wait(lambda: page.one("canvas").get_attribute("data-labels"), "titles")
    finally:
        page.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})
    assert page.one("canvas").get_attribute("data-ready") is None
    assert all("map/names" in message for message in page.messages())
    early = json.loads(drawn)
    assert len(early) > 10
    page.open("/map")
    page.map()
    page.wait(lambda: page.one("canvas").get_attribute("data-labels") == drawn, "the same titles")
