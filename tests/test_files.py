"""Files and folders that are written whole or not at all."""

import os
import signal
import subprocess
import sys

import pytest

from recommender.storage.files import new_file, new_folder, scratch_folder, write_text
from tests.conftest import ROOT

HELD = """
import os, sys, time
from recommender.storage import files
with getattr(files, sys.argv[1])(sys.argv[2]) as part:
    open(os.path.join(part, "half") if os.path.isdir(part) else part, "w").write("half")
    print("writing", flush=True)
    time.sleep(60)
"""


def held_open(path, how="new_file"):
    """A process that is in the middle of writing `path`."""
    process = subprocess.Popen([sys.executable, "-c", HELD, how, str(path)], cwd=ROOT,
                               stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"writing\n"
    return process


def test_a_file_is_replaced_in_one_step_and_nothing_else_is_left(tmp_path):
    path = tmp_path / "a.txt"
    write_text(str(path), "old")
    with new_file(str(path)) as part:
        with open(part, "w") as file:
            file.write("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert os.listdir(str(path.parent)) == ["a.txt"]


def test_an_error_leaves_the_old_file_and_no_part(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(KeyError), new_file(str(path)):
        raise KeyError
    assert path.read_text() == "old"
    assert os.listdir(str(tmp_path)) == ["a.txt"]


def test_a_file_has_the_permissions_of_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        write_text(str(tmp_path / "a.txt"), "")
    finally:
        os.umask(before)
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == 0o640


def test_an_error_names_the_file_that_was_asked_for(tmp_path):
    (tmp_path / "a.txt").mkdir()
    with pytest.raises(OSError) as told:
        write_text(str(tmp_path / "a.txt"), "")
    assert told.value.filename == str(tmp_path / "a.txt")
    assert os.listdir(str(tmp_path)) == ["a.txt"]


def test_a_folder_that_is_missing_is_told_by_the_name_of_the_file(tmp_path):
    path = str(tmp_path / "missing" / "file")
    with pytest.raises(OSError) as caught:
        write_text(path, "text")
    assert caught.value.filename == path


def test_two_writers_do_not_touch_each_other_and_what_a_killed_one_left_is_removed(tmp_path):
    path = tmp_path / "a.txt"
    other = held_open(path)
    try:
        write_text(str(path), "whole")
        assert path.read_text() == "whole"
        assert len(os.listdir(str(tmp_path))) == 2  # the other's part is still being written
    finally:
        other.send_signal(signal.SIGKILL)
        other.communicate()
    write_text(str(path), "again")
    assert os.listdir(str(tmp_path)) == ["a.txt"]


def test_a_folder_is_there_whole_or_not_at_all(tmp_path):
    with pytest.raises(KeyError), new_folder(str(tmp_path / "b")) as room:
        open(os.path.join(room, "one"), "w").close()
        raise KeyError
    assert os.listdir(str(tmp_path)) == []
    with new_folder(str(tmp_path / "b")) as room:
        open(os.path.join(room, "one"), "w").close()
    assert os.listdir(str(tmp_path / "b")) == ["one"]
    assert os.listdir(str(tmp_path)) == ["b"]


def test_two_writers_of_a_folder_are_kept_apart_and_what_a_killed_one_left_is_removed(tmp_path):
    path = tmp_path / "b"
    other = held_open(path, "new_folder")
    try:
        with new_folder(str(path)) as room:
            open(os.path.join(room, "one"), "w").close()
        assert os.listdir(str(path)) == ["one"]
        assert len(os.listdir(str(tmp_path))) == 2  # the other's folder is still being written
    finally:
        other.send_signal(signal.SIGKILL)
        other.communicate()
    with scratch_folder(str(path)):
        assert len(os.listdir(str(tmp_path))) == 2
    assert os.listdir(str(tmp_path)) == ["b"]


def test_an_error_names_the_folder_that_was_asked_for(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "mine").write_text("")
    with pytest.raises(OSError) as told, new_folder(str(tmp_path / "b")):
        pass
    assert told.value.filename == str(tmp_path / "b")
    assert os.listdir(str(tmp_path)) == ["b"]
