"""extract_features.py on Apache Spark: the same store, errors in a line, nothing left behind."""

import os
import subprocess
import sys

import pytest

from extracting import on_spark
from extracting.tasks import Job, Overview
from recommender.errors import RecommenderError
from recommender.storage.worker_shards import Run
from tests import spark
from tests.worlds import SETTINGS, only_line
from torture.worlds import ROOT, finish, make_world, wrong_films

needs_spark = pytest.mark.skipif(not spark.is_there(), reason="`make spark-env` was not run")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """200 films with features by one process."""
    world = make_world(str(tmp_path_factory.mktemp("world")), 200)
    assert finish(world.extraction(world.features)).code == 0
    return world


@needs_spark
def test_two_executors_write_the_store_of_one_process(world, tmp_path):
    output = str(tmp_path / "shared")
    environment = spark.environment(tmp_path)
    done = finish(world.extraction(output, "--spark", spark.LOCAL_CLUSTER), env=environment)
    assert done.code == 0, done.err
    lines = done.err.replace("\r", "\n").splitlines()
    assert all("films" in line or line.startswith(world.catalogue) for line in lines if line), lines
    assert "200 films written to {}; 0 overviews".format(output) in done.err
    assert wrong_films(output, world.features) == []
    assert sorted(os.listdir(output)) == [".lock", "features.h5", "shards"]
    assert sorted(os.listdir(str(tmp_path))) == ["shared", "spark"]


@needs_spark
@pytest.mark.long
def test_spark_submit_takes_the_program_and_its_master(world, tmp_path):
    output = str(tmp_path / "shared")
    environment = {**spark.environment(tmp_path), "PYSPARK_PYTHON": sys.executable}
    submit = os.path.join(environment["SPARK_HOME"], "bin", "spark-submit")
    done = finish([submit, "--master", "local[2]"] + world.extraction(
        output, "--spark", "--limit", "40")[1:], env=environment)
    assert done.code == 0, done.err
    assert "40 films written to {}".format(output) in done.out  # both streams, by spark-submit
    again = finish(world.extraction(output, "--limit", "40"))
    assert "nothing to do" in again.err


@needs_spark
@pytest.mark.parametrize("flags, said", [
    (("--spark", "nonsense"), "Spark does not start with --spark nonsense: "),
    pytest.param(("--spark", "local[2]", "--layers", "-9"), "layer", marks=pytest.mark.long)])
def test_an_error_is_one_line(world, tmp_path, flags, said):
    done = finish(world.extraction(str(tmp_path / "out"), *flags),
                  env=spark.environment(tmp_path))
    assert done.code == 1
    assert "Traceback" not in done.err
    last = [line for line in done.err.replace("\r", "\n").splitlines() if line][-1]
    assert last.startswith("extract_features.py: error: ")
    assert said in last
    assert len(last) < 300


def test_what_spark_lacks_is_told_with_the_way_to_get_it(monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setattr(on_spark.importlib.util, "find_spec", lambda name: name)
    with pytest.raises(RecommenderError, match="needs a Java runtime.*default-jre-headless"):
        on_spark.check()
    monkeypatch.setattr(on_spark.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(RecommenderError, match="make spark-env"):
        on_spark.check()


def test_without_pyspark_the_program_says_so_before_anything_is_computed(world, tmp_path):
    code = ("import importlib.util, sys; find = importlib.util.find_spec\n"
            "importlib.util.find_spec = lambda name, *rest: name != 'pyspark' and find(name, *rest)"
            " or None\nimport extract_features\nfrom recommender import cli\n"
            "cli.run(extract_features.main, (Exception,))")
    done = subprocess.run(
        [sys.executable, "-c", code] + world.extraction(str(tmp_path / "out"), "--spark")[2:],
        cwd=ROOT, stderr=subprocess.PIPE, universal_newlines=True, check=False)
    assert done.returncode == 1
    assert "make spark-env" in only_line(done.stderr)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_executors_do_not_see_is_told_with_its_name(tmp_path):
    job = Job(Run(str(tmp_path), "ab" * 8), SETTINGS, "", "", "", "float32", "ours", 0, 0, False)

    class Row:
        task, id, overview = 0, 1, b"A film."

    with pytest.raises(RuntimeError) as caught:
        on_spark.compute_partition(job, [Row])
    error = on_spark.in_words(Exception("Job aborted.\n  {}\nat java".format(caught.value)))
    assert isinstance(error, RecommenderError)
    assert "must be on storage that all executors and the driver see" in str(error)
    assert str(tmp_path) in str(error)


def test_an_overview_with_half_a_character_reaches_executors_as_it_is():
    (_, _, overview), = on_spark.rows_of(on_spark.Task(0, [Overview(1, "half \ud83d")]))
    assert overview.decode("utf-8", "surrogatepass") == "half \ud83d"
