"""Trainings of genre models that are killed, find no room or learn nothing."""

import glob
import json
import os
import resource
import subprocess
import sys
import time

import pytest

import train_genres
from bert.errors import BertError
from bert.training import Training
from recommender.errors import RecommenderError
from tests.conftest import ROOT
from tests.genre_worlds import genre_rows, training_flags, write_genre_films
from tests.reference import random_checkpoint
from tests.worlds import only_line, write_csv

_EPOCHS = 3
# Runs the program and appends the rows of each batch to a file, and what each step lost.
_LOGGED = """
import json
import sys
from bert import training, training_data
import train_genres
from recommender import cli

log = open(sys.argv.pop(1), "a", buffering=1)
rows_of, after_run = training_data.batch_rows, training._Told.after_run

def logged(n, plan, first_step):
    for at, rows in enumerate(rows_of(n, plan, first_step)):
        log.write(json.dumps(["batch", first_step + at, rows.tolist()]) + "\\n")
        yield rows

def told(self, run_context, run_values):
    after_run(self, run_context, run_values)
    log.write(json.dumps(["step", self._step, float(run_values.results)]) + "\\n")

training_data.batch_rows, training._Told.after_run = logged, told
cli.run(train_genres.main, (Exception,))
"""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return random_checkpoint(tmp_path_factory.mktemp("checkpoint") / "tiny")


class Run:
    """A training in a folder of its own, as a program that can be killed."""

    def __init__(self, tiny, folder, films):
        self.output, self.log = str(folder / "genres"), str(folder / "log")
        self._flags = training_flags(tiny, films, self.output, "--epochs", _EPOCHS, "--patience",
                                     _EPOCHS, "--json")
        self._said = str(folder / "stderr")
        os.makedirs(str(folder), exist_ok=True)

    @property
    def fold(self):
        return self.output + ".training/fold_0"

    def start(self):
        with open(self._said, "w") as said:
            return subprocess.Popen([sys.executable, "-c", _LOGGED, self.log, *self._flags],
                                    cwd=ROOT, stdout=subprocess.PIPE, stderr=said)

    def finish(self):
        """The figures that it prints at its end."""
        with self.start() as process:
            out, _ = process.communicate()
        with open(self._said) as said:
            assert process.returncode == 0, said.read()
        return json.loads(out.decode())

    def kill_when(self, is_time):
        """Start it, kill it as soon as `is_time`, and return the events that it logged."""
        before = len(self.events())
        with self.start() as process:
            while not is_time():
                assert process.poll() is None, "it has ended"
                time.sleep(0.002)
            process.kill()
        return self.events()[before:]

    def events(self):
        """Return what was logged: batches made and steps done, with their numbers."""
        if not os.path.exists(self.log):
            return []
        with open(self.log) as file:
            return [json.loads(line) for line in file if line.endswith("\n")]

    def history(self):
        with open(os.path.join(self.fold, "history.json")) as file:
            return json.load(file)

    def n_epochs(self):
        return len(self.history()) if os.path.exists(
            os.path.join(self.fold, "history.json")) else 0


def of(kind, events):
    return {number: value for each, number, value in events if each == kind}


@pytest.mark.long
def test_a_training_that_is_killed_twice_ends_as_one_that_is_not(tiny, tmp_path):
    films = write_genre_films(tmp_path / "films.csv")
    whole = Run(tiny, tmp_path / "whole", films)
    wanted = whole.finish()
    batches, losses = of("batch", whole.events()), of("step", whole.events())
    n_epoch = len(losses) // _EPOCHS
    assert sorted(batches) == list(range(_EPOCHS * n_epoch))

    run = Run(tiny, tmp_path / "killed", films)
    # In the middle of the second epoch, and while its checkpoint is written or validated.
    first = run.kill_when(lambda: max(of("step", run.events()), default=0) > n_epoch)
    second = run.kill_when(lambda: glob.glob(os.path.join(
        run.fold, "model.ckpt-{}*".format(2 * n_epoch))))
    assert run.n_epochs() < _EPOCHS and not os.path.exists(run.output)
    before = len(run.events())
    found = run.finish()
    last = run.events()[before:]
    for events, start in ((first, 0), (second, n_epoch), (last, None)):
        of_run = of("batch", events)
        assert min(of_run) > 0 or start == 0, "it began anew"
        assert all(batches[at] == rows for at, rows in of_run.items())
        for step, loss in of("step", events).items():
            assert loss == pytest.approx(losses[step], abs=0.01)
    assert max(of("step", last)) == max(losses)
    assert [epoch[0] for epoch in run.history()] == [epoch[0] for epoch in whole.history()]
    for one, other in zip(run.history(), whole.history()):
        assert one[2:] == pytest.approx(other[2:], abs=0.01)
    for model, other in zip(found["models"], wanted["models"]):
        assert model["name"] == other["name"]
        for figure in ("macro_map", "micro_f1", "macro_f1"):
            assert model[figure]["mean"] == pytest.approx(other[figure]["mean"], abs=0.01)
    # Nothing of the training's weights is left, nor of files that were being written.
    left = [name for folder, names, files in os.walk(run.output + ".training")
            for name in names + files if "ckpt" in name or ".part" in name]
    assert left == []


@pytest.mark.parametrize("n_bytes, what", [
    (6000, "the first checkpoint"),
    pytest.param(25000, "the learning curve", marks=pytest.mark.long)])
def test_files_that_cannot_grow_are_one_line_and_the_training_goes_on_later(
        run_program, tiny, tmp_path, n_bytes, what):
    films = write_genre_films(tmp_path / "films.csv")
    flags = training_flags(tiny, films, tmp_path / "out", "--epochs", "1")
    failed = run_program("train_genres.py", *flags, preexec_fn=lambda: resource.setrlimit(
        resource.RLIMIT_FSIZE, (n_bytes, n_bytes)))
    told = failed.stderr.replace("\r", "\n").splitlines()
    assert (failed.returncode, failed.stdout) == (1, ""), failed.stderr
    assert "Traceback" not in failed.stderr
    assert told[-1].startswith("train_genres.py: error: ") and "make room" in told[-1]
    assert sorted(os.listdir(str(tmp_path))) == ["films.csv", "out.training"]
    done = run_program("train_genres.py", *flags)
    assert done.returncode == 0, done.stderr
    assert "macro mAP" in done.stdout


def test_a_disk_without_room_is_told_before_the_training(tiny, tmp_path, monkeypatch):
    films = write_genre_films(tmp_path / "films.csv")
    monkeypatch.setattr("recommender.storage.files.shutil.disk_usage",
                        lambda path: type("Usage", (), {"free": 10}))
    with pytest.raises(OSError, match="bytes are needed and 10 are free"):
        train_genres.main(training_flags(tiny, films, tmp_path / "out"))
    assert sorted(os.listdir(str(tmp_path))) == ["films.csv", "out.training"]


def test_a_loss_that_is_no_number_writes_no_model(tiny, tmp_path):
    films = write_genre_films(tmp_path / "films.csv")
    with pytest.raises(BertError) as error:
        train_genres.main(training_flags(tiny, films, tmp_path / "out", "--learning_rate", "1e30"))
    assert "NaN" in only_line(str(error.value)) and "--learning_rate" in str(error.value)
    assert sorted(os.listdir(str(tmp_path))) == ["films.csv", "out.training"]


def test_a_catalogue_of_one_genre_is_one_line_and_nothing_is_written(run_program, tiny, tmp_path):
    rows = [dict(film, genres="[{'id': 1, 'name': 'Drama'}]") for film in genre_rows()]
    films = write_csv(tmp_path / "films.csv", rows)
    done = run_program("train_genres.py", *training_flags(tiny, films, tmp_path / "out"))
    assert (done.returncode, done.stdout) == (1, "")
    counted, error = done.stderr.splitlines()
    assert "90 rows read" in counted and "needs two such genres" in error
    assert os.listdir(str(tmp_path)) == ["films.csv"]


def test_films_without_a_genre_are_counted_and_not_learnt(tiny, tmp_path, monkeypatch, capsys):
    given = []

    def run(self, train, validation, watch):
        given.extend([train, validation])
        raise KeyboardInterrupt

    monkeypatch.setattr(Training, "run", run)
    films = write_genre_films(tmp_path / "films.csv")
    with pytest.raises(KeyboardInterrupt):
        train_genres.main(training_flags(tiny, films, tmp_path / "out"))
    assert "9 films without a genre are left out" in capsys.readouterr().err
    assert all(examples.labels.any(axis=1).all() for examples in given)
    with pytest.raises(RecommenderError, match="0 genre of 90 films"):
        train_genres.main(training_flags(tiny, write_csv(tmp_path / "none.csv", [
            dict(film, genres="[]") for film in genre_rows()]), tmp_path / "other"))
    assert not os.path.exists(str(tmp_path / "other.training"))
