"""The page of the API in a real browser: contents, requests that are tried, and copies."""

import json

import pytest
import requests
from selenium.webdriver.common.by import By


def form(page, operation):
    return page.one("#{} form.try".format(operation))


def test_every_operation_is_answered_when_it_is_tried_as_it_stands(page):
    page.open("/api")
    for part in page.all("form.try"):
        part.find_element(By.CSS_SELECTOR, "[type=submit]").click()
        told = part.find_element(By.CSS_SELECTOR, ".told")
        page.wait(lambda told=told: " in " in told.text, "an answer")
        assert told.text.startswith("200 "), told.text
        assert part.find_element(By.CSS_SELECTOR, ".answered").text.startswith("{")


@pytest.mark.parametrize("size", [(360, 740), (768, 1024), (1440, 900)])
def test_the_first_screen_shows_what_the_api_does_an_example_and_how_to_go_on(page, size):
    page.screen(*size)
    page.open("/api")
    for selector in (".opening .lead", ".first code", ".first .answered", ".opening h2"):
        box = page.run("arguments[0].getBoundingClientRect().toJSON()", page.one(selector))
        assert min(box["left"], box["top"]) >= 0, selector
        assert box["right"] <= size[0] and box["bottom"] <= size[1], selector


def test_the_example_is_answered_as_shown_and_leads_on(page):
    page.open("/api")
    shown = page.one(".first .answered").text
    answer = requests.get(page.address + page.one(".first code").text, timeout=60).json()
    for film in (answer["query"], *answer["results"]):
        assert json.dumps(film["title"]) in shown
    assert len(answer["results"]) == 3
    page.one(".first [type=submit]").click()
    page.wait(lambda: page.one(".first .told").text.startswith("200 "), "an answer")
    assert json.loads(page.one(".first .answered").text)["results"] == answer["results"]
    for link in page.all(".onward a"):
        target = link.get_attribute("href").partition("#")[2]
        assert page.all("#" + target) if target else link.get_attribute("href").endswith(".json")


def test_a_body_can_be_changed_and_may_be_a_list(page):
    page.open("/api")
    part = form(page, "recommend_by_text")
    body = part.find_element(By.TAG_NAME, "textarea")
    body.clear()
    body.send_keys('[{"id": 603, "k": 1}, {"id": 604, "k": 1}]')
    part.find_element(By.CSS_SELECTOR, "[type=submit]").click()
    answer = part.find_element(By.CSS_SELECTOR, ".answered")
    page.wait(lambda: answer.text, "an answer")
    assert page.run("document.getElementById('status').textContent").startswith("200 ")
    assert len(json.loads(answer.text)) == 2


def test_copies_work_without_the_clipboard_and_are_announced(page):
    page.open("/api")
    page.run("void Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    page.run("void (document.execCommand = () => {"
             " window.copied = document.activeElement.value; return true; })")
    for name, part in (("address", "/api/v1/recommend"), ("curl", "curl 'http"), ("body", "{")):
        page.one("#recommend_by_text [data-copy={}]".format(name)).click()
        page.wait(lambda name=name: page.run("document.getElementById('status').textContent")
                  == "Copied the " + name, "the announcement")
        assert part in page.run("window.copied")


def test_contents_lead_to_every_operation_and_fold_on_a_phone(page):
    page.open("/api")
    assert page.one(".contents").get_attribute("open")
    targets = page.run("[...document.querySelectorAll('.contents a')].map(a => a.hash.slice(1))")
    sections = page.run("[...document.querySelectorAll('.told-all section')].map(s => s.id)")
    assert targets == sections
    page.screen(390, 844)
    page.open("/api")
    page.wait(lambda: not page.one(".contents").get_attribute("open"), "folded contents")
    assert page.run("document.documentElement.scrollWidth") <= 390
