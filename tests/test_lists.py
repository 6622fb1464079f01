"""People's own lists: exports of Letterboxd and IMDb, and lines of text, as wishes and as seen."""

import json

import numpy as np
import pytest

from recommender.errors import NothingFound, RecommenderError, WrongQuery
from recommender.filters import Filters
from recommender.index import Index
from recommender.lists import find_films, read_list
from recommender.printing import explanation
from recommender.recommender import Recommender
from tests.worlds import only_line, row, write_index

X, Y, Z, W = np.eye(8)[:4]
FILMS = [
    (row(949, "Heat", release_date="1995-12-15", imdb_id="tt0113277", vote_count="900"), X),
    (row(2, "Heat", release_date="1986-11-13", imdb_id="tt0093164", vote_count="9"), Y),
    (row(3, "Amélie", release_date="2001-04-25", imdb_id="tt0211915",
         original_title="Le Fabuleux Destin d'Amélie Poulain"), Z),
    (row(4, "Blade Runner 2049", release_date="2017-10-04", imdb_id="tt1856101"), X + Y),
    (row(5, "[REC]", release_date="2007-11-23", imdb_id="tt1038988"), X + Z),
    (row(6, "The Good, the Bad and the Ugly", release_date="1966-12-23", imdb_id=""), X + W),
    (row(7, "1917", release_date="2019-12-25", imdb_id="tt8579674"), W),
]
LETTERBOXD = ("Date,Name,Year,Letterboxd URI,Rating\n"
              "2020-01-01,Heat,1995,https://boxd.it/2a,5\n"
              "2020-01-02,Amelie,2001,https://boxd.it/2b,2.5\n"
              "2020-01-03,Heat,1986,https://boxd.it/2c,2\n"
              '2020-01-04,"The Good, the Bad and the Ugly",1966,https://boxd.it/2d,\n'
              "2020-01-05,Nobody's Film,1999,https://boxd.it/2e,4\n")
IMDB = ("Const,Your Rating,Date Rated,Title,URL,Title Type,IMDb Rating,Runtime (mins),Year\n"
        "tt0113277,10,2020-01-01,Heat,https://www.imdb.com/title/tt0113277,movie,8.3,170,1995\n"
        "tt0211915,5,2020-01-01,Amélie,https://www.imdb.com/title/tt0211915,movie,8.3,122,2001\n"
        "tt0093164,4,2020-01-01,Heat,https://www.imdb.com/title/tt0093164,movie,5.0,101,1986\n"
        "tt0060196,,2020-01-01,\"The Good, the Bad and the Ugly\",u,movie,8.8,161,1966\n"
        "tt9999999,9,2020-01-01,Blade Runner 2049,u,tvSeries,8.0,60,2017\n")


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    features = {film["id"]: np.tile(np.float32(vector), (4, 3, 1)) for film, vector in FILMS}
    return write_index(tmp_path_factory.mktemp("world"), [film for film, _ in FILMS], features,
                       recipes=("mean4", "tfidf"))


@pytest.fixture(scope="module")
def index(path):
    return Index(path)


@pytest.fixture
def found(index, tmp_path):
    """Finds the films of a list with some content."""
    def find(content, encoding="utf-8"):
        (tmp_path / "list.csv").write_bytes(content.encode(encoding))
        return find_films(index, read_list(str(tmp_path / "list.csv")))
    return find


@pytest.fixture
def recommend(run_program, path, tmp_path):
    """Runs recommend.py on the index of this world, in `tmp_path`."""
    def run(*args):
        return run_program("recommend.py", "--index", path, *args, cwd=str(tmp_path))
    return run


def ids(result):
    assert result.returncode == 0, result.stderr
    return [each["id"] for each in json.loads(result.stdout)["results"]]


@pytest.mark.parametrize("content", [LETTERBOXD, IMDB], ids=["letterboxd", "imdb"])
def test_stars_are_shares_of_the_most_that_a_list_gives(found, content):
    told = found(content)
    assert told.liked == {949: 1.0, 3: 0.5, 6: 1.0}
    assert told.others == [2]
    lost, = told.notes
    assert "1 of 5 fit no film of" in lost


@pytest.mark.parametrize("change, encoding, note", [
    (lambda text: text, "utf-8-sig", None),
    (lambda text: text.replace("Amelie", "Amélie"), "cp1252", "read as Windows-1252"),
    (lambda text: text, "utf-16", "read as UTF-16"),
    (lambda text: text.replace("\n", "\r\n").upper(), "utf-8", None),
    (lambda text: text.replace(",", ";").replace("2.5", "2,5").replace(
        "Good; the", "Good, the"), "utf-8", "separated by semicolons"),
    (lambda text: "Letterboxd list export v7\nDate,Name,Tags,URL,Description\n"
     '2020-01-01,Best,,https://boxd.it/1,"two\nlines"\n\n' + text.replace(
         "Date,", "Position,", 1), "utf-8", None)])
def test_lists_are_read_in_the_forms_that_catalogues_have(found, change, encoding, note):
    told = found(change(LETTERBOXD), encoding)
    assert told.liked == {949: 1.0, 3: 0.5, 6: 1.0}
    assert note is None or any(note in each for each in told.notes)


@pytest.mark.parametrize("line, movie_id", [
    ("949", 949), ("tt0113277", 949), ("TT0113277", 949), ("Heat (1986)", 2), ("heat, 1986", 2),
    ("Heat\t1986", 2), ("Heat 1986", 2), ("Heat (1987)", 2), ("Blade Runner 2049", 4),
    ("Blade Runner 2049 (2017)", 4), ("[REC]", 5), ("1917", 7), ("1917 (2019)", 7),
    ('"Good, the Bad and the Ugly, the"', 6), ("The Good, the Bad and the Ugly (1966)", 6),
    ("Le fabuleux destin d'Amelie Poulain (2001)", 3), ("Heat", 949),
    ("https://www.imdb.com/title/tt0211915/", 3),
    ("https://www.themoviedb.org/movie/949-heat", 949)])
def test_a_line_names_a_film_as_people_write_it(found, line, movie_id):
    assert found("\n  {} \n\n".format(line)).liked == {movie_id: 1.0}


@pytest.mark.parametrize("line", ["Heat (2011)", "77777", "tt7777777", "Amelia", "Heat 2"])
def test_a_film_is_never_guessed(found, line):
    told = found(line + "\n949\n")
    assert told.liked == {949: 1.0}
    assert told.notes[0].endswith(": " + line)


def test_a_title_that_several_films_share_is_told_where_no_year_picks(found):
    note, = found("Heat\nAmelie\n").notes
    assert note.endswith("1 of its titles are those of several films: taking the one with the most "
                         "votes: Heat (1995, id 949)")
    assert found("Heat (1995)\n").notes == []


def test_of_films_that_fit_nothing_five_are_named(found):
    note, = found("".join("Nothing {}\n".format(n) for n in "abcdefg")).notes
    assert "7 of 7 fit no film of" in note
    assert note.endswith(": Nothing a, Nothing b, Nothing c, Nothing d, Nothing e, …")


def test_other_tables_with_such_columns_are_lists(found):
    assert found("tmdb_id,title\n949,?\n,Amelie\n").liked == {949: 1.0, 3: 1.0}
    assert found("Title\nThe Good, the Bad and the Ugly\n").liked == {6: 1.0}
    assert found("title,rating\nHeat,8\nAmelie,4\n").liked == {949: 0.8}


def test_the_last_stars_of_a_film_count(found):
    told = found("Name,Year,Rating\nHeat,1995,1\nHeat,1995,4\nHeat,1995,\n")
    assert (told.liked, told.others) == ({949: 0.8}, [])


@pytest.mark.parametrize("stars", ["0", "-1", "many"])
def test_stars_that_are_none_make_no_wish(found, stars):
    told = found("Name,Rating\nHeat,{}\nAmelie,5\n".format(stars))
    assert (told.liked, told.others) == ({3: 1.0}, [949])


@pytest.mark.parametrize("content, told", [
    (b"", "is empty"), (b"PAR1" + bytes(9), "a Parquet file"), (b"%PDF-1.4 x", "but a PDF"),
    (b"<html>", "HTML"), (b"\x89PNG\0\0\xff", "not a CSV in UTF-8"),
    (b"Year,Rating\n1999,5\n", "column Name, Title, Const or tmdbID is missing"),
    (b"Letterboxd list export v7\nDate,Name\n1,2\n", "without films")])
def test_what_is_no_list_is_told(tmp_path, content, told):
    (tmp_path / "list.csv").write_bytes(content)
    with pytest.raises(RecommenderError, match=told):
        read_list(str(tmp_path / "list.csv"))


def test_the_query_is_the_weighted_mean_of_the_wishes(index):
    recommender = Recommender(index)
    vector = recommender.vector(recommender.wishes(liked={949: 1.0, 2: 0.5}))
    assert vector == pytest.approx((2 * X + Y) / 3, abs=1e-6)
    titled = recommender.wishes(title="Heat (1995)", liked={949: 0.1, 2: 0.5})
    assert recommender.vector(titled) == pytest.approx((2 * X + Y) / 3, abs=1e-6)
    assert recommender.vector(recommender.wishes(liked=[949, 2])) == pytest.approx((X + Y) / 2)


def test_equal_weights_change_no_digit(index):
    recommender = Recommender(index)
    vector = recommender.vector(recommender.wishes(id=[4, 5, 6]))
    by_numpy = np.mean([index.space().embedding(each) for each in (3, 4, 5)], axis=0)
    assert vector.dtype == np.float32
    assert np.array_equal(vector, by_numpy)


def test_films_of_the_lists_never_come_back(index):
    recommender = Recommender(index)
    answer = recommender.similar(liked={949: 0.9, 3: 0.5}, seen=[2, 6, 12345])
    assert sorted(result.movie["id"] for result in answer) == [4, 5, 7]
    best = recommender.similar(seen=[2, 6])
    assert sorted(result.movie["id"] for result in best) == [3, 4, 5, 7, 949]
    only = recommender.wishes(id=949, seen=2)
    assert 2 not in [result.movie["id"] for result in
                     recommender.recommend(only, filters=Filters(year_to=2010))]


def test_ids_and_weights_that_cannot_be_are_told(index):
    recommender = Recommender(index)
    with pytest.raises(WrongQuery, match="the weight of id 949 is 0, a number above 0"):
        recommender.similar(liked={949: 0})
    with pytest.raises(WrongQuery, match="nan"):
        recommender.similar(liked={949: float("nan")})
    with pytest.raises(NothingFound, match="no movie with id 5000"):
        recommender.similar(liked=[5000])


@pytest.mark.parametrize("recipe", ["mean4", "tfidf"])
def test_explanations_add_up_with_weights(index, recipe):
    recommender = Recommender(index)
    recommender._texts.word_spans = lambda source: [(0, 0)] * 3
    wishes = recommender.wishes(liked={949: 1.0, 2: 0.5, 3: 0.9}, unlike_id=7, recipe=recipe)
    results = recommender.recommend(wishes)
    for result, why in zip(results, recommender.explain(wishes, results)):
        assert why.score == pytest.approx(result.score, abs=1e-6)
        assert sum(share.share for each in why.asked for share in each) == pytest.approx(
            result.score, abs=1e-6)


@pytest.mark.parametrize("content", [LETTERBOXD, IMDB], ids=["letterboxd", "imdb"])
def test_the_program_takes_an_export_as_a_query(recommend, tmp_path, content):
    (tmp_path / "ratings.csv").write_text(content, encoding="utf-8")
    result = recommend("--liked", "ratings.csv", "--json")
    assert sorted(ids(result)) == [4, 5, 7]
    told = json.loads(result.stdout)
    assert [(film["id"], film["weight"]) for film in told["query"]["wishes"]] == [
        (949, 1), (3, 0.5), (6, 1)]
    assert told["seen"] == [2]
    assert "ratings.csv: 3 films are wishes, 1 below {} of {} stars left out of the answer".format(
        *("2.5", 5) if "Letterboxd" in content else ("5", 10)) in result.stderr
    assert "ratings.csv: 1 of 5 fit no film of" in result.stderr


def test_lists_go_with_wishes_filters_and_comparisons(recommend, tmp_path):
    (tmp_path / "ratings.csv").write_text(LETTERBOXD)
    (tmp_path / "seen.txt").write_text("[REC]\ntt1856101\n")
    both = ("--liked", "ratings.csv", "--seen", "seen.txt")
    assert ids(recommend(*both, "--json")) == [7]
    assert ids(recommend("--title", "1917", "--seen", "seen.txt", "--to", "1990", "--json")) == [
        6, 2]
    assert 7 not in ids(recommend("--liked", "ratings.csv", "--title", "1917", "--json"))
    assert sorted(ids(recommend("--seen", "seen.txt", "--json"))) == [2, 3, 6, 7, 949]
    assert "1917" in recommend(*both, "--compare").stdout
    table = recommend(*both)
    assert table.stderr.splitlines()[-1].startswith("films like Heat (1995, id 949) and Amélie")


def test_a_long_list_is_told_in_short(recommend, run_program, tmp_path):
    films = [row(n, "Film {}".format(n)) for n in range(1, 21)]
    (tmp_path / "liked.txt").write_text("".join("Film {}\n".format(n) for n in range(1, 16)))
    result = run_program("recommend.py", "--index", write_index(tmp_path, films), "--liked",
                         "liked.txt", cwd=str(tmp_path))
    assert result.returncode == 0
    assert result.stderr.splitlines()[-1].endswith("and Film 10 (1999, id 10) and 5 more")


def test_of_many_wishes_an_explanation_tells_those_that_matter_most(tmp_path):
    films = [row(n, "Film {}".format(n), overview=overview) for n, overview in enumerate(
        ["shark boat sea", "a desert", "shark", "a heist", "sea", "a train", "boat", "shark sea",
         "a queen"], 1)]
    index = Index(write_index(tmp_path, films, recipes=("tfidf",)))
    recommender = Recommender(index)
    wishes = recommender.wishes(liked=range(2, 10))
    result, = recommender.recommend(wishes)
    why, = recommender.explain(wishes, [result])
    lines = [line for line in explanation(index, wishes, result, why).splitlines()
             if not line.startswith("     ")]
    assert [line.split(" (")[0].split(":")[0].strip() for line in lines] == [
        "1. Film 1", "Film 2", "Film 3", "Film 5", "Film 7", "Film 8", "3 other wishes [0.0000]",
        "Film 1"]
    wishes = recommender.wishes(liked=range(2, 7))
    result, = recommender.recommend(wishes, 1)
    assert "other wishes" not in explanation(index, wishes, result, *recommender.explain(
        wishes, [result]))


@pytest.mark.parametrize("content, flags, code, told", [
    ("Nobody\n", ["--liked"], 2, "no film of the index"),
    ("Name,Rating\nHeat,1\n", ["--liked"], 2, "is liked there"),
    ("949\n2\n3\n4\n5\n6\n7\n", ["--seen"], 2, "no film is left that your lists do not name"),
    ("", ["--seen"], 1, "is empty"), (None, ["--liked"], 1, "No such file"),
    ("949\n", ["--not-id", "949", "--liked"], 2, "is both asked for and not wanted")])
def test_lists_without_an_answer_are_told(recommend, tmp_path, content, flags, code, told):
    if content is not None:
        (tmp_path / "list.csv").write_text(content)
    result = recommend(*flags, "list.csv")
    assert (result.returncode, result.stdout) == (code, "")
    assert told in only_line(result.stderr.splitlines()[-1])
