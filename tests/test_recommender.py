"""The Python interface: wishes and what is not wanted, filters, variety, data frames."""

import subprocess
import sys

import numpy as np
import pytest

from recommender import Recommender
from recommender.errors import NothingFound, RecommenderError, WrongQuery
from recommender.recommender import PUSH
from recommender.source import Source
from tests.conftest import ROOT
from tests.worlds import open_index, row, search

X, Y, Z, W = np.eye(8)[:4]
FILMS = [
    (row(1, "Heat", release_date="1995-12-15", vote_count="90"), X),
    (row(2, "Heat", release_date="1986-11-13", vote_count="10"), X + 0.5 * W),
    (row(3, "Alien"), Y),
    (row(4, "Between", genres="[{'id': 1, 'name': 'Horror'}]", vote_count="500",
         vote_average="9.0"), X + Y),
    (row(5, "Near Heat"), X + 0.1 * Z),
    (row(6, "Nearer Heat"), X + 0.09 * Z),
    (row(7, "Aslant", genres="[{'id': 1, 'name': 'Horror'}]"), X - 0.3 * Z),
    (row(8, "Near Alien"), Y + 0.2 * Z),
]
TEXTS = {"of heat": X, "of aliens": Y, "of z": Z}


def embed(text):
    return Source(text, np.tile(np.float32(TEXTS[text]), (4, 3, 1)), np.arange(3))


@pytest.fixture(scope="module")
def recommender(tmp_path_factory):
    features = {film["id"]: np.tile(np.float32(vector), (4, 3, 1)) for film, vector in FILMS}
    return Recommender(open_index(tmp_path_factory.mktemp("world"), [film for film, _ in FILMS],
                                  features), embed)


def ids(results):
    assert [result.rank for result in results] == list(range(1, len(results) + 1))
    return [result.movie["id"] for result in results]


def scores(results):
    return {result.movie["id"]: result.score for result in results}


def cosine(a, b):
    return a @ b / np.linalg.norm(a) / np.linalg.norm(b)


def plain(results):
    """The results without their place on the scale of scores."""
    return [result._replace(nearness=None) for result in results]


def test_one_film_answers_as_its_embedding_does(recommender):
    index = recommender.index
    for film in range(1, 9):
        at = index.row_of_id(film)
        assert plain(recommender.similar(id=film, k=5)) == search(
            index, index.space().embedding(at), 5, [at])


def test_one_text_answers_as_its_embedding_does(recommender):
    index = recommender.index
    assert recommender.similar(overview="of z", k=5) == search(
        index, index.space().embed(embed("of z")), 5)


def test_several_wishes_are_near_to_their_mean(recommender):
    found = recommender.similar(title=["Heat", "Alien"], k=6)
    assert ids(found)[0] == 4
    assert scores(found)[5] == pytest.approx(cosine(X + Y, X + 0.1 * Z), abs=1e-6)
    mixed = recommender.similar(title="Heat", overview="of aliens", k=7)
    assert scores(mixed)[4] == pytest.approx(1)
    twice = recommender.similar(title="Heat", overview=["of aliens", "of aliens"], k=7)
    assert scores(twice)[4] == pytest.approx(cosine(X + 2 * Y, X + Y), abs=1e-6)


def test_no_film_that_was_named_is_in_the_answer(recommender):
    found = recommender.similar(title="Heat", id=[3, 4], unlike="Aslant", k=100)
    assert sorted(ids(found)) == [2, 5, 6, 8]


def test_a_film_named_twice_counts_once(recommender):
    once = recommender.similar(title=["Heat", "Alien"])
    assert recommender.similar(title=["Heat", "the heat"], id=[1, 3]) == once


def test_what_is_not_wanted_is_pushed_away(recommender):
    plain, pushed = (scores(recommender.similar(title="Heat", k=8, unlike=unlike))
                     for unlike in (None, "Near Alien"))
    assert pushed[4] < plain[4]
    away = Y + 0.2 * Z
    query = X - PUSH * away / np.linalg.norm(away)
    assert pushed[4] == pytest.approx(cosine(query, X + Y), abs=1e-6)


def test_a_year_behind_a_title_picks_among_films_that_share_it(recommender):
    assert recommender.wishes(title=["Heat (1986)", "Alien"]).films == (1, 2)
    assert recommender.wishes(title="heat(1995)").films == (0,)
    assert recommender.wishes(title="Heat", year=1986).films == (1,)
    assert recommender.wishes(id=3, unlike="Heat (1986)").unlike == (1,)
    with pytest.raises(NothingFound, match="no film called 'Heat' is of 2000"):
        recommender.wishes(title="Heat (2000)")
    with pytest.raises(NothingFound, match=r"no film is called 'Haet'; near: Heat"):
        recommender.wishes(title="Haet (1995)")


def test_titles_that_several_films_have_are_told(recommender):
    wishes = recommender.wishes(title=["Heat", "Alien"])
    assert wishes.films == (0, 2)
    assert wishes.shared == (("Heat", (0, 1)),)
    assert recommender.wishes(title="Heat (1986)").shared == ()


def test_filters_narrow_before_the_ranking(recommender):
    assert ids(recommender.similar(title="Heat", genres=["Horror"], k=10)) == [7, 4]
    assert ids(recommender.similar(title="Heat", genres="horror", k=1)) == [7]
    assert ids(recommender.similar(title="Heat", year_to=1990)) == [2]
    assert recommender.similar(title="Heat", year_to=1950) == []


def test_the_same_genre_is_that_of_the_films_asked_for(recommender):
    assert ids(recommender.similar(title="Aslant", same_genre=True)) == [4]
    with pytest.raises(WrongQuery):
        recommender.similar(overview="of heat", same_genre=True)


def test_without_a_wish_the_best_rated_come(recommender):
    found = recommender.similar(genres=["Horror"])
    assert ids(found) == [4, 7]
    assert [result.score for result in found] == pytest.approx(
        [result.movie["weighted_rating"] for result in found], abs=0.005)
    assert ids(recommender.similar(k=8)) == [4, 2, 1, 3, 5, 6, 7, 8]


def test_variety_takes_one_of_two_that_are_alike(recommender):
    assert ids(recommender.similar(title="Heat", k=3)) == [6, 5, 7]
    assert ids(recommender.similar(title="Heat", k=2, diverse=0.5)) == [6, 7]


def test_variety_is_maximal_marginal_relevance(recommender):
    found = recommender.similar(title="Alien", overview="of heat", k=7, diverse=0.4)
    units = {film["id"]: vector / np.linalg.norm(vector) for film, vector in FILMS}
    query = (X + Y) / np.sqrt(2)
    chosen = []
    left = [film for film in units if film != 3]
    while left:
        worth = [0.6 * units[film] @ query
                 - 0.4 * max((units[film] @ units[other] for other in chosen), default=-1)
                 for film in left]
        chosen.append(left.pop(int(np.argmax(worth))))
    assert ids(found) == chosen
    assert scores(found) == pytest.approx({film: units[film] @ query for film in chosen}, abs=1e-6)


def test_no_variety_is_the_plain_answer(recommender):
    assert recommender.similar(title="Heat", diverse=0.0) == recommender.similar(title="Heat")
    assert ids(recommender.similar(title="Heat", k=100, diverse=1.0))[0] == 6


def test_a_data_frame_has_a_film_a_row(recommender):
    results = recommender.similar(title="Heat", k=3)
    frame = results.to_frame()
    assert frame.to_dict("records") == [result.to_dict() for result in results]
    assert list(frame.columns[:5]) == ["rank", "score", "nearness", "id", "title"]


@pytest.mark.parametrize("query, what", [
    ({"id": 1, "k": 0}, "k is 0"), ({"id": 1, "diverse": 1.1}, "diverse is 1.1"),
    ({"title": ["Heat", "Alien"], "year": 1995}, "behind each"),
    ({"overview": "of heat", "year": 1995}, "year"),
    ({"title": "Heat", "unlike": "Heat"}, "both asked for and not wanted"),
    ({"overview": ["of heat", " "]}, "a text is empty"),
    ({"unlike": "Heat"}, "nothing is asked for"), ({"diverse": 0.5}, "nothing is asked for")])
def test_what_makes_no_sense_is_told(recommender, query, what):
    with pytest.raises(WrongQuery, match=what):
        recommender.similar(**query)


def test_a_filter_that_does_not_exist_is_a_type_error(recommender):
    with pytest.raises(TypeError, match="genre"):
        recommender.similar(id=1, genre="Horror")


def test_what_is_not_there_is_not_found(recommender, tmp_path):
    for query in ({"title": "Nowhere Near Any"}, {"id": 99}, {"id": 1, "unlike": "Nowhere"}):
        with pytest.raises(NothingFound):
            recommender.similar(**query)
    with pytest.raises(RecommenderError, match="no index at"):
        Recommender.open(str(tmp_path / "none.h5"))


def test_importing_it_is_light():
    code = ("import sys; from recommender import Recommender\n"
            "heavy = {'tensorflow', 'pandas', 'scipy', 'flask', 'bert'} & set(sys.modules)\n"
            "assert not heavy, heavy\n"
            "import recommender.filters\n")
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
    code = ("import sys, recommender\n"
            "assert 'numpy' not in sys.modules\n"
            "assert not hasattr(recommender, 'Recomender')\n")
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
