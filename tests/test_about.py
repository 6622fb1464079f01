"""Sentences of the pages about themselves: where answers, numbers and pictures come from."""

import re

import pytest

from serving.app import create_app
from serving.library import Library
from tests.served import FILMS, FakeTexts


def words_of(response):
    """Return what stands on a page, without its tags."""
    return " ".join(re.sub(r"<[^>]+>", " ", response.get_data(as_text=True)).split())


@pytest.mark.parametrize("path", ["/", "/?id=603", "/map", "/api", "/about", "/nope"])
def test_every_page_leads_to_what_tells_of_it(client, path):
    page = client.get(path, headers={"Accept": "text/html"}).get_data(as_text=True)
    nav, = re.findall(r'<nav aria-label="Views">(.+?)</nav>', page, re.DOTALL)
    current = ' aria-current="page"' if path == "/about" else ""
    assert '<a href="./about"{}>About</a>'.format(current) in nav


def test_it_is_told_where_pictures_numbers_and_figures_come_from(client, index):
    about = words_of(client.get("/about"))
    assert "all-MiniLM-L6-v2 is a small BERT" in about
    assert "1,979 films of The Movies Dataset with all-MiniLM-L6-v2, not on the {} films".format(
        len(FILMS)) in about
    assert "ratings and votes are TMDB’s" in about
    drawn = "drawn from each film’s genres and title"
    assert drawn in words_of(client.get("/"))
    posters = create_app(Library(index, FakeTexts()), posters="https://image.tmdb.org/t/p/w342")
    assert drawn not in words_of(posters.test_client().get("/"))
    assert "Posters are TMDB’s" in words_of(posters.test_client().get("/about"))
