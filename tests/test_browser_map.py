"""The map in a real browser."""

import json

import numpy as np
import requests
from selenium.webdriver import ActionChains
from selenium.webdriver.common.keys import Keys


def loneliest(films):
    """The id of the film that is farthest from all others on the map."""
    places = np.stack([films["x"], films["y"]], axis=1).astype(float)
    apart = np.hypot(*(places[:, None] - places).transpose(2, 0, 1))
    np.fill_diagonal(apart, np.inf)
    return films["id"][int(apart.min(axis=1).argmax())]


def labels(page):
    """The titles that stand on the map, once it rests."""
    drawn = page.one("canvas").get_attribute("data-labels")
    return [label["words"] for label in json.loads(drawn) if label["of"] == "film"] if drawn else []


def test_the_map_names_the_film_under_the_pointer_and_a_click_opens_its_panel(page):
    page.open("/map")
    films = page.map()
    movie_id = loneliest(films)
    title = films["title"][films["id"].index(movie_id)]
    assert not page.one("#tip").is_displayed()
    page.pointer_at(films, movie_id).perform()
    page.wait(lambda: page.texts("#tip:not([hidden]) .title") == [title], title)
    ActionChains(page.driver).click().perform()
    asked = "id={}&recipe=best".format(movie_id)
    film = page.recommended(asked)["query"]
    page.wait(lambda: page.texts("#chosen:not([hidden]) .title") == [title], title)
    page.wait(lambda: page.texts("#chosen .near a"), "the nearest")
    assert page.texts("#chosen .overview") == [film["overview"]]
    assert page.texts("#chosen .kicker") == [" · ".join(film["genres"])]
    assert page.texts("#chosen .rating") == ["★ {:.1f}".format(film["vote_average"])]
    assert page.texts("#chosen .year")[0] == str(film["year"])
    page.at("/map?id={}".format(movie_id))
    page.one("#chosen a.button").click()
    page.wait(lambda: page.texts(".asked .title") == [title], title)


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
    page.wait(lambda: page.query().startswith("/map?view="), "the view in the address")
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
    page.at("/map?id=603")
    page.run("arguments[0].focus()", page.one("canvas"))
    page.press(Keys.ARROW_RIGHT, "+", "-", "0")
    page.wait(lambda: page.texts("#chosen .title") != ["The Matrix"], "another film")
    title, = page.texts("#chosen .title")
    rows = [films["title"].index(name) for name in ("The Matrix", title)]
    assert films["x"][rows[0]] < films["x"][rows[1]]
    page.wait(lambda: title in page.run("document.getElementById('status').innerText"), "its title")
    page.press(Keys.ENTER)
    assert page.run("document.activeElement === document.querySelector('#chosen h2')")
    page.press(Keys.ESCAPE)
    page.wait(lambda: not page.one("#chosen").is_displayed(), "no panel")
    assert page.run("document.activeElement === document.querySelector('canvas')")
    page.press("/")
    assert page.run("document.activeElement.id") == "query"


def test_a_text_lights_its_ten_films_and_lists_them(page):
    """A text that shares words with a title is a text: it is not Paris Is Burning."""
    page.open("/map")
    page.map()
    text = "a heist goes wrong in Paris"
    page.type(text, Keys.ENTER)
    page.wait(lambda: len(page.texts("#chosen .near a")) == 10, "ten films")
    assert page.texts("#chosen .title") == [text]
    assert page.texts("#chosen .near a") == [
        film["title"] for film in page.recommended("recipe=best&text=" + text)["results"]]
    page.at("/map?text=a+heist+goes+wrong+in+Paris")
    page.wait(lambda: set(labels(page)) <= set(page.texts("#chosen .near a")), "their titles only")
    first = page.texts("#chosen .near a")[0]
    page.one("#chosen .near a").click()
    page.wait(lambda: page.texts("#chosen .title") == [first], first)
    page.one("#chosen .back").click()
    page.wait(lambda: page.texts("#chosen .title") == [text], "the text again")
    page.one("#chosen a.button").click()
    page.wait(lambda: page.query().startswith("/?text=a+heist"), "the cards")


def test_a_search_on_the_map_that_fails_says_so(page):
    page.open("/map")
    page.map()
    page.connected(False)
    page.type("matrix", Keys.ENTER)
    page.wait(lambda: "does not answer" in page.one("#notice").text, "that the server is gone")
    page.type("m")
    page.wait(lambda: not page.one("#notice").is_displayed(), "no more of it")
    page.connected(True)
    assert all("ERR_INTERNET_DISCONNECTED" in message for message in page.messages())


def test_the_films_nearest_to_one_are_links_for_who_does_not_see_the_map(page):
    page.open("/map?id=603")
    films = page.map()
    page.wait(lambda: page.texts("#chosen .near a"), "the nearest")
    assert page.texts("#chosen .near a") == [
        film["title"] for film in page.recommended("id=603&recipe=best")["results"]]
    link = page.one("#chosen .near a")
    title = link.text
    link.click()
    page.wait(lambda: page.texts("#chosen .title") == [title], title)
    page.wait(lambda: page.query().startswith(
        "/map?id={}".format(films["id"][films["title"].index(title)])), "its address")
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
    page.wait(lambda: page.query().startswith("/map?id={}".format(movie_id)), "its address")


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
    page.at("/map?only=" + other.text.replace(" ", "+"))
    page.driver.refresh()
    page.map()
    other = page.one("#legend [aria-pressed=true]")
    assert other.text == names[0 if genre else 1]
    page.pointer_at(films, movie_id).perform()
    assert not page.one("#tip").is_displayed()
    other.click()
    page.pointer_at(films, movie_id).move_by_offset(1, 0).perform()
    page.wait(lambda: page.one("#tip").is_displayed(), "the film")
    page.at("/map")


def test_a_colour_that_is_shown_alone_is_one_of_the_chosen_colours(page):
    page.open("/map?colour=decade&only=1990s")
    page.map()
    assert page.texts("#legend [aria-pressed=true]") == ["1990s"]
    page.one("#colour [value=rating]").click()
    page.at("/map?colour=rating")
    assert page.texts("#legend [aria-pressed=true]") == []
    page.open("/map?only=1990s")  # no genre
    page.map()
    assert page.texts("#legend [aria-pressed=true]") == []
    page.at("/map")


def test_points_and_key_have_the_colours_of_the_scheme(page):
    swatches = "[...document.querySelectorAll('.swatch')].map(e => e.style.background)"
    page.open("/map?only=Drama")
    films = page.map()
    place = page.place(films, next(each for each, genre in zip(films["id"], films["genre"])
                                   if films["genres"][genre] == "Drama"))
    seen = {}
    for scheme in ("light", "dark"):
        page.media(prefers_color_scheme=scheme)
        page.painted()
        seen[scheme] = page.run(swatches), page.pixel(*place)
        assert page.texts("#legend [aria-pressed=true]") == ["Drama"]
    (light, light_point), (dark, dark_point) = seen.values()
    assert len(light) == 13 and not set(light) & set(dark)
    assert light_point != dark_point


def test_filters_are_carried_over_and_back_and_can_be_removed(page):
    page.open("/map?id=603&genres=Drama,Crime&year_from=1990&recipe=mean4")
    films = page.map("mean4")
    page.wait(lambda: page.texts("#chosen .near a"), "the nearest")
    passing = {film["title"] for film in requests.get(
        page.address + "/api/v1/recommend", timeout=60, params={
            "genres": "Drama,Crime", "year_from": 1990, "k": 1000}).json()["results"]}
    assert page.texts("#chosen .near a")
    assert set(page.texts("#chosen .near a")) <= passing
    assert [token.get_attribute("aria-label") for token in page.all(".token")] == [
        "Remove the filter " + words for words in ("Drama", "Crime", "1990 and later")]
    page.wait(lambda: labels(page), "labels")
    assert set(labels(page)) & set(films["title"]) <= passing | {"The Matrix"}
    page.all(".token")[1].click()
    page.wait(lambda: "genres=Drama&year_from=1990" in page.query(), "one filter less")
    page.wait(lambda: len(page.texts("#chosen .near a")) == 10, "films of the others")
    page.one("#chosen a.button").click()
    page.wait(lambda: page.query() == "/?id=603&genres=Drama&year_from=1990&recipe=mean4",
              "the filters on the page")


def test_colours_and_recipe_can_be_chosen_and_stand_in_the_address(page):
    page.open("/map")
    page.map()
    assert page.texts("#recipe [aria-pressed=true]") == ["Best"]
    page.all("#colour button")[1].click()
    assert page.texts("#legend button")[:2] == ["Before 1950", "1950s"]
    page.all("#recipe button")[1].click()
    page.at("/map?colour=decade&recipe=mean4")
    page.wait(lambda: page.one("canvas").get_attribute("data-recipe") == "mean4", "its places")
    page.driver.refresh()
    page.map("mean4")
    assert page.texts("[aria-pressed=true]") == ["Research", "Decade"]
    page.all("#colour button")[2].click()
    assert page.texts("#legend button")[-1] == "8 or more"


def test_the_view_is_restored_from_the_address(page):
    page.open("/map?view=0.3000,0.6000,3.00")
    page.map()
    page.one("#in").click()
    page.wait(lambda: page.query().startswith("/map?view=") and page.query().endswith(",4.50"),
              "half as large again")
    page.one("#all").click()
    page.at("/map")


def test_on_a_phone_the_map_fills_the_screen_and_fingers_can_hit_all(page):
    page.screen(390, 844)
    page.open("/map?genres=Drama")
    page.map()
    box = page.one("canvas").rect
    assert (box["width"], box["x"], round(box["y"] + box["height"])) == (390, 0, 844)
    assert page.run("document.documentElement.scrollWidth") == 390
    small = ("[...document.querySelectorAll('main button, main .near li, main a.button')]"
             ".filter(e => e.offsetParent && e.offsetHeight < 44).map(e => e.outerHTML)")
    assert page.run(small) == []
    page.open("/map?id=603")
    page.map()
    page.wait(lambda: page.texts("#chosen .near a"), "the nearest")
    assert page.run(small) == []


def test_titles_cover_neither_each_other_nor_what_stands_on_the_map(page):
    for width, height in ((1280, 900), (390, 844)):
        page.screen(width, height)
        page.open("/map?id=603")
        page.map()
        page.wait(lambda: page.texts("#chosen .near a"), "the nearest")
        page.wait(lambda: "The Matrix" in labels(page), "labels")
        page.wait(lambda: page.run("document.getAnimations().every("
                                   "each => each.playState === 'finished')"), "rest")
        page.one("#all").click()
        page.wait(lambda: page.query() == "/map?id=603" and len(labels(page)) > 5, "labels")
        top = page.one("canvas").rect["y"]
        boxes = [label["box"] for label in json.loads(
            page.one("canvas").get_attribute("data-labels"))]
        over = page.run("[...document.querySelectorAll('.over')].filter(e => e.offsetParent)"
                        ".map(e => e.getBoundingClientRect().toJSON())")
        boxes += [[box["left"], box["top"] - top, box["right"], box["bottom"] - top]
                  for box in over]
        n_labels = len(boxes) - len(over)
        for at, one in enumerate(boxes[:n_labels]):
            assert one[0] >= 0 and one[2] <= width and one[1] >= 0
            for other in boxes[at + 1:]:
                assert not (one[0] < other[2] - 1 and other[0] + 1 < one[2]
                            and one[1] < other[3] - 1 and other[1] + 1 < one[3])
