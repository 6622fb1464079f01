"""A browser without a window, and what a person sees and does in it."""

import contextlib
import io
import json
import os
import shutil
import subprocess
import tempfile
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from matplotlib.image import imread
from selenium.webdriver import ActionChains, Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait
from selenium_axe_python import Axe

from tests.served import running
from tests.views import VIEWS

SECONDS = 120  # for the graph to be loaded on a busy machine; all else takes a moment
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# A fine pointer that can hover: without a window there is none, and `@media (hover: hover)` fails.
_MOUSE = ("--blink-settings=primaryHoverType=2,availableHoverTypes=2,primaryPointerType=4,"
          "availablePointerTypes=4")


def has_browser():
    """True if there is a chromium with its driver."""
    return bool(shutil.which("chromedriver") and any(map(shutil.which, BROWSERS)))


@contextlib.contextmanager
def chromium():
    """A browser, until the block ends."""
    found = [shutil.which(name) for name in BROWSERS if shutil.which(name)]
    driver = shutil.which("chromedriver")
    assert has_browser(), ("the pages are tested in chromium: put it and its chromedriver on "
                              "the PATH (Debian: apt-get install chromium chromium-driver)")
    options = ChromeOptions()
    options.binary_location = found[0]
    for flag in ("--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
                 _MOUSE):
        options.add_argument(flag)
    if os.geteuid() == 0:
        options.add_argument("--no-sandbox")  # chromium does not run as root with it
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    # Chromium leaves a folder behind when it ends: it gets a place for it.
    with tempfile.TemporaryDirectory(prefix="chromium-") as folder:
        browser = Chrome(options, Service(driver, log_output=subprocess.DEVNULL,
                                          env={**os.environ, "TMPDIR": folder}))
        try:
            yield browser
        finally:
            browser.quit()


class Page:
    """A page as a person sees and uses it."""

    def __init__(self, driver, address):
        self.driver = driver
        self.address = address

    def open(self, path="/"):
        self.driver.get(self.address + path)

    def painted(self):
        """Wait until what the page is by now is seen, and can be touched."""
        self.driver.execute_async_script("requestAnimationFrame(() => requestAnimationFrame("
                                         "() => setTimeout(arguments[0])))")

    def forget(self):
        """Empty the browser's cache: what was answered once is asked for again."""
        self.driver.execute_cdp_cmd("Network.clearBrowserCache", {})

    def connected(self, is_online, latency=0, megabits=0):
        """Set whether the server is reached, in how many milliseconds at least, and how many
        megabits come in a second, by default all that can."""
        self.driver.execute_cdp_cmd("Network.enable", {})
        self.driver.execute_cdp_cmd("Network.emulateNetworkConditions", {
            "offline": not is_online, "latency": latency,
            "downloadThroughput": megabits * 1e6 / 8 if megabits else -1,
            "uploadThroughput": -1})

    def screen(self, width, height):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600})

    def media(self, **features):
        """Features of the screen, such as prefers_color_scheme."""
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [
            {"name": name.replace("_", "-"), "value": value}
            for name, value in features.items()]})

    def force(self, selector, states):
        """Style what matches as if it were in those states, such as hover, and in no other."""
        for command in ("DOM.enable", "CSS.disable", "CSS.enable"):  # no longer in earlier ones
            self.driver.execute_cdp_cmd(command, {})
        root = self.driver.execute_cdp_cmd("DOM.getDocument", {"depth": 0})["root"]["nodeId"]
        for node in self.driver.execute_cdp_cmd(
                "DOM.querySelectorAll", {"nodeId": root, "selector": selector})["nodeIds"]:
            self.driver.execute_cdp_cmd("CSS.forcePseudoState", {
                "nodeId": node, "forcedPseudoClasses": states})

    def run(self, script, *values):
        return self.driver.execute_script("return " + script, *values)

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector):
        return self.wait(lambda: next(iter(self.all(selector)), None), selector)

    def texts(self, selector):
        return self.run("[...document.querySelectorAll(arguments[0])].map(e => e.innerText.trim())",
                        selector)

    def wait(self, condition, what):
        """The value of `condition` once it is true of the page."""
        return WebDriverWait(self.driver, SECONDS, 0.05).until(lambda _: condition(), what)

    def type(self, *keys):
        box = self.one("#query")
        box.clear()
        box.send_keys(*keys)

    def press(self, *keys):
        """Keys for what has the focus."""
        for key in keys:
            self.driver.switch_to.active_element.send_keys(key)

    def tab_to(self, is_there, at_most=10):
        """Press the tab key until what has the focus is right."""
        for _ in range(at_most):
            if is_there(self.focus()):
                return
            self.press(Keys.TAB)
        raise AssertionError("not reached in {} steps".format(at_most))

    def focus(self):
        return self.driver.switch_to.active_element

    def suggestions(self):
        """The titles below the box, once they are those of what stands in it."""
        self.wait(lambda: self.texts("#suggestions:not([hidden]) li") and self.run(
            "document.getElementById('suggestions').dataset.typed"
            " === document.getElementById('query').value.trim()"), "suggestions")
        return self.texts("#suggestions .title")

    def answer(self, heading):
        """The titles on the cards, once the answer to `heading` is there."""
        self.wait(lambda: self.texts(".asked h2")[:1] == [heading], heading)
        return self.texts(".card .title")

    def chip(self, name):
        """The filter of that name, in the box of filters, which is opened."""
        if not self.one("#filters").is_displayed():
            self.one("#open-filters").click()
        return self.driver.find_element(By.XPATH, "//*[@id='filters']//button[.='{}']".format(name))

    def pressed(self):
        """The filters that are on."""
        return self.run("[...document.querySelectorAll('#filters [aria-pressed=true]')].map("
                        "e => e.textContent.trim())")

    def tokens(self, of="wishes"):
        """Return the words on the tokens: wishes, or with "filters-on" the filters."""
        return [text.replace("×", "").strip() for text in self.texts("#{} .token".format(of))]

    def recommended(self, query=None):
        """Return what the API says, explained, of what an address asks, by default the page's."""
        asked = {name: values[0] for name, values in parse_qs(
            query or urlsplit(self.driver.current_url).query).items()}
        if "text" in asked:
            asked["overview"] = asked.pop("text")
        return requests.post(self.address + "/api/v1/recommend", timeout=SECONDS, json={
            "recipe": "best", **asked, **({"id": int(asked["id"])} if "id" in asked else {}),
            "explain": True}).json()

    def map(self, recipe="best"):
        """The map by a recipe, once it is drawn: what the API says of it."""
        self.wait(lambda: self.one("canvas").get_attribute("data-ready"), "the map")
        self.painted()
        answer = requests.get(self.address + "/api/v1/map", timeout=SECONDS, params={
            "recipe": recipe})
        # An index of one recipe has no other map.
        return (answer if answer.ok else requests.get(
            self.address + "/api/v1/map", timeout=SECONDS)).json()

    def place(self, films, movie_id):
        """Pixels from the left and the top where a film is on the map as it is first shown."""
        box = self.run("arguments[0].getBoundingClientRect().toJSON()", self.one("canvas"))
        scale = 0.92 * min(box["width"], box["height"])
        row = films["id"].index(movie_id)
        return [box[side] + box[size] / 2 + (films[axis][row] / 65535 - 0.5) * scale
                for side, size, axis in (("left", "width", "x"), ("top", "height", "y"))]

    def pointer_at(self, films, movie_id):
        """Actions that begin there."""
        canvas = self.one("canvas")
        middle = [canvas.rect["x"] + canvas.rect["width"] / 2,
                  canvas.rect["y"] + canvas.rect["height"] / 2]
        x, y = (round(at - of) for at, of in zip(self.place(films, movie_id), middle))
        return ActionChains(self.driver).move_to_element_with_offset(canvas, x, y)

    def touch(self, begin, end):
        """Fingers come down at some places, move to others, if there are any, and leave.

        After two at once the driver touches no page that is opened later.
        """
        for kind, places in (("touchStart", begin), ("touchMove", end), ("touchEnd", [])):
            if places or (begin and kind == "touchEnd"):
                self.driver.execute_cdp_cmd("Input.dispatchTouchEvent", {
                    "type": kind, "touchPoints": [
                        {"x": x, "y": y, "id": finger} for finger, (x, y) in enumerate(places)]})

    def pixel(self, x, y):
        """The colour that is seen at a place of the screen."""
        picture = imread(io.BytesIO(self.driver.get_screenshot_as_png()), format="png")
        return picture[int(y), int(x)].tolist()

    def at(self, path):
        """Wait until that stands in the address."""
        self.wait(lambda: self.query() == path, path)

    def query(self):
        """Return what stands in the address behind the host."""
        return self.driver.current_url[len(self.address):]

    def messages(self):
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def hosts(self):
        """Everything that was asked for something since it was last asked for."""
        events = [json.loads(entry["message"])["message"]
                  for entry in self.driver.get_log("performance")]
        urls = [event["params"]["request"]["url"] for event in events
                if event["method"] == "Network.requestWillBeSent"]
        return {"/".join(url.split("/")[:3]) for url in urls if not url.startswith("data:")}

    def faults(self, *rules):
        """Return what axe-core finds, of any weight, by those rules or by all."""
        if not self.run("'axe' in window"):
            Axe(self.driver).inject()
        found = self.driver.execute_async_script(
            "const [rules, done] = arguments;"
            "axe.run(document, { resultTypes: ['violations'],"
            " ...(rules.length && { runOnly: rules }) }).then(done)", rules)["violations"]
        return [(fault["id"], [node["html"] for node in fault["nodes"]]) for fault in found]


@pytest.fixture(scope="module")
def driver():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def address(sample):
    """Address at which the sample catalogue is served."""
    with running("--index", sample.index, "--features", sample.features, "--port", 0) as server:
        yield "http://127.0.0.1:{}".format(server.port)


@pytest.fixture()
def page(driver, address):
    """The page on a desk, in the light; what the browser has to say of it must be expected."""
    yield from watched(driver, address)


@pytest.fixture(scope="module", params=VIEWS)
def view(request, driver, address):
    """Each view of the site, opened once for all tests of a module."""
    pages = watched(driver, address)
    page = next(pages)
    page.media(prefers_reduced_motion="reduce")
    VIEWS[request.param](page)
    page.painted()
    yield page
    next(pages, None)


def watched(driver, address, *others):
    """A page; in the end, the browser must have said nothing, and asked no host but `others`."""
    page = Page(driver, address)
    page.screen(1280, 900)
    page.media()
    page.forget()
    driver.get_log("performance")
    yield page
    page.connected(True)
    messages = page.messages()
    assert not messages, messages
    assert page.hosts() <= {address, *others}
