"""Companion files of an index: replaced with it, removed when no index names them."""

import json
import os
import signal
import subprocess
import sys

import h5py
import pytest

from recommender.building import build_index
from recommender.catalogue import read_catalogue
from recommender.errors import RecommenderError
from recommender.index import Index
from recommender.storage.companions import CompanionLost, companions_of, new_companions, path_of
from recommender.storage.feature_store import FeatureReader
from recommender.storage.files import new_file
from recommender.storage.hdf5 import NewFile, PlainFile
from tests.conftest import ROOT
from tests.worlds import row, write_index


def filled(content):
    def write(path):
        with open(path, "w", encoding="utf-8") as file:
            file.write(content)

    return write


def publish(path, **contents):
    """Write an index that holds nothing but names companions of `contents`, by kind."""
    with new_companions(str(path)) as beside, new_file(str(path)) as part, NewFile(part) as file:
        for kind, content in contents.items():
            beside.add(kind, filled(content))
        beside.name_in(file)


def named_by(path):
    with PlainFile(str(path), "build it again") as file:
        return companions_of(file)


def others(folder, path):
    return sorted(set(os.listdir(str(folder))) - {os.path.basename(str(path))})


def read(companion):
    with companion.open() as file:
        return file.readall().decode()


def test_an_index_names_its_companions_by_kind_and_digest(tmp_path):
    path = tmp_path / "index.h5"
    publish(path, titles="all titles", ann="a graph")
    found = named_by(path)
    assert {kind: read(companion) for kind, companion in found.items()} == {
        "titles": "all titles", "ann": "a graph"}
    for kind, companion in found.items():
        companion.check()
        assert os.path.basename(companion.path).startswith("index.h5.{}-".format(kind))
    assert others(tmp_path, path) == sorted(
        os.path.basename(companion.path) for companion in found.values())


def test_the_next_build_replaces_them_and_open_ones_stay_readable(tmp_path):
    path = tmp_path / "index.h5"
    publish(path, titles="old", ann="same")
    before = named_by(path)
    with before["titles"].open() as kept:
        publish(path, titles="new", ann="same")
        before["titles"].check(kept)
        with open(path_of(kept)) as again:
            assert again.read() == "old"
    after = named_by(path)
    assert (read(after["titles"]), after["ann"]) == ("new", before["ann"])
    assert len(others(tmp_path, path)) == 2
    publish(path)
    assert others(tmp_path, path) == []


def test_a_companion_can_be_kept_by_the_next_index(tmp_path):
    path = tmp_path / "index.h5"
    publish(path, titles="old")
    before = named_by(path)
    with new_companions(str(path)) as beside, new_file(str(path)) as part, NewFile(part) as file:
        beside.keep(before["titles"])
        beside.name_in(file)
    assert named_by(path) == before
    assert read(before["titles"]) == "old"


def test_companions_that_another_index_in_the_folder_names_stay(tmp_path):
    path = tmp_path / "index.h5"
    publish(path, titles="old")
    (tmp_path / "copy.h5").write_bytes(path.read_bytes())
    (tmp_path / "damaged.h5").write_bytes(path.read_bytes()[:100])
    publish(tmp_path / "index.h5.other", titles="other")
    publish(path, titles="new")
    assert read(named_by(tmp_path / "copy.h5")["titles"]) == "old"
    assert read(named_by(tmp_path / "index.h5.other")["titles"]) == "other"
    assert read(named_by(path)["titles"]) == "new"


def test_a_build_that_fails_leaves_the_old_index_with_its_companions(tmp_path):
    path = tmp_path / "index.h5"
    publish(path, titles="old")
    with pytest.raises(KeyError), new_companions(str(path)) as beside, new_file(
            str(path)) as part, NewFile(part):
        beside.add("titles", filled("new"))
        beside.add("ann", filled("graph"))
        raise KeyError
    assert read(named_by(path)["titles"]) == "old"
    assert len(others(tmp_path, path)) == 1


def test_a_companion_that_cannot_be_written_leaves_nothing(tmp_path):
    path = tmp_path / "index.h5"

    def fail(part):
        open(part, "w").close()
        raise OSError(28, "No space left on device", part)

    with pytest.raises(OSError) as told, new_companions(str(path)) as beside:
        beside.add("titles", fail)
    assert told.value.filename == str(path) + ".titles"
    assert os.listdir(str(tmp_path)) == []


BUILD = """
import sys, time
from recommender.storage.companions import new_companions
from recommender.storage.feature_store import FeatureReader
from recommender.storage.files import new_file
from tests.test_companions import filled

def half(part):
    open(part, "w").write("half")
    print("writing", flush=True)
    time.sleep(60)

with new_companions(sys.argv[1]) as beside, new_file(sys.argv[1]):
    beside.add("titles", filled("theirs"))
    beside.add("ann", half)
"""


def test_the_companions_of_a_build_that_runs_stay_and_those_of_a_killed_one_go(tmp_path):
    path = tmp_path / "index.h5"
    other = subprocess.Popen([sys.executable, "-c", BUILD, str(path)], cwd=ROOT,
                             stdout=subprocess.PIPE)
    try:
        assert other.stdout.readline() == b"writing\n"
        publish(path, titles="ours")
        assert len(others(tmp_path, path)) == 4  # ours, theirs, half a graph, half an index
    finally:
        other.send_signal(signal.SIGKILL)
        other.communicate()
    publish(path, titles="ours again")
    assert others(tmp_path, path) == [os.path.basename(named_by(path)["titles"].path)]


def test_a_companion_that_is_missing_short_or_changed_is_told(tmp_path):
    path = tmp_path / "index.h5"
    publish(path, titles="all titles")
    companion = named_by(path)["titles"]
    with open(companion.path, "w") as file:
        file.write("ALL titles")
    with companion.open() as file, pytest.raises(
            CompanionLost, match="does not have the checksum in its name: build"):
        companion.check(file)
    os.truncate(companion.path, 3)
    with pytest.raises(CompanionLost, match="has 3 bytes instead of 10: build the index again"):
        companion.open()
    os.remove(companion.path)
    with pytest.raises(CompanionLost, match="No such file.*: build the index again"):
        companion.open()


def listed(name, n_bytes="1"):
    return '{{"a": ["{}-{}", {}]}}'.format(name, "0" * 32, n_bytes)


@pytest.mark.parametrize("damaged", [
    "", "[]", "7", '{"a": 7}', '{"a": ["b", 1]}', "[" * 9999, listed("../i.a"), listed("i.b"),
    listed("i.a", '"x"')])
def test_a_list_of_companions_that_is_damaged_is_told(tmp_path, damaged):
    path = write_index(tmp_path, [row(1, "Heat"), row(2, "Jaws")])
    with h5py.File(path, "r+") as file:
        file.attrs["companions"] = damaged
    with pytest.raises(RecommenderError, match="its companion files is damaged: build it again"):
        Index(path)


def test_an_index_by_a_link_finds_its_companions_where_it_lies(tmp_path):
    (tmp_path / "there").mkdir()
    publish(tmp_path / "there" / "index.h5", titles="all titles")
    (tmp_path / "link.h5").symlink_to(tmp_path / "there" / "index.h5")
    assert read(named_by(tmp_path / "link.h5")["titles"]) == "all titles"


def test_an_index_tells_its_companions_and_a_build_removes_those_before(tmp_path):
    rows = [row(1, "Heat"), row(2, "Jaws")]
    path = write_index(tmp_path, rows)
    assert Index(path).companions == {}
    with new_companions(path) as beside:
        added = beside.add("titles", filled("all titles"))
        with h5py.File(path, "r+") as file:
            file.attrs["companions"] = json.dumps(
                {"titles": [os.path.basename(added.path), added.n_bytes]})
    assert Index(path).companions == {"titles": added}
    build_index(read_catalogue(str(tmp_path / "movies.csv")), FeatureReader(
        str(tmp_path / "features")), path)
    assert Index(path).companions == {}
    assert not os.path.exists(added.path)
