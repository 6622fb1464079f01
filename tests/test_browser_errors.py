"""Errors as people read them when something is wrong with a question."""

import pytest


@pytest.mark.parametrize("path, told", [
    ("/?id=abc", "In the address, id: “abc” is not a whole number."),
    ("/?text=%D0%96%D0%96%D0%96", "all-MiniLM-L6-v2 knows no word of “ЖЖЖ”: say it in other words, "
                                  "in a language that it has learnt."),
    ("/?id=99999999", "It may be in another catalogue. Search for its title above.")])
def test_an_error_is_a_sentence_with_a_way_on(page, path, told):
    page.open(path)
    alert = page.one("#answer [role=alert]")
    assert alert.find_element("css selector", "p").text == told
    page.messages()  # the answer 400 or 404 stands in the console
    page.one("#answer .choices a").click()
    page.wait(lambda: page.query() == "/" and page.one("#start").is_displayed(), "the start")


def test_an_error_on_the_map_is_a_sentence(page):
    page.open("/map?text=%D0%96%D0%96%D0%96")
    page.map()
    page.wait(lambda: page.texts("#chosen .note:not([hidden])"), "what is wrong")
    assert page.texts("#chosen .note")[0].endswith("in a language that it has learnt.")
    page.messages()
