"""build_index.py as a user runs it: what it writes, what it reports, its errors in one line."""

import glob
import os
from pathlib import Path

import numpy as np
import pytest

from recommender.index import Index
from tests.worlds import only_line, random_layers, row, search, write_csv, write_features

ROWS = [row(603, "The Matrix"), row(604, "The Matrix Reloaded"), row(5, "Five"),
        row(6, "Six", overview="No Overview"), row(603, "The Matrix")]
OVERVIEWS = {cells["id"]: cells["overview"] for cells in ROWS}


@pytest.fixture
def world(tmp_path):
    """The flags of a build that works, by name."""
    return {
        "--input_file": write_csv(tmp_path / "movies.csv", ROWS),
        "--features": write_features(tmp_path / "features", {
            movie_id: random_layers(3, movie_id) for movie_id in (603, 5, 77)},
            overviews=OVERVIEWS),
        "--output": str(tmp_path / "index.h5")}


@pytest.fixture
def build(run_program):
    """Runs build_index.py with flags by name."""
    def run(flags, *more):
        return run_program("build_index.py", *[part for item in flags.items() for part in item],
                           *more)
    return run


def error_of(result, code=1, lines=1):
    """The error, the last of `lines` lines on stderr."""
    assert (result.returncode, result.stdout) == (code, "")
    told = result.stderr.splitlines()
    assert len(told) == lines, result.stderr
    assert told[-1].startswith("build_index.py: error: ")
    return told[-1]


def test_it_writes_the_index_and_reports_on_stderr(build, world):
    result = build(world)
    assert (result.returncode, result.stdout) == (0, "")
    read, built, unscaled = result.stderr.splitlines()
    assert read == ("{}: 5 rows read, 3 kept, 2 left out (1 without an overview, 1 with an id "
                    "seen before)".format(world["--input_file"]))
    assert built == ("{}: 2 films by recipes mean4, best; 1 of the catalogue have no features, "
                     "1 with features are not in the catalogue".format(world["--output"]))
    assert unscaled == ("there is no checkpoint tiny in tmp/: scores of texts get no scale; "
                        "--bert_dir names its folder")
    assert Index(world["--output"]).ids.tolist() == [603, 5]


def test_building_again_gives_the_same_index(build, world):
    answers = []
    for _ in range(2):
        assert build(world).returncode == 0
        answers.append(search(Index(world["--output"]), np.ones(8), 2))
    assert answers[0] == answers[1]
    assert not [name for name in os.listdir(os.path.dirname(world["--output"]))
                if name.endswith(".part")]


def test_strict_makes_a_left_out_row_an_error(build, world):
    assert "line 5: row without an overview" in error_of(build(world, "--strict"))
    assert not os.path.exists(world["--output"])


def test_a_catalogue_that_is_not_there_is_one_line(build, world):
    line = error_of(build({**world, "--input_file": "/nowhere/movies.csv"}))
    assert "/nowhere/movies.csv: No such file or directory" in line


def test_a_catalogue_that_is_a_folder_is_one_line(build, world, tmp_path):
    assert str(tmp_path) in error_of(build({**world, "--input_file": str(tmp_path)}))


@pytest.mark.parametrize("content, what", [
    (b"", "is empty"), (b"id,title\n1,One\n", "column overview is missing"),
    (b"id\nAm\x81lie\n", "not a CSV in UTF-8"), (b"\x00\x01\x02\n", "not a CSV")])
def test_what_is_no_catalogue_is_one_line(build, world, content, what):
    with open(world["--input_file"], "wb") as file:
        file.write(content)
    line = error_of(build(world))
    assert world["--input_file"] in line
    assert what in line


def test_features_that_are_not_there_are_one_line_with_the_remedy(build, world, tmp_path):
    line = error_of(build({**world, "--features": str(tmp_path / "none")}), lines=2)
    assert "no features in {}".format(tmp_path / "none") in line
    assert "extract_features.py" in line


def test_a_broken_shard_is_named_in_one_line(build, world):
    shard, = glob.glob(os.path.join(world["--features"], "shards", "*.h5"))
    with open(shard, "r+b") as file:
        file.truncate(1000)
    assert shard in error_of(build(world), lines=2)


def test_features_that_are_no_numbers_are_told_by_movie_id_and_the_old_index_stays(
        build, world, tmp_path):
    assert build(world).returncode == 0
    before = Path(world["--output"]).read_bytes()
    bad = np.full((4, 3, 8), np.inf, np.float32)
    bad[0] = -np.inf
    world["--features"] = write_features(tmp_path / "bad", {5: bad}, overviews=OVERVIEWS)
    assert "movie 5 " in error_of(build(world), lines=2)
    assert Path(world["--output"]).read_bytes() == before


def test_features_of_other_films_are_one_line(build, world, tmp_path):
    world["--features"] = write_features(tmp_path / "others", {77: random_layers(3, 77)})
    assert "no overview in common" in error_of(build(world), lines=2)


def test_an_output_that_cannot_be_written_is_one_line(build, world):
    blocked = os.path.join(world["--input_file"], "index.h5")
    assert world["--input_file"] in error_of(build({**world, "--output": blocked}), lines=2)


def test_an_output_that_is_a_folder_is_one_line(build, world, tmp_path):
    line = error_of(build({**world, "--output": str(tmp_path / "features")}), lines=2)
    assert str(tmp_path / "features") in line


@pytest.mark.parametrize("more, what", [
    (("--recipe", "max"), "mean4"), (("--recipe",), "--recipe"), (("--k", "1"), "--k"),
    (("--feat", "x"), "--feat")])
def test_wrong_usage_is_one_line_and_exit_2(build, world, more, what):
    line = error_of(build(world, *more), code=2)
    assert what in line
    assert "--help" in line


def test_the_catalogue_must_be_named(run_program):
    line = only_line(run_program("build_index.py").stderr)
    assert "--input_file" in line


def test_features_of_another_overview_are_left_out_and_told(build, world, tmp_path):
    world["--features"] = write_features(
        tmp_path / "mixed", {movie_id: random_layers(3, movie_id) for movie_id in (603, 5)},
        overviews={**OVERVIEWS, 5: "What happened before the text was changed."})
    done = build(world)
    assert done.returncode == 0
    assert "1 films were left out" in done.stderr
    assert Index(world["--output"]).ids.tolist() == [603]


def test_an_output_that_is_a_folder_is_told_before_the_work(build, world, tmp_path):
    world["--output"] = str(tmp_path)
    assert "is a folder" in error_of(build(world), lines=2)
    assert not list(tmp_path.parent.glob("*.part"))
