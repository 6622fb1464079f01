"""The way back on the map in a real browser: each choice is an entry of the history."""

from selenium.webdriver.common.keys import Keys

TEXT = "a robot learns to love"


def chosen(page, title):
    """Wait until the panel is about that, with its films."""
    page.wait(lambda: page.texts("#chosen:not([hidden]) .title") == [title]
              and page.texts("#chosen .nearest:not([hidden]) a"), title)


def closed(page):
    page.wait(lambda: not page.one("#chosen").is_displayed(), "no panel")


def back(page, path):
    page.driver.back()
    page.at(path)


def test_the_way_back_on_the_map_leads_through_what_was_chosen(page):
    page.open("/map")
    page.map()
    page.at("/map")
    page.type("matrix", Keys.ENTER)
    chosen(page, "The Matrix")
    page.at("/map?id=603")
    page.type(TEXT, Keys.ENTER)
    chosen(page, TEXT)
    page.at("/map?text=a+robot+learns+to+love")
    first = page.texts("#chosen .near a")[0]
    page.one("#chosen .near a").click()
    chosen(page, first)
    page.wait(lambda: page.query().startswith("/map?id="), first)
    film = page.query()
    page.one("#chosen .close").click()
    chosen(page, TEXT)
    page.at("/map?text=a+robot+learns+to+love")
    page.one("#chosen .close").click()
    closed(page)
    page.at("/map")
    back(page, "/map?text=a+robot+learns+to+love")
    chosen(page, TEXT)
    back(page, film)
    chosen(page, first)
    back(page, "/map?text=a+robot+learns+to+love")
    chosen(page, TEXT)
    back(page, "/map?id=603")
    chosen(page, "The Matrix")
    assert not page.one("#chosen .back").is_displayed()
    back(page, "/map")
    closed(page)
    page.driver.forward()
    page.at("/map?id=603")
    chosen(page, "The Matrix")


def test_a_view_colours_and_filters_make_no_entry_and_come_back_with_theirs(page):
    page.open("/")
    page.open("/map?genres=Drama")
    page.map()
    page.one("#colour [value=decade]").click()
    page.one("#legend [value='1990s']").click()
    page.run("document.querySelector('canvas').focus()")
    page.press("+")
    page.wait(lambda: "colour=decade&only=1990s&view=" in page.query(), "colours and view")
    before = page.query()
    page.type("matrix", Keys.ENTER)
    chosen(page, "The Matrix")
    page.wait(lambda: page.query().startswith("/map?id=603"), "its address")
    page.one("#tokens button").click()
    page.one("#colour [value=rating]").click()
    page.one("#recipe [value=mean4]").click()
    page.one("#legend [value='7 to 8']").click()
    page.wait(lambda: page.query().startswith("/map?id=603&colour=rating&only=7+to+8")
              and page.query().endswith("&recipe=mean4"), "its address")
    assert "genres" not in page.query()

    back(page, before)
    closed(page)
    assert "Drama" in page.texts("#tokens:not([hidden]) button")[0]
    for value in ("decade", "1990s", "best"):
        assert page.one("[value='{}']".format(value)).get_attribute("aria-pressed") == "true"
    page.wait(lambda: page.one("canvas").get_attribute("data-recipe") == "best", "its recipe")
    page.painted()
    page.driver.forward()
    page.wait(lambda: page.texts("#legend [aria-pressed=true]") == ["7 to 8"], "the rating alone")
    back(page, before)
    back(page, "/")


def test_the_way_back_to_the_map_shows_what_was_seen_of_it(page):
    page.open("/map?id=603")
    page.map()
    page.wait(lambda: page.run("history.state"), "an entry")
    seen = page.run("history.state.view")
    page.one("#chosen a.button").click()
    page.answer("The Matrix 1999")
    page.driver.back()
    page.map()
    chosen(page, "The Matrix")
    assert page.run("history.state.view") == seen
