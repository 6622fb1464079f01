"""The bytes of a file, in memory or mapped: read alike, and nothing is left on the disk."""

import io
import mmap
import os
import random

import pytest

from recommender.storage import contents
from recommender.storage.contents import blocks_of, keep, last_block, opened

BYTES = bytes(range(256)) * 3 + bytes(20)


@pytest.fixture(params=["in memory", "on the disk"])
def content(request, monkeypatch, tmp_path):
    monkeypatch.setattr(contents, "BLOCK", 7)
    monkeypatch.setattr(contents, "LARGE", len(BYTES) - (request.param == "on the disk"))
    monkeypatch.setattr(contents.tempfile, "tempdir", str(tmp_path))
    kept = keep(BYTES[start:start + 100] for start in range(0, len(BYTES), 100))
    assert os.listdir(str(tmp_path)) == []
    assert isinstance(kept, mmap.mmap if request.param == "on the disk" else bytes)
    return kept


def test_all_bytes_come_a_block_at_a_time(content):
    found = list(blocks_of(content))
    assert b"".join(found) == BYTES
    assert {len(block) for block in found[:-1]} == {7}


def test_as_a_file_it_is_read_and_sought_as_any_other(content):
    ours, theirs, draw = opened(content), io.BytesIO(BYTES), random.Random(0)
    for _ in range(200):
        whence = draw.choice((io.SEEK_SET, io.SEEK_CUR, io.SEEK_END))
        offset = draw.randrange(-len(BYTES), len(BYTES))
        if whence == io.SEEK_SET or theirs.tell() + offset < 0:
            whence, offset = io.SEEK_SET, abs(offset)
        if whence == io.SEEK_END:
            offset = -abs(offset)
        assert ours.seek(offset, whence) == theirs.seek(offset, whence)
        n = draw.choice((0, 1, 10, 1000))
        assert ours.read(n) == theirs.read(n)
    ours.close()
    assert content[:3] == BYTES[:3]


def test_the_last_block_ends_before_what_is_left_out(content):
    assert BYTES[:-20].endswith(last_block(content, b"\0"))
    assert last_block(content, b"\0")[-1:] == b"\xff"
    assert last_block(bytes(30), b"\0") == b""


def test_nothing_is_kept_of_nothing():
    assert keep(iter(())) == b""


def test_a_full_disk_is_an_error(monkeypatch):
    monkeypatch.setattr(contents, "LARGE", 1)

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(contents.tempfile, "TemporaryFile", full)
    with pytest.raises(OSError, match="No space left"):
        keep([b"ab", b"c"])
