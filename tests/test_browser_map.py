"""The map in a real browser."""

import numpy as np
from selenium.webdriver import ActionChains
from selenium.webdriver.common.keys import Keys


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


def test_a_search_on_the_map_that_finds_nothing_says_so(page):
    page.open("/map")
    page.map()
    page.type("qqqqqqqqqqqqqqqq", Keys.ENTER)
    page.wait(lambda: page.texts("#notice:not([hidden])") == ["No film has a title like this."],
              "it")
    page.type("m")
    page.wait(lambda: not page.one("#notice").is_displayed(), "no more of it")
    page.connected(False)
    page.type("matrix", Keys.ENTER)
    page.wait(lambda: "does not answer" in page.one("#notice").text, "that the server is gone")
    page.connected(True)
    assert all("ERR_INTERNET_DISCONNECTED" in message for message in page.messages())


def test_the_films_nearest_to_one_are_links_for_who_does_not_see_the_map(page):
    page.open("/map?id=603")
    films = page.map()
    page.wait(lambda: page.texts("#chosen .near a"), "the nearest")
    assert page.texts("#chosen .near a") == [
        film["title"] for film in page.recommended("id=603")["results"][:5]]
    link = page.one("#chosen .near a")
    title = link.text
    link.click()
    page.wait(lambda: page.texts("#chosen .title") == [title], title)
    page.at("/map?id={}".format(films["id"][films["title"].index(title)]))
    assert page.run("document.activeElement === document.querySelector('#chosen h2')")
    page.wait(lambda: title not in page.texts("#chosen .near a")
              and page.texts("#chosen .near a"), "its own nearest")


def test_fingers_choose_zoom_and_move(page):
    page.screen(375, 740)
    page.open("/map")
    films = page.map()
    movie_id = loneliest(films)
    title = films["title"][films["id"].index(movie_id)]
    x, y = page.place(films, movie_id)
    for begin, end, then in (
            ([], [], (x, y)),
            ([(200, 300)], [(240, 360)], (x + 40, y + 60)),
            # Two fingers that part leave what lies between them where it is.
            ([(x - 10, y), (x + 10, y)], [(x - 15, y), (x + 15, y)], (x, y))):
        page.open("/map")
        page.map()
        page.touch(begin, end)
        page.painted()
        page.touch([then], [])
        page.wait(lambda: page.texts("#chosen:not([hidden]) .title") == [title], title)
    assert page.query() == "/map?id={}".format(movie_id)


def test_points_are_drawn_where_the_pointer_finds_them(page):
    page.open("/map")
    films = page.map()
    x, y = page.place(films, loneliest(films))
    paper = page.pixel(3, 300)
    assert page.pixel(x, y) != paper


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
