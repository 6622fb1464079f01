"""The map in a real browser, of an index whose films come in tiles."""

import pytest
from selenium.webdriver.common.keys import Keys

from recommender.index import Index
from tests.served import running
from tests.worlds import random_layers, row, write_index

N, SHOWN = 300, 40
_SERVER = ("import sys, server, serving.map_data, serving.map_tiles; "
           "serving.map_data.MOST = {}; serving.map_tiles.FULL = 8; "
           "sys.exit(server.main())".format(SHOWN))


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    rows = [row(n, "Film {}".format(n), vote_count=str(1000 - n), genres=(
        "[{'id': 1, 'name': 'Comedy'}]" if n % 2 else "[{'id': 2, 'name': 'Drama'}]"))
        for n in range(1, N + 1)]
    return Index(write_index(tmp_path_factory.mktemp("tiles"), rows, {
        n: random_layers(2, n) for n in range(1, N + 1)}, with_map=True,
        recipes=("mean4", "best")))


@pytest.fixture(scope="module")
def address(index):
    with running("--index", index.path, "--port", 0, command=("-c", _SERVER)) as server:
        yield "http://127.0.0.1:{}".format(server.port)


def films(page):
    return int(page.one("canvas").get_attribute("data-films") or SHOWN)


def closest(index, movie_id, recipe="best", zoom=400):
    """The address of the map around a film."""
    x, y = index.space(recipe).map()[index.row_of_id(movie_id)]
    return "view={:.5f},{:.5f},{}".format(x, y, zoom)


def loaded(page):
    """Wait until the map is there."""
    page.wait(lambda: page.one("canvas").get_attribute("data-ready") == str(SHOWN), "the films")


def test_a_first_look_loads_no_tile_and_says_how_to_see_the_others(page):
    page.open("/map")
    loaded(page)
    assert "Of 300 films the 40 with most votes are shown at first" in page.texts("#help")[0]
    assert not [name for name in page.run(
        "performance.getEntriesByType('resource').map(each => each.name)") if "/tiles/" in name]


def test_zooming_in_brings_the_films_of_the_tiles_in_sight(page, index):
    page.open("/map")
    loaded(page)
    for _ in range(6):
        page.one("#in").click()
    page.wait(lambda: films(page) > SHOWN, "more films")
    before = films(page)
    page.open("/map?" + closest(index, 290))
    loaded(page)
    page.wait(lambda: "Film 290" in (page.one("canvas").get_attribute("data-labels") or ""),
              "a film of few votes")
    assert before < N and films(page) < N  # not all of the map


@pytest.mark.parametrize("movie_id", [41, 170, 300])
def test_every_film_can_be_reached_and_chosen(page, index, movie_id):
    page.open("/map?" + closest(index, movie_id, zoom=200))
    loaded(page)
    page.wait(lambda: "Film {}\"".format(movie_id) in (
        page.one("canvas").get_attribute("data-labels") or ""), "the film's title")
    page.one("canvas").click()  # in its middle
    page.wait(lambda: page.texts("#chosen .title") == ["Film {}".format(movie_id)], "the film")
    page.wait(lambda: "id={}".format(movie_id) in page.run("location.search"), "its address")


def test_a_film_of_a_tile_is_found_by_search_and_by_its_address(page):
    page.open("/map?id=290")
    page.wait(lambda: page.texts("#chosen .title") == ["Film 290"], "the film of the address")
    page.wait(lambda: "Film 290" in (page.one("canvas").get_attribute("data-labels") or ""),
              "its title")
    entries = page.run("history.length")
    page.type("Film 170", Keys.ENTER)
    page.wait(lambda: page.texts("#chosen .title") == ["Film 170"], "the film that was searched")
    page.wait(lambda: page.run("location.search") == "?id=170", "its address")
    assert page.run("history.length") == entries + 1
    page.driver.back()
    page.wait(lambda: page.texts("#chosen .title") == ["Film 290"], "the film before")
    assert not page.messages()


def test_filters_hold_for_the_films_of_tiles_whenever_they_come(page, index):
    page.open("/map?genres=Comedy&" + closest(index, 290))
    loaded(page)
    page.wait(lambda: films(page) > SHOWN, "more films")
    page.wait(lambda: page.run("performance.getEntriesByType('resource').some("
                               "each => each.name.includes('/passing?genres=Comedy&recipe'))"),
              "which of them pass")
    labels = page.one("canvas").get_attribute("data-labels")
    assert "Film 290" not in labels
    page.one("#tokens button").click()
    page.wait(lambda: "Film 290" in page.one("canvas").get_attribute("data-labels"), "no filter")


def test_by_another_recipe_the_films_of_tiles_are_those_that_lie_there(page, index):
    page.open("/map?" + closest(index, 250))
    loaded(page)
    page.wait(lambda: "Film 250" in (page.one("canvas").get_attribute("data-labels") or ""),
              "the film")
    page.one("canvas").click()
    page.wait(lambda: page.texts("#chosen .near a"), "its nearest")
    page.one("#recipe button:nth-child(2)").click()
    page.wait(lambda: page.one("canvas").get_attribute("data-recipe") == "mean4", "the recipe")
    page.wait(lambda: page.texts("#chosen .title") == ["Film 250"]
              and page.texts("#chosen .near a"), "its nearest by the other recipe")
    page.wait(lambda: "id=250" in page.run("location.search"), "its address")
    assert not page.faults()
