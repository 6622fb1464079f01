"""Films described by others: what is read, how it is embedded, and where the film meant is."""

import csv
import json
import re

import numpy as np
import pytest

from recommender.catalogue import read_catalogue
from recommender.errors import RecommenderError
from recommender.evaluation import baselines
from recommender.evaluation.queries import read_queries
from recommender.recommender import Recommender
from tests.conftest import ROOT, SAMPLE
from tests.worlds import only_line, row, write_csv

# Four films, and what tells them apart.
FILMS = [row(1, "Shark", overview="A fish comes to the beach and bites"),
         row(2, "Spy", overview="Somebody hides a letter in a wall"),
         row(3, "Train", overview="People wait for the evening"),
         row(4, "Letter", overview="A letter, a letter on the beach")]


@pytest.fixture
def movies(tmp_path):
    return read_catalogue(write_csv(tmp_path / "movies.csv", FILMS)).movies


def table(folder, *rows, columns=("id", "text"), name="queries.csv"):
    return write_csv(folder / name, rows, columns)


def test_rows_that_cannot_be_used_are_counted_by_reason(movies, tmp_path):
    found = read_queries(table(
        tmp_path, [1, "a fish"], [9, "no film"], ["x", "no id"], ["", "none"], [2, " "], [3, "NaN"],
        [2, " two\nlines "], [4], [1, "again"]), movies)
    assert found.texts == ["a fish", "two lines", "again"]
    assert found.meant.tolist() == [0, 1, 0]
    assert found.report.endswith(
        "9 rows read, 3 kept, 6 left out (3 whose id is no film that is measured, 2 without a "
        "text, 1 with more or fewer cells than columns)")


@pytest.mark.parametrize("columns", [
    ("tmdbId", "query"), ("Text", "ID"), ("overview", "movie_id"), ("text", "id", "title")])
def test_columns_may_have_other_names_and_stand_anywhere(movies, tmp_path, columns):
    cells = {"tmdbId": 2, "ID": 2, "movie_id": 2, "id": "2.0", "title": "?"}
    found = read_queries(table(tmp_path, [cells.get(name, "a letter") for name in columns],
                               columns=columns), movies)
    assert (found.texts, found.meant.tolist()) == (["a letter"], [1])


def test_other_separators_and_encodings_are_read_and_noted(movies, tmp_path):
    path = tmp_path / "queries.csv"
    path.write_bytes("id;text\n1;Ein Haifischfilm für Kinder\n".encode("cp1252"))
    found = read_queries(str(path), movies)
    assert found.texts == ["Ein Haifischfilm für Kinder"]
    assert "separated by semicolons" in found.report


def test_a_text_may_have_commas_without_quotes(movies, tmp_path):
    path = tmp_path / "queries.csv"
    path.write_text('id,text\n1,a fish, a beach\n2,"a letter, hidden"\n3,waiting,\n')
    found = read_queries(str(path), movies)
    assert found.texts == ["a fish, a beach", "a letter, hidden", "waiting"]
    path.write_text("text,id\na fish, a beach,1\na letter,2\n")
    found = read_queries(str(path), movies)
    assert found.texts == ["a letter"]
    assert "1 with more or fewer cells than columns" in found.report


@pytest.mark.parametrize("content, told", [
    ("id,text\n", "0 rows read, 0 kept: it needs rows with the id of a film"),
    ("id,text\n9,a fish\n", "1 left out (1 whose id is no film that is measured): it needs"),
    ("id,title\n1,Shark\n", "column text is missing"), ("text,title\na,b\n", "column id is miss"),
    ("", "is empty"), ("name,what\n1,2\n", "is not a CSV with a header"),
    ('id,text\n1,"a fish\n', "line 2: not a CSV"), ("PAR1", "but a Parquet file")])
def test_a_table_without_queries_is_told(movies, tmp_path, content, told):
    path = tmp_path / "queries.csv"
    path.write_text(content)
    with pytest.raises(RecommenderError, match=re.escape(told)) as error:
        read_queries(str(path), movies)
    assert str(path) in only_line(str(error.value))


def test_a_film_is_found_by_what_is_told_apart_from_it_only_by_its_id(tmp_path):
    twins = [row(at, "Shark", overview="A fish") for at in (1, 2)]
    movies = read_catalogue(write_csv(tmp_path / "movies.csv", twins + FILMS[2:])).movies
    found = read_queries(table(tmp_path, [2, "a fish"], [1, "a fish"], [4, "a letter"]), movies)
    assert found.meant.tolist() == [0, 0, 3]
    assert found.counts.tolist() == [True, False, True, True]


def test_bm25_of_texts_knows_the_words_of_the_documents_only():
    queries, documents = baselines.bm25_rows(["shark beach", "letter wall wall"],
                                             ["a wall, unheard of", "nothing known"])
    found = (queries @ documents.T).toarray()
    # Two documents of 2 and 3 words, one of which has "wall", twice.
    idf = np.log(1 + (2 - 1 + 0.5) / (1 + 0.5))
    assert found[0, 1] == pytest.approx(idf * 2 * 2.5 / (2 + 1.5 * (0.25 + 0.75 * 3 / 2.5)))
    assert found[0, 0] == 0
    assert found[1].tolist() == [0, 0]


def scores_of(result):
    assert result.returncode == 0, result.stderr
    return {score["name"]: score for score in json.loads(result.stdout)["scores"]}


def test_baselines_are_measured_without_a_checkpoint(run_program, movies, tmp_path):
    # tfidf finds the first text's film first; the second text has a word of two films, one of
    # which has it twice and comes before the one meant; the third has no word that any film has,
    # so that its film is as good as the three others: rank 2.5.
    queries = table(tmp_path, [1, "it bites"], [2, "letter"], [3, "unheard of"], [7, "no film"])
    result = run_program("evaluate.py", "--input_file", tmp_path / "movies.csv", "--recipes",
                         "tfidf", "--queries", queries, "--json")
    found = scores_of(result)
    assert "4 rows read, 3 kept, 1 left out" in result.stderr
    assert found["tfidf"]["text_first"]["mean"] == pytest.approx(1 / 3)
    assert found["tfidf"]["text_recall"] == {"mean": 1, "low": 1, "high": 1, "n": 3}
    assert found["BM25"]["text_recall_ratio"] == {"mean": 1, "low": 1, "high": 1, "n": 3}
    assert found["tfidf"]["text_reciprocal_rank"]["mean"] == pytest.approx((1 + 1 / 2 + 0.4) / 3)
    # BM25 reads titles, too: film 4 has the word three times.
    assert found["BM25"]["text_reciprocal_rank"]["mean"] == pytest.approx((1 + 1 / 2 + 0.4) / 3)
    assert found["same genre by rating"]["text_first"] is None
    assert found["random"]["text_recall"]["mean"] == 1


@pytest.mark.long
def test_a_recipe_is_measured_by_what_the_programs_answer(run_program, sample, minilm, tmp_path):
    with open(ROOT + "/data/sample_queries.csv", encoding="utf-8") as file:
        asked = [(int(each["id"]), each["text"]) for each in csv.DictReader(file)][:12]
    path = table(tmp_path, *asked)
    found = scores_of(run_program(
        "evaluate.py", "--input_file", SAMPLE, "--features", sample.features, "--recipes",
        "mean4,idf,best", "--index", sample.index, "--queries", path, "--bert_dir", minilm,
        "--json"))
    recommender = Recommender.open(sample.index, minilm)
    for recipe in recommender.index.recipes:
        answers = [[result.movie["id"] for result in recommender.similar(
            overview=text, k=533, recipe=recipe)] for _, text in asked]
        ranks = np.array([answer.index(meant) + 1 for (meant, _), answer in zip(asked, answers)])
        for name in (recipe, "{} ({})".format(sample.index, recipe)):
            assert found[name]["text_first"]["mean"] == pytest.approx((ranks == 1).mean())
            assert found[name]["text_recall"]["mean"] == pytest.approx((ranks <= 10).mean())
            assert found[name]["text_reciprocal_rank"]["mean"] == pytest.approx((1 / ranks).mean())
    assert found["idf"]["text_recall"]["mean"] > 0.5


def test_a_checkpoint_that_is_not_there_is_told_before_anything_is_measured(run_program, sample,
                                                                            tmp_path):
    result = run_program("evaluate.py", "--input_file", SAMPLE, "--features", sample.features,
                         "--recipes", "best", "--queries", ROOT + "/data/sample_queries.csv",
                         "--bert_dir", tmp_path / "nowhere")
    assert (result.returncode, result.stdout) == (1, "")
    assert "nowhere" in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.stderr
    assert "row/s" not in result.stderr
