"""Shards of workers: published once for each task, and only by the run that they are of."""

import os

import numpy as np
import pytest

from recommender.errors import RecommenderError
from recommender.storage.feature_store import FeatureReader, FeatureWriter, take_stock
from recommender.storage.locks import one_writer
from recommender.storage.shards import check_digest, shard_paths
from recommender.storage.worker_shards import Publisher
from tests.worlds import SETTINGS, random_layers


def begin(run, task, *movie_ids, settings=SETTINGS):
    """Begin the shard of a task as a worker does."""
    shard = run.new_shard(task, settings, "a worker")
    for movie_id in movie_ids:
        shard.add(movie_id, random_layers(3, movie_id, settings), np.arange(3, dtype=np.int32), 0)
    return shard


def files(folder):
    return [name for name in os.listdir(str(folder / "shards")) if name.endswith(".part")]


def test_what_workers_hand_in_becomes_shards_like_others(tmp_path):
    with FeatureWriter(str(tmp_path), SETTINGS) as writer, Publisher(writer) as publisher:
        for task, ids in ((1, (4, 5)), (0, (6,))):
            begin(publisher.run, task, *ids).close()
        assert list(publisher.publish()) == [[6], [4, 5]]
        assert list(publisher.publish()) == []
        assert publisher.tasks == {0, 1}
        writer.add(7, random_layers(3, 7), np.arange(3), 0)
    assert sorted(FeatureReader(str(tmp_path)).digests()) == [4, 5, 6, 7]
    for movie in FeatureReader(str(tmp_path)).movies():
        np.testing.assert_array_equal(movie.layers, random_layers(3, movie.movie_id))
    with one_writer(str(tmp_path)):
        assert take_stock(str(tmp_path), SETTINGS, check_digest).set_aside == []
    assert files(tmp_path) == []


def test_a_task_that_is_computed_twice_is_published_once(tmp_path):
    with FeatureWriter(str(tmp_path), SETTINGS) as writer, Publisher(writer) as publisher:
        first, second, late = (begin(publisher.run, 0, 1, 2) for _ in range(3))
        first.close()
        second.close()
        assert list(publisher.publish()) == [[1, 2]]
        late.close()
        assert list(publisher.publish()) == []
    assert len(shard_paths(str(tmp_path))) == 1
    assert files(tmp_path) == []


def test_an_unfinished_shard_is_not_published_and_is_removed_with_its_run(tmp_path):
    with FeatureWriter(str(tmp_path), SETTINGS) as writer, Publisher(writer) as publisher:
        begin(publisher.run, 0, 1)
        assert list(publisher.publish()) == []
        assert len(files(tmp_path)) == 2  # the shard and the run's own mark
    assert files(tmp_path) == []
    assert shard_paths(str(tmp_path)) == []


def test_workers_learn_that_their_run_is_stopping_or_over(tmp_path):
    with FeatureWriter(str(tmp_path), SETTINGS) as writer:
        with Publisher(writer) as publisher:
            run = publisher.run
            assert run.is_on() and not run.is_stopping()
            publisher.stop()
            assert run.is_on() and run.is_stopping()
        assert not run.is_on()


def test_workers_of_a_killed_run_cannot_publish_into_a_folder_that_another_has_taken(tmp_path):
    with FeatureWriter(str(tmp_path), SETTINGS) as killed:
        old = Publisher(killed).__enter__().run  # never ended
        begin(old, 0, 1).close()
        late = begin(old, 1, 2)
    with FeatureWriter(str(tmp_path), SETTINGS) as writer, Publisher(writer) as publisher:
        assert writer.stock.digests == {}
        assert not old.is_on()
        begin(old, 3, 3).close()
        begin(publisher.run, 0, 9).close()
        assert list(publisher.publish()) == [[9]]
        with pytest.raises(OSError):  # its file was removed
            late.close()
    assert sorted(FeatureReader(str(tmp_path)).digests()) == [9]
    with FeatureWriter(str(tmp_path), SETTINGS):
        pass
    assert files(tmp_path) == []


def test_a_shard_of_other_settings_is_refused(tmp_path):
    other = SETTINGS._replace(max_seq_length=8)
    with FeatureWriter(str(tmp_path), SETTINGS) as writer, Publisher(writer) as publisher:
        begin(publisher.run, 0, 1, settings=other).close()
        with pytest.raises(RecommenderError, match="max_seq_length 8, not 256"):
            list(publisher.publish())
    assert shard_paths(str(tmp_path)) == []
