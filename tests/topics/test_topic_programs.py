"""Programs that find topics, join them to an index and answer by them."""

import json
import os
import re

import pytest

from recommender.index import Index
from recommender.topics.topic_file import load_topics, save_topics
from tests.topics.films import layers, overview
from tests.worlds import only_line, row, write_index


def test_the_programs_join_and_filter(run_program, joined, path, tmp_path):
    folder = os.path.dirname(joined)
    output = str(tmp_path / "index.h5")
    built = run_program("build_index.py", "--input_file", os.path.join(folder, "movies.csv"),
                        "--features", os.path.join(folder, "features"), "--output", output,
                        "--recipe", "mean4", "--topics", os.path.join(folder, "topics.h5"))
    assert "topics.h5; 2 films have none" in built.stderr, built.stderr
    name = Index(output).topics().topics[-1].name
    told = run_program("recommend.py", "--index", output, "--topic", name, "--json").stdout
    assert all(name in film["topics"] for film in json.loads(told)["results"])
    table = run_program("recommend.py", "--index", output, "--id", "1", "--same-topic").stdout
    assert table.splitlines()[0].endswith("  topic")
    assert len({line.rpartition("  ")[2] for line in table.splitlines()[1:-1]}) == 1


def test_evaluate_measures_topics(run_program, path):
    folder = os.path.dirname(path)
    told = run_program("evaluate.py", "--input_file", os.path.join(folder, "movies.csv"),
                       "--features", os.path.join(folder, "features"), "--recipes",
                       "mean4,topics", "--json")
    rows = [row["name"] for row in json.loads(told.stdout)["scores"]]
    assert rows[-2:] == ["mean4", "topics"]


def test_the_program_prints_measures_and_topics_and_writes_the_file(run_program, path, tmp_path):
    output = str(tmp_path / "topics.h5")
    flags = ("--index", path, "--output", output, "--range", "2-4", "--samples", "1")
    result = run_program("topics.py", *flags)
    assert result.returncode == 0, result.stderr
    assert "every film has one" in result.stderr
    assert "clusters        4" in result.stdout
    assert "coherence by number of topics, nmf: 2 " in result.stdout
    told = json.loads(run_program("topics.py", *flags, "--json").stdout)
    assert [topic["name"] for topic in told["topics"]] == [
        topic.name for topic in load_topics(output).tree.topics]
    assert told["without_topic"] == 0


def test_the_page_holds_all_topics_and_asks_for_nothing(run_program, path, tmp_path):
    page, output = str(tmp_path / "topics.html"), str(tmp_path / "topics.h5")
    result = run_program("topics.py", "--index", path, "--output", output, "--n_topics", "4",
                         "--samples", "0", "--html", page)
    assert result.returncode == 0, result.stderr
    with open(page, encoding="utf-8") as file:
        text = file.read()
    for topic in load_topics(output).tree.topics:
        assert topic.name in text
    assert not re.search(r"https?:|<script|<link|<img|url\(", text)
    assert "prefers-color-scheme: dark" in text


@pytest.mark.parametrize("flags, code, said", [
    (("--n_topics", "4", "--range", "3-5"), 2, "give one of them"),
    (("--range", "5-3"), 2, "the smaller number first"), (("--range", "x"), 2, "not a range like"),
    (("--n_topics", "61"), 1, "61 topics of 60 films"),
    (("--recipe", "worst"), 2, "no recipe 'worst'"), (("--index", "none.h5"), 1, "no index at")])
def test_wrong_flags_are_one_line(run_program, path, tmp_path, flags, code, said):
    result = run_program("topics.py", "--index", path, "--output", str(tmp_path / "topics.h5"),
                         *flags)
    assert (result.returncode, result.stdout) == (code, "")
    assert said in only_line(result.stderr)
    assert not (tmp_path / "topics.h5").exists()


@pytest.mark.parametrize("spoil, said", [
    (os.remove, "no topics at"), (lambda file: os.truncate(file, 100), "not a whole HDF5 file")])
def test_build_index_refuses_topics_that_cannot_be_read(run_program, path, found, index, tmp_path,
                                                        spoil, said):
    topics, output = str(tmp_path / "topics.h5"), tmp_path / "index.h5"
    save_topics(topics, found["nmf"].tree, index.ids, {})
    spoil(topics)
    folder = os.path.dirname(path)
    result = run_program("build_index.py", "--input_file", os.path.join(folder, "movies.csv"),
                         "--features", os.path.join(folder, "features"), "--output", str(output),
                         "--topics", topics)
    assert (result.returncode, result.stdout) == (1, "")
    assert said in only_line(result.stderr)
    assert not output.exists()


@pytest.mark.parametrize("flags, said", [
    (("--topic", "space"), "has no topics: topics.py finds them"),
    (("--id", "1", "--same-topic"), "has no topics: topics.py finds them"),
    (("--topic", " "), "the text is empty")])
def test_recommend_without_topics_is_one_line(run_program, path, flags, said):
    result = run_program("recommend.py", "--index", path, *flags)
    assert (result.returncode, result.stdout) == (2, "")
    assert said in only_line(result.stderr)


@pytest.mark.parametrize("method, said", [("clusters", "every film has one"),
                                          ("nmf", "1 films have none")])
def test_every_film_has_a_topic_or_is_counted_as_having_none(run_program, tmp_path, method, said):
    films = [row(at + 1, "Film {}".format(at), overview=overview(at)) for at in range(40)]
    films[7]["overview"] = "Said."  # no word that names a subject
    index = write_index(tmp_path, films, {at + 1: layers(at) for at in range(40)})
    output = str(tmp_path / "topics.h5")
    done = run_program("topics.py", "--index", index, "--output", output, "--n_topics", "4",
                       "--samples", "0", "--method", method, "--json")
    assert done.returncode == 0, done.stderr
    assert said in done.stderr
    of_films = load_topics(output).tree.of_films
    without = (of_films < 0).any(axis=1)
    assert (without == (of_films < 0).all(axis=1)).all()  # at all levels, or at none
    assert without.nonzero()[0].tolist() == ([7] if method == "nmf" else [])
    assert json.loads(done.stdout)["without_topic"] == without.sum()
