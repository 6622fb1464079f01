"""The map zoomed by keys and buttons, in a real browser."""

from urllib.parse import parse_qs, urlsplit

import pytest

LARGEST = 400  # zoom
PRESSED = 16  # times, by which the largest is reached from the whole


def view(page):
    """Middle of the view and its zoom, as the address has them, or zeros."""
    given = parse_qs(urlsplit(page.query()).query).get("view", ["0,0,0"])
    return [float(part) for part in given[0].split(",")]


def in_view(page, films):
    """The ids of the films in sight, once the map rests at its largest zoom."""
    page.wait(lambda: view(page)[2] == LARGEST, "the largest zoom")
    x, y, zoom = view(page)
    box = page.one("canvas").rect
    side = 0.92 * min(box["width"], box["height"]) * zoom
    return {film for film, at_x, at_y in zip(films["id"], films["x"], films["y"])
            if abs(at_x / 65535 - x) * side < box["width"] / 2
            and abs(at_y / 65535 - y) * side < box["height"] / 2}


@pytest.mark.parametrize("size", [(1280, 900), (390, 844)])
@pytest.mark.parametrize("path", ["/map", "/map?view=0.0000,0.0000,8.00", "/map?genres=Horror"])
def test_zooming_by_keys_never_ends_on_an_empty_part(page, path, size):
    page.screen(*size)
    page.open(path)
    films = page.map()
    page.run("arguments[0].focus()", page.one("canvas"))
    page.press(*"+" * PRESSED)
    assert in_view(page, films)


def test_zooming_by_a_button_keeps_the_chosen_film_in_sight(page):
    page.open("/map?id=603")
    films = page.map()
    page.wait(lambda: page.texts("#chosen .near a"), "the nearest")
    for _ in range(PRESSED):
        page.one("#in").click()
    assert 603 in in_view(page, films)


def test_what_was_zoomed_in_can_be_zoomed_out_to_the_same_view(page):
    page.open("/map?id=603&view=0.5000,0.5000,1.00")
    page.map()
    page.wait(lambda: page.texts("#chosen .near a"), "the nearest")
    before = view(page)
    for button, zoom in (("#in", 2.25), ("#out", 1)):
        page.one(button).click()
        page.one(button).click()
        page.wait(lambda zoom=zoom: view(page)[2] == zoom, zoom)
    assert view(page) == pytest.approx(before, abs=1e-3)
