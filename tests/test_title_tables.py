"""An index of many films, whose titles are found in mapped tables: it answers as any other."""

import random

import h5py
import numpy as np
import pytest

from recommender import title_tables
from recommender.catalogue import read_catalogue
from recommender.errors import FilmLeftOut, NothingFound, RecommenderError
from recommender.filters import Filters, passing
from recommender.index import PACKED_VERSION, Index
from recommender.near_titles import NearTitles, near_among
from serving.completion import Titles
from serving.map_data import film_bytes, name_bytes
from tests.conftest import ROOT
from tests.worlds import row, write_index

TITLES = ["Heat", "The Heat", "La La Land", "Ronin", "もののけ姫", "WALL·E", "Amélie", "Matrix",
          "The Matrix Reloaded", "The Lord of the Rings: The Two Towers", "Land of the Dead",
          "Star Wars", "A", "Zoo", "Éclair", "Heat of the Night"]


def rows():
    return [row(at, title, original_title="Original {}".format(title) if at % 2 else "",
                original_language="fr" if at % 3 else "en", vote_count=str(at * 7 % 50),
                adult=str(at in (2, 8)), release_date="{}-01-01".format(1980 + at),
                overview="" if title in ("Zoo", "Star Wars") else "A film, {}.".format(at))
            for at, title in enumerate(TITLES, 1)]


@pytest.fixture()
def both(tmp_path, monkeypatch):
    """A plain index, and one of the same films with tables."""
    (tmp_path / "plain").mkdir()
    plain = write_index(tmp_path / "plain", rows(), with_map=True)
    monkeypatch.setattr(title_tables, "MANY", 1)
    (tmp_path / "packed").mkdir()
    return Index(plain), Index(write_index(tmp_path / "packed", rows(), with_map=True))


def told(ask):
    """Return what a call returns, or the error that it raises."""
    try:
        return ask()
    except (FilmLeftOut, NothingFound) as error:
        return type(error), str(error)


def test_the_films_are_shown_as_by_any_index(both):
    plain, packed = both
    assert packed.title_tables and not plain.title_tables
    for index in both:
        index.read_columns()
    for at in range(len(plain)):
        assert packed.movie(at) == plain.movie(at)
        assert packed.describe(at) == plain.describe(at)
    assert packed.column("overview").tolist() == plain.column("overview").tolist()
    assert packed.column("title")[np.array([3, 0])].tolist() == ["Ronin", "Heat"]
    assert packed.genres()[0] == plain.genres()[0]
    for filters in (Filters(language="fr"), Filters(genres="drama"), Filters(adult=True)):
        assert (passing(packed, filters) == passing(plain, filters)).all()
    assert film_bytes(packed) == film_bytes(plain)
    assert name_bytes(packed) == name_bytes(plain)


@pytest.mark.parametrize("title", [
    "heat", "HEAT", "amelie", "wall e", "Heat (1981)", "Heat (1990)", "Original Heat", "tt0000004",
    "tt0000099", "Zoo", "star wars", "tt0000014", "land", "lotr", "the lord of the rings", "ronni",
    "もののけ姫", "matirx", "the star wars holiday", "qqqq", "\0", "land of the dead people"])
def test_titles_are_found_as_by_any_index(both, title):
    plain, packed = both
    path = packed.path, plain.path
    found = told(lambda: packed.rows_of_title(title))
    wanted = told(lambda: plain.rows_of_title(title))
    assert str(found).replace(*path) == str(wanted)
    assert packed.rows_called(title) == plain.rows_called(title)
    assert packed.near_titles(title) == plain.near_titles(title)


@pytest.mark.parametrize("typed", [
    "h", "he", "heat", "the heat", "la", "land", "origin", "matrix", "a", "m", "も", "éc", "e",
    "lord rings towers", "heta", "", "reloaded", "\U0010ffff"])
def test_titles_are_completed_as_by_any_index(both, typed):
    plain, packed = map(Titles, both)
    for limit in (1, 3, 30):
        assert packed.complete(typed, limit) == plain.complete(typed, limit)
    assert packed.meant(typed) == plain.meant(typed)


def test_ids_and_imdb_ids_are_found_as_by_any_index(both):
    plain, packed = both
    assert packed.rows_of_ids([3, 99, 1]) == plain.rows_of_ids([3, 99, 1]) == [0, 2]
    assert 10 ** 30 not in packed.row_by_id
    asked = ["tt0000003", "", "tt0000099"]
    assert packed.rows_of_imdb_ids(asked) == plain.rows_of_imdb_ids(asked) == {"tt0000003": 2}
    with pytest.raises(FilmLeftOut):
        packed.row_of_id(14)


def test_few_titles_are_compared_as_all_are():
    keys = [movie.title.lower() for movie in read_catalogue(
        ROOT + "/data/sample_movies.csv").movies]
    near, draw = NearTitles(keys), random.Random(0)
    for key in draw.sample(keys, 100):
        letters = list(key)
        letters.insert(draw.randrange(len(letters)), letters.pop(draw.randrange(len(letters))))
        typed = "".join(letters)
        assert near_among(typed, keys, 5) == near.nearest(typed, 5)


def test_a_mistyped_title_is_found_among_many(tmp_path, monkeypatch):
    """Among more titles than are compared with what was typed."""
    monkeypatch.setattr(title_tables, "MANY", 1)
    monkeypatch.setattr(title_tables, "_CANDIDATES", 40)
    titles = [movie.title for movie in read_catalogue(ROOT + "/data/sample_movies.csv").movies]
    index = Index(write_index(tmp_path, [row(at, title) for at, title in enumerate(titles, 1)]))
    plain, draw = NearTitles(index.column("title_key").tolist()), random.Random(0)
    same, asked = 0, 0
    for title in draw.sample(index.column("title_key").tolist(), 100):
        at = draw.randrange(max(len(title) - 1, 1))
        typed = title[:at] + title[at + 1:at + 2] + title[at:at + 1] + title[at + 2:]
        wanted = plain.nearest(typed, 1)
        asked += bool(wanted)
        same += bool(wanted) and index.near_rows(typed, 1) == wanted
    assert same >= 0.95 * asked


@pytest.mark.parametrize("name, told", [
    ("texts/title/ends", "texts/title is damaged"),
    ("titles/starts/places", "its titles are damaged"),
    ("titles/imdb_id", "its titles are damaged"),
    ("titles/trigrams/rows", "its titles are damaged"),
    ("left_out/titles/starts/rows", "its titles are damaged")])
def test_the_file_says_its_version_and_what_is_damaged(tmp_path, monkeypatch, name, told):
    monkeypatch.setattr(title_tables, "MANY", 1)
    path = write_index(tmp_path, rows())
    with h5py.File(path, "r+") as file:
        assert file.attrs["format_version"] == PACKED_VERSION
        file[name][1] = -5
    with pytest.raises(RecommenderError, match=told + ": build it again"):
        Index(path).read_columns()
    with pytest.raises(RecommenderError, match=told + ": build it again"):
        Index(path).near_titles("heat")
