"""A disk that takes no more: HDF5 sees no error, and reads what it wrote."""

import errno
import os

import pytest

from recommender.storage import disk
from recommender.storage.disk import Disk
from tests.worlds import row, write_index

FILMS = [row(n, "Film {}".format(n), overview="Word{} and word{}.".format(n, n + 1))
         for n in range(1, 120)]


@pytest.fixture()
def full_after(monkeypatch):
    """Lets a disk take so many pieces and no more."""
    put = Disk.put

    def limit(n):
        left = [n]

        def limited(self, data):
            left[0] -= 1
            if left[0] < 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return put(self, data)

        monkeypatch.setattr(Disk, "put", limited)

    return limit


def test_what_the_disk_did_not_take_is_read_as_it_was_written(tmp_path, full_after):
    file = Disk(str(tmp_path / "file"), "w+")
    full_after(1)
    assert file.write(b"on the disk") == 11
    assert (file.write(b"lost, but kept") == 14) and file.failed.errno == errno.ENOSPC
    file.seek(3)
    file.write(b"THE")
    file.seek(0)
    found = bytearray(30)
    assert file.readinto(found) == 30
    assert bytes(found) == b"on THE disk" + b"lost, but kept" + bytes(5)
    file.seek(11)
    file.write(b"later")
    file.seek(9)
    assert file.readinto(found) == 30
    assert bytes(found) == b"sk" + b"later but kept" + bytes(14)
    file.close()
    assert (tmp_path / "file").read_bytes() == b"on the disk"


def test_large_pieces_are_not_kept(tmp_path, full_after, monkeypatch):
    monkeypatch.setattr(disk, "_KEPT", 10)
    full_after(0)
    with Disk(str(tmp_path / "file"), "w+") as file:
        file.write(bytes(b"x" * 11))
        file.write(b"y" * 10)
        file.seek(0)
        found = bytearray(21)
        file.readinto(found)
        assert bytes(found) == bytes(11) + b"y" * 10


@pytest.mark.parametrize("n", [0, 1, 2, 5, 20, 60, 150])
def test_an_index_that_meets_a_full_disk_at_any_place_is_an_error(tmp_path, full_after, n):
    full_after(n)
    with pytest.raises(OSError, match="No space left"):
        write_index(tmp_path, FILMS, recipes=("mean4", "best"))
    assert not list(tmp_path.glob("*.h5*"))
