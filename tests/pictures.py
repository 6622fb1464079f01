"""Takes the README's pictures of the pages, `make pictures`."""

import os

from tests.browser import Page, chromium
from tests.conftest import ROOT
from tests.served import running

PICTURES = {"page.png": "/?id=603", "map.png": "/map"}


def main():
    os.makedirs(os.path.join(ROOT, "docs"), exist_ok=True)
    index = os.path.join(ROOT, "data", "sample_index.h5")
    with chromium() as driver, running("--index", index, "--port", 0) as server:
        page = Page(driver, "http://127.0.0.1:{}".format(server.port))
        page.screen(1100, 760)
        page.media(prefers_reduced_motion="reduce", prefers_color_scheme="light")
        for name, path in PICTURES.items():
            page.open(path)
            page.one("canvas[data-ready], .card")
            # The page is drawn with the next frame.
            driver.execute_async_script("requestAnimationFrame(() => requestAnimationFrame("
                                        "arguments[arguments.length - 1]))")
            driver.save_screenshot(os.path.join(ROOT, "docs", name))


if __name__ == "__main__":
    main()
