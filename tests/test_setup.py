"""The environment: one lock for pip and conda, and a Python 3.7 that is found."""

import os
import re
import subprocess
import sys

import pytest
import yaml
from importlib_metadata import version
from packaging.requirements import Requirement

from tests.conftest import ROOT


def read(name):
    with open(os.path.join(ROOT, name), encoding="utf-8") as file:
        return file.read()


def locked(name):
    """Package to version of a lock file."""
    return dict(re.findall(r"^([a-z0-9._-]+)==(\S+) \\$", read(name), re.MULTILINE))


def asked_for(name):
    lines = [line.split(" #")[0].strip() for line in read(name).splitlines()]
    return [Requirement(line) for line in lines if line and line[0] not in "#-"]


def test_conda_gets_the_same_lock():
    environment = yaml.safe_load(read("environment.yml"))
    python, pip, from_pip = environment["dependencies"]
    assert (python, pip) == ("python=3.7", "pip")
    assert from_pip == {"pip": ["-r requirements.txt"]}


@pytest.mark.parametrize("name", ["requirements", "requirements-dev"])
def test_the_lock_holds_what_was_asked_for_with_hashes(name):
    lock = locked(name + ".txt")
    for requirement in asked_for(name + ".in"):
        assert requirement.specifier.contains(lock[requirement.name.lower()])
    blocks = re.split(r"^(?=[a-z])", read(name + ".txt"), flags=re.MULTILINE)[1:]
    assert len(blocks) == len(lock)
    assert all("--hash=sha256:" in block for block in blocks)


def test_the_lock_names_no_index():
    for name in ("requirements.txt", "requirements-dev.txt"):
        assert not re.search(r"://|--index-url|--find-links", read(name))


def test_this_environment_is_the_lock():
    different = {name: version(name) for name, pinned in locked("requirements.txt").items()
                 if version(name) != pinned}
    assert not different


def find_python37(path, **environment):
    environment["PATH"] = path
    environment.setdefault("HOME", "/nonexistent")
    return subprocess.run(["/bin/sh", os.path.join(ROOT, "tools", "find_python37.sh")],
                          env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          universal_newlines=True, check=False)


def fake_python(folder, name, refuses=False):
    """A program that acts as this interpreter, or one like a pyenv shim that refuses."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / name
    program.write_text("#!/bin/sh\n" + (
        "echo 'pyenv: command not found' >&2; exit 127\n" if refuses
        else 'echo "{}" >> "$0.called"\nexec "{}" "$@"\n'.format(name, sys.executable)))
    program.chmod(0o755)
    return program


def was_called(program):
    return os.path.exists(str(program) + ".called")


def test_python37_is_taken_in_the_order_promised(tmp_path):
    by_variable = fake_python(tmp_path / "variable", "python")
    conda = fake_python(tmp_path / "conda" / "bin", "python")
    on_path = fake_python(tmp_path / "path", "python3.7")
    pyenv = fake_python(tmp_path / "pyenv" / "versions" / "3.7.9" / "bin", "python")
    places = {"PYTHON37": str(by_variable), "CONDA_PREFIX": str(tmp_path / "conda"),
              "PYENV_ROOT": str(tmp_path / "pyenv")}
    path = str(tmp_path / "path")
    for program, next_place in ((by_variable, "PYTHON37"), (conda, "CONDA_PREFIX"),
                                (on_path, None), (pyenv, None)):
        done = find_python37(path, **places)
        assert done.returncode == 0, done.stderr
        assert was_called(program)
        if next_place:
            del places[next_place]
        elif program is on_path:
            fake_python(tmp_path / "path", "python3.7", refuses=True)


def test_uv_is_asked_last(tmp_path):
    python = fake_python(tmp_path / "fetched", "python3.7")
    uv = fake_python(tmp_path / "path", "uv")
    uv.write_text('#!/bin/sh\n[ "$2" = find ] && echo "{}"\nexit 0\n'.format(python))
    assert find_python37(str(tmp_path / "path")).returncode == 0
    assert was_called(python)


def test_a_python37_of_another_version_is_not_taken(tmp_path):
    program = fake_python(tmp_path, "python3.7")
    program.write_text("#!/bin/sh\nexit 1\n")
    done = find_python37(str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")


def test_no_python37_is_one_message_with_three_ways(tmp_path):
    done = find_python37(str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    message, = done.stderr.strip().splitlines()
    assert all(way in message for way in ("conda env create", "pyenv install", "uv"))


def test_a_python37_variable_that_is_wrong_is_told(tmp_path):
    done = find_python37(str(tmp_path), PYTHON37=str(tmp_path / "absent"))
    assert done.returncode == 1
    assert "PYTHON37=" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("program", [
    "build_index.py", "download.py", "evaluate.py", "extract_features.py", "recommend.py",
    "server.py"])
def test_a_python_outside_the_environment_is_told_in_one_line(program):
    done = subprocess.run([sys.executable, "-S", program, "--help"], cwd=ROOT,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True,
                          check=False)
    assert (done.returncode, done.stdout) == (1, "")
    message, = done.stderr.splitlines()
    assert message.startswith("{}: error: this Python (".format(program))
    assert "activate" in message
