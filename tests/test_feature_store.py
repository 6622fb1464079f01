"""The feature store: written once, resumed, never mixed, readable by any HDF5 tool."""

import os
import re
import signal
import subprocess
import sys

import h5py
import numpy as np
import pytest

from recommender.errors import RecommenderError
from recommender.storage import feature_store as store
from recommender.storage.feature_store import (
    FeatureReader,
    FeatureWriter,
    feature_bytes,
    overview_digest,
)
from tests.worlds import SETTINGS, random_layers, write_features

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def add(writer, movie_id, n_tokens=4, digest=None, seed=None):
    layers = random_layers(n_tokens, movie_id if seed is None else seed)
    writer.add(movie_id, layers, np.arange(n_tokens, dtype=np.int32) + 100,
               movie_id if digest is None else digest)
    return layers


def shards(folder):
    """Numbers of the shards, without the checksums that follow in their names."""
    names = sorted(os.listdir(str(folder / "shards")))
    assert all(re.fullmatch(r"[0-9]{5}-[0-9a-f]{32}\.h5", name) for name in names), names
    return [int(name[:5]) for name in names]


def shard_path(folder, number):
    """The path of a shard."""
    path, = (folder / "shards").glob("{:05d}-*.h5".format(number))
    return path


def stored(folder):
    return {movie.movie_id: movie.layers for movie in FeatureReader(str(folder)).movies()}


def refusal(folder, settings=SETTINGS):
    with pytest.raises(RecommenderError) as caught:
        FeatureWriter(str(folder), settings)
    assert "\n" not in str(caught.value)
    assert str(folder) in str(caught.value)
    return str(caught.value)


def test_any_hdf5_tool_finds_every_movie_in_features_h5(tmp_path):
    with FeatureWriter(str(tmp_path), SETTINGS) as writer:
        expected = {movie_id: add(writer, movie_id, n_tokens)
                    for movie_id, n_tokens in ((603, 5), (9007199254740993, 3), (0, 256))}
    with h5py.File(str(tmp_path / "features.h5"), "r") as file:
        assert set(file) == {str(movie_id) for movie_id in expected}
        for movie_id, layers in expected.items():
            dataset = file[str(movie_id)]
            assert isinstance(file.get(str(movie_id), getlink=True), h5py.ExternalLink)
            assert dataset.shape == (4, layers.shape[1], 8)
            assert dataset.dtype == np.float32
            np.testing.assert_array_equal(dataset[:], layers)
            token_ids = dataset.attrs["token_ids"]
            assert token_ids.dtype == np.int32
            np.testing.assert_array_equal(token_ids, np.arange(layers.shape[1]) + 100)


def test_a_folder_that_is_moved_keeps_its_links(tmp_path):
    write_features(tmp_path / "here", {7: random_layers(4, 7)})
    os.rename(str(tmp_path / "here"), str(tmp_path / "there"))
    with h5py.File(str(tmp_path / "there" / "features.h5"), "r") as file:
        np.testing.assert_array_equal(file["7"][:], random_layers(4, 7))


def test_layers_stay_in_the_order_asked_for(tmp_path):
    settings = SETTINGS._replace(layers=(-1, -4, -2))
    layers = random_layers(4, 1, settings)
    write_features(tmp_path, {1: layers}, settings)
    with h5py.File(str(tmp_path / "features.h5"), "r") as file:
        assert file.attrs["layers"].tolist() == [-1, -4, -2]
        np.testing.assert_array_equal(file["1"][:], layers)


def test_root_attributes_say_what_made_the_features(tmp_path):
    write_features(tmp_path, {1: random_layers(4, 1)})
    with h5py.File(str(tmp_path / "features.h5"), "r") as file:
        attributes = dict(file.attrs)
    assert attributes.pop("layers").tolist() == [-1, -2, -3, -4]
    assert attributes == {
        "format_version": 2, "max_seq_length": 256, "do_lower_case": True, "hidden_size": 8,
        "dtype": "float32", "pooled": False, "checkpoint": "tiny", "checkpoint_sha256": "ab" * 32}


def test_settings_come_back_as_they_were_written(tmp_path):
    settings = SETTINGS._replace(do_lower_case=False, layers=(-2,), dtype="float16")
    write_features(tmp_path, {1: random_layers(4, 1, settings)}, settings)
    assert FeatureReader(str(tmp_path)).settings == settings


def test_float16_is_stored_as_float16(tmp_path):
    settings = SETTINGS._replace(dtype="float16")
    layers = random_layers(4, 1)
    write_features(tmp_path, {1: layers}, settings)
    with h5py.File(str(tmp_path / "features.h5"), "r") as file:
        assert file["1"].dtype == np.float16
        np.testing.assert_array_equal(file["1"][:], layers.astype(np.float16))


def test_the_reader_gives_every_movie_once_with_its_tokens(tmp_path):
    with FeatureWriter(str(tmp_path), SETTINGS) as writer:
        expected = {movie_id: add(writer, movie_id) for movie_id in (5, 3, 8)}
    movies = list(FeatureReader(str(tmp_path)).movies())
    assert [movie.movie_id for movie in movies] == [5, 3, 8]
    for movie in movies:
        np.testing.assert_array_equal(movie.layers, expected[movie.movie_id])
        np.testing.assert_array_equal(movie.token_ids, [100, 101, 102, 103])


def test_a_full_shard_is_closed_and_seen_at_once(tmp_path):
    with FeatureWriter(str(tmp_path), SETTINGS, 2 * feature_bytes(4, 1, SETTINGS)) as writer:
        seen = []
        for movie_id in range(5):
            add(writer, movie_id)
            seen.append(sorted(stored(tmp_path)))
    assert seen == [[], [0, 1], [0, 1], [0, 1, 2, 3], [0, 1, 2, 3]]
    assert shards(tmp_path) == [0, 1, 2]
    assert sorted(stored(tmp_path)) == [0, 1, 2, 3, 4]


def test_a_shard_that_holds_enough_work_is_closed(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "MAX_SHARD_SECONDS", 0.0)
    with FeatureWriter(str(tmp_path), SETTINGS) as writer:
        add(writer, 1)
        assert sorted(stored(tmp_path)) == [1]


def test_a_closed_shard_is_never_written_again(tmp_path):
    write_features(tmp_path, {1: random_layers(4, 1)})
    shard = shard_path(tmp_path, 0)
    before = (shard.read_bytes(), os.stat(str(shard)).st_mtime_ns)
    write_features(tmp_path, {2: random_layers(4, 2)})
    assert (shard.read_bytes(), os.stat(str(shard)).st_mtime_ns) == before


def test_what_a_killed_writer_left_is_not_seen_and_is_cleared_away(tmp_path):
    write_features(tmp_path, {1: random_layers(4, 1)})
    code = ("import os, signal, numpy as np\n"
            "from recommender.storage.feature_store import FeatureWriter\n"
            "from tests.worlds import SETTINGS, random_layers\n"
            "writer = FeatureWriter({!r}, SETTINGS)\n"
            "writer.add(2, random_layers(4, 2), np.arange(4, dtype=np.int32), 2)\n"
            "os.kill(os.getpid(), signal.SIGKILL)\n").format(str(tmp_path))
    killed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert [path.name for path in (tmp_path / "shards").glob("*.part")] == ["00001.h5.part"]
    assert sorted(stored(tmp_path)) == [1]
    with h5py.File(str(tmp_path / "features.h5"), "r") as file:
        assert list(file) == ["1"]
    with FeatureWriter(str(tmp_path), SETTINGS) as writer:
        assert sorted(writer.stock.digests) == [1]
        assert shards(tmp_path) == [0]
        add(writer, 2)
    assert sorted(stored(tmp_path)) == [1, 2]


def test_an_error_keeps_the_movies_that_were_whole(tmp_path):
    with pytest.raises(KeyError), FeatureWriter(str(tmp_path), SETTINGS) as writer:
        add(writer, 1)
        raise KeyError("the model")
    assert sorted(stored(tmp_path)) == [1]


def test_an_error_at_the_first_movie_of_a_shard_is_told_as_it_is(tmp_path):
    with pytest.raises(ValueError, match="could not convert string"), \
            FeatureWriter(str(tmp_path), SETTINGS) as writer:
        writer.add(1, np.array("no number"), np.arange(1), 1)
    assert shards(tmp_path) == []
    assert stored(tmp_path) == {}


def test_resume_knows_what_is_done_and_from_which_overview(tmp_path):
    with FeatureWriter(str(tmp_path), SETTINGS) as writer:
        assert writer.stock.digests == {}
        add(writer, 1, digest=overview_digest("Old."))
        add(writer, 2, digest=overview_digest("Two."))
    with FeatureWriter(str(tmp_path), SETTINGS) as writer:
        assert writer.stock.digests == {1: overview_digest("Old."), 2: overview_digest("Two.")}
        add(writer, 1, digest=overview_digest("New."))
    assert FeatureReader(str(tmp_path)).digests() == {
        1: overview_digest("New."), 2: overview_digest("Two.")}


def test_opening_and_adding_nothing_changes_nothing(tmp_path):
    write_features(tmp_path, {1: random_layers(4, 1)})
    before = (tmp_path / "features.h5").read_bytes()
    with FeatureWriter(str(tmp_path), SETTINGS):
        pass
    assert (tmp_path / "features.h5").read_bytes() == before
    assert shards(tmp_path) == [0]


def test_a_movie_computed_again_is_taken_from_the_later_shard(tmp_path):
    write_features(tmp_path, {1: random_layers(4, 1), 2: random_layers(4, 2)})
    again = random_layers(6, 99)
    write_features(tmp_path, {1: again})
    movies = list(FeatureReader(str(tmp_path)).movies())
    assert sorted(movie.movie_id for movie in movies) == [1, 2]
    np.testing.assert_array_equal(stored(tmp_path)[1], again)
    with h5py.File(str(tmp_path / "features.h5"), "r") as file:
        np.testing.assert_array_equal(file["1"][:], again)


@pytest.mark.parametrize("name, value", [
    ("layers", (-1,)), ("max_seq_length", 128), ("do_lower_case", False), ("hidden_size", 16),
    ("dtype", "float16"), ("pooled", True), ("checkpoint", "other"),
    ("checkpoint_sha256", "cd" * 32)])
def test_features_of_other_settings_are_refused_with_both_values(tmp_path, name, value):
    write_features(tmp_path, {1: random_layers(4, 1)})
    message = refusal(tmp_path, SETTINGS._replace(**{name: value}))
    assert name in message
    assert str(value) in message
    assert str(getattr(SETTINGS, name)) in message
    assert sorted(stored(tmp_path)) == [1]


def test_a_refused_writer_leaves_the_folder_free(tmp_path):
    write_features(tmp_path, {1: random_layers(4, 1)})
    refusal(tmp_path, SETTINGS._replace(max_seq_length=8))
    with FeatureWriter(str(tmp_path), SETTINGS) as writer:
        assert sorted(writer.stock.digests) == [1]


def test_a_second_writer_is_refused_at_once(tmp_path):
    with FeatureWriter(str(tmp_path), SETTINGS) as writer:
        assert "is being written by process {} ".format(os.getpid()) in refusal(tmp_path)
        code = ("from recommender.storage.feature_store import FeatureWriter\n"
                "from tests.worlds import SETTINGS\n"
                "FeatureWriter({!r}, SETTINGS)").format(str(tmp_path))
        other = subprocess.run([sys.executable, "-c", code], cwd=ROOT, stderr=subprocess.PIPE,
                               encoding="utf-8", check=False, timeout=30)
        assert "is being written by process {} ".format(os.getpid()) in other.stderr
        add(writer, 1)
    assert sorted(stored(tmp_path)) == [1]


def test_a_lost_link_file_is_rebuilt(tmp_path):
    write_features(tmp_path, {1: random_layers(4, 1)})
    write_features(tmp_path, {2: random_layers(4, 2)})
    os.remove(str(tmp_path / "features.h5"))
    with FeatureWriter(str(tmp_path), SETTINGS) as writer:
        assert sorted(writer.stock.digests) == [1, 2]
    with h5py.File(str(tmp_path / "features.h5"), "r") as file:
        np.testing.assert_array_equal(file["2"][:], random_layers(4, 2))


def test_a_shard_that_no_link_knows_is_linked(tmp_path):
    write_features(tmp_path, {1: random_layers(4, 1)})
    behind = (tmp_path / "features.h5").read_bytes()
    write_features(tmp_path, {2: random_layers(4, 2)})
    (tmp_path / "features.h5").write_bytes(behind)
    with FeatureWriter(str(tmp_path), SETTINGS) as writer:
        assert sorted(writer.stock.digests) == [1, 2]
    with h5py.File(str(tmp_path / "features.h5"), "r") as file:
        assert set(file) == {"1", "2"}


def test_a_shard_that_was_removed_is_work_to_do_again(tmp_path):
    write_features(tmp_path, {1: random_layers(4, 1)})
    write_features(tmp_path, {2: random_layers(4, 2)})
    os.remove(str(shard_path(tmp_path, 0)))
    with FeatureWriter(str(tmp_path), SETTINGS) as writer:
        assert sorted(writer.stock.digests) == [2]
        add(writer, 1)
    assert shards(tmp_path) == [1, 2]
    assert sorted(stored(tmp_path)) == [1, 2]


def test_a_shard_that_is_cut_off_is_named_and_its_movies_are_work_to_do_again(tmp_path):
    for movie_id in (1, 2):
        write_features(tmp_path, {movie_id: random_layers(4, movie_id)})
    shard = shard_path(tmp_path, 0)
    shard.write_bytes(shard.read_bytes()[:-1])
    with pytest.raises(RecommenderError, match=shard.name):
        stored(tmp_path)
    with FeatureWriter(str(tmp_path), SETTINGS) as writer:
        assert writer.stock.set_aside == [str(shard)]
        assert sorted(writer.stock.digests) == [2]
        with h5py.File(str(tmp_path / "features.h5"), "r") as file:
            assert set(file) == {"2"}
        add(writer, 1)
    assert sorted(stored(tmp_path)) == [1, 2]
    assert os.path.exists(str(shard) + ".bad")


def test_a_shard_of_other_settings_is_never_read(tmp_path):
    write_features(tmp_path / "ours", {1: random_layers(4, 1)})
    other = SETTINGS._replace(checkpoint_sha256="cd" * 32)
    write_features(tmp_path / "theirs", {2: random_layers(4, 2)}, other)
    theirs = shard_path(tmp_path / "theirs", 0)
    theirs.rename(tmp_path / "ours" / "shards" / theirs.name.replace("00000", "00001"))
    with pytest.raises(RecommenderError, match="00001-.*h5 was made with other settings"):
        stored(tmp_path / "ours")


@pytest.mark.parametrize("content", [None, b"", b"no HDF5 at all"])
def test_what_is_no_feature_folder_is_refused_in_one_line(tmp_path, content):
    if content is not None:
        (tmp_path / "features.h5").write_bytes(content)
    with pytest.raises(RecommenderError) as caught:
        FeatureReader(str(tmp_path))
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_another_hdf5_file_in_place_of_the_links_is_refused(tmp_path):
    with h5py.File(str(tmp_path / "features.h5"), "w") as file:
        file["x"] = [1, 2]
    with pytest.raises(RecommenderError, match="not a whole HDF5 file as it was written"):
        FeatureReader(str(tmp_path))


@pytest.mark.parametrize("name", ["a[bc]*?", os.fsdecode(b"no UTF-8 \xff")])
def test_a_folder_of_any_name_is_one_like_others(tmp_path, name):
    folder = os.path.join(str(tmp_path), name)
    write_features(folder, {1: random_layers(4, 1)})
    assert sorted(stored(folder)) == [1]


def test_the_disk_needed_is_foretold_within_a_tenth(tmp_path):
    settings = SETTINGS._replace(hidden_size=256)
    n_tokens = [20 + seed % 30 for seed in range(40)]
    write_features(tmp_path, {seed: random_layers(n, seed, settings)
                              for seed, n in enumerate(n_tokens)}, settings)
    used = sum(path.stat().st_size for path in (tmp_path / "shards").iterdir())
    assert feature_bytes(sum(n_tokens), 40, settings) == pytest.approx(used, rel=0.1)


def test_the_digest_tells_overviews_apart_and_fits_int64():
    digests = [overview_digest(text) for text in ("", "One.", "one.", "\ud800", "千")]
    assert len(set(digests)) == 5
    assert overview_digest("One.") == digests[1]
    assert np.array(digests, np.int64).tolist() == digests


def test_a_movie_computed_again_by_a_killed_run_is_linked_to_its_newer_shard(tmp_path):
    folder = tmp_path / "features"
    for value in (1.0, 2.0):
        with FeatureWriter(str(folder), SETTINGS) as writer:
            writer.add(7, np.full((4, 3, 8), value, np.float32), np.zeros(3, np.int32), 0)
        if value == 1.0:
            old_links = (folder / "features.h5").read_bytes()
    (folder / "features.h5").write_bytes(old_links)  # as if killed before the links were written
    with FeatureWriter(str(folder), SETTINGS):
        pass
    with h5py.File(str(folder / "features.h5"), "r") as links:
        assert links["7"][0, 0, 0] == 2.0


def test_other_settings_are_named_though_the_link_file_is_lost(tmp_path):
    folder = tmp_path / "features"
    with FeatureWriter(str(folder), SETTINGS) as writer:
        writer.add(7, np.ones((4, 3, 8), np.float32), np.zeros(3, np.int32), 0)
    (folder / "features.h5").unlink()
    with pytest.raises(RecommenderError, match="max_seq_length 256, not 99"):
        FeatureWriter(str(folder), SETTINGS._replace(max_seq_length=99))
