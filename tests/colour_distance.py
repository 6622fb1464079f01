"""CIEDE2000: the distance of two colours as the eye sees it."""

import math

import numpy as np

_XYZ = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
                 [0.0193339, 0.1191920, 0.9503041]])  # of linear sRGB, under D65
_WHITE = np.array([0.95047, 1.0, 1.08883])
# Colours as people see them who have no cones for green, and none for red: Machado, Oliveira and
# Fernandes 2009, A Physiologically-based Model for Simulation of Color Vision Deficiency, table 1.
BLIND = {
    "green": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                       [-0.011820, 0.042940, 0.968881]]),
    "red": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                     [-0.003882, -0.048116, 1.051998]])}


def linear(colour):
    """Return linear sRGB of "#rrggbb", float64 (3,)."""
    parts = np.array([int(colour[at:at + 2], 16) / 255 for at in (1, 3, 5)])
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def lab(colour, seen_by=None):
    """Return CIE L*a*b* of "#rrggbb", as people see it who are blind for `seen_by` if given."""
    parts = linear(colour)
    if seen_by:
        parts = np.clip(BLIND[seen_by] @ parts, 0, 1)
    x, y, z = (np.cbrt(part) if part > 216 / 24389 else (24389 / 27 * part + 16) / 116
               for part in _XYZ @ parts / _WHITE)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def ciede2000(one, other):
    """Return the distance of two L*a*b* colours: Sharma, Wu and Dalal 2005, equations 2 to 22."""
    (light, a, b), (light2, a2, b2) = one, other
    middle = (math.hypot(a, b) + math.hypot(a2, b2)) / 2
    grey = 1.5 - 0.5 * math.sqrt(middle ** 7 / (middle ** 7 + 25 ** 7))
    chroma, chroma2 = math.hypot(a * grey, b), math.hypot(a2 * grey, b2)
    hue, hue2 = (math.degrees(math.atan2(y, x * grey)) % 360 for x, y in ((a, b), (a2, b2)))
    turn = (hue2 - hue + 180) % 360 - 180 if chroma * chroma2 else 0
    mean_hue = (hue + turn / 2) % 360 if chroma * chroma2 else hue + hue2
    mean_light, mean = (light + light2) / 2, (chroma + chroma2) / 2

    def cosine(degrees):
        return math.cos(math.radians(degrees))

    weight = (1 - 0.17 * cosine(mean_hue - 30) + 0.24 * cosine(2 * mean_hue)
              + 0.32 * cosine(3 * mean_hue + 6) - 0.2 * cosine(4 * mean_hue - 63))
    apart = (mean_light - 50) ** 2
    lights = (light2 - light) / (1 + 0.015 * apart / math.sqrt(20 + apart))
    chromas = (chroma2 - chroma) / (1 + 0.045 * mean)
    hues = (2 * math.sqrt(chroma * chroma2) * math.sin(math.radians(turn / 2))
            / (1 + 0.015 * mean * weight))
    rotation = (-2 * math.sqrt(mean ** 7 / (mean ** 7 + 25 ** 7))
                * math.sin(math.radians(60 * math.exp(-((mean_hue - 275) / 25) ** 2))))
    return math.sqrt(lights ** 2 + chromas ** 2 + hues ** 2 + rotation * chromas * hues)
