"""Measure how near to their own points films land that are placed on the map as texts.

    python -m benchmarks.text_places --index data/sample_index.h5

Each film is left out of the nearest films, and placed by its overview as if it were a text; the
map itself is of all films. Prints, by recipe, how many films get a place, and how far from their
own points these lie, beside the place of another film at random and the mean of the ten nearest.
Distances are in sides of the map.
"""

import argparse
from typing import List

import numpy as np

from recommender.index import SAMPLE_INDEX
from recommender.recommender import Recommender
from recommender.text_places import NEAREST, place_among

WITHIN = (0.05, 0.1)  # distances of which the share of the films is told
_LINE = "{:8}  {:24}  {:>6.0%}  {:>8.3f}" + "  {:>7.0%}" * len(WITHIN)


def measure(recommender: Recommender, recipe: str, n: int) -> List[str]:
    """Return lines that tell how near `n` films land, drawn at equal distances."""
    index = recommender.index
    space, overviews = index.space(recipe), index.column("overview")
    rows = np.unique(np.linspace(0, len(index) - 1, n).astype(int))
    points = space.map()
    near = [points[space.nearest(space.embed(source), NEAREST, [row])[0]]
            for row, source in zip(rows, recommender.sources([overviews[row] for row in rows]))]
    found = [place_among(each) for each in near]
    sure = np.array([each.is_sure for each in found])
    everywhere = np.ones(len(rows), bool)
    others = np.random.RandomState(0).permutation(len(points))[:len(rows)]
    ways = (("placed", [each.place for each in found], sure),
            ("if none were refused", [each.place for each in found], everywhere),
            ("mean of the ten nearest", [each.mean(axis=0) for each in near], everywhere),
            ("another film at random", points[others], everywhere))
    lines = []
    for name, places, counts in ways:
        away = np.hypot(*(np.array(places) - points[rows]).T)[counts]
        lines.append(_LINE.format(recipe, name, counts.mean(), np.median(away), *(
            (away <= most).mean() for most in WITHIN)))
    return lines


def main() -> None:
    flags = argparse.ArgumentParser(prog="benchmarks.text_places",
                                    description=__doc__.splitlines()[0])
    flags.add_argument("--index", default=SAMPLE_INDEX)
    flags.add_argument("--films", type=int, default=600, help="films that are placed")
    args = flags.parse_args()
    recommender = Recommender.open(args.index)
    print("{:8}  {:24}  {:>6}  {:>8}".format("recipe", "place", "films", "median") + "".join(
        "  {:>7}".format("≤ {}".format(most)) for most in WITHIN))
    for recipe in recommender.index.recipes:
        if recommender.index.space(recipe).has_map:
            print("\n".join(measure(recommender, recipe, args.films)))


if __name__ == "__main__":
    main()
