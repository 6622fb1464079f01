"""The page of the API in a real browser: contents, requests that are tried, and copies."""

import json

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
