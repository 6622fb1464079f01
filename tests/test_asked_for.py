"""The tokens with which the first page is sent."""

import re
from html import unescape

import pytest


def tokens(client, path, of):
    """The words of the tokens in a list of the page at `path`, or None if the list is hidden."""
    text = client.get(path).get_data(as_text=True)
    head, inside = re.search(r'<ul class="tokens" id="{}"(.*?)>(.*?)</ul>'.format(of), text,
                             re.S).groups()
    if "hidden" in head:
        return None
    shown = re.findall(r'<span class="(?:token|none).*?>(.*?)<', inside)
    return [unescape(words) for words in shown]


@pytest.mark.parametrize("path, words", [
    ("/", None), ("/?genres=Drama", None), ("/?id=", None),
    ("/?id=603", ["The Matrix"]), ("/?id=99999999&id=x", ["…", "…"]),
    ("/?text=a+robot&id=862&id=862&not_id=603&not=<Babe>&title=Heat",
     ["Toy Story", "Heat", "“a robot”", "less like The Matrix", "less like <Babe>"]),
    ("/?overview=" + 50 * "x", ["“{}…”".format(39 * "x")])])
def test_a_page_is_sent_with_its_wishes(client, path, words):
    assert tokens(client, path, "wishes") == words
    is_hidden = 'id="controls" hidden' in client.get(path).get_data(as_text=True)
    assert is_hidden == (words is None)


@pytest.mark.parametrize("query, words", [
    ("", []), ("genres=Drama", ["Drama"]), ("genres=", []),
    ("genres=Drama,War&any_genre=true", ["Drama", "War", "any of these genres", "Clear filters"]),
    ("year_from=1990", ["1990 and later"]), ("year_to=1949", ["before 1950"]),
    ("year_from=1990&year_to=1999", ["1990s"]), ("year_from=1990&year_to=1990", ["1990"]),
    ("year_from=1985&year_to=1992", ["1985–1992"]), ("year_to=x", ["x"]),
    ("topic=war&top_rated=250&min_votes=5000&language=fr",
     ["topic war", "top 250", "5,000 votes", "language fr", "Clear filters"])])
def test_a_page_is_sent_with_its_filters(client, query, words):
    assert tokens(client, "/?" + query, "filters-on") == words
