"""build_index.py --update as a user runs it, and a server that takes what it wrote."""

import os
import signal
from pathlib import Path

import pytest

from recommender.catalogue import read_catalogue
from recommender.given_embeddings import build_from_embeddings
from recommender.index import Index
from tests.served import running
from tests.worlds import (
    SETTINGS,
    only_line,
    random_layers,
    row,
    write_csv,
    write_features,
    write_index,
)

FILMS = [row(n, "Film {}".format(n)) for n in range(1, 31)]
AFTER = [*FILMS[2:], row(31, "Film 31", vote_count="5")]


@pytest.fixture
def world(tmp_path):
    """The flags of an update of an index that lacks a film and holds two that left."""
    output = write_index(tmp_path, FILMS, n_neighbours=20, recipes=("mean4", "best"))
    write_features(tmp_path / "features", {31: random_layers(3, 31)},
                   overviews={31: AFTER[-1]["overview"]})
    return {"--input_file": write_csv(tmp_path / "movies.csv", AFTER),
            "--features": str(tmp_path / "features"), "--output": output}


@pytest.fixture
def update(run_program):
    def run(flags, *more):
        return run_program("build_index.py", "--update",
                           *[part for item in flags.items() for part in item], *more)
    return run


def test_it_says_what_changed(update, world):
    result = update(world, "--recipe", "mean4,best", "--neighbours", "20")
    assert (result.returncode, result.stdout) == (0, "")
    assert result.stderr.splitlines()[1:] == [
        "{}: 29 films by recipes mean4, best; 0 of the catalogue have no features, 2 with features "
        "are not in the catalogue".format(world["--output"]),
        "{}: 1 films are new, 0 changed, 2 left".format(world["--output"]),
        "a whole build, without --update, is due: 3 films of 29 came, changed or left since {}, "
        "more than 10%; {}".format(Index(world["--output"]).history.whole_build,
                                   result.stderr.rstrip().split("10%; ")[1])]
    assert Index(world["--output"]).ids.tolist() == [cells["id"] for cells in AFTER]


def without_index(world, tmp_path):
    os.remove(world["--output"])


def no_index(world, tmp_path):
    Path(world["--output"]).write_text("no index")


def given(world, tmp_path):
    build_from_embeddings(read_catalogue(world["--input_file"]),
                          {31: [1.0, 0.0], 30: [0.0, 1.0]}, "x", world["--output"])


def other_films(world, tmp_path):
    cells = row(99, "Other")
    write_csv(world["--input_file"], [cells])
    write_features(world["--features"], {99: random_layers(3, 99)},
                   overviews={99: cells["overview"]})


def other_checkpoint(world, tmp_path):
    world["--features"] = write_features(
        tmp_path / "other", {3: random_layers(3, 3)},
        SETTINGS._replace(checkpoint_sha256="cd" * 32), {3: FILMS[2]["overview"]})


@pytest.mark.parametrize("spoil, more, said", [
    (without_index, [], "to update: build it without --update first"),
    (no_index, [], "is not a whole HDF5 file: build it again with build_index.py"),
    (given, [], "holds embeddings that were given: build it again with --from_pickle"),
    (other_films, [], "none of the films of"),
    (other_checkpoint, [], "is of features with checkpoint_sha256 "),
    (None, ["--recipe", "mean4"], "is of recipes mean4,best, not mean4: build it without"),
    (None, ["--map"], "has no map: build it with --map and without --update"),
    (None, ["--neighbours", "5"], "holds 20 neighbours a film, not 5: build it without --update")])
def test_an_index_that_cannot_be_updated_is_one_line_and_stays(
        update, world, tmp_path, spoil, more, said):
    if spoil:
        spoil(world, tmp_path)
    path = Path(world["--output"])
    before = path.read_bytes() if path.exists() else None
    result = update(world, *more)
    assert result.returncode == 1
    _, line = result.stderr.splitlines()
    assert line.startswith("build_index.py: error: ")
    assert said in line
    assert (path.read_bytes() if path.exists() else None) == before
    assert not list(path.parent.glob("*.part"))


def test_other_options_of_the_recipe_are_refused(update, tmp_path):
    flags = {"--input_file": str(tmp_path / "movies.csv"), "--output": write_index(
        tmp_path, FILMS, recipes=("best",)), "--features": str(tmp_path / "features")}
    assert update(flags, "--recipe", "best").returncode == 0
    result = update(flags, "--recipe", "best", "--word_weight", "0.3")
    assert result.returncode == 1
    assert "was built by other options of recipe best" in result.stderr.splitlines()[-1]


@pytest.mark.parametrize("more", [["--from_pickle", "x.pkl"], ["--to_pickle", "x.pkl"]])
def test_pickles_go_with_a_whole_build(update, world, more):
    result = update(world, *more)
    assert result.returncode == 2
    assert "--update goes with " in only_line(result.stderr.splitlines()[-1])


def test_a_server_takes_the_update_at_sighup(update, world):
    with running("--index", world["--output"], "--port", "0") as program:
        assert program.get("/api/v1/recommend?id=31")[0] == 404
        assert update(world).returncode == 0
        program.process.send_signal(signal.SIGHUP)
        assert program.line().endswith("is read anew: 29 films")
        status, body = program.get("/api/v1/recommend?id=31&recipe=best")
        assert (status, len(body["results"])) == (200, 10)
        assert program.get("/api/v1/recommend?id=1")[0] == 404
        assert all(each["id"] > 2 for each in program.get(
            "/api/v1/recommend?id=3&k=50")[1]["results"])
        assert program.stop() == (0, b"", b"")
