"""features.h5: written in time that grows with the films alone, never trusted over the shards."""

import os
import shutil

import h5py

from recommender.storage import feature_store
from recommender.storage.feature_store import FeatureReader, FeatureWriter, take_stock, version_of
from recommender.storage.links import read_links, write_links
from recommender.storage.locks import one_writer
from tests.worlds import SETTINGS, random_layers, write_features

N_SHARDS = 60


def linked(folder):
    with h5py.File(os.path.join(str(folder), "features.h5"), "r") as links:
        return {int(name) for name in links}


def add(writer, movie_id):
    writer.add(movie_id, random_layers(3, movie_id), range(3), movie_id)


def test_links_of_many_shards_are_written_a_few_times(tmp_path, monkeypatch):
    written, missing = [], []

    def write(path, settings, shards):
        written.append(len(shards))
        write_links(path, settings, shards)

    monkeypatch.setattr(feature_store, "write_links", write)
    with FeatureWriter(str(tmp_path), SETTINGS, max_shard_bytes=1) as writer:
        for n in range(1, N_SHARDS + 1):
            add(writer, n)
            missing.append(n - len(linked(tmp_path)))
    assert linked(tmp_path) == set(range(1, N_SHARDS + 1))
    assert sum(written) <= 5 * N_SHARDS
    assert all(n_missing <= n / 5 for n, n_missing in enumerate(missing, 1))
    assert max(missing) > 1


def lagging(folder):
    """Write a folder of films 1 to 3 whose features.h5 knows only 1, as a killed run leaves it."""
    write_features(folder, {1: random_layers(3, 1)})
    shutil.copy(os.path.join(folder, "features.h5"), os.path.join(folder, "old"))
    write_features(folder, {2: random_layers(3, 2), 3: random_layers(3, 3)})
    os.rename(os.path.join(folder, "old"), os.path.join(folder, "features.h5"))


def test_a_reader_finds_the_films_that_have_no_link_yet(tmp_path):
    lagging(str(tmp_path))
    reader = FeatureReader(str(tmp_path))
    assert sorted(reader.digests()) == sorted(movie.movie_id for movie in reader.movies()) == [
        1, 2, 3]
    assert sorted(reader.some([2, 3])) == [2, 3]


def test_what_is_verified_is_linked(tmp_path):
    lagging(str(tmp_path))
    with one_writer(str(tmp_path)):
        take_stock(str(tmp_path))
    assert linked(tmp_path) == {1, 2, 3}


def test_the_version_of_a_folder_changes_with_a_shard_that_has_no_link_yet(tmp_path):
    with FeatureWriter(str(tmp_path), SETTINGS, max_shard_bytes=1) as writer:
        for n in range(20):
            add(writer, n)
        before, n_linked = version_of(str(tmp_path)), len(linked(tmp_path))
        assert version_of(str(tmp_path)) == before
        add(writer, 20)
        assert len(linked(tmp_path)) == n_linked  # otherwise this shows nothing
        assert version_of(str(tmp_path)) != before


def test_an_error_still_links_the_shards_that_were_closed(tmp_path):
    try:
        with FeatureWriter(str(tmp_path), SETTINGS, max_shard_bytes=1) as writer:
            for n in range(10):
                add(writer, n)
            raise KeyError
    except KeyError:
        pass
    assert linked(tmp_path) == set(range(10))


def test_films_of_a_shard_share_its_name_in_memory(tmp_path):
    write_features(tmp_path, {n: random_layers(3, n) for n in range(5)})
    _, shards = read_links(str(tmp_path / "features.h5"))
    assert len({id(name) for name in shards.values()}) == 1
