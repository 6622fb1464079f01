"""Python environments of the engines: the project's own, and one for each peer."""

import glob
import os
import shutil
import subprocess
import sys
from typing import Iterator, List

HERE = os.path.dirname(os.path.abspath(__file__))


class NotMeasured(Exception):
    """The reason, in one line for the table, why something could not be measured."""


def peer_python(peer: str) -> str:
    """Return the interpreter of the environment of `peers/<peer>.requirements.txt`.

    Made anew when that file has changed. Raises NotMeasured if it cannot be made.
    """
    wanted = os.path.join(HERE, "peers", peer + ".requirements.txt")
    folder = os.path.join(HERE, ".envs", peer)
    python, mark = os.path.join(folder, "bin", "python"), os.path.join(folder, "installed.txt")
    if _text(mark) != _text(wanted):
        base = sys.executable if peer == "bert_as_service" else python311()
        print("benchmarks: environment .envs/{} from {}".format(peer, base), file=sys.stderr)
        _run([base, "-m", "venv", "--clear", folder])
        _run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
              "-r", wanted])
        shutil.copyfile(wanted, mark)
    return python


def tensorflow_2_python(project: str) -> str:
    """Return the interpreter of the project's environment of TensorFlow 2.15.

    Raises NotMeasured if there is none.
    """
    python = os.path.join(project, ".venv-tf2", "bin", "python")
    if not os.path.exists(python):
        raise NotMeasured("no environment of TensorFlow 2.15: `make demo TF=2` makes it")
    return python


def python311() -> str:
    """Return a CPython 3.11 from PATH, pyenv or uv. Raises NotMeasured if there is none."""
    for python in _candidates():
        try:
            done = subprocess.run([python, "-c", "import sys; print(sys.version_info[:2])"],
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
        except OSError:
            continue
        # A pyenv shim can be on PATH and refuse to run, so the interpreter is asked.
        if done.stdout.strip() == b"(3, 11)":
            return python
    raise NotMeasured("no CPython 3.11 on PATH, in pyenv or in uv: install one, "
                      "`pyenv install 3.11` or `uv python install 3.11`")


def _candidates() -> Iterator[str]:
    yield "python3.11"
    root = os.environ.get("PYENV_ROOT", os.path.expanduser("~/.pyenv"))
    yield from glob.glob(os.path.join(glob.escape(root), "versions", "3.11.*", "bin", "python"))
    if shutil.which("uv"):
        found = subprocess.run(["uv", "python", "find", "3.11"], stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, check=False)
        yield os.fsdecode(found.stdout.strip()) or "python3.11"


def versions(python: str, packages: List[str]) -> str:
    """`packages` with their versions as installed for `python`, and its own."""
    shown = subprocess.run([python, "-m", "pip", "freeze", "--disable-pip-version-check"],
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False,
                           universal_newlines=True).stdout
    installed = dict(line.split("==") for line in shown.splitlines() if "==" in line)
    python_version = subprocess.run([python, "--version"], stdout=subprocess.PIPE, check=True,
                                    universal_newlines=True).stdout.strip()
    return ", ".join([python_version] + ["{} {}".format(name, installed.get(name, "?"))
                                         for name in packages])


def _text(path: str) -> str:
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8") as file:
        return file.read()


def _run(command: List[str]) -> None:
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False,
                          universal_newlines=True)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["exit code {}".format(done.returncode)]
        raise NotMeasured("{} failed: {}".format(" ".join(command[:4]), lines[-1]))
