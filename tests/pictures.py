"""Takes the README's pictures of the pages, `make pictures`."""

import os

from tests.browser import Page, chromium
from tests.conftest import ROOT
from tests.served import running

PICTURES = {  # what is opened, its size in pixels, and what is pressed and then waited for
    "page.png": ("/?id=603", (1100, 1440), ".why", ".reasons mark"),
    "compare.png": ("/?id=603&recipe=compare", (1100, 1310), None, ".row"),
    "map.png": ("/map?id=603&view=0.4300,0.5000,1.00", (1280, 840), None, "#chosen .near a")}


def main():
    os.makedirs(os.path.join(ROOT, "docs"), exist_ok=True)
    data = os.path.join(ROOT, "data")
    with chromium() as driver, running(
            "--index", os.path.join(data, "sample_index.h5"),
            "--features", os.path.join(data, "sample_features"), "--port", 0) as server:
        page = Page(driver, "http://127.0.0.1:{}".format(server.port))
        page.media(prefers_reduced_motion="reduce", prefers_color_scheme="light")
        for name, (path, size, pressed, awaited) in PICTURES.items():
            page.screen(*size)
            page.open(path)
            if pressed:
                page.one(pressed).click()
            page.one(awaited)
            page.painted()
            driver.save_screenshot(os.path.join(ROOT, "docs", name))


if __name__ == "__main__":
    main()
