"""What several test modules need: the small checkpoint, and quiet."""

import os
import subprocess
import sys

import pytest

from bert import quiet

quiet.silence()

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


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
