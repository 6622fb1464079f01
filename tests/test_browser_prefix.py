"""The pages in a real browser, behind a reverse proxy that shows them at a path of its site."""

import pytest
from selenium.webdriver.common.keys import Keys

from tests.browser import Page
from tests.reverse_proxy import reverse_proxy
from tests.served import running


@pytest.fixture(scope="module", params=["removed", "kept"])
def site(request, sample):
    """Address of a proxy's site; /movies is the server's, to which the path is sent or not."""
    keeps = request.param == "kept"
    flags = ("--prefix", "/movies") if keeps else ()
    with running("--index", sample.index, "--features", sample.features, "--port", 0,
                 *flags) as server, reverse_proxy(server.port, keeps_path=keeps) as port:
        yield "http://127.0.0.1:{}".format(port)


@pytest.fixture()
def page(driver, site):
    """The page at its path; the browser must find all that it asks for."""
    page = Page(driver, site + "/movies")
    page.screen(1280, 900)
    page.forget()
    driver.get_log("performance")
    yield page
    assert page.messages() == []
    assert page.hosts() <= {site}


def test_a_film_is_found_explained_and_gone_back_from(page):
    page.open()
    page.type("matr")
    assert page.suggestions()[0] == "The Matrix"
    page.all("#suggestions li")[0].click()
    cards = page.answer("The Matrix 1999")
    assert page.query() == "/?id=603"
    # A link to another query is answered without loading the page again.
    page.run("window.isSame = true")
    year = page.texts(".card .year")[0]
    page.all(".card h3 a")[0].click()
    page.answer("{} {}".format(cards[0], year))
    assert page.run("window.isSame")
    page.driver.back()
    assert page.answer("The Matrix 1999") == cards
    page.one(".why").click()
    page.wait(lambda: page.all(".reasons mark"), "marks")
    page.one("header .name").click()
    page.wait(lambda: page.one("#start").is_displayed(), "the start")
    assert page.query() == "/"


def test_a_text_is_answered_and_its_address_shows_the_same(page):
    page.open()
    page.type("A robot learns to love", Keys.ENTER)
    cards = page.answer("A robot learns to love")
    assert page.query().startswith("/?text=")
    page.driver.refresh()
    assert page.answer("A robot learns to love") == cards


def test_filters_and_the_films_of_the_start_stay_below_the_path(page):
    page.open()
    page.all("#start .shelf a")[0].click()
    page.wait(lambda: page.texts(".card .title"), "cards")
    page.chip("Comedy").click()
    page.wait(lambda: page.query().endswith("&genres=Comedy"), "the filter")
    assert page.query().startswith("/?id=")


def test_the_map_leads_to_a_film_and_a_film_to_the_map(page):
    page.open("/?id=603")
    page.answer("The Matrix 1999")
    page.one(".on-map").click()
    page.at("/map?id=603")
    page.wait(lambda: page.texts("#chosen .near a"), "near films")
    page.all("#chosen .near a")[0].click()
    page.wait(lambda: page.query() != "/map?id=603", "another film")
    assert page.query().startswith("/map?id=")
    page.one("#chosen a.button").click()
    page.wait(lambda: page.texts(".card .title"), "cards")
    assert page.query().startswith("/?id=")


def test_the_page_of_the_api_leads_to_answers(page):
    page.open("/api")
    links = page.run("[...document.querySelectorAll('main a:not([href^=\"#\"])')].map(e => e.href)")
    assert links
    for link in links:
        assert page.run("fetch(arguments[0]).then(answer => answer.status)", link) == 200
