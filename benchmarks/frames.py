"""Measure how smoothly a browser without a graphics card moves and zooms the map of many films.

    python -m benchmarks.frames

Prints the median time in which a frame is drawn, frames a second (60 are all that the browser
shows) and the longest frame, and after how long the map is seen, and whole, on a connection of 10
Mbit/s. The films have the overviews of the sample, again and again, titles of words out of these,
random numbers of votes, ratings and places.
"""

import argparse
import os
import tempfile
import time
from typing import Iterable, Iterator, Sequence

import h5py
import numpy as np

from benchmarks.catalogues import repeated, write_csv
from benchmarks.workers import prepare
from recommender.catalogue import read_catalogue
from recommender.movie import Movie
from recommender.words import words_of
from tests.browser import Page, chromium
from tests.conftest import ROOT, SAMPLE
from tests.served import running

_CLUSTERS = 120
_MEGABITS = 10  # a second, of the connection
# Seconds from the opening of the page on, of what it marks.
_WHEN = """performance.getEntriesByType("mark").map((mark) => [mark.name, mark.startTime / 1000])"""
_SIZES = """
const [done] = arguments;
done(performance.getEntriesByType("resource").filter((each) => each.name.includes("/map/")).map(
  (each) => [new URL(each.name).pathname, each.encodedBodySize]));
"""
_MOVE = """
const [how, done] = arguments, canvas = document.querySelector("canvas");
const own = window.requestAnimationFrame.bind(window), drawing = [];
// Times what the page draws in a frame.
window.requestAnimationFrame = (draw) => own((now) => {
  const before = performance.now();
  draw(now);
  drawing.push(performance.now() - before);
});
const box = canvas.getBoundingClientRect();
let x = box.left + box.width / 2, y = box.top + box.height / 2;
let frame = 0, longest = 0, began, before;
const point = (kind) => canvas.dispatchEvent(
  new PointerEvent(kind, { pointerId: 1, clientX: x, clientY: y }));
canvas.setPointerCapture = () => {}; // no real pointer is there to be captured
if (how === "move") point("pointerdown");
own(function next(now) {
  began ??= now;
  longest = Math.max(longest, now - (before ?? now));
  before = now;
  if (++frame > 120) {
    point("pointerup");
    window.requestAnimationFrame = own;
    drawing.sort((one, other) => one - other);
    done([drawing[drawing.length >> 1], (frame - 1) * 1000 / (now - began), longest]);
    return;
  }
  x += 6 * Math.sin(frame / 9);
  y += 6 * Math.cos(frame / 9);
  if (how === "move") point("pointermove");
  else canvas.dispatchEvent(new WheelEvent("wheel", { clientX: x, clientY: y, cancelable: true,
    deltaY: frame < 60 ? -60 : 60 }));
  own(next);
});
"""


def renamed(movies: Iterable[Movie], overviews: Sequence[str]) -> Iterator[Movie]:
    """Yield films under titles of their own, made of words of overviews as most titles are: of
    one to five, and with ids, votes and ratings as they are in a large catalogue."""
    words = sorted({word.capitalize() for text in overviews for word, _, _ in words_of(text)})
    random, known = np.random.RandomState(0), set()
    for movie in movies:
        title = ""
        while not title or title in known:
            chosen = random.choice(words, random.choice(5, p=[0.15, 0.3, 0.3, 0.15, 0.1]) + 1)
            title = " ".join(chosen)
        known.add(title)
        yield movie._replace(
            id=10 * movie.id + random.randint(10), title=title,
            vote_count=int(random.lognormal(3, 2)), vote_average=round(random.normal(6, 1.2), 1))


def write_index(folder: str, n: int) -> str:
    """Write an index of `n` films with a map of clusters into `folder`; return its path."""
    movies = read_catalogue(os.path.join(ROOT, SAMPLE)).movies
    path = os.path.join(folder, "index.h5")
    films = renamed(repeated(movies, n), [movie.overview for movie in movies])
    prepare.index(write_csv(os.path.join(folder, "movies.csv"), films), 64, path)
    random = np.random.RandomState(0)
    middles = random.uniform(0.1, 0.9, (_CLUSTERS, 2))
    places = middles[random.randint(_CLUSTERS, size=n)] + random.normal(0, 0.02, (n, 2))
    with h5py.File(path, "a") as file:
        file["recipes/mean4/map"] = places.clip(0, 1).astype(np.float32)
    return path


def index_in(folder: str, n: int) -> str:
    """Return the path of the index of `n` films in a folder, which is written once."""
    path = os.path.join(folder, "index.h5")
    return path if os.path.exists(path) else write_index(folder, n)


def main() -> None:
    flags = argparse.ArgumentParser(prog="benchmarks.frames", description=__doc__.splitlines()[0])
    flags.add_argument("--films", type=int, default=45000)
    flags.add_argument("--rounds", type=int, default=3, help="times the page is opened")
    flags.add_argument("--folder", help="where the index is kept for the next run, if it is there")
    args = flags.parse_args()
    with tempfile.TemporaryDirectory() as folder, chromium() as driver, running(
            "--index", index_in(args.folder or folder, args.films), "--port", 0) as server:
        page = Page(driver, "http://127.0.0.1:{}".format(server.port))
        for name, width, height in (("desk", 1280, 860), ("phone", 375, 812)):
            page.screen(width, height)
            page.connected(True, megabits=_MEGABITS)
            for _ in range(args.rounds):
                page.forget()
                began = time.perf_counter()
                page.open("/map")
                page.one("canvas[data-ready]")
                print("{}: there after {:.2f} s; {}".format(
                    name, time.perf_counter() - began, ", ".join(
                        "{} {:.2f} s".format(*each) for each in page.run(_WHEN))))
            for how in ("move", "zoom"):
                print("{}, {}: {:.1f} ms for a frame, {:.0f} frames a second, the longest "
                      "{:.0f} ms".format(name, how, *driver.execute_async_script(_MOVE, how)))
        sizes = driver.execute_async_script(_SIZES)
        print("compressed, in kB: {}".format(", ".join(
            "{} {:.0f}".format(name, size / 1000) for name, size in sizes)))


if __name__ == "__main__":
    main()
