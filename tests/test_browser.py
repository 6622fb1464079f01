"""The pages in a real browser: what people do with them, and what a browser has to say."""

import numpy as np
import pytest
from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.browser import Page, chromium
from tests.served import running


@pytest.fixture(scope="module")
def driver():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def address(sample):
    """Where the sample catalogue is served."""
    with running("--index", sample.index, "--port", 0) as server:
        yield "http://127.0.0.1:{}".format(server.port)


@pytest.fixture()
def page(driver, address):
    """The page on a desk, in the light; what the browser has to say of it must be expected."""
    page = Page(driver, address)
    page.screen(1280, 900)
    page.media()
    driver.get_log("performance")
    yield page
    page.connected(True)
    assert page.messages() == []
    assert page.hosts() <= {address}


def test_titles_are_suggested_while_one_types_and_a_click_chooses(page):
    page.open()
    page.type("matr")
    assert page.suggestions()[0] == "The Matrix"
    first = page.texts("#suggestions li")[0]
    assert "1999" in first
    assert "Science Fiction" in first
    page.all("#suggestions li")[0].click()
    cards = page.answer("The Matrix 1999")
    assert len(cards) == 10
    assert "The Matrix Reloaded" in cards
    assert page.query() == "/?id=603"
    assert page.driver.title == "Films like The Matrix"


def test_a_typo_still_finds_its_film(page):
    page.open()
    page.type("godfater")
    assert "The Godfather" in page.suggestions()


def test_a_card_shows_rank_score_year_genres_rating_and_overview(page):
    page.open("/?id=603")
    page.answer("The Matrix 1999")
    assert page.texts(".card .rank") == [str(rank) for rank in range(1, 11)]
    scores = [float(text) for text in page.texts(".card .number")]
    assert scores == sorted(scores, reverse=True)
    widths = page.run("[...document.querySelectorAll('.bar span')].map("
                      "e => e.offsetWidth / e.parentElement.offsetWidth)")
    assert widths == pytest.approx(scores, abs=0.01)
    for selector in (".year", ".genres", ".rating", ".overview"):
        assert all(page.texts(".card " + selector))


def test_a_card_leads_to_its_own_films_and_the_way_back_leads_back(page):
    page.open("/?id=603")
    cards = page.answer("The Matrix 1999")
    year = page.texts(".card .year")[0]
    page.all(".card a")[0].click()
    assert page.answer("{} {}".format(cards[0], year)) != cards
    page.driver.back()
    assert page.answer("The Matrix 1999") == cards
    assert page.query() == "/?id=603"
    page.driver.forward()
    page.answer("{} {}".format(cards[0], year))


def test_the_way_back_to_the_start_shows_the_start(page):
    page.open()
    page.all("#start .chip")[0].click()
    page.wait(lambda: page.texts(".card .title"), "cards")
    page.driver.back()
    page.wait(lambda: page.one("#start").is_displayed(), "the start")
    assert not page.one("#answer").is_displayed()
    assert page.one("#query").get_attribute("value") == ""


def test_a_shared_address_shows_the_same(page):
    page.open()
    page.type("A robot learns to love", Keys.ENTER)
    cards = page.answer("A robot learns to love")
    assert len(cards) == 10
    shared = page.driver.current_url
    page.driver.switch_to.new_window("tab")
    page.driver.get(shared)
    assert page.answer("A robot learns to love") == cards
    assert page.one("#query").get_attribute("value") == "A robot learns to love"
    page.driver.close()
    page.driver.switch_to.window(page.driver.window_handles[0])


def test_a_text_that_takes_long_shows_that_it_is_being_read(page):
    page.open()
    page.connected(True, latency=500)
    page.type("A dog finds its way home over the mountains", Keys.ENTER)
    page.wait(lambda: page.texts("#answer .lead") == ["Reading your text …"], "words")
    assert page.all("#answer .skeleton")
    assert len(page.answer("A dog finds its way home over the mountains")) == 10
    assert not page.all("#answer .skeleton")


def test_a_title_that_is_typed_out_is_taken_for_the_film(page):
    page.open()
    page.type("amelie", Keys.ENTER)
    page.answer("Amélie 2001")


def test_a_text_that_may_be_a_mistyped_title_names_the_film(page):
    page.open()
    page.type("godfater", Keys.ENTER)
    page.answer("godfater")
    page.one(".note a").click()
    page.answer("The Godfather 1972")


def test_a_film_that_is_not_there_is_told(page):
    page.open("/?id=99999999")
    assert page.one("[role=alert] h2").text == "There is no such film here"
    assert not page.all(".card")
    message, = page.messages()
    assert "404" in message


def test_a_server_that_is_gone_is_told_and_may_come_back(page):
    page.open("/?id=603")
    page.answer("The Matrix 1999")
    page.connected(False)
    page.all(".card a")[0].click()
    alert = page.one("[role=alert]")
    assert "does not answer" in alert.text
    page.type("toy")
    page.suggestions()
    page.press(Keys.ESCAPE)
    page.connected(True)
    assert all("ERR_INTERNET_DISCONNECTED" in message for message in page.messages())
    alert.find_element(By.TAG_NAME, "button").click()
    page.wait(lambda: len(page.all(".card")) == 10, "cards")


def test_a_keyboard_is_enough(page):
    page.open()
    page.press(Keys.TAB)
    assert page.focus().text == "Skip to the films"
    page.tab_to(lambda focus: focus.get_attribute("id") == "query")
    page.press(*"matrix")
    titles = page.suggestions()
    page.press(Keys.ARROW_DOWN, Keys.ARROW_DOWN)
    box = page.focus()
    chosen = page.one("#" + box.get_attribute("aria-activedescendant"))
    assert chosen.get_attribute("aria-selected") == "true"
    assert titles[1] in chosen.text
    page.press(Keys.ENTER)
    page.wait(lambda: page.texts(".asked .title") == [titles[1]], titles[1])
    # The focus is on the answer: its links come next.
    assert page.run("document.activeElement.tagName") == "H2"
    first = page.texts(".card .title")[0]
    page.tab_to(lambda focus: focus.text.startswith(first))
    page.press(Keys.ENTER)
    page.wait(lambda: page.texts(".asked .title") == [first], first)


def test_escape_closes_the_suggestions_and_keeps_what_was_typed(page):
    page.open()
    page.type("matr")
    page.suggestions()
    page.press(Keys.ESCAPE)
    assert not page.one("#suggestions").is_displayed()
    assert page.one("#query").get_attribute("value") == "matr"
    assert page.one("#query").get_attribute("aria-expanded") == "false"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_axe_finds_nothing_serious(page, scheme, width):
    page.media(prefers_color_scheme=scheme, prefers_reduced_motion="reduce")
    page.screen(width, 900)
    page.open()
    page.type("matr")
    page.suggestions()
    assert page.faults() == []
    page.open("/?id=603")
    page.answer("The Matrix 1999")
    assert page.faults() == []
    page.open("/map?id=603")
    page.map()
    assert page.faults() == []


def test_a_phone_shows_all_without_scrolling_sideways(page):
    page.screen(360, 740)
    page.open()
    assert page.run("document.documentElement.scrollWidth") == 360
    page.open("/?id=603")
    page.answer("The Matrix 1999")
    assert page.run("document.documentElement.scrollWidth") == 360
    page.one(".on-map").click()
    page.map()
    assert page.run("document.documentElement.scrollWidth") == 360
    page.driver.back()
    page.answer("The Matrix 1999")
    lefts = page.run("[...document.querySelectorAll('.card')].map(e => e.offsetLeft)")
    assert len(set(lefts)) == 1


def test_dark_is_dark_and_light_is_light(page):
    page.open()
    lightness = "getComputedStyle(document.body).{}.match(/\\d+/g).map(Number)[0]"
    for scheme, paper_is_lighter in (("light", True), ("dark", False)):
        page.media(prefers_color_scheme=scheme)
        paper, ink = (page.run(lightness.format(name)) for name in ("backgroundColor", "color"))
        assert (paper > ink) == paper_is_lighter
        assert abs(paper - ink) > 150


def test_what_is_typed_is_never_taken_for_html(page):
    page.open()
    page.type("<img src=x onerror=alert(1)> in Paris")
    page.suggestions()
    page.press(Keys.ENTER)
    page.answer("<img src=x onerror=alert(1)> in Paris")
    assert not page.all("#answer img")


def loneliest(films):
    """The id of the film that is farthest from all others on the map."""
    places = np.stack([films["x"], films["y"]], axis=1).astype(float)
    apart = np.hypot(*(places[:, None] - places).transpose(2, 0, 1))
    np.fill_diagonal(apart, np.inf)
    return films["id"][int(apart.min(axis=1).argmax())]


def test_the_map_names_the_film_under_the_pointer_and_a_click_finds_those_like_it(page):
    page.open("/map")
    films = page.map()
    movie_id = loneliest(films)
    title = films["title"][films["id"].index(movie_id)]
    assert not page.one("#tip").is_displayed()
    page.pointer_at(films, movie_id).perform()
    page.wait(lambda: page.texts("#tip:not([hidden]) .title") == [title], title)
    ActionChains(page.driver).click().perform()
    page.wait(lambda: page.texts(".asked .title") == [title], title)
    assert page.query() == "/?id={}".format(movie_id)


def test_the_map_moves_with_the_pointer_and_zooms_at_it(page):
    page.open("/map")
    films = page.map()
    movie_id = loneliest(films)
    title = films["title"][films["id"].index(movie_id)]
    canvas = page.one("canvas")
    page.pointer_at(films, movie_id).click_and_hold().move_by_offset(-40, 30).release().perform()
    page.wait(lambda: page.texts("#tip:not([hidden]) .title") == [], "no film while it is moved")
    ActionChains(page.driver).move_by_offset(1, 0).perform()
    page.wait(lambda: page.texts("#tip:not([hidden]) .title") == [title], title)
    assert page.query() == "/map"
    at = page.run("(() => { const b = arguments[0].getBoundingClientRect(), t = "
                  "document.getElementById('tip').getBoundingClientRect();"
                  "return [t.left - 14, t.top - 14]; })()", canvas)
    page.run("void arguments[0].dispatchEvent(new WheelEvent('wheel', {deltaY: -400, "
             "clientX: arguments[1], clientY: arguments[2], cancelable: true}))", canvas, *at)
    ActionChains(page.driver).move_by_offset(-1, 0).perform()
    page.wait(lambda: page.texts("#tip:not([hidden]) .title") == [title], title)


def test_the_map_needs_no_pointer(page):
    page.open("/map")
    films = page.map()
    page.type("matrix", Keys.ENTER)
    page.wait(lambda: page.texts("#chosen:not([hidden]) .title") == ["The Matrix"], "the film")
    assert page.query() == "/map?id=603"
    page.run("arguments[0].focus()", page.one("canvas"))
    page.press(Keys.ARROW_RIGHT, "+", "-", "0")
    page.wait(lambda: page.texts("#chosen .title") != ["The Matrix"], "another film")
    title, = page.texts("#chosen .title")
    rows = [films["title"].index(name) for name in ("The Matrix", title)]
    assert films["x"][rows[0]] < films["x"][rows[1]]
    page.wait(lambda: title in page.run("document.getElementById('status').innerText"), "its title")
    page.press(Keys.ENTER)
    page.wait(lambda: page.texts(".asked .title") == [title], title)


def test_a_genre_can_be_shown_alone(page):
    page.open("/map")
    films = page.map()
    movie_id = loneliest(films)
    genre = films["genre"][films["id"].index(movie_id)]
    names = page.texts(".legend button")
    assert names[:12] == films["genres"][:12]
    other = page.all(".legend button")[0 if genre else 1]
    other.click()
    assert other.get_attribute("aria-pressed") == "true"
    page.pointer_at(films, movie_id).perform()
    assert not page.one("#tip").is_displayed()
    other.click()
    page.pointer_at(films, movie_id).move_by_offset(1, 0).perform()
    page.wait(lambda: page.one("#tip").is_displayed(), "the film")
