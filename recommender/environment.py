"""Check that a program runs in the project's environment; import it before everything else.

Uses the standard library alone, so that it runs in any Python.
"""

import importlib.util
import os
import sys

_PACKAGES = ("numpy", "h5py", "filelock", "xxhash", "tqdm")  # needed by all programs
_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def missing() -> str:
    """Return the first needed package that this Python lacks, or an empty string."""
    return next((name for name in _PACKAGES if importlib.util.find_spec(name) is None), "")


def how_to_enter() -> str:
    """Return the command that enters the project's environment, or that makes it."""
    for folder in (".venv", ".venv-tf2"):  # of TensorFlow 1.15 and of 2.15
        activate = os.path.join(_ROOT, folder, "bin", "activate")
        if os.path.exists(activate):
            return "`source {}` first".format(os.path.relpath(activate))
    return ("make the environment with `make demo` and enter it with `source .venv/bin/activate`, "
            "or with `conda env create -f environment.yml` and `conda activate movie-recommender`")


if missing():
    sys.stderr.write("{}: error: this Python ({}, {}) is not the project's environment, it has no "
                     "{}: {}\n".format(os.path.basename(sys.argv[0]),
                                       ".".join(map(str, sys.version_info[:3])), sys.executable,
                                       missing(), how_to_enter()))
    sys.exit(1)
