"""Files that other programs have open, or had: in use and touched is not damaged."""

import contextlib
import errno
import fcntl
import os
import shutil
import signal

import h5py
import numpy as np
import pytest

from recommender.errors import RecommenderError
from recommender.index import DEFAULT_INDEX, SAMPLE_INDEX, Index, index_to_open
from recommender.storage import files, hdf5
from recommender.storage.feature_store import FeatureReader, FeatureWriter, take_stock
from recommender.storage.files import new_file
from recommender.storage.hdf5 import DamagedFile, NewFile, PlainFile
from recommender.storage.open_elsewhere import SUPERBLOCK, FileInUse, lookup3, unmarked
from recommender.storage.shards import check_digest, shard_paths
from serving.app import create_app
from serving.library import Library
from tests.holding import held, look
from tests.served import MORE_FILMS, FakeTexts, running, write_films
from tests.worlds import SETTINGS, only_line, random_layers, write_features

FILMS = {movie_id: random_layers(2 + movie_id % 3, movie_id) for movie_id in range(1, 9)}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A feature folder of two shards, as it was written; nobody changes it."""
    folder = tmp_path_factory.mktemp("written") / "features"
    for part in (range(1, 6), range(6, 9)):
        write_features(folder, {movie_id: FILMS[movie_id] for movie_id in part})
    return str(folder)


@pytest.fixture
def folder(written, tmp_path):
    return shutil.copytree(written, str(tmp_path / "features"))


@pytest.fixture(scope="module")
def index_as_written(tmp_path_factory):
    return write_films(tmp_path_factory.mktemp("index"))


@pytest.fixture
def index_path(index_as_written, tmp_path):
    return shutil.copy(index_as_written, str(tmp_path / "index.h5"))


def path_of(folder, which):
    return os.path.join(folder, "features.h5") if which == "links" else shard_paths(folder)[0]


def contents(folder):
    """The bytes of all HDF5 files of a folder, by path; those set aside included."""
    found = {}
    for at, _, names in os.walk(folder):
        for name in names:
            if ".h5" in name:
                with open(os.path.join(at, name), "rb") as file:
                    found[os.path.relpath(os.path.join(at, name), folder)] = file.read()
    return found


def expect_all_films(folder):
    movies = {movie.movie_id: movie.layers for movie in FeatureReader(folder).movies()}
    assert sorted(movies) == sorted(FILMS)
    for movie_id, layers in FILMS.items():
        np.testing.assert_array_equal(movies[movie_id], layers)
    some = FeatureReader(folder).some([2, 7])
    np.testing.assert_array_equal(some[7].layers, FILMS[7])


def expect_mended(folder, written):
    """Nothing is set aside or to be computed again, and every HDF5 tool finds all films."""
    with FeatureWriter(folder, SETTINGS) as writer:
        assert not writer.stock.set_aside
        assert sorted(writer.stock.digests) == sorted(FILMS)
    now, before = contents(folder), contents(written)
    assert sorted(now) == sorted(before)
    assert all(now[name] == before[name] for name in now if name != "features.h5")
    assert take_stock(folder, check=check_digest).set_aside == []
    with h5py.File(os.path.join(folder, "features.h5"), "r") as links:
        for movie_id, layers in FILMS.items():
            np.testing.assert_array_equal(links[str(movie_id)][:], layers)


@pytest.mark.parametrize("which", ["links", "shard"])
@pytest.mark.parametrize("mode", ["default", "a", "r+", "r"])
@pytest.mark.parametrize("is_killed", [False, True], ids=["closed", "killed"])
def test_a_look_at_features_does_no_harm(folder, written, which, mode, is_killed):
    look(path_of(folder, which), mode, is_killed)
    touched = contents(folder)
    expect_all_films(folder)
    assert contents(folder) == touched  # a reader writes nothing
    expect_mended(folder, written)
    expect_all_films(folder)


@pytest.mark.parametrize("is_killed", [False, True], ids=["closed", "killed"])
def test_a_look_by_a_program_that_would_write_beside_readers_does_no_harm(
        folder, written, is_killed):
    look(path_of(folder, "shard"), "r+", is_killed, library="latest")
    expect_all_films(folder)
    expect_mended(folder, written)


@pytest.mark.parametrize("which", ["links", "shard"])
@pytest.mark.parametrize("mode", ["default", "r+"])
def test_features_that_are_open_for_writing_are_in_use_and_nothing_is_changed(
        folder, which, mode):
    path = path_of(folder, which)
    with held(path, mode):
        before = contents(folder)
        for use in (expect_all_films, take_stock,
                    lambda folder: take_stock(folder, check=check_digest),
                    lambda folder: FeatureWriter(folder, SETTINGS)):
            with pytest.raises(FileInUse) as caught:
                use(folder)
            assert only_line(str(caught.value)).startswith(path + " is in use: ")
        assert contents(folder) == before
    expect_all_films(folder)


def test_a_damaged_shard_is_not_set_aside_while_another_file_is_in_use(folder):
    damaged, other = shard_paths(folder)
    os.truncate(damaged, 1000)
    with held(other), pytest.raises(FileInUse, match=os.path.basename(other)):
        FeatureWriter(folder, SETTINGS)
    with FeatureWriter(folder, SETTINGS) as writer:
        assert writer.stock.set_aside == [damaged]


@pytest.mark.parametrize("which", ["links", "shard"])
def test_features_that_are_open_for_reading_are_read_and_added_to(folder, which):
    with held(path_of(folder, which), "r"):
        expect_all_films(folder)
        write_features(folder, {99: random_layers(3, 99)})
        assert 99 in FeatureReader(folder).digests()


@pytest.mark.parametrize("which", ["links", "shard"])
def test_features_that_are_open_without_locks_are_read(folder, written, which):
    with held(path_of(folder, which), locks=False):
        expect_all_films(folder)
        expect_mended(folder, written)
    expect_all_films(folder)
    expect_mended(folder, written)


def test_what_another_program_wrote_into_the_links_is_left_out_and_no_damage(folder, written):
    with h5py.File(path_of(folder, "links"), "a") as links:
        links.attrs["note"] = "seen"
        del links["3"]
    expect_all_films(folder)
    expect_mended(folder, written)


@pytest.mark.parametrize("is_killed", [False, True], ids=["closed", "killed"])
def test_damage_is_found_in_a_shard_that_was_looked_at(folder, is_killed):
    path = path_of(folder, "shard")
    look(path, "a", is_killed)
    with open(path, "rb") as file:
        content = bytearray(file.read())
    for at in [*range(8, SUPERBLOCK), *range(SUPERBLOCK, len(content), 997)]:
        content[at] ^= 1
        with open(path, "wb") as file:
            file.write(content)
        content[at] ^= 1
        with pytest.raises(DamagedFile):
            check_digest(path)
    with open(path, "wb") as file:
        file.write(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(DamagedFile):
        expect_all_films(folder)
    assert take_stock(folder, check=check_digest).set_aside == [path]


def test_a_links_file_that_was_cut_elsewhere_is_damaged(folder):
    path = path_of(folder, "links")
    with open(path, "rb") as file:
        content = file.read()
    for n_bytes in (8, 47, 48, 100, len(content) - 17, len(content) - 15, len(content) - 1):
        with open(path, "wb") as file:
            file.write(content[:n_bytes])
        with pytest.raises(DamagedFile):
            FeatureReader(folder)
    assert take_stock(folder).set_aside == [path]


@pytest.mark.parametrize("is_killed", [False, True], ids=["closed", "killed"])
@pytest.mark.parametrize("mode", ["default", "a", "r+", "r"])
def test_a_look_at_an_index_does_no_harm(index_path, mode, is_killed):
    look(index_path, mode, is_killed)
    index = Index(index_path)
    index.read_columns()
    assert index.describe(0) == "The Matrix (1999, id 603)"


def test_an_index_that_is_open_for_reading_is_read(index_path):
    with held(index_path, "r"):
        assert len(Index(index_path)) == 12


def test_an_index_that_is_open_for_writing_is_in_use(index_path, tmp_path):
    with held(index_path), pytest.raises(FileInUse) as caught:
        Index(index_path)
    assert only_line(str(caught.value)).startswith(index_path + " is in use: ")


def test_an_index_that_is_read_cannot_be_opened_for_writing_elsewhere(index_path):
    index = Index(index_path)
    with pytest.raises(RuntimeError), held(index_path, "r+"):
        pass
    with held(index_path):  # without a mode h5py then opens for reading
        assert len(index) == 12


def test_a_server_keeps_its_index_while_the_new_one_is_in_use(index_path, tmp_path, capsys):
    library = Library(Index(index_path), FakeTexts())
    os.replace(write_films(tmp_path / "new"), index_path)
    with held(index_path):
        assert not library.reload()
    line = only_line(capsys.readouterr().err)
    assert line.startswith("server.py: the old index stays: {} is in use".format(index_path))
    assert library.reload()


def test_a_running_server_takes_a_new_index_once_it_is_no_longer_in_use(index_path, tmp_path):
    with running("--index", index_path, "--port", "0") as server:
        os.replace(write_films(tmp_path / "new", MORE_FILMS), index_path)
        with held(index_path):
            server.process.send_signal(signal.SIGHUP)
            said = server.line()
            assert said.startswith("server.py: the old index stays: {} is in use".format(
                index_path))
            assert server.get("/api/v1/recommend?id=550")[0] == 404
        look(index_path, "a", is_killed=True)
        server.process.send_signal(signal.SIGHUP)
        assert "is read anew" in server.line()
        assert server.get("/api/v1/recommend?id=550")[0] == 200


def test_an_explanation_says_that_the_features_are_in_use(index_path, index_as_written):
    features = os.path.join(os.path.dirname(index_as_written), "features")
    client = create_app(Library(Index(index_path), FakeTexts(), features)).test_client()
    with held(path_of(features, "shard")):
        answer = client.get("/api/v1/recommend?id=603&explain=true")
        assert answer.status_code == 503
        assert "is in use" in answer.get_json()["error"]


def test_an_index_is_read_while_its_writer_still_brings_it_to_the_disk(tmp_path, monkeypatch):
    path, opened = str(tmp_path / "x.h5"), []

    def sync(name):
        if name == str(tmp_path):  # after the renaming
            with PlainFile(path, "") as file:
                opened.append(file.holds("x"))

    monkeypatch.setattr(files, "sync", sync)
    with new_file(path) as part, NewFile(part) as file:
        file["x"] = 1
    assert opened == [True]


def test_files_are_read_where_the_file_system_has_no_locks(folder, index_path, monkeypatch):
    def no_locks(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    class File(h5py.File):
        def __init__(self, name, *mode):
            if isinstance(name, str):
                raise OSError("Unable to open file (unable to lock file, errno = 37)")
            super().__init__(name, *mode)

    monkeypatch.setattr(fcntl, "flock", no_locks)
    monkeypatch.setattr(hdf5.h5py, "File", File)
    expect_all_films(folder)
    assert len(Index(index_path)) == 12


def blank(path):
    """Look at a file that is not there with h5py 2, without a mode: it is made."""
    look(path)
    assert os.path.getsize(path)


def test_a_look_at_an_index_that_is_not_there_makes_none(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.mkdir("data")
    blank(DEFAULT_INDEX)
    with pytest.raises(RecommenderError, match="no index at data/index.h5"):
        Index(DEFAULT_INDEX)
    assert index_to_open(None) == (DEFAULT_INDEX, "")
    shutil.copy(write_films(tmp_path / "films"), SAMPLE_INDEX)
    assert index_to_open(None)[0] == SAMPLE_INDEX
    assert index_to_open(DEFAULT_INDEX)[0] == DEFAULT_INDEX


def test_a_look_at_features_that_are_not_there_makes_none(tmp_path, written):
    blank(tmp_path / "features.h5")
    with pytest.raises(RecommenderError, match="no features in"):
        FeatureReader(str(tmp_path))
    write_features(tmp_path, {1: random_layers(3, 1)})
    assert list(FeatureReader(str(tmp_path)).digests()) == [1]
    assert not list(tmp_path.glob("*.bad"))


def test_a_look_at_shards_that_are_not_there_makes_none(folder):
    gone, kept = shard_paths(folder)
    os.remove(gone)
    blank(gone)
    blank(os.path.join(folder, "shards", "00000.h5"))
    with contextlib.suppress(FileNotFoundError):
        os.remove(path_of(folder, "links"))
    with FeatureWriter(folder, SETTINGS) as writer:
        assert sorted(writer.stock.digests) == [6, 7, 8]
        assert not writer.stock.set_aside
    assert shard_paths(folder) == [kept]
    assert sorted(FeatureReader(folder).digests()) == [6, 7, 8]


def test_the_checksum_is_the_one_of_hdf5(folder):
    for name, content in contents(folder).items():
        assert lookup3(content[:44]) == int.from_bytes(content[44:48], "little"), name
        assert unmarked(content[:SUPERBLOCK]) == content[:SUPERBLOCK]
    # The example in lookup3.c.
    assert lookup3(b"Four score and seven years ago") == 0x17770551
