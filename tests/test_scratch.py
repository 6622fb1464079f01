"""Large arrays in files without names, and fits whose result does not depend on where they lie."""

import os

import h5py
import numpy as np
import pytest

from recommender import parts, recipes, text_words, words
from recommender.storage import scratch
from tests.worlds import row, write_index


def test_a_large_array_lies_in_a_file_that_has_no_name(tmp_path, monkeypatch):
    monkeypatch.setattr(scratch, "LARGE", 100)
    monkeypatch.setattr(scratch.tempfile, "tempdir", str(tmp_path))
    found = scratch.scratch((5, 4), np.float64)
    assert isinstance(found, np.memmap)
    assert os.listdir(str(tmp_path)) == []
    found[:] = 2
    assert found.sum() == 40
    assert not isinstance(scratch.scratch((3, 4), np.float64), np.memmap)


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="the system cannot reserve disk")
def test_a_full_disk_is_an_error_before_anything_is_written(monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(scratch, "LARGE", 1)
    monkeypatch.setattr(scratch.os, "posix_fallocate", full)
    with pytest.raises(OSError, match="No space left"):
        scratch.scratch((2, 2), np.float32)


def test_an_index_is_the_same_in_blocks_and_files(tmp_path, monkeypatch):
    rows = [row(at, "Film {}".format(at), overview="A {} shark {}, {}.".format(
        at % 3, at, "again " * (at % 4))) for at in range(1, 40)]
    names = ("mean4", "best", "whitened", "tfidf")
    found = []
    for folder in ("whole", "blocks"):
        if folder == "blocks":
            monkeypatch.setattr(scratch, "LARGE", 1)
            for module in (parts, recipes, words):
                monkeypatch.setattr(module, "blocks", lambda n: scratch.blocks(n, 7))
            monkeypatch.setattr(text_words, "_BLOCK", 5)
        (tmp_path / folder).mkdir()
        found.append({})
        with h5py.File(write_index(tmp_path / folder, rows, recipes=names), "r") as file:
            file.visititems(lambda name, held, into=found[-1]: into.update(
                {name: held[()]} if isinstance(held, h5py.Dataset) else {}))
    whole, by_blocks = found
    assert set(whole) == set(by_blocks)
    for name, values in whole.items():
        np.testing.assert_array_equal(by_blocks[name], values, err_msg=name)
