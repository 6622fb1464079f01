"""Films found by title as people type it, and the near titles where there is none."""

import pytest

from recommender.errors import NothingFound
from tests.worlds import open_index, row

MATRIX = [row(603, "The Matrix", vote_count="9079", original_title="The Matrix"),
          row(604, "The Matrix Reloaded", release_date="2003-05-15"),
          row(5, "Hamlet", release_date="1990-12-19", vote_count="10"),
          row(6, "Hamlet", release_date="1996-12-25", vote_count="90"),
          row(128, "Princess Mononoke", original_title="もののけ姫", release_date="")]


@pytest.mark.parametrize("title", ["The Matrix", "matrix", "MATRIX, THE", "the matrix!"])
def test_a_title_is_found_however_it_is_spelt(tmp_path, title):
    index = open_index(tmp_path, MATRIX)
    assert [int(index.ids[at]) for at in index.rows_of_title(title)] == [603]


def test_an_original_title_finds_the_film_too(tmp_path):
    index = open_index(tmp_path, MATRIX)
    assert [int(index.ids[at]) for at in index.rows_of_title("もののけ姫")] == [128]


def test_of_a_shared_title_the_most_voted_comes_first_and_the_year_picks(tmp_path):
    index = open_index(tmp_path, MATRIX)
    assert index.ids[index.rows_of_title("hamlet")].tolist() == [6, 5]
    assert index.ids[index.rows_of_title("hamlet", 1990)].tolist() == [5]


def test_a_year_that_no_film_of_the_title_has_names_those_there_are(tmp_path):
    with pytest.raises(NothingFound) as caught:
        open_index(tmp_path, MATRIX).rows_of_title("Hamlet", 1948)
    assert "1948" in str(caught.value)
    assert "Hamlet (1996, id 6), Hamlet (1990, id 5)" in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_title_that_is_not_there_names_the_near_ones(tmp_path):
    with pytest.raises(NothingFound) as caught:
        open_index(tmp_path, MATRIX).rows_of_title("Matirx")
    assert "near: The Matrix (1999, id 603)" in str(caught.value)


@pytest.mark.parametrize("title", ["", "   "])
def test_an_empty_title_is_no_film_with_an_empty_original_title(tmp_path, title):
    index = open_index(tmp_path, [row(1, "One", original_title="")])
    with pytest.raises(NothingFound):
        index.rows_of_title(title)


def test_a_title_is_found_without_reading_original_titles(tmp_path):
    index = open_index(tmp_path, MATRIX)
    assert index.ids[index.rows_of_title("Hamlet", 1990)].tolist() == [5]
    assert "original_title_key" not in index._columns._read
    assert index.ids[index.rows_of_title("もののけ姫")].tolist() == [128]
    assert "original_title_key" in index._columns._read


@pytest.fixture()
def heats(tmp_path):
    return open_index(tmp_path, [
        row(1, "Heat", release_date="1995-12-15", vote_count="900"),
        row(2, "Heat", release_date="1986-01-01", vote_count="50"),
        row(3, "Fièvre", original_title="Heat", release_date="1972-01-01", vote_count="9")])


@pytest.mark.parametrize("title, year, ids", [
    ("Heat", None, [1, 2]), ("Heat", 1986, [2]), ("Heat (1995)", None, [1]),
    ("Heat (1995)", 1995, [1]), ("heat (1986)", 1986, [2]),
    ("Heat", 1972, [3]), ("Heat (1972)", None, [3]), ("Fievre", None, [3])])
def test_a_year_picks_among_titles_and_original_titles(heats, title, year, ids):
    for _ in range(3):  # the first lookup goes through all titles, later ones find them in a dict
        assert heats.ids[heats.rows_of_title(title, year)].tolist() == ids


def test_two_different_years_are_told(heats):
    with pytest.raises(NothingFound, match="of 1995 and of 1986: name one year"):
        heats.rows_of_title("Heat (1995)", 1986)


@pytest.fixture(scope="module")
def sagas(tmp_path_factory):
    return open_index(tmp_path_factory.mktemp("sagas"), [
        row(11, "Star Wars", vote_count="900"), row(1891, "The Empire Strikes Back"),
        row(601, "E.T. the Extra-Terrestrial"), row(671, "Harry Potter and the Stone"),
        row(672, "Harry Potter and the Chamber", vote_count="500"), row(639, "Harry Brown"),
        row(120, "The Lord of the Rings: The Fellowship"), row(7, "Empire", vote_count="999"),
        row(603, "The Matrix", imdb_id="tt0133093"), row(8, "Gone with the Wind")])


@pytest.mark.parametrize("typed, first", [
    ("Star Wars: Episode V - The Empire Strikes Back (1980)", [1891]), ("E.T.", [601]),
    ("star wars episode 4", [11]), ("Harry Potter", [672, 671]), ("LOTR", [120]),
    ("lord of the rings", [120]), ("Harry Poter and the Stone", [671])])
def test_titles_that_contain_what_was_typed_or_are_contained_in_it_come_first(sagas, typed, first):
    near = [int(film.rpartition(" ")[2][:-1]) for film in sagas.near_titles(typed)]
    assert near[:len(first)] == first
    with pytest.raises(NothingFound, match="id {}".format(first[0])):
        sagas.rows_of_title(typed)


@pytest.mark.parametrize("typed", ["tt0133093", " TT0133093 "])
def test_an_imdb_id_finds_its_film(sagas, typed):
    assert sagas.ids[sagas.rows_of_title(typed)].tolist() == [603]
