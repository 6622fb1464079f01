"""Layout: places of things on the pages, and their moves, in a real browser."""

import re

import pytest

from tests.views import VIEWS

MATRIX = "The Matrix 1999"
DESK, TABLET, PHONE = (1440, 900), (820, 1180), (390, 844)
PHONES = [(360, 740), PHONE]
LONGEST = "wwm_uncased_L-24_H-1024_A-16"  # the name of a published checkpoint


def box(page, selector):
    """The rectangle of the first element that matches, in pixels of the window."""
    return page.run("arguments[0].getBoundingClientRect().toJSON()", page.one(selector))


def is_in_sight(page, selector):
    """True if the middle of an element is in the window and nothing covers it."""
    return page.run("(e => { const b = e.getBoundingClientRect();"
                    "return e.contains(document.elementFromPoint((b.left + b.right) / 2,"
                    "(b.top + b.bottom) / 2)); })(arguments[0])", page.one(selector))


@pytest.fixture()
def slowly(page):
    """The page, with animations that last a hundred times as long."""
    page.driver.execute_cdp_cmd("Animation.enable", {})
    page.driver.execute_cdp_cmd("Animation.setPlaybackRate", {"playbackRate": 0.01})
    yield page
    page.driver.execute_cdp_cmd("Animation.setPlaybackRate", {"playbackRate": 1})
    page.driver.execute_cdp_cmd("Animation.disable", {})


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_cards_glide_to_their_new_places_where_motion_is_wanted(slowly, motion):
    slowly.media(prefers_reduced_motion=motion)
    slowly.open("/?id=603")
    best = slowly.answer(MATRIX)
    slowly.one("[data-recipe=mean4]").click()
    slowly.wait(lambda: slowly.texts(".card .title") != best, "the research's films")
    moved = [title for rank, title in enumerate(slowly.texts(".card .title"))
             if title in best and best.index(title) != rank]
    assert moved
    gliding = slowly.run(
        "document.getAnimations().filter(each => each.playState === 'running'"
        " && each.effect.target.matches('.card') && !(each instanceof CSSAnimation)"
        " && new DOMMatrix(each.effect.getKeyframes()[0].transform).isIdentity === false)"
        ".map(each => each.effect.target.querySelector('.title').textContent)")
    assert sorted(gliding) == (sorted(moved) if motion == "no-preference" else [])


@pytest.mark.parametrize("size", [DESK, TABLET, PHONE])
def test_the_best_rated_films_to_choose_from_stand_under_a_label(page, size):
    page.screen(*size)
    page.open()
    chip = page.chip("Top 100")
    label = page.run("document.getElementById(arguments[0].closest('[role=group]')"
                     ".getAttribute('aria-labelledby'))", chip)
    assert label.text == "Best rated"
    assert label.rect["x"] <= chip.rect["x"]
    assert label.rect["y"] - chip.rect["height"] < chip.rect["y"] < label.rect["y"] + 60


@pytest.mark.parametrize("path", ["/?id=603", "/?text=a+robot&genres=Drama"])
def test_filters_variety_and_recipe_share_a_row_on_a_desk(page, path):
    page.screen(*DESK)
    page.open(path)
    page.one(".card")
    middles = [each["top"] + each["height"] / 2 for each in (
        box(page, selector) for selector in ("#open-filters", ".variety", ".switch"))]
    assert max(middles) - min(middles) < 4


@pytest.mark.parametrize("size", [DESK, PHONE])
def test_opened_filters_stand_between_what_opens_them_and_the_answer(page, size):
    page.screen(*size)
    page.open("/?id=603")
    page.one(".card")
    page.one("#open-filters").click()
    opened = box(page, "#filters")
    assert opened["top"] >= box(page, "#open-filters")["bottom"]
    assert opened["bottom"] <= box(page, ".asked")["top"]
    assert opened["top"] - box(page, "#open-filters")["bottom"] < 44


def test_a_film_that_is_not_there_offers_no_recipes(page):
    VIEWS["no film"](page)
    assert not page.one("#controls").is_displayed()


@pytest.mark.parametrize("size", PHONES)
@pytest.mark.parametrize("path, at_most", [
    ("/?id=603", 400), ("/?text=a+robot+learns+to+love", 330), ("/?genres=Horror", 300),
    ("/?text=a+robot+learns+to+love&genres=Drama&year_from=1990", 380),
    ("/?id=603&genres=Drama&year_from=1990&top_rated=250", 450),
    ("/?id=603&id=862&not_id=597", 430), ("/?id=603&recipe=compare", 520)])
def test_on_a_phone_the_first_film_stands_high_on_the_screen(page, size, path, at_most):
    page.screen(*size)
    page.media(prefers_reduced_motion="reduce")
    page.open(path)
    page.wait(lambda: page.all(".card, .row"), "films")
    assert box(page, ".card, .row")["top"] <= at_most


def test_on_a_phone_the_story_of_the_film_asked_for_unfolds(page):
    page.screen(*PHONE)
    page.open("/?id=603")
    page.answer(MATRIX)
    button = page.one(".unfold")
    low = box(page, ".asked .overview")["height"]
    for is_whole in (True, False):
        button.click()
        assert button.get_attribute("aria-expanded") == str(is_whole).lower()
        assert (box(page, ".asked .overview")["height"] > 2 * low) == is_whole
    page.screen(*DESK)
    assert not button.is_displayed()
    assert page.run("(e => e.scrollHeight === e.clientHeight)"
                    "(document.querySelector('.asked .overview'))")


def test_on_a_phone_variety_stands_with_the_filters_or_where_it_is_changed(page):
    page.screen(*PHONE)
    page.open("/?id=603")
    page.answer(MATRIX)
    slider = page.one("#diverse")
    assert not slider.is_displayed()
    page.one("#open-filters").click()
    assert slider.is_displayed()
    page.open("/?id=603&diverse=0.5")
    assert page.one("#diverse").is_displayed()


@pytest.mark.parametrize("size", PHONES)
def test_on_a_phone_the_map_tells_whole_what_answers(page, size):
    page.screen(*size)
    VIEWS["map"](page)
    page.run("void (arguments[0].firstChild.data += arguments[1])", page.one(".made span"),
             " · " + LONGEST)
    line, told = box(page, ".made-here"), box(page, ".made span")
    assert line["left"] <= told["left"] and told["right"] <= line["right"] <= size[0]
    assert line["top"] <= told["top"] and told["bottom"] <= line["bottom"]
    assert page.run("(e => e.scrollWidth <= e.clientWidth)(document.querySelector('.made-here'))")


@pytest.mark.parametrize("size", [DESK, PHONE])
def test_a_banner_is_in_sight_wherever_the_page_is_scrolled_to(page, size):
    page.screen(*size)
    VIEWS["gone"](page)
    assert page.run("scrollY") > 500
    assert is_in_sight(page, "#banner")


@pytest.mark.parametrize("size", [(1440, 600), PHONE])
def test_the_panel_of_the_map_can_be_closed_wherever_it_is_scrolled_to(page, size):
    page.screen(*size)
    VIEWS["map of a film"](page)
    last = page.all("#chosen .near a")[-1]
    page.run("void arguments[0].scrollIntoView({behavior: 'instant'})", last)
    assert page.run("arguments[0].scrollTop", page.one("#chosen .scrolls")) > 50
    assert is_in_sight(page, "#chosen .close")
    page.one("#chosen .close").click()
    page.wait(lambda: not page.one("#chosen").is_displayed(), "no panel")


@pytest.mark.parametrize("size", [TABLET, *PHONES])
def test_two_recipes_stand_side_by_side_also_where_there_is_little_room(page, size):
    page.screen(*size)
    VIEWS["compare"](page)
    left, right = (each.rect for each in page.all(".column"))
    assert left["y"] == right["y"]
    assert left["x"] + left["width"] <= right["x"]


@pytest.mark.parametrize("size", [DESK, TABLET, PHONE])
def test_the_map_says_what_a_point_is(page, size):
    page.screen(*size)
    VIEWS["map"](page)
    assert page.one("#help").is_displayed()
    assert page.one("#help").text.startswith("Each point is a film: close ones have similar ")
    tools, told = box(page, ".tools"), box(page, "#help")
    assert told["right"] <= tools["left"] or told["bottom"] <= tools["top"]


@pytest.mark.parametrize("view", ["start", "map", "about"])
def test_what_answers_is_told_in_words_with_spaces_between_them(page, view):
    page.screen(*PHONE)
    VIEWS[view](page)
    if view != "about":
        assert re.search(r"533 films · .* · built \d{4}-\d\d-\d\d$", page.texts(".made")[0])
    if view != "map":
        assert not any(line.startswith(".") for line in page.one("footer").text.splitlines())


@pytest.mark.parametrize("path", ["/", "/map", "/about", "/nope"])
@pytest.mark.parametrize("has_fonts", [True, False])
def test_name_and_views_share_a_row_on_a_phone(page, path, has_fonts):
    page.screen(360, 740)
    page.open(path)
    if not has_fonts:  # as before they are loaded
        page.run("['--sans', '--serif'].forEach(each => "
                 "document.documentElement.style.setProperty(each, 'sans-serif'))")
    page.messages()  # the answer 404 stands in the console
    boxes = page.run("[...document.querySelectorAll('.name, .top nav a')]"
                     ".map(e => e.getBoundingClientRect().toJSON())")
    assert len(boxes) == 5
    assert len({box["top"] for box in boxes}) == 1
    assert all(box["height"] >= 44 and box["width"] >= 44 and box["right"] <= 360 for box in boxes)
