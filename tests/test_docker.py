"""The Dockerfile, read without an engine: what it must have, and that what it copies is there."""

import json
import os
import re
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.served import running, write_films


def instructions():
    """(instruction, rest) of the Dockerfile, continued lines joined, comments left out."""
    with open(os.path.join(ROOT, "Dockerfile"), encoding="utf-8") as file:
        lines = [line for line in file.read().splitlines() if not line.startswith("#")]
    text = "\n".join(lines).replace("\\\n", " ")
    return [tuple(line.split(None, 1)) for line in text.splitlines() if line.strip()]


def rest_of(name):
    return [rest for instruction, rest in instructions() if instruction == name]


def test_it_is_the_slim_python_of_the_environment_that_is_chosen():
    assert rest_of("ARG") == ["TF=1"]
    assert rest_of("FROM") == ["python:3.7-slim AS tensorflow1", "python:3.11-slim AS tensorflow2",
                               "tensorflow${TF}"]


def test_packages_are_those_of_the_lock_and_installed_by_their_hashes():
    pip, = [run for run in rest_of("RUN") if "pip install" in run]
    assert "--require-hashes -r requirements.txt" in pip
    assert rest_of("COPY")[:2] == [
        "requirements.txt .",
        "requirements-tf2-linux-x86_64.txt requirements-tf2-linux-arm64.txt ./"]


@pytest.mark.parametrize("machine, lock", [("x86_64", "linux-x86_64"), ("aarch64", "linux-arm64")])
def test_the_lock_of_tensorflow_2_is_that_of_the_machine(tmp_path, machine, lock):
    move, = [run for run in rest_of("RUN") if run.startswith("mv ")]
    (tmp_path / "uname").write_text("#!/bin/sh\necho {}\n".format(machine))
    (tmp_path / "uname").chmod(0o755)
    for name in rest_of("COPY")[1].split()[:-1]:
        (tmp_path / name).write_text(name)
    subprocess.run(["/bin/sh", "-c", move], cwd=str(tmp_path), check=True,
                   env={"PATH": "{}:{}".format(tmp_path, os.environ["PATH"])})
    assert (tmp_path / "requirements.txt").read_text() == "requirements-tf2-{}.txt".format(lock)


def test_nobody_serves_as_root():
    names = [name for name, _ in instructions()]
    user, = rest_of("USER")
    assert user not in ("root", "0")
    assert any("useradd" in run and run.endswith(user) for run in rest_of("RUN"))
    assert names.index("USER") < names.index("ENTRYPOINT")
    assert "RUN" not in names[names.index("USER"):]


def test_all_that_is_copied_is_there_and_let_through_to_the_engine():
    with open(os.path.join(ROOT, ".dockerignore"), encoding="utf-8") as file:
        let_through = {line[1:] for line in file.read().splitlines() if line.startswith("!")}
    copied = [source for rest in rest_of("COPY") for source in rest.split()[:-1]]
    assert set(copied) == let_through
    assert all(os.path.exists(os.path.join(ROOT, source)) for source in copied)


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """A folder that holds what the image would, and nothing else of the project."""
    folder = tmp_path_factory.mktemp("image") / "app"
    folder.mkdir()
    for rest in rest_of("COPY"):
        *sources, target = rest.split()
        for source in sources:
            to = folder / (source if target in (".", "./") else target)
            subprocess.run(["cp", "-r", os.path.join(ROOT, source), str(to)], check=True)
    return folder


def test_what_is_copied_is_enough_to_serve_and_the_health_check_sees_it(image, tmp_path):
    command = json.loads(rest_of("ENTRYPOINT")[0]) + json.loads(rest_of("CMD")[0])
    assert command[:2] == ["python", "server.py"]
    index = write_films(tmp_path)
    flags = [index if flag == "data/index.h5" else flag for flag in command[2:]]
    flags[flags.index("0.0.0.0")] = "127.0.0.1"
    with running(*flags, "--port", 0, command=("server.py",), cwd=str(image)) as program:
        check = json.loads(re.search(r"CMD (\[.*\])", rest_of("HEALTHCHECK")[0]).group(1))
        assert check[0] == "python"
        script = check[2].replace(":5000", ":{}".format(program.port))
        assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
        assert program.get("/api/v1/recommend?id=603")[0] == 200
        assert program.stop() == (0, b"", b"")
    done = subprocess.run([sys.executable, "-c", script], check=False, stderr=subprocess.PIPE)
    assert done.returncode == 1
