"""The map in a real browser, of an index with more films than the map shows."""

import pytest
from selenium.webdriver.common.keys import Keys

from tests.served import running
from tests.worlds import row, write_index

SHOWN = 8
_SERVER = ("import sys, server, serving.map_data; serving.map_data.MOST = {}; "
           "sys.exit(server.main())".format(SHOWN))


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    rows = [row(n, "Film {}".format(n), vote_count=str(100 - n)) for n in range(1, 12)]
    rows.append(row(12, "Ronin", vote_count="1"))
    index = write_index(tmp_path_factory.mktemp("many"), rows, with_map=True)
    with running("--index", index, "--port", 0, command=("-c", _SERVER)) as server:
        yield "http://127.0.0.1:{}".format(server.port)


def test_the_films_of_most_votes_are_shown_and_the_page_says_so(page):
    page.open("/map")
    assert page.map()["id"] == list(range(1, SHOWN + 1))
    page.wait(lambda: page.one("canvas").get_attribute("data-ready") == str(SHOWN), "the films")
    assert page.one("canvas").get_attribute("aria-label") == "Map of 8 films"
    assert "Of 12 films the 8 with most votes are shown at first" in page.texts("#help")[0]


def test_a_film_that_is_not_shown_is_asked_for_and_its_nearest_are_listed(page):
    page.open("/map")
    page.map()
    page.type("Ronin", Keys.ENTER)
    page.wait(lambda: page.texts("#chosen .near a"), "the nearest")
    assert "Ronin" in page.texts("#chosen .title")[0]
    page.open("/map?id=11")
    page.wait(lambda: page.texts("#chosen .near a"), "the nearest")
    page.wait(lambda: "11" in page.texts("#chosen .title")[0], "the film of the address")
