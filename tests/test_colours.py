"""Colours that carry a meaning can be told from what they stand on, light and dark."""

import os
import re

import pytest

from tests.conftest import ROOT

STATIC = os.path.join(ROOT, "serving", "static")


def read(name):
    with open(os.path.join(STATIC, name), encoding="utf-8") as file:
        return file.read()


def luminance(colour):
    """Relative luminance of "#rrggbb", as WCAG 2.1 defines it."""
    parts = [int(colour[at:at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
                        for part in parts)
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


def test_contrast_is_that_of_wcag():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("scheme", [0, 1])
def test_points_of_the_map_and_bars_have_a_contrast_of_three(scheme):
    colours = schemes()[scheme]
    points = re.findall("#[0-9a-f]{6}", read("map-colours.js"))
    assert len(points) > 20
    for ground in ("paper", "card", "wash"):
        for point in points:
            assert contrast(point, colours[ground]) >= 3, (point, ground)
    for end in re.findall("#[0-9a-f]{6}", colours["bar"]):
        assert contrast(end, colours["line"]) >= 3, end
