"""Colours that carry a meaning can be told from what they stand on, light and dark."""

import itertools
import os
import re

import pytest

from tests.colour_distance import ciede2000, lab, linear
from tests.conftest import ROOT

STATIC = os.path.join(ROOT, "serving", "static")


def read(name):
    with open(os.path.join(STATIC, name), encoding="utf-8") as file:
        return file.read()


def luminance(colour):
    """Relative luminance of "#rrggbb", as WCAG 2.1 defines it."""
    red, green, blue = linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def schemes():
    """The variables of the light scheme and those of the dark one."""
    found = [dict(re.findall(r"--([\w-]+): (.+?);", block))
             for block in re.findall(r":root \{(.+?)\}", read("style.css"), re.DOTALL)]
    assert len(found) == 2
    return found


def points_of(scheme):
    """The colours of points on the map in a scheme, by what they are for."""
    block = re.findall(r"(?:LIGHT|DARK) = \{(.+?)\n\};", read("map-colours.js"), re.DOTALL)[scheme]
    return {name: re.findall("#[0-9a-f]{6}", colours) for name, colours in re.findall(
        r"(\w+): (\[.+?\]|\".+?\")", block, re.DOTALL)}


def least_distance(colours, seen_by=None):
    return min(ciede2000(lab(one, seen_by), lab(other, seen_by))
               for one, other in itertools.combinations(colours, 2))


def test_contrast_is_that_of_wcag():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("scheme", [0, 1])
def test_points_of_the_map_and_bars_have_a_contrast_of_three(scheme):
    colours = schemes()[scheme]
    points = sum(points_of(scheme).values(), [])
    assert len(points) == 21
    for ground in ("paper", "card", "wash"):
        for point in points:
            assert contrast(point, colours[ground]) >= 3, (point, ground)
    for end in re.findall("#[0-9a-f]{6}", colours["bar"]):
        assert contrast(end, colours["line"]) >= 3, end


@pytest.mark.parametrize("one, other, distance", [
    ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
    ((50, 0, 0), (50, -1, 2), 2.3669),
    ((50, 2.5, 0), (73, 25, -18), 27.1492),
    ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082)])
def test_distances_are_those_of_ciede2000(one, other, distance):
    """The pairs are those that its authors published."""
    assert ciede2000(one, other) == pytest.approx(distance, abs=5e-5)


@pytest.mark.parametrize("scheme", [0, 1])
def test_genres_are_told_apart_by_their_colours(scheme):
    """A distance of about 2 is just seen side by side; small points far apart need much more."""
    points = points_of(scheme)
    genres = points["genres"] + points["other"]
    assert len(genres) == 13
    assert least_distance(genres) >= 18
    assert least_distance(points["steps"]) >= 15.5
    for blind in ("green", "red"):
        assert least_distance(genres, blind) >= 9.5
        assert least_distance(points["steps"], blind) >= 7.5


@pytest.mark.parametrize("scheme", [0, 1])
def test_steps_go_from_dark_to_light(scheme):
    lights = [luminance(colour) for colour in points_of(scheme)["steps"]]
    assert lights == sorted(lights)
