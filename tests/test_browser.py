"""The pages in a real browser: what people do with them, and what a browser has to say."""

import json
import os
import shutil
import subprocess

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait
from selenium_axe_python import Axe

from tests.served import running

SECONDS = 30  # for the graph to be loaded; all else takes a moment
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def driver():
    """A browser without a window."""
    found = [shutil.which(name) for name in BROWSERS if shutil.which(name)]
    if not found or not shutil.which("chromedriver"):
        pytest.fail("the browser tests need chromium and its chromedriver on the PATH (Debian: "
                    "apt-get install chromium chromium-driver)", pytrace=False)
    options = ChromeOptions()
    options.binary_location = found[0]
    for flag in ("--headless=new", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(flag)
    if os.geteuid() == 0:
        options.add_argument("--no-sandbox")  # chromium does not run as root with it
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    browser = Chrome(options, Service(shutil.which("chromedriver"), log_output=subprocess.DEVNULL))
    yield browser
    browser.quit()


@pytest.fixture(scope="module")
def address(sample):
    """Where the sample catalogue is served."""
    with running("--index", sample.index, "--port", 0) as server:
        yield "http://127.0.0.1:{}".format(server.port)


@pytest.fixture()
def page(driver, address):
    """The page as one comes to it, on a desk, in the light; all that it says must be expected."""
    page = Page(driver, address)
    page.screen(1280, 900)
    page.media()
    driver.get_log("performance")
    yield page
    driver.execute_cdp_cmd("Network.emulateNetworkConditions", ONLINE)
    assert page.messages() == []
    assert page.hosts() <= {address}


ONLINE = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}


class Page:
    """What a person sees and does."""

    def __init__(self, driver, address):
        self.driver = driver
        self.address = address

    def open(self, path="/"):
        self.driver.get(self.address + path)

    def screen(self, width, height):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600})

    def media(self, **features):
        """Features of the screen, such as prefers_color_scheme."""
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [
            {"name": name.replace("_", "-"), "value": value}
            for name, value in features.items()]})

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

    def focus(self):
        return self.driver.switch_to.active_element

    def suggestions(self):
        """The titles below the box, once there are some."""
        self.wait(lambda: self.texts("#suggestions:not([hidden]) li"), "suggestions")
        return self.texts("#suggestions .title")

    def answer(self, heading):
        """The titles on the cards, once the answer to `heading` is there."""
        self.wait(lambda: self.texts(".asked h2")[:1] == [heading], heading)
        return self.texts(".card .title")

    def query(self):
        """What stands in the address behind the host."""
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

    def faults(self):
        """What axe-core finds serious or worse."""
        axe = Axe(self.driver)
        axe.inject()
        found = axe.run()["violations"]
        return [(fault["id"], [node["html"] for node in fault["nodes"]]) for fault in found
                if fault["impact"] in {"serious", "critical"}]


def test_titles_are_suggested_while_one_types_and_a_click_chooses(page):
    page.open()
    page.type("matr")
    assert page.suggestions()[0] == "The Matrix"
    first = page.texts("#suggestions li")[0]
    assert "1999" in first
    assert "Science Fiction" in first
    page.all("#suggestions li")[0].click()
    cards = page.answer("The Matrix 1999")
    assert len(cards) == 10
    assert "The Matrix Reloaded" in cards
    assert page.query() == "/?id=603"
    assert page.driver.title == "Films like The Matrix"


def test_a_typo_still_finds_its_film(page):
    page.open()
    page.type("godfater")
    assert "The Godfather" in page.suggestions()


def test_a_card_shows_rank_score_year_genres_rating_and_overview(page):
    page.open("/?id=603")
    page.answer("The Matrix 1999")
    assert page.texts(".card .rank") == [str(rank) for rank in range(1, 11)]
    scores = [float(text) for text in page.texts(".card .number")]
    assert scores == sorted(scores, reverse=True)
    widths = page.run("[...document.querySelectorAll('.bar span')].map("
                      "e => e.offsetWidth / e.parentElement.offsetWidth)")
    assert widths == pytest.approx(scores, abs=0.01)
    for selector in (".year", ".genres", ".rating", ".overview"):
        assert all(page.texts(".card " + selector))


def test_a_card_leads_to_its_own_films_and_the_way_back_leads_back(page):
    page.open("/?id=603")
    cards = page.answer("The Matrix 1999")
    year = page.texts(".card .year")[0]
    page.all(".card a")[0].click()
    assert page.answer("{} {}".format(cards[0], year)) != cards
    page.driver.back()
    assert page.answer("The Matrix 1999") == cards
    assert page.query() == "/?id=603"
    page.driver.forward()
    page.answer("{} {}".format(cards[0], year))


def test_the_way_back_to_the_start_shows_the_start(page):
    page.open()
    page.all("#start .chip")[0].click()
    page.wait(lambda: page.texts(".card .title"), "cards")
    page.driver.back()
    page.wait(lambda: page.one("#start").is_displayed(), "the start")
    assert not page.one("#answer").is_displayed()
    assert page.one("#query").get_attribute("value") == ""


def test_a_shared_address_shows_the_same(page):
    page.open()
    page.type("A robot learns to love", Keys.ENTER)
    cards = page.answer("A robot learns to love")
    assert len(cards) == 10
    shared = page.driver.current_url
    page.driver.switch_to.new_window("tab")
    page.driver.get(shared)
    assert page.answer("A robot learns to love") == cards
    assert page.one("#query").get_attribute("value") == "A robot learns to love"
    page.driver.close()
    page.driver.switch_to.window(page.driver.window_handles[0])


def test_a_title_that_is_typed_out_is_taken_for_the_film(page):
    page.open()
    page.type("amelie", Keys.ENTER)
    page.answer("Amélie 2001")


def test_a_text_that_may_be_a_mistyped_title_names_the_film(page):
    page.open()
    page.type("godfater", Keys.ENTER)
    page.answer("godfater")
    page.one(".note a").click()
    page.answer("The Godfather 1972")


def test_a_film_that_is_not_there_is_told(page):
    page.open("/?id=99999999")
    assert page.one("[role=alert] h2").text == "There is no such film here"
    assert not page.all(".card")
    message, = page.messages()
    assert "404" in message


def test_a_server_that_is_gone_is_told_and_may_come_back(page):
    page.open("/?id=603")
    page.answer("The Matrix 1999")
    page.driver.execute_cdp_cmd("Network.enable", {})
    page.driver.execute_cdp_cmd("Network.emulateNetworkConditions", {**ONLINE, "offline": True})
    page.all(".card a")[0].click()
    alert = page.one("[role=alert]")
    assert "does not answer" in alert.text
    page.type("toy")
    page.suggestions()
    page.press(Keys.ESCAPE)
    page.driver.execute_cdp_cmd("Network.emulateNetworkConditions", ONLINE)
    assert all("ERR_INTERNET_DISCONNECTED" in message for message in page.messages())
    alert.find_element(By.TAG_NAME, "button").click()
    page.wait(lambda: len(page.all(".card")) == 10, "cards")


def test_a_keyboard_is_enough(page):
    page.open()
    page.press(Keys.TAB)
    assert page.focus().text == "Skip to the films"
    for _ in range(10):
        if page.focus().get_attribute("id") == "query":
            break
        page.press(Keys.TAB)
    page.press(*"matrix")
    titles = page.suggestions()
    page.press(Keys.ARROW_DOWN, Keys.ARROW_DOWN)
    box = page.focus()
    chosen = page.one("#" + box.get_attribute("aria-activedescendant"))
    assert chosen.get_attribute("aria-selected") == "true"
    assert titles[1] in chosen.text
    page.press(Keys.ENTER)
    page.wait(lambda: page.texts(".asked .title") == [titles[1]], titles[1])
    # The focus is on the answer: the next stop is one of its links.
    assert page.run("document.activeElement.tagName") == "H2"
    page.press(Keys.TAB, Keys.TAB)
    first = page.texts(".card .title")[0]
    assert page.run("document.activeElement.innerText").startswith(first)
    page.press(Keys.ENTER)
    page.wait(lambda: page.texts(".asked .title") == [first], first)


def test_escape_closes_the_suggestions_and_keeps_what_was_typed(page):
    page.open()
    page.type("matr")
    page.suggestions()
    page.press(Keys.ESCAPE)
    assert not page.one("#suggestions").is_displayed()
    assert page.one("#query").get_attribute("value") == "matr"
    assert page.one("#query").get_attribute("aria-expanded") == "false"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_axe_finds_nothing_serious(page, scheme, width):
    page.media(prefers_color_scheme=scheme, prefers_reduced_motion="reduce")
    page.screen(width, 900)
    page.open()
    page.type("matr")
    page.suggestions()
    assert page.faults() == []
    page.open("/?id=603")
    page.answer("The Matrix 1999")
    assert page.faults() == []


def test_a_phone_shows_all_without_scrolling_sideways(page):
    page.screen(360, 740)
    page.open()
    assert page.run("document.documentElement.scrollWidth") == 360
    page.open("/?id=603")
    page.answer("The Matrix 1999")
    assert page.run("document.documentElement.scrollWidth") == 360
    lefts = page.run("[...document.querySelectorAll('.card')].map(e => e.offsetLeft)")
    assert len(set(lefts)) == 1


def test_dark_is_dark_and_light_is_light(page):
    page.open()
    lightness = "getComputedStyle(document.body).{}.match(/\\d+/g).map(Number)[0]"
    for scheme, paper_is_lighter in (("light", True), ("dark", False)):
        page.media(prefers_color_scheme=scheme)
        paper, ink = (page.run(lightness.format(name)) for name in ("backgroundColor", "color"))
        assert (paper > ink) == paper_is_lighter
        assert abs(paper - ink) > 150


def test_what_is_typed_is_never_taken_for_html(page):
    page.open()
    page.type("<img src=x onerror=alert(1)> in Paris")
    page.suggestions()
    page.press(Keys.ENTER)
    page.answer("<img src=x onerror=alert(1)> in Paris")
    assert not page.all("#answer img")
