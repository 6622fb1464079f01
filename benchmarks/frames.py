"""Measure how smoothly a browser without a graphics card moves and zooms the map of many films.

    python -m benchmarks.frames

Prints frames a second (60 are all that the browser shows), the longest frame, and how long the
map takes to be there. The films are those of the sample, again and again, at random places.
"""

import argparse
import os
import tempfile
import time

import h5py
import numpy as np

from benchmarks.catalogues import repeated, write_csv
from benchmarks.workers import prepare
from recommender.catalogue import read_catalogue
from tests.browser import Page, chromium
from tests.conftest import ROOT, SAMPLE
from tests.served import running

_CLUSTERS = 120
_MOVE = """
const [how, done] = arguments, canvas = document.querySelector("canvas");
const box = canvas.getBoundingClientRect();
let x = box.left + box.width / 2, y = box.top + box.height / 2;
let frame = 0, longest = 0, began, before;
const point = (kind) => canvas.dispatchEvent(
  new PointerEvent(kind, { pointerId: 1, clientX: x, clientY: y }));
canvas.setPointerCapture = () => {}; // no real pointer is there to be captured
if (how === "move") point("pointerdown");
requestAnimationFrame(function next(now) {
  began ??= now;
  longest = Math.max(longest, now - (before ?? now));
  before = now;
  if (++frame > 120) {
    point("pointerup");
    done([(frame - 1) * 1000 / (now - began), longest]);
    return;
  }
  x += 6 * Math.sin(frame / 9);
  y += 6 * Math.cos(frame / 9);
  if (how === "move") point("pointermove");
  else canvas.dispatchEvent(new WheelEvent("wheel", { clientX: x, clientY: y, cancelable: true,
    deltaY: frame < 60 ? -60 : 60 }));
  requestAnimationFrame(next);
});
"""


def write_index(folder: str, n: int) -> str:
    """Write an index of `n` films with a map of clusters into `folder`; return its path."""
    movies = read_catalogue(os.path.join(ROOT, SAMPLE)).movies
    path = os.path.join(folder, "index.h5")
    prepare.index(write_csv(os.path.join(folder, "movies.csv"), repeated(movies, n)), 64, path)
    random = np.random.RandomState(0)
    middles = random.uniform(0.1, 0.9, (_CLUSTERS, 2))
    places = middles[random.randint(_CLUSTERS, size=n)] + random.normal(0, 0.02, (n, 2))
    with h5py.File(path, "a") as file:
        file["recipes/mean4/map"] = places.clip(0, 1).astype(np.float32)
    return path


def main() -> None:
    flags = argparse.ArgumentParser(prog="benchmarks.frames", description=__doc__.splitlines()[0])
    flags.add_argument("--films", type=int, default=45000)
    args = flags.parse_args()
    with tempfile.TemporaryDirectory() as folder, chromium() as driver, running(
            "--index", write_index(folder, args.films), "--port", 0) as server:
        page = Page(driver, "http://127.0.0.1:{}".format(server.port))
        for name, width, height in (("desk", 1280, 860), ("phone", 375, 812)):
            page.screen(width, height)
            began = time.perf_counter()
            page.open("/map")
            page.one("canvas[data-ready]")
            print("{}: there after {:.2f} s".format(name, time.perf_counter() - began))
            for how in ("move", "zoom"):
                print("{}, {}: {:.0f} frames a second, the longest {:.0f} ms".format(
                    name, how, *driver.execute_async_script(_MOVE, how)))


if __name__ == "__main__":
    main()
