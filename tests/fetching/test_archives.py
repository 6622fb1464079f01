"""Archives that are not to be trusted."""

import gzip
import os
import random
import tarfile

import pytest

from fetching import FetchError
from fetching.archives import MAX_READ, Archive, TarArchive
from tests.fetching.sources import GOOGLE, files_of, says_size, tarred, zipped


def test_a_corrupt_archive_is_refused_and_fetched_anew_next_time(server, run, tmp_path):
    good = zipped(GOOGLE)
    bad = bytearray(good)
    bad[len(bad) // 2] ^= 0xFF
    server.body = bytes(bad)
    code, _, error = run("--model", "wwm")
    assert code == 1
    assert "corrupt" in error
    assert files_of(tmp_path / "tmp") == {}
    server.body = good
    assert run("--model", "wwm")[0] == 0


@pytest.mark.parametrize("name", ["../evil.txt", "/evil.txt", "a/../../evil.txt"])
def test_a_name_that_leads_out_is_refused(run, tmp_path, name):
    archive = tmp_path / "m.zip"
    archive.write_bytes(zipped(dict(GOOGLE, **{name: b"evil"})))
    code, _, error = run("--model", str(archive))
    assert code == 1
    assert "leads out" in error
    assert not list(tmp_path.rglob("evil.txt"))
    assert files_of(tmp_path / "tmp") == {}


def test_an_archive_that_unpacks_to_too_much_is_refused(run, tmp_path, monkeypatch):
    monkeypatch.setattr("fetching.archives.MAX_UNPACKED_BYTES", 1 << 20)
    archive = tmp_path / "m.zip"
    archive.write_bytes(zipped(dict(GOOGLE, zeros=bytes(2 << 20))))
    assert archive.stat().st_size < 1 << 20
    code, _, error = run("--model", str(archive))
    assert code == 1
    assert "unpack" in error


def test_a_member_longer_than_its_header_says_is_refused(run, tmp_path):
    archive = tmp_path / "m.zip"
    whole = zipped({"bert_config.json": bytes(5000)})
    packed = (5000).to_bytes(4, "little")  # in the member's header and in the directory
    assert whole.count(packed) == 2
    archive.write_bytes(whole.replace(packed, (10).to_bytes(4, "little")))
    code, _, error = run("--model", str(archive))
    assert code == 1
    assert "corrupt" in error


def test_an_archive_of_a_later_zip_version_is_told_to_be_unpacked_by_hand(run, tmp_path):
    archive = tmp_path / "m.zip"
    whole = zipped({"bert_config.json": b"{}"})
    entry = whole.index(b"PK\x01\x02") + 6  # the version that is needed, in the directory
    archive.write_bytes(whole[:entry] + b"\xff\x00" + whole[entry + 2:])
    code, _, error = run("--model", str(archive))
    assert code == 1
    assert "unpack it by hand" in error


FILES = {"vocab.txt": b"a b c " * 20, "caf\u00e9.txt": b"x"}


def assert_damage_is_one_error(whole, kind, path):
    """Damage two bytes of an archive of FILES again and again; what is read is right or refused."""
    draw = random.Random(0)
    n_refused = 0
    for _ in range(300):
        damaged = bytearray(whole)
        for place in draw.sample(range(len(whole)), 2):
            damaged[place] = draw.randrange(256)
        path.write_bytes(bytes(damaged))
        try:
            archive = kind(str(path))
            for name in archive.names:
                archive.copy(name, str(path.parent / "member"))
                assert (path.parent / "member").read_bytes() in (*FILES.values(), b"")
        except FetchError as error:
            n_refused += 1
            assert "\n" not in str(error)
    assert n_refused > 100


@pytest.mark.parametrize("method", ["ZIP_STORED", "ZIP_DEFLATED", "ZIP_BZIP2", "ZIP_LZMA"])
def test_whatever_bytes_are_damaged_it_is_one_error_or_the_right_content(tmp_path, method):
    assert_damage_is_one_error(zipped(FILES, method=method), Archive, tmp_path / "damaged.zip")


@pytest.mark.parametrize("mode, ending", [
    ("w:gz", ".tar.gz"), ("w:gz", ".tgz"), ("w", ".tar"), ("w:bz2", ".tar.bz2"),
    ("w:xz", ".tar.xz"), ("w:gz", ".zip")])
@pytest.mark.parametrize("folder", ["", "./", "deep/er/"])
def test_a_tar_archive_is_read_as_a_zip_is(run, tmp_path, mode, ending, folder):
    archive = tmp_path / ("small.v2" + ending)
    archive.write_bytes(tarred(GOOGLE, folder, mode))
    assert run("--model", str(archive))[0] == 0
    assert files_of(tmp_path / "tmp" / "small.v2") == GOOGLE


@pytest.mark.parametrize("name", ["../evil.txt", "/evil.txt", "a/../../evil.txt"])
def test_a_name_that_leads_out_of_a_tar_archive_is_refused(run, tmp_path, name):
    archive = tmp_path / "m.tar.gz"
    archive.write_bytes(tarred(dict(GOOGLE, **{name: b"evil"})))
    code, _, error = run("--model", str(archive))
    assert code == 1
    assert "leads out" in error
    assert not list(tmp_path.rglob("evil.txt"))
    assert files_of(tmp_path / "tmp") == {}


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE,
                                  tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_in_a_tar_archive_are_refused(run, tmp_path, kind):
    archive = tmp_path / "m.tgz"
    archive.write_bytes(tarred(GOOGLE, **{"extra": kind}))
    code, _, error = run("--model", str(archive))
    assert code == 1
    assert "'extra', which is a link or a device" in error
    assert "--dereference" in error
    assert files_of(tmp_path / "tmp") == {}


def test_a_tar_archive_that_unpacks_to_too_much_is_refused(run, tmp_path, monkeypatch):
    monkeypatch.setattr("fetching.archives.MAX_UNPACKED_BYTES", 1 << 20)
    archive = tmp_path / "m.tar.gz"
    archive.write_bytes(tarred(dict(GOOGLE, zeros=bytes(2 << 20))))
    code, _, error = run("--model", str(archive))
    assert code == 1
    assert "would unpack to more" in error


def test_a_header_that_asks_for_much_memory_is_refused(tmp_path):
    archive = tmp_path / "m.tar.gz"
    content = tarred({"names": bytes(2 * MAX_READ)})
    plain = bytearray(gzip.decompress(content))
    header = tarfile.TarInfo("names")
    header.size, header.type = 2 * MAX_READ, tarfile.XHDTYPE
    plain[:512] = header.tobuf(tarfile.GNU_FORMAT)
    archive.write_bytes(gzip.compress(bytes(plain)))
    with pytest.raises(FetchError, match="a header of"):
        TarArchive(str(archive))


def test_a_file_of_a_tar_archive_shorter_than_its_header_says_is_refused(run, tmp_path):
    archive = tmp_path / "m.tar.gz"
    archive.write_bytes(says_size(tarred({"bert_config.json": b"{}"}), 1 << 20))
    code, _, error = run("--model", str(archive))
    assert code == 1
    assert "m.tar.gz" in error


@pytest.mark.parametrize("damage", [lambda content: content[:-30], lambda content: content[:200],
                                    lambda content: content[:9000] + b"x" + content[9001:]])
@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz"])
def test_a_damaged_tar_archive_is_refused(run, tmp_path, mode, damage):
    archive = tmp_path / "m.tar.gz"
    archive.write_bytes(damage(tarred(GOOGLE, mode=mode)))
    code, _, error = run("--model", str(archive))
    assert code == 1
    assert "corrupt, or only a part" in error
    assert files_of(tmp_path / "tmp") == {}


def test_whatever_bytes_of_a_tar_archive_are_damaged_it_is_one_error_or_the_right_content(tmp_path):
    assert_damage_is_one_error(tarred(FILES), TarArchive, tmp_path / "damaged.tgz")


@pytest.mark.parametrize("name", ["model.safetensors", "bert_model.ckpt.index", "config.json"])
def test_one_file_of_a_checkpoint_is_told_to_be_given_with_its_folder(run, tmp_path, name):
    (tmp_path / name).write_bytes(os.urandom(999))
    code, _, error = run("--model", str(tmp_path / name))
    assert code == 1
    assert "give the folder that holds it" in error
