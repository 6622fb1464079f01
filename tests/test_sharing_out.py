"""Films cut into tasks, and extract_features.py --num_workers: the same store as one process."""

import os
import random
import signal

import numpy as np
import pytest

from bert.checkpoint import open_checkpoint
from bert.encoder import Encoder
from bert.extraction import TextStream, extract
from bert.tokenizing import WordPieces
from extracting.tasks import TRIES, Overview, cut, number_of_tasks
from recommender.storage.feature_store import FeatureReader
from recommender.storage.shards import shard_paths
from tests import spark
from tests.reference import random_checkpoint
from tests.worlds import only_line
from torture.worlds import finish, make_world, start, wrong_films


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """200 films with features by one process."""
    world = make_world(str(tmp_path_factory.mktemp("world")), 200)
    assert finish(world.extraction(world.features)).code == 0
    return world


def films(n, seed=0):
    draw = random.Random(seed)
    return [Overview(100 + i, "a" * int(draw.gammavariate(2, 160))) for i in range(n)]


@pytest.mark.parametrize("n_films, n_tasks", [(1, 1), (7, 7), (1000, 13), (50, 49)])
def test_each_film_is_in_one_task(n_films, n_tasks):
    given = films(n_films)
    tasks = cut(given, n_tasks)
    assert sorted(film for task in tasks for film in task.films) == sorted(given)
    assert 1 <= len(tasks) <= n_tasks
    assert len({task.number for task in tasks}) == len(tasks)
    assert all(task.films for task in tasks)


def test_tasks_cost_the_same_and_hold_films_of_one_length():
    tasks = cut(films(10000), 20)
    costs = [sum(len(film.overview) for film in task.films) for task in tasks]
    assert max(costs) < 1.1 * np.mean(costs)
    lengths = [len(film.overview) for task in tasks for film in task.films]
    assert lengths == sorted(lengths, reverse=True)


def test_the_last_tasks_are_small():
    given = films(10000)
    tasks = cut(given, 20, n_workers=3)
    assert [film for task in tasks for film in task.films] == [
        film for task in cut(given, 20) for film in task.films]
    costs = [sum(len(film.overview) for film in task.films) for task in tasks]
    np.testing.assert_allclose(costs, [np.mean(costs[:14])] * 14 + [np.mean(costs[:14]) / 4] * 24,
                               rtol=0.1)
    assert len(cut(given, 2, n_workers=3)) == 8


def test_overviews_without_a_character_are_cut_too():
    assert sum(len(task.films) for task in cut([Overview(1, ""), Overview(2, "")], 2)) == 2


def test_a_task_is_no_more_than_a_shard_and_no_more_than_a_minutes_work(minilm):
    config = open_checkpoint(minilm).config
    many = films(100000)
    assert number_of_tasks(many, 2, 1e9, 1 << 20) == 954
    by_work = number_of_tasks(many, 2, 1, 1 << 20, config)
    large = config._replace(num_hidden_layers=24, hidden_size=1024, intermediate_size=4096)
    assert 20 * by_work < number_of_tasks(many, 2, 1, 1 << 20, large) < 40 * by_work
    assert number_of_tasks(films(3), 100, 1e12, 1 << 20) == 3


def test_lists_of_texts_one_after_another_have_the_layers_of_one_list(tmp_path):
    checkpoint = open_checkpoint(random_checkpoint(tmp_path / "small"))
    pieces = WordPieces(checkpoint.vocab_file)
    lists = [["a man .", "a woman meets a man ."], ["man"], ["a ." * n for n in range(1, 40)]]
    stream = TextStream(Encoder(checkpoint, [-1]), pieces, 64, batch_tokens=64, n_cores=1)
    for texts in lists:
        found = {text.row: text for batch in stream.extract(texts) for text in batch}
        alone = {text.row: text for batch in extract(
            Encoder(checkpoint, [-1]), pieces, texts, 64, 64) for text in batch}
        assert sorted(found) == sorted(alone) == list(range(len(texts)))
        for row, text in alone.items():
            np.testing.assert_array_equal(found[row].token_ids, text.token_ids)
            np.testing.assert_allclose(found[row].layers, text.layers, atol=1e-5)
    stream.close()


def test_two_workers_write_the_store_of_one_process(world, tmp_path):
    output = str(tmp_path / "shared")
    done = finish(world.extraction(output, "--num_workers", "2"))
    assert done.code == 0, done.err
    assert "200 films written to {}; 0 overviews".format(output) in done.err
    assert wrong_films(output, world.features) == []
    assert len(shard_paths(output)) > 1
    assert sorted(os.listdir(output)) == [".lock", "features.h5", "shards"]
    again = finish(world.extraction(output, "--num_workers", "2"))
    assert "nothing to do" in again.err
    verified = finish(world.extraction(output, "--verify"))
    assert verified.code == 0, verified.err


@pytest.mark.long
def test_pooled_features_of_two_workers_are_those_of_one_process(world, tmp_path):
    for name, n in (("one", "1"), ("two", "2")):
        done = finish(world.extraction(str(tmp_path / name), "--pooled", "--num_workers", n))
        assert done.code == 0, done.err
    one, two = ({movie.movie_id: movie for movie in FeatureReader(str(tmp_path / name)).movies()}
                for name in ("one", "two"))
    assert set(one) == set(two)
    for movie_id, movie in one.items():
        assert movie.layers.shape == (4, 1, 8)
        np.testing.assert_allclose(two[movie_id].layers, movie.layers, atol=1e-5)


def test_a_worker_that_is_always_killed_ends_the_run_with_one_line(world, tmp_path):
    command = world.extraction(str(tmp_path / "shared"), "--num_workers", "2")
    process = start(command)
    while process.poll() is None:
        for worker in spark.descendants(process.pid, spark.WORKER):
            try:
                os.kill(worker, signal.SIGKILL)
            except ProcessLookupError:
                pass
    _, err = process.communicate()
    assert process.returncode == 1
    last = [line for line in err.replace("\r", "\n").splitlines() if line][-1]
    assert "was killed by signal 9 at each of {} tries".format(TRIES) in last
    assert "Traceback" not in err
    assert os.listdir(str(tmp_path / "shared" / "shards")) == []


def test_an_error_of_a_worker_is_one_line_as_by_one_process(world, tmp_path):
    said = [finish(world.extraction(str(tmp_path / "out"), "--layers", "-9", *flags)).err
            for flags in ((), ("--num_workers", "2"))]
    assert said[0].splitlines()[-1] == said[1].splitlines()[-1]
    assert "Traceback" not in said[1]


def test_workers_and_spark_exclude_each_other(world, tmp_path):
    done = finish(world.extraction(str(tmp_path), "--num_workers", "2", "--spark", "local[2]"))
    assert done.code == 2
    assert "exclude each other" in only_line(done.err)
