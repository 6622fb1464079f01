"""Titles are found as people type them, and a mistyped one finds its neighbours."""

import random

import numpy as np
import pytest
from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

from recommender.near_titles import NearTitles
from recommender.titles import title_key

TITLES = ["M", "Z", "Pi", "Up", "It", "Her", "Hamlet", "Hamlet Goes Business", "The Matrix",
          "The Matrix Reloaded", "Heat", "Headless Body in Topless Bar", "Game", "Jumanji",
          "Toy Story", "Toy Story 2", "Alien", "Aliens", "Pulp Fiction", "Forrest Gump",
          "The Shawshank Redemption", "Martin Lawrence: You So Crazy", "Amélie", "Amateur",
          "Schindler's List", "The Silence of the Lambs", "Star Wars: Episode IV - A New Hope",
          "千と千尋の神隠し", "Palmetto", "A", "Ran"]
KEYS = [title_key(title) for title in TITLES]


def near(query, limit=5):
    return [TITLES[place] for place in NearTitles(KEYS).nearest(title_key(query), limit)]


@pytest.mark.parametrize("one, other", [
    ("The Matrix", "matrix"), ("The Matrix", "THE MATRIX"), ("The Matrix", "Matrix, The"),
    ("The Matrix", "  the   matrix "), ("A Bug's Life", "bugs life"),
    ("A Bug's Life", "A Bug’s Life"), ("An Education", "Education, An"),
    ("Amélie", "AMELIE"), ("Léon: The Professional", "leon the professional"),
    ("WALL·E", "wall-e"), ("Fast & Furious", "fast and furious"), ("Se7en", "se7en!"),
    ("Straße", "STRASSE"), ("Ёлки", "елки"), ("Good Bye Lenin!", "good bye, lenin"),
    ("Monsters, Inc.", "Monsters Inc"), ("ｶﾞﾝﾀﾞﾑ", "ガンダム"),
    ("千と千尋の神隠し", " 千と千尋の神隠し。")])
def test_two_spellings_of_one_title_are_one_key(one, other):
    assert title_key(one) == title_key(other)


@pytest.mark.parametrize("one, other", [
    ("Alien", "Aliens"), ("Toy Story", "Toy Story 2"), ("A", "It"), ("A", "The"),
    ("!!!", "..."), ("千と千尋の神隠し", "もののけ姫"), ("Thelma", "Lma"), ("Another", "Other"),
    ("Planet of the Apes", "Planet Apes"), ("One, Another Plan A", "One Another Plan")])
def test_two_titles_are_two_keys(one, other):
    assert title_key(one) != title_key(other)


@pytest.mark.parametrize("title", ["A", "It", "The", "An", "!!!", "...", "?", "$", "千", "A, The",
                                   ", The"])
def test_no_title_loses_its_whole_key(title):
    assert title_key(title)


def test_a_title_of_only_an_article_keeps_it():
    assert [title_key(title) for title in ("A", "An", "The", "It")] == ["a", "an", "the", "it"]


def test_nothing_has_the_key_nothing():
    assert title_key("") == title_key("  ") == ""


@pytest.mark.parametrize("typed, meant", [
    ("hamlett", "Hamlet"), ("matirx", "The Matrix"), ("jumanjii", "Jumanji"),
    ("toy stroy", "Toy Story"), ("heta", "Heat"), ("alein", "Alien"),
    ("pulp ficton", "Pulp Fiction"), ("forest gump", "Forrest Gump"),
    ("shawshank redemtion", "The Shawshank Redemption"), ("ameile", "Amélie"),
    ("shindlers list", "Schindler's List"), ("silence of the lamb", "The Silence of the Lambs"),
    ("star wars", "Star Wars: Episode IV - A New Hope"), ("千と千尋の神隠", "千と千尋の神隠し")])
def test_a_mistyped_title_finds_the_film_that_was_meant_first(typed, meant):
    assert near(typed)[0] == meant


@pytest.mark.parametrize("typed", ["hamlett", "matirx", "jumanjii", "shawshank redemtion"])
def test_a_near_title_is_never_a_scrap_of_what_was_typed(typed):
    assert [title for title in near(typed) if 2 * len(title_key(title)) < len(typed)] == []


def test_what_is_like_nothing_has_no_near_title():
    assert near("xqzzkvw") == []


def test_no_more_near_titles_than_asked_for():
    assert near("toy stori", limit=1) == ["Toy Story"]
    assert len(near("hamlet", limit=5)) <= 5


def compared_with_each(key, keys, limit):
    """Return what `nearest` must find, by comparing `key` with each of `keys`."""
    scores = np.zeros(len(keys))
    for scorer, weight, cutoff in ((OSA.normalized_similarity, 1.0, 0.6), (fuzz.WRatio, 0.008, 75)):
        found, = process.cdist([key], keys, scorer=scorer, score_cutoff=cutoff, dtype=np.float64)
        scores = np.maximum(scores, weight * found)
    scores[[2 * len(other) < len(key) for other in keys]] = 0
    near = np.flatnonzero(scores)
    return near[np.argsort(-scores[near], kind="stable")[:limit]].tolist()


@pytest.mark.parametrize("seed", range(4))
def test_near_titles_are_those_of_comparing_with_each(seed):
    draw = random.Random(seed)
    words = [word for key in KEYS for word in key.split()] + ["la", "new", "of", "the", "2"]

    def title():
        return title_key(" ".join(draw.choice(words) for _ in range(draw.choice([1, 1, 2, 3, 5]))))

    def mistyped(key):
        for _ in range(draw.randrange(4)):
            at = draw.randrange(len(key) + 1)
            key = key[:at] + draw.choice(["", *"aeinst "]) + key[at + draw.randrange(2):]
        return title_key(key)

    keys = KEYS + [title() for _ in range(1500)]
    near_titles = NearTitles(keys)
    for _ in range(150):
        key = mistyped(draw.choice([title(), draw.choice(keys)])) or "x"
        limit = draw.choice([1, 5, 10, 50, 5000])
        assert near_titles.nearest(key, limit) == compared_with_each(key, keys, limit), key


def test_few_titles_are_compared_letter_by_letter(monkeypatch):
    draw = random.Random(0)
    keys = KEYS + ["".join(draw.choice("aeinstrlo ") for _ in range(12)).strip() or "x"
                   for _ in range(5000)]
    near_titles = NearTitles(keys)
    compared, cdist = [], process.cdist
    monkeypatch.setattr(process, "cdist", lambda queries, others, **options: (
        compared.append(len(others)) or cdist(queries, others, **options)))
    near_titles.nearest("shawshank redemtion", 10)
    assert sum(compared) < len(keys) / 10


@pytest.mark.parametrize("keys", [[], ["a"], [title_key("!!!")]])
def test_few_titles_or_none_have_near_titles_too(keys):
    assert NearTitles(keys).nearest("zzz", 5) == []
