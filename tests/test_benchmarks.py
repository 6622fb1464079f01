"""The arithmetic and the table of the benchmarks; what they measure is no test's business."""

import csv
import json
import os
import re
import subprocess
import sys

import h5py
import numpy as np
import pytest

from benchmarks import encoders, programs, server
from benchmarks.bench import Bench
from benchmarks.catalogues import evenly, repeated, write_csv
from benchmarks.engines import in_turns
from benchmarks.environments import NotMeasured
from benchmarks.scale import workers
from benchmarks.table import Row, best_of, markdown, number, ratios, useful_flops
from recommender.catalogue import read_catalogue
from tests import worlds
from tests.conftest import ROOT


def test_useful_flops_are_those_of_the_matrix_products():
    config = {"hidden_size": 8, "intermediate_size": 16, "num_hidden_layers": 2}
    # One text of 3 tokens, counted product by product: (rows, inner, columns) a layer.
    products = [(3, 8, 8)] * 4 + [(3, 8, 16), (3, 16, 8)] + [(3, 8, 3), (3, 3, 8)]
    expected = 2 * sum(2 * a * b * c for a, b, c in products)
    assert useful_flops(config, [3]) == expected
    assert useful_flops(config, [3, 3]) == 2 * expected


def test_padding_is_no_useful_work():
    config = {"hidden_size": 8, "intermediate_size": 16, "num_hidden_layers": 1}
    assert useful_flops(config, [2, 6]) < useful_flops(config, [6, 6])


def test_ratios_are_of_the_same_round():
    assert ratios([2.0, 9.0], [1.0, 3.0]) == [2.0, 3.0]
    assert best_of([[2.0, 9.0], [3.0, 4.0]]) == [2.0, 4.0]


def test_a_peer_that_is_missing_leaves_its_reason_in_the_table(monkeypatch):
    rounds = encoders.Rounds({"ours": [1.0, 2.0], "Google's graph": [2.0, 5.0]}, [4e9, 8e9], 2e9,
                             {"Google's graph": "same batches", "rate": "numpy"}, "no CPython 3.11")
    monkeypatch.setattr(encoders, "_rounds", lambda *args, **options: rounds)
    by_name = {row.measure: row for row in encoders.minilm(Bench("", "", 2, []))}
    torch = by_name["encoder alone / PyTorch, MiniLM"]
    assert (torch.values, torch.target, torch.how) == ([], "≥ 1.15", "no CPython 3.11")
    assert by_name["encoder alone / Google's graph, MiniLM"].values == [2.0, 2.5]
    useful = by_name["useful arithmetic / matrix-multiply rate, MiniLM"]
    assert useful.values == [0.5, 0.125]
    assert useful.how == "2 of 6 Gflop/s; numpy"


def test_without_tensorflow_2_its_environment_is_asked_for(tmp_path):
    with pytest.raises(NotMeasured, match="make demo TF=2"):
        programs.tensorflow_2(Bench(str(tmp_path), "", 2, []))


def test_extraction_is_compared_between_the_tensorflows(monkeypatch, tmp_path):
    tf2 = tmp_path / ".venv-tf2" / "bin" / "python"
    tf2.parent.mkdir(parents=True)
    tf2.touch()
    monkeypatch.setattr(programs, "versions", lambda *args: "versions")

    def extract(bench, movies, checkpoint, python):
        return (2.0 if python == str(tf2) else 4.0) * len(movies)

    monkeypatch.setattr(programs, "_extract", extract)
    csv = worlds.write_csv(tmp_path / "movies.csv", [
        worlds.row(n, "Film {}".format(n)) for n in range(1, 301)])
    rows = programs.tensorflow_2(Bench(str(tmp_path), csv, 2, []))
    assert [row.values for row in rows] == [[2.0], [2.0]]
    assert rows[0].how == "0.5 and 0.2 overviews a second"


def test_every_engine_has_its_turn_and_none_always_follows_the_same():
    order = []

    def task(name):
        return lambda: order.append(name) or len(order)

    found = in_turns(3, {name: task(name) for name in "abc"})
    assert "".join(order) == "abc" "bca" "cab"
    assert found == {"a": [1, 6, 8], "b": [2, 4, 9], "c": [3, 5, 7]}


@pytest.mark.parametrize("value, text", [
    (0.9512, "0.95"), (1.149, "1.15"), (15.04, "15.0"), (12345.6, "12,346")])
def test_numbers_have_three_digits_that_count(value, text):
    assert number(value) == text


def test_the_table_says_median_spread_target_and_what_was_not_measured():
    text = markdown([Row("a / b", [1.0, 4.0, 1.2], "≥ 1", "x|y", "×"),
                     Row("a / c", [], "≥ 2", "no CPython 3.11")], ["2 cores"])
    facts, _, *table = text.splitlines()
    assert facts == "- 2 cores"
    assert table[2:] == ["| a / b | 1.20 × | 3: 1.00 to 4.00 | ≥ 1 | x\\|y |",
                         "| a / c | not measured |  | ≥ 2 | no CPython 3.11 |"]


def test_repeated_films_are_films_of_their_own(tmp_path):
    movies = read_catalogue(worlds.write_csv(
        tmp_path / "movies.csv", [worlds.row(7, "Heat"), worlds.row(9, "Ronin")])).movies
    path = write_csv(str(tmp_path / "more.csv"), repeated(movies, 5))
    with open(path, encoding="utf-8") as file:
        assert sum(1 for _ in csv.reader(file)) == 6
    again = read_catalogue(path).movies
    assert [movie.id for movie in again] == [1, 2, 3, 4, 5]
    assert [movie.overview for movie in again[:2]] == [movie.overview for movie in movies]
    assert again[4].genres == movies[0].genres and again[4].year == movies[0].year


def test_a_kept_index_of_another_format_is_told_and_not_taken(tmp_path, capsys):
    path = str(tmp_path / "index.h5")
    assert not server.opens(path)
    assert not capsys.readouterr().err
    worlds.write_index(tmp_path, [worlds.row(7, "Heat"), worlds.row(9, "Ronin")])
    assert server.opens(path)
    with h5py.File(path, "r+") as file:
        file.attrs["format_version"] = 1
    assert not server.opens(path)
    assert "is not an index of format" in worlds.only_line(capsys.readouterr().err)


def test_films_are_drawn_evenly():
    assert evenly(list(range(10)), 3) == [0, 3, 6]
    assert evenly([1, 2], 5) == [1, 2]


@pytest.mark.long
def test_a_measure_of_the_project_alone_fills_the_table(minilm, tmp_path):
    rows = [worlds.row(n, "Film {}".format(n), overview="A man meets a woman. " * n)
            for n in range(1, 21)]
    output = tmp_path / "results.md"
    text = measured(
        output, "benchmarks.run", "--only", "tokenising", "text-query", "--rounds", "2",
        "--input_file", worlds.write_csv(tmp_path / "movies.csv", rows))
    assert "movies.csv: 20 overviews" in text
    assert [line.split(" | ")[0] for line in text.splitlines() if line.startswith("| t")] == [
        "| tokenising", "| text query / bare session run of its graph, MiniLM"]


@pytest.mark.long
def test_the_load_on_a_server_is_measured(minilm, tmp_path):
    text = measured(tmp_path / "server.md", "benchmarks.server", "--films", "300", "--checkpoint",
                    "all-MiniLM-L6-v2", "--rounds", "1", "--seconds", "0.3", "--minutes", "0.02")
    assert "300 films of all-MiniLM-L6-v2" in text
    rows = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \|", text, re.MULTILINE))
    assert len(rows) == 17, rows
    assert float(rows["answers under mixed load that are neither 200 nor 503"]) == 0


def measured(output, *command):
    """The table that a benchmark writes into `output` and prints."""
    done = subprocess.run(
        [sys.executable, "-m", *command, "--output", str(output),
         "--data_dir", str(output.parent / "data")],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True,
        encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    text = output.read_text(encoding="utf-8")
    assert text.strip() == done.stdout.strip()
    assert "not measured" not in text
    return text


def test_workers_are_measured_beside_processes_that_were_started_by_hand(monkeypatch):
    class Fake:
        def seconds(self, *flags):
            return 12.0 if "--spark" in flags else 8.0

        def by_hand(self):
            return 10.0

    monkeypatch.setattr(workers.spark, "is_there", lambda: True)
    assert workers.measure(Fake(), 120, 1) == [
        "two processes started by hand: 12.0 texts a second",
        "--num_workers 2: 15.0 texts a second; 1.25 of the two processes started by hand",
        "--spark local-cluster[2,1,4096]: 10.0 texts a second; 0.83 of the two processes started "
        "by hand"]


def test_a_graph_of_faiss_alone_is_measured_at_the_recall_that_was_asked_for(tmp_path):
    draw = np.random.RandomState(0)
    vectors = draw.standard_normal((400, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1)[:, None]
    queries = vectors[:20]
    for name, array in (("vectors", vectors), ("queries", queries),
                        ("nearest", np.argsort(-(queries @ vectors.T), axis=1)[:, :10])):
        np.save(str(tmp_path / (name + ".npy")), array)
    told = json.loads(subprocess.run(
        [sys.executable, os.path.join(ROOT, "benchmarks", "workers", "graph.py"), "faiss",
         str(tmp_path), "0.99", "1"], stdout=subprocess.PIPE, check=True).stdout.decode())
    assert told["recall"] >= 0.99
    assert told["view"] >= 16 and told["milliseconds"] > 0
