"""Shards and links that were damaged on the disk."""

import contextlib

import pytest

from recommender.errors import RecommenderError
from recommender.storage.feature_store import FeatureReader
from recommender.storage.hdf5 import DamagedFile
from recommender.storage.shards import Shard
from tests.test_feature_store import shard_path
from tests.worlds import random_layers, write_features


def flipped(path, step):
    """The bytes of a file with one bit flipped, at every `step`th byte in turn."""
    content = bytearray(path.read_bytes())
    for at in range(0, len(content), step):
        content[at] ^= 1 << at % 8
        yield bytes(content)
        content[at] ^= 1 << at % 8


def test_a_bit_flipped_anywhere_in_the_links_is_found_before_hdf5_crashes_at_it(tmp_path):
    write_features(tmp_path, {n: random_layers(1, n) for n in range(50)})
    links = tmp_path / "features.h5"
    for content in flipped(links, 53):
        links.write_bytes(content)
        with pytest.raises(DamagedFile, match="not a whole HDF5 file as it was written"):
            FeatureReader(str(tmp_path))


def test_a_bit_flipped_anywhere_in_a_shard_does_not_crash_its_opening(tmp_path):
    write_features(tmp_path, {n: random_layers(1, n) for n in range(20)})
    path = shard_path(tmp_path, 0)
    for content in flipped(path, 13):
        path.write_bytes(content)
        with contextlib.suppress(RecommenderError), Shard(str(path)) as shard:
            assert len(shard.ids) == 20
