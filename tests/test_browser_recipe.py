"""The switch of recipes in a real browser."""

import pytest

BEST = "The way that finds most of a film’s series."
RESEARCH = "The research’s own way, by each word’s meaning."


PHONE = (360, 740)


@pytest.mark.parametrize("size", [(1280, 900), PHONE])
def test_a_line_says_what_the_chosen_recipe_is(page, size):
    page.screen(*size)
    page.open("/?id=603&recipe=mean4")
    page.answer("The Matrix 1999")
    line = page.one(".told-recipe")
    assert (line.is_displayed(), line.text) == (True, RESEARCH)
    switch = page.one(".switch").rect
    assert line.rect["y"] >= switch["y"] + switch["height"]
    page.one("[data-recipe=best]").click()
    if size == PHONE:  # what answers first of all is explained with the filters, to save room
        page.wait(lambda: not line.is_displayed(), "no line")
        page.one("#open-filters").click()
    page.wait(lambda: line.text == BEST, BEST)
    page.driver.back()
    page.wait(lambda: line.text == RESEARCH, RESEARCH)
