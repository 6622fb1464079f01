"""What several test modules need: the small checkpoint, and quiet."""

import os
import subprocess
import sys
from typing import NamedTuple

import pytest

from bert import quiet

quiet.silence()

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# Fixtures of the tests of the pages; they need ROOT.
from tests.browser import address, driver, page  # noqa: E402, F401

SAMPLE = "data/sample_movies.csv"
Sample = NamedTuple("Sample", [("features", str), ("index", str)])


@pytest.fixture(scope="session")
def minilm():
    """Folder of the MiniLM checkpoint, fetched where it is not there yet."""
    folder = os.path.join(ROOT, "tmp", "all-MiniLM-L6-v2")
    if not os.path.isdir(folder):
        subprocess.run([sys.executable, "download.py", "--model", "minilm"], cwd=ROOT, check=True)
    return folder


@pytest.fixture(scope="session")
def run_program():
    """Runs a program of the project as a user would; `result.stdout` and `.stderr` are text."""
    def run(program, *args, **options):
        options.setdefault("cwd", ROOT)
        return subprocess.run(
            [sys.executable, os.path.join(ROOT, program)] + [str(arg) for arg in args],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True,
            encoding="utf-8", check=False, **options)
    return run


@pytest.fixture(scope="session")
def build_sample(run_program, minilm, tmp_path_factory):
    """Extracts the sample catalogue, with flags, and indexes it; returns a Sample."""
    def build(*flags):
        folder = tmp_path_factory.mktemp("sample")
        made = Sample(str(folder / "features"), str(folder / "index.h5"))
        for program, args in (
                ("extract_features.py",
                 ["--bert_dir", minilm, "--output_dir", made.features, *flags]),
                ("build_index.py", ["--features", made.features, "--output", made.index, "--map"])):
            done = run_program(program, "--input_file", SAMPLE, *args)
            assert done.returncode == 0, done.stderr
        return made
    return build


@pytest.fixture(scope="session")
def sample(build_sample):
    """The sample catalogue through the whole way; nobody changes it."""
    return build_sample()
