"""Measure how long a person waits for the first answer of the page on the sample catalogue.

    python -m benchmarks.first_answer

Prints milliseconds from the key Enter until the cards are painted, in the tests' browser: for a
title and for a text, each on a page that was just opened. The language model is loaded before.
"""

import argparse
import os

import numpy as np
from selenium.webdriver.common.keys import Keys

from tests.browser import Page, chromium
from tests.conftest import ROOT
from tests.served import running

_QUERIES = {"title": ("the matrix", "toy story", "titanic", "the godfather", "alien"),
            "text": ("a heist goes wrong in Paris", "a robot learns to love",
                     "two strangers fall in love on a journey", "a dog finds its way home",
                     "a small town hides a dark secret")}
# Notes when Enter is pressed and when the cards are on the screen: two frames after they came.
_WATCH = """
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter") window.pressed = event.timeStamp;
}, { capture: true });
new MutationObserver((_, observer) => {
  if (!document.querySelector(".card[data-id]")) return;
  observer.disconnect();
  requestAnimationFrame(() => requestAnimationFrame(() => { window.painted = performance.now(); }));
}).observe(document.getElementById("answer"), { childList: true, subtree: true });
"""


def answer_time(page: Page, text: str) -> float:
    """Return milliseconds from Enter to painted cards on a page that is opened anew."""
    page.open()
    page.driver.execute_script(_WATCH)
    page.type(text)
    page.suggestions()
    page.press(Keys.ENTER)
    page.wait(lambda: page.run("window.painted"), "cards")
    taken: float = page.run("window.painted - window.pressed")
    return taken


def main() -> None:
    flags = argparse.ArgumentParser(prog="benchmarks.first_answer",
                                    description=__doc__.splitlines()[0])
    flags.add_argument("--rounds", type=int, default=5)
    args = flags.parse_args()
    data = os.path.join(ROOT, "data")
    with chromium() as driver, running(
            "--index", os.path.join(data, "sample_index.h5"), "--features",
            os.path.join(data, "sample_features"), "--preload", "--port", 0) as server:
        page = Page(driver, "http://127.0.0.1:{}".format(server.port))
        page.screen(1280, 900)
        answer_time(page, "a film that is not counted")
        for kind, texts in _QUERIES.items():
            times = [answer_time(page, text) for _ in range(args.rounds) for text in texts]
            print("{}: median {:.0f} ms, 90th percentile {:.0f}, of {}".format(
                kind, np.median(times), np.percentile(times, 90), len(times)))


if __name__ == "__main__":
    main()
