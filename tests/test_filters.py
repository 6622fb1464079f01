"""Filters: each lets through exactly the films that it should, and says what there is."""

import numpy as np
import pytest

from recommender.errors import NothingFound, WrongQuery
from recommender.filters import Filters, passing
from recommender.ranking import exact_scores
from tests.worlds import open_index, row


def genres(*names):
    return str([{"id": at, "name": name} for at, name in enumerate(names)])


FILMS = [
    row(1, "Heat", genres=genres("Action", "Crime", "Drama"), release_date="1995-12-15",
        vote_count="1000", vote_average="8.0"),
    row(2, "Casino", genres=genres("Drama", "Crime"), release_date="1995-11-22",
        vote_count="900", vote_average="9.0"),
    row(3, "Amélie", genres=genres("Comedy", "Romance"), release_date="2001-04-25",
        vote_count="500", vote_average="7.5", original_language="fr"),
    row(4, "Taxi", genres=genres("Action", "Comedy"), release_date="1998-04-08",
        vote_count="500", vote_average="6.0", original_language="fr"),
    row(5, "Nothing Known", genres="[]", release_date="", vote_count="0", vote_average="0",
        original_language=""),
    row(6, "TV", genres=genres("TV Movie"), release_date="1980-01-01", vote_count="2",
        vote_average="10.0"),
]


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    return open_index(tmp_path_factory.mktemp("world"), FILMS)


def ids(index, films=(), **filters):
    rows = [index.row_of_id(film) for film in films]
    return index.ids[passing(index, Filters(**filters), rows)].tolist()


@pytest.mark.parametrize("filters, wanted", [
    ({}, [1, 2, 3, 4, 5, 6]),
    ({"genres": ["Crime"]}, [1, 2]),
    ({"genres": ["crime", "ACTION"]}, [1]),
    ({"genres": ["Crime", "Comedy"]}, []),
    ({"genres": ["Crime", "Comedy"], "any_genre": True}, [1, 2, 3, 4]),
    ({"genres": ["TV movie"]}, [6]),
    ({"min_votes": 500}, [1, 2, 3, 4]),
    ({"min_votes": 0}, [1, 2, 3, 4, 5, 6]),
    ({"year_from": 1998}, [3, 4]),
    ({"year_to": 1995}, [1, 2, 6]),
    ({"year_from": 1995, "year_to": 1998}, [1, 2, 4]),
    ({"language": "FR"}, [3, 4]),
    ({"top_rated": 1}, [2]),
    ({"top_rated": 2}, [1, 2]),
    ({"top_rated": 100}, [1, 2, 3, 4, 5, 6]),
    ({"language": "fr", "genres": ["Comedy"], "year_to": 2000}, [4])])
def test_a_filter_lets_through_what_meets_it(index, filters, wanted):
    assert ids(index, **filters) == wanted


def test_the_same_genre_is_one_shared_with_a_film_asked_for(index):
    assert ids(index, [2], same_genre=True) == [1, 2]
    assert ids(index, [3], same_genre=True) == [3, 4]
    assert ids(index, [2, 3], same_genre=True) == [1, 2, 3, 4]
    assert ids(index, [2, 5], same_genre=True) == [1, 2]


def test_top_rated_is_by_weighted_rating_and_not_by_the_plain_average(index):
    ratings = index.column("weighted_rating")
    for n in range(1, 7):
        mask = passing(index, Filters(top_rated=n))
        assert mask.sum() == n
        assert n == 6 or ratings[mask].min() > ratings[~mask].max()
    assert 6 not in ids(index, top_rated=1)


def test_an_unknown_genre_names_the_known_ones(index):
    with pytest.raises(NothingFound) as error:
        ids(index, genres=["Crime", "Criem"])
    assert str(error.value) == ("no film is of the genre 'Criem'; there are Action, Comedy, Crime, "
                                "Drama, Romance, TV Movie")


def test_an_unknown_language_names_the_known_ones(index):
    with pytest.raises(NothingFound, match="'english'; there are en, fr$"):
        ids(index, language="english")


@pytest.mark.parametrize("filters, what", [
    ({"any_genre": True}, "name some genres"), ({"same_genre": True}, "which film"),
    ({"same_topic": True}, "the same topic as which film"),
    ({"year_from": 1999, "year_to": 1980}, "no year is from 1999 to 1980")])
def test_what_makes_no_sense_is_told(index, filters, what):
    with pytest.raises(WrongQuery, match=what):
        ids(index, **filters)


@pytest.mark.parametrize("number", [
    {"top_rated": 0}, {"top_rated": -1}, {"top_rated": 2.5}, {"min_votes": -1},
    {"min_votes": float("nan")}, {"year_from": 0}, {"year_from": 1869}, {"year_to": 2201},
    {"year_to": "1995"}])
def test_a_number_out_of_range_is_refused_with_its_name_and_range(index, number):
    (name, value), = number.items()
    with pytest.raises(WrongQuery, match="^{} is {!r}, a whole number ".format(name, value)):
        ids(index, **number)


def test_numbers_of_numpy_are_whole_numbers_too(index):
    assert ids(index, min_votes=np.int32(900), year_from=np.int64(1995)) == [1, 2]


def test_genres_and_languages_that_differ_in_case_only_are_the_same(tmp_path):
    index = open_index(tmp_path, [
        row(1, "A", genres=genres("Drama"), original_language="FR"),
        row(2, "B", genres=genres("drama"), original_language="fr"), row(3, "C", genres="[]")])
    assert ids(index, genres="DRAMA") == [1, 2]
    assert ids(index, language="Fr") == [1, 2]


def test_a_film_without_genres_shares_none(index):
    with pytest.raises(NothingFound, match="no genre is known of Nothing Known"):
        ids(index, [5], same_genre=True)


def test_genres_are_known_of_an_index_without_any(tmp_path):
    index = open_index(tmp_path, [row(1, "A", genres="[]"), row(2, "B", genres="[]")])
    known, has = index.genres()
    assert (known, has.shape) == ([], (2, 0))
    with pytest.raises(NothingFound, match="none in this index"):
        ids(index, genres=["Drama"])


def test_the_nearest_of_those_that_pass_are_found_however_far_they_are(tmp_path):
    rows = [row(at, "Film {}".format(at), vote_count=str(at % 7)) for at in range(1, 201)]
    index = open_index(tmp_path, rows)
    asked = index.space().embedding(0)
    where = passing(index, Filters(min_votes=6))
    found, scores = index.space().nearest(asked, 10, [0], where)
    exact = exact_scores(*index.space().rows(np.arange(200)), asked, np.arange(200))
    wanted = [row for row in np.argsort(-exact, kind="stable") if where[row] and row != 0][:10]
    assert found.tolist() == wanted
    assert scores.tolist() == exact[wanted].tolist()
    assert len(index.space().nearest(asked, 1000, [0], where)[0]) == where.sum()


@pytest.mark.parametrize("wrong", [{"top_rated": -1}, {"top_rated": 0}, {"min_votes": -1}])
def test_a_number_out_of_range_is_told(index, wrong):
    with pytest.raises(WrongQuery, match="at least"):
        passing(index, Filters(**wrong))
