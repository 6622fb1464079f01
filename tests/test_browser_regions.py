"""Words that name the regions of the map, and the star of a text, in a real browser."""

import json

import numpy as np
import requests
from selenium.webdriver.common.keys import Keys

from recommender.index import Index

ZOOMS = (1, 2.4, 6)  # one of each level
NO_PLACE = "lie far apart"


def named(sample, recipe="best"):
    """The names of the regions at each level."""
    return [{name for _, _, name in of_level}
            for of_level in Index(sample.index).space(recipe).regions().values()]


def drawn(page):
    """The names of regions that stand on the map, once it rests."""
    labels = page.one("canvas").get_attribute("data-labels")
    return {label["words"] for label in json.loads(labels)
            if label["of"] == "region"} if labels else set()


def boxes(page):
    return [label["box"] for label in json.loads(page.one("canvas").get_attribute("data-labels"))]


def views(sample):
    """An address of the map for each level, and the name of the region in its middle."""
    for zoom, of_level in zip(ZOOMS, Index(sample.index).space("best").regions().values()):
        x, y, name = of_level[0]
        yield "/map?view={:.4f},{:.4f},{:.2f}".format(x, y, zoom), name


def wait_for(page, name):
    page.wait(lambda: name in drawn(page), name)


def test_regions_are_named_and_finer_ones_where_one_zooms_in(page, sample):
    levels = named(sample)
    for (view, name), names in zip(views(sample), levels):
        page.open(view)
        page.map()
        wait_for(page, name)
        assert not drawn(page) & (set().union(*levels) - names)
    page.open("/map")
    page.map()
    page.wait(lambda: len(drawn(page) & levels[0]) >= 8, "most of the coarsest")
    for _ in range(2):
        page.one("#in").click()
    page.wait(lambda: drawn(page) & levels[1] and not drawn(page) & (levels[0] - levels[1]),
              "finer ones")


def test_regions_are_those_of_the_recipe(page, sample):
    page.open("/map")
    page.map()
    page.wait(lambda: drawn(page) & named(sample)[0], "those of best")
    page.all("#recipe button")[1].click()
    of_best, of_mean4 = named(sample)[0], named(sample, "mean4")[0]
    page.wait(lambda: drawn(page) & (of_mean4 - of_best) and not drawn(page) & (of_best - of_mean4),
              "those of mean4")


def test_names_of_regions_cover_nothing(page, sample):
    for width, height in ((1440, 900), (390, 844)):
        page.screen(width, height)
        for view, name in views(sample):
            page.open(view)
            page.map()
            wait_for(page, name)
            found, top = boxes(page), page.one("canvas").rect["y"]
            over = page.run("[...document.querySelectorAll('.over')].filter(e => e.offsetParent)"
                            ".map(e => e.getBoundingClientRect().toJSON())")
            taken = [[box["left"], box["top"] - top, box["right"], box["bottom"] - top]
                     for box in over]
            for at, one in enumerate(found):
                assert one[0] >= 0 and one[1] >= 0 and one[2] <= width and one[3] <= height - top
                for other in found[at + 1:] + taken:
                    assert not (one[0] < other[2] - 1 and other[0] + 1 < one[2]
                                and one[1] < other[3] - 1 and other[1] + 1 < one[3])


def test_regions_are_told_to_who_does_not_see_the_map(page, sample):
    page.open("/map")
    page.map()
    page.wait(lambda: set(page.texts("#regions li")) == named(sample)[0], "a list")
    page.type("matrix", Keys.ENTER)
    page.wait(lambda: page.texts("#chosen .near a"), "the film")
    said = page.run("document.getElementById('status').innerText")
    assert said.startswith("The Matrix 1999, near ")
    assert said.rpartition(", near ")[2] in set().union(*named(sample))


def star(page):
    """The star's place on the map, from 0 to 1, once the text's films are there, or None."""
    page.wait(lambda: len(page.texts("#chosen .near a")) == 10, "ten films")
    page.wait(lambda: page.one("canvas").get_attribute("data-star") is not None, "it rests")
    place = page.one("canvas").get_attribute("data-star")
    return [float(each) for each in place.split(",")] if place else None


def placed(page, text):
    return requests.post(page.address + "/api/v1/map/place", timeout=60, json={
        "overview": text, "recipe": "best"}).json()["place"]


def test_a_star_shows_where_a_text_lies_if_its_films_lie_together(page):
    text = "Soldiers fight the German army in the war"
    place = placed(page, text)
    page.open("/map")
    page.map()
    page.type(text, Keys.ENTER)
    at = star(page)
    np.testing.assert_allclose(at, [place["x"] / 65535, place["y"] / 65535], atol=1e-4)
    assert NO_PLACE not in page.one("#chosen .note").get_attribute("textContent")
    page.one("#chosen .near a").click()
    page.wait(lambda: page.one("canvas").get_attribute("data-star") == "", "the film has no star")


def test_no_star_is_shown_and_that_is_said_where_they_lie_apart(page):
    text = "a heist goes wrong in Paris"
    assert placed(page, text) is None
    page.open("/map?text=" + text.replace(" ", "+"))
    page.map()
    assert star(page) is None
    assert NO_PLACE in page.one("#chosen .note").text
    page.open("/map?text=" + text.replace(" ", "+") + "&id=603")  # a text and a film: no star
    page.map()
    assert star(page) is None
    assert NO_PLACE not in page.one("#chosen .note").get_attribute("textContent")
