"""The catalogue that ships: in the data set's format, and as varied as promised."""

import ast
import csv
import os
import re
from collections import Counter

import pytest

from recommender.catalogue import read_catalogue
from recommender.titles import title_key
from tests.conftest import ROOT

PATH = os.path.join(ROOT, "data", "sample_movies.csv")
COLUMNS = """adult belongs_to_collection budget genres homepage id imdb_id original_language
    original_title overview popularity poster_path production_companies production_countries
    release_date revenue runtime spoken_languages status tagline title video vote_average
    vote_count""".split()  # noqa: SIM905
GENRES = {"Action", "Adventure", "Animation", "Comedy", "Crime", "Documentary", "Drama", "Family",
          "Fantasy", "Foreign", "History", "Horror", "Music", "Mystery", "Romance",
          "Science Fiction", "TV Movie", "Thriller", "War", "Western"}


@pytest.fixture(scope="module")
def rows():
    with open(PATH, encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        found = list(reader)
    assert reader.fieldnames == COLUMNS
    return found


def test_every_row_is_kept_when_strict(rows):
    catalogue = read_catalogue(PATH, strict=True)
    assert len(catalogue.movies) == len(rows) >= 400


def test_every_overview_has_40_to_90_words_and_is_its_own(rows):
    assert not [row["title"] for row in rows if not 40 <= len(row["overview"].split()) <= 90]
    assert len({row["overview"] for row in rows}) == len(rows)


def test_identifiers_and_numbers_are_well_formed(rows):
    for row in rows:
        assert re.fullmatch(r"tt\d{7}", row["imdb_id"])
        assert re.fullmatch(r"(19|20)\d\d-[01]\d-[0-3]\d", row["release_date"])
        assert 0 < float(row["vote_average"]) <= 10
        assert int(row["vote_count"]) > 0
        assert {genre["name"] for genre in ast.literal_eval(row["genres"])} <= GENRES
    assert len({row["imdb_id"] for row in rows}) == len(rows)


def test_a_dozen_series_have_three_members_or_more(rows):
    series = Counter(ast.literal_eval(row["belongs_to_collection"])["id"]
                     for row in rows if row["belongs_to_collection"])
    assert sum(n >= 3 for n in series.values()) >= 12


def test_eight_titles_are_shared(rows):
    shared = Counter(title_key(row["title"]) for row in rows)
    assert sum(n >= 2 for n in shared.values()) >= 8
    assert min(shared[title_key(title)] for title in (
        "The Mummy", "Cinderella", "The Avengers")) >= 2


def test_decades_genres_and_languages_are_spread(rows):
    decades = Counter(row["release_date"][:3] for row in rows)
    assert len([n for n in decades.values() if n >= 3]) >= 10
    genres = Counter(genre["name"] for row in rows for genre in ast.literal_eval(row["genres"]))
    assert genres["Documentary"] >= 10
    assert genres["Animation"] >= 20
    assert len(genres) >= 18
    assert len({row["original_language"] for row in rows}) >= 10
    assert sum(row["original_language"] != "en" for row in rows) >= 80


def test_original_titles_keep_accents_and_scripts(rows):
    titles = "".join(row["original_title"] for row in rows)
    for script in ("[éèêà]", "[\u3040-\u30ff]", "[\u0400-\u04ff]", "[\u0600-\u06ff]",
                   "[\uac00-\ud7af]", "[\u4e00-\u9fff]"):
        assert re.search(script, titles), script
