"""The pages in a real browser, of an index that leaves films of its catalogue out."""

import pytest
from selenium.webdriver.common.keys import Keys

from tests.served import running
from tests.worlds import random_layers, row, write_index

ROWS = [row(n, "Film {}".format(n)) for n in range(1, 11)] + [
    row(11, "Aliens", vote_count="900"), row(12, "Heat"),
    row(348, "Alien", overview="", release_date="1979-05-25"), row(13, "Psycho"),
    row(949, "Heat", overview="No Overview")]


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    features = {n: random_layers(3, n) for n in range(1, 13)}
    index = write_index(tmp_path_factory.mktemp("left_out"), ROWS, features, with_map=True)
    with running("--index", index, "--port", 0) as server:
        yield "http://127.0.0.1:{}".format(server.port)


def told(page):
    """Heading and words of the message on the page, once it is there; the browser tells of 404."""
    page.wait(lambda: page.texts("#answer .message h2"), "a message")
    assert all("404" in message for message in page.messages())
    return page.texts("#answer .message h2")[0], page.texts("#answer .message p")[0]


@pytest.mark.parametrize("typed, movie_id, heading, words", [
    ("Alien", 348, "This film has no overview", "Alien (1979, id 348) is in the catalogue"),
    ("psycho", 13, "This film is not in the index", "Psycho (1999, id 13) is in the catalogue")])
def test_a_film_that_is_left_out_is_told_with_a_way_to_a_text(page, typed, movie_id, heading,
                                                              words):
    page.open()
    page.type(typed, Keys.ENTER)
    found, why = told(page)
    assert (found, why[:len(words)]) == (heading, words)
    assert page.query() == "/?id={}".format(movie_id)
    assert page.texts(".choices button") == ["Films about “{}”".format(typed)]
    page.one(".choices button").click()
    page.at("/?text={}".format(typed))
    page.wait(lambda: page.texts("#answer .message h2") == ["That did not work"], "no checkpoint")
    page.messages()


def test_its_address_tells_it_too_with_filters_or_without(page):
    for path in ("/?id=348", "/?id=348&genres=Drama"):
        page.open(path)
        assert told(page)[0] == "This film has no overview"
        assert page.texts(".choices button") == []


def test_it_is_not_suggested_and_one_of_its_title_with_answers_is_taken(page):
    page.open()
    page.type("alien")
    assert page.suggestions() == ["Aliens"]
    page.type("heat", Keys.ENTER)
    page.answer("Heat 1999")
    assert page.query() == "/?id=12"


def test_the_map_tells_it(page):
    page.open("/map")
    page.map()
    page.type("Alien", Keys.ENTER)
    page.wait(lambda: page.texts("#notice") == ["Alien is not on the map: it has no overview."],
              "a notice")
