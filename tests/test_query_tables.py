"""Tables of queries and of answers: recommend.py --input and --output."""

import csv
import io
import json
import os

import pytest

from recommender.errors import RecommenderError
from recommender.query_tables import read_query_table
from tests.conftest import ROOT
from tests.served import write_films
from tests.worlds import only_line, write_csv


def queries_of(tmp_path, content):
    """The queries of a table of these bytes or this text; the message of each that is an error."""
    path = tmp_path / "queries.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return [each if isinstance(each, dict) else str(each)
            for each in read_query_table(str(path)).queries]


@pytest.mark.parametrize("content, queries", [
    ("title\nHeat\nJaws\n", [{"title": "Heat"}, {"title": "Jaws"}]),
    ("id\n603\n862.0\n", [{"id": 603}, {"id": 862}]),
    ("overview\na shark\n", [{"overview": "a shark"}]),
    ("tmdbId,Title,Release Date\n,Heat,1995-12-15\n603,Matrix,1999-03-30\n",
     [{"title": "Heat", "year": 1995}, {"id": 603}]),
    ("Date,Name,Year,Letterboxd URI\n2024-01-02,Heat,1995,https://boxd.it/2a\n",
     [{"title": "Heat", "year": 1995}]),
    ("Position,Const,Description,Title,Year\n1,tt1,good,Heat,1995\n",
     [{"title": "Heat", "year": 1995}]),
    ("title,text\nHeat,in winter\n", [{"title": "Heat", "overview": "in winter"}]),
    ("title;year\nHeat;1995\nJaws;\n", [{"title": "Heat", "year": 1995}, {"title": "Jaws"}]),
    ("\ufefftitle\r\nAm\u00e9lie\r\n", [{"title": "Am\u00e9lie"}]),
    ("title\nAm\u00e9lie\n".encode("utf-16"), [{"title": "Am\u00e9lie"}]),
    ("title\nAm\u00e9lie\n".encode("cp1252"), [{"title": "Am\u00e9lie"}]),
    ("title\tid\nHeat\t\n", [{"title": "Heat"}]),
    ("title\nThe Good, the Bad and the Ugly\n\"Me, You\"\nHeat,,\n", [
        {"title": "The Good, the Bad and the Ugly"}, {"title": "Me, You"}, {"title": "Heat"}]),
    ("id,overview\n,a man, a plan\n", [{"overview": "a man, a plan"}])], ids=repr)
def test_tables_as_people_have_them_are_read(tmp_path, content, queries):
    assert queries_of(tmp_path, content) == queries


@pytest.mark.parametrize("cells, said", [
    ("x,,,", "'x' in column id is no TMDB id"), (",Heat,95,", "'95' in column year is no year"),
    (",,,", "asks for nothing"), (",nan,1999,NULL", "asks for nothing"), (",,1999,", "nothing"),
    ("1,Heat", "the row has 2 cells and the header 4")])
def test_a_row_that_is_no_query_says_why_and_leaves_the_others(tmp_path, cells, said):
    first, wrong, last = queries_of(
        tmp_path, "id,title,year,overview\n1,,,\n{}\n2,,,\n".format(cells))
    assert (first, last) == ({"id": 1}, {"id": 2})
    assert said in wrong


@pytest.mark.parametrize("content, said", [
    ("title\n", "has a header and no rows"), ("", "is empty"), ("Heat\nJaws\n", "with a header"),
    ("year\n1999\n", "has no column title, id or overview"),
    ("title\n\"Heat\n", "not a CSV")])
def test_what_is_no_table_of_queries_is_an_error(tmp_path, content, said):
    with pytest.raises(RecommenderError, match=said):
        queries_of(tmp_path, content)


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    return write_films(tmp_path_factory.mktemp("films"))


@pytest.fixture
def recommend(run_program, index, tmp_path):
    """Runs recommend.py in tmp_path on the index of `write_films`."""
    def run(*args):
        return run_program(os.path.join(ROOT, "recommend.py"), "--index", index, *args,
                           cwd=str(tmp_path))
    return run


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_answers_are_those_of_single_queries(recommend, tmp_path):
    write_csv(tmp_path / "q.csv", [["babe", "", ""], ["", "603", ""], ["Pinocchio", "", "1996"]],
              ("title", "id", "year"))
    done = recommend("--input", "q.csv", "--output", "a.csv", "-k", "3", "--from", "1990")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.splitlines() == ["by recipe mean4; --recipe best answers otherwise",
                                        "q.csv: 3 of 3 queries answered"]
    rows = rows_of((tmp_path / "a.csv").read_text(encoding="utf-8"))
    asked = [["--title", "babe"], ["--id", "603"], ["--title", "Pinocchio", "--year", "1996"]]
    for number, flags in enumerate(asked, 1):
        single = json.loads(recommend(*flags, "-k", "3", "--from", "1990", "--json").stdout)
        assert [row for row in rows if row["query"] == str(number)] == [
            {"query": str(number), "rank": str(film["rank"]),
             "score": "{:.4f}".format(film["score"]), "id": str(film["id"]),
             "title": film["title"], "year": str(film["year"]), "note": "", **single["made_by"]}
            for film in single["results"]]


def test_queries_without_an_answer_are_listed_and_the_others_go_on(recommend, tmp_path):
    write_csv(tmp_path / "q.csv", [["nothing like it"], ["Pinocchio"], [""], ["x y"], ["z"]],
              ("title",))
    done = recommend("--input", "q.csv", "-k", "1", "--recipe", "mean4")
    assert done.returncode == 0
    rows = rows_of(done.stdout)
    assert [(row["query"], row["rank"]) for row in rows] == [
        ("1", ""), ("2", "1"), ("3", ""), ("4", ""), ("5", "")]
    assert rows[0]["note"].startswith("no film is called 'nothing like it'")
    assert "3 films are called 'Pinocchio': taking Pinocchio (1940, id 10895)" in rows[1]["note"]
    assert "column year or id picks" in rows[1]["note"]
    line = only_line(done.stderr)
    assert line.startswith("q.csv: 1 of 5 queries answered, 4 not (row 1: no film is called 'noth")
    assert line.endswith("and 1 more: see column note)")


def test_if_no_query_has_an_answer_the_exit_code_is_2(recommend, tmp_path):
    write_csv(tmp_path / "q.csv", [["babe"]], ("title",))
    done = recommend("--input", "q.csv", "--output", "a.csv", "--from", "2200")
    assert done.returncode == 2
    row, = rows_of((tmp_path / "a.csv").read_text(encoding="utf-8"))
    assert row["note"] == "no film meets all of the filters: leave one out"
    assert (row["recipe"], row["checkpoint"]) == ("mean4", "tiny")


def test_films_of_seen_are_left_out_of_all_answers(recommend, tmp_path):
    write_csv(tmp_path / "q.csv", [["603"], ["862"]], ("id",))
    (tmp_path / "seen.txt").write_text("Toy Story 2\n604\n")
    done = recommend("--input", "q.csv", "-k", "100", "--seen", "seen.txt")
    rows = rows_of(done.stdout)
    assert {row["query"] for row in rows} == {"1", "2"}
    assert not {"604", "863"} & {row["id"] for row in rows}
    assert "seen.txt: 2 films left out of the answer" in done.stderr


@pytest.mark.parametrize("flags, said", [
    (["--output", "a.csv"], "--output is for the answers to the queries of --input"),
    (["--input", "q.csv", "babe"], "--title goes with a single query"),
    (["--input", "q.csv", "--not", "babe"], "--not goes with a single query"),
    (["--input", "q.csv", "--liked", "q.csv"], "--liked goes with a single query"),
    (["--input", "q.csv", "--compare"], "--compare goes with a single query"),
    (["--input", "q.csv", "--output", "q.csv"], "--output is the file of --input"),
    (["--input", "q.csv", "--output", "."], ". is a folder: --output names a file"),
    (["--input", "q.csv", "--recipe", "x"], "has no recipe 'x'"),
    (["--input", "q.csv", "--genres", "x"], "no film is of the genre 'x'")])
def test_flags_that_do_not_go_with_tables_are_told_and_nothing_is_written(
        recommend, tmp_path, flags, said):
    write_csv(tmp_path / "q.csv", [["babe"]], ("title",))
    done = recommend(*flags)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr.splitlines()[-1]
    assert os.listdir(str(tmp_path)) == ["q.csv"]


@pytest.mark.parametrize("flags, said", [
    (["--input", "none.csv"], "none.csv: No such file or directory"),
    (["--input", "q.csv", "--output", "none/a.csv"], "none/a.csv: No such file or directory")])
def test_files_that_are_not_there_are_told(recommend, tmp_path, flags, said):
    write_csv(tmp_path / "q.csv", [["babe"]], ("title",))
    done = recommend(*flags)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1] == "recommend.py: error: " + said
