"""The environments: one lock for pip and conda, and a CPython that is found."""

import glob
import os
import platform
import re
import shutil
import subprocess
import sys
import zipfile

import pytest
import yaml
from importlib_metadata import version
from packaging.requirements import Requirement

from tests.conftest import ROOT
from tests.worlds import only_line

TOOLS = os.path.join(ROOT, "tools")


def read(name):
    with open(os.path.join(ROOT, name), encoding="utf-8") as file:
        return file.read()


def locked(name, machine=None):
    """Package to version of a lock file, for this Python and machine or one that is described."""
    lines = re.findall(r"^([a-z].*==.*) \\$", read(name), re.MULTILINE)
    pinned = [Requirement(line) for line in lines]
    return {each.name: str(each.specifier)[2:] for each in pinned
            if each.marker is None or each.marker.evaluate(machine)}


def asked_for(name):
    lines = [line.split(" #")[0].strip() for line in read(name).splitlines()]
    return [Requirement(line) for line in lines if line and line[0] not in "#-"]


def test_conda_gets_the_same_lock():
    environment = yaml.safe_load(read("environment.yml"))
    python, pip, from_pip = environment["dependencies"]
    assert (python, pip) == ("python=3.7", "pip")
    assert from_pip == {"pip": ["-r requirements.txt"]}


LOCKS = ["requirements", "requirements-dev", "requirements-faiss", "requirements-spark"]


@pytest.mark.parametrize("name", LOCKS)
def test_the_lock_holds_what_was_asked_for_with_hashes(name):
    lock = locked(name + ".txt")
    for requirement in asked_for(name + ".in"):
        assert requirement.specifier.contains(lock[requirement.name.lower()])
    blocks = re.split(r"^(?=[a-z])", read(name + ".txt"), flags=re.MULTILINE)[1:]
    assert len(blocks) == len(lock)
    assert all("--hash=sha256:" in block for block in blocks)


def test_the_lock_names_no_index():
    for name in LOCKS:
        assert not re.search(r"://|--index-url|--find-links", read(name + ".txt"))


def test_this_environment_is_the_lock():
    lock = "requirements.txt" if sys.version_info < (3, 8) else "requirements-tf2-{}.txt".format(
        {"x86_64": "linux-x86_64", "aarch64": "linux-arm64", "arm64": "macos-arm64"}[
            platform.machine()])
    different = {name: version(name) for name, pinned in locked(lock).items()
                 if version(name) != pinned}
    assert not different


def find_python(path, *versions, tools=TOOLS, script="find_python.sh", **environment):
    environment["PATH"] = path
    environment.setdefault("HOME", "/nonexistent")
    return subprocess.run(["/bin/sh", os.path.join(tools, script), *versions], env=environment,
                          capture_output=True, universal_newlines=True, check=False)


# What PEP 508 says of the platform of each lock of TensorFlow 2.15.
LINUX = {"sys_platform": "linux", "platform_machine": "x86_64", "platform_system": "Linux",
         "os_name": "posix", "platform_python_implementation": "CPython"}
ARM = dict(LINUX, platform_machine="aarch64")
MACOS = dict(LINUX, platform_machine="arm64", sys_platform="darwin", platform_system="Darwin")
PLATFORMS = {"linux-x86_64": LINUX, "linux-arm64": ARM, "macos-arm64": MACOS, "linux-cuda": LINUX,
             "dev-linux-x86_64": LINUX, "dev-linux-arm64": ARM, "dev-macos-arm64": MACOS}


@pytest.mark.parametrize("python", ["3.9.18", "3.10.13", "3.11.7"])
@pytest.mark.parametrize("lock_of", sorted(PLATFORMS))
def test_each_lock_of_tensorflow_2_serves_each_cpython_and_names_no_index(lock_of, python):
    name = "requirements-tf2-{}.txt".format(lock_of)
    machine = dict(PLATFORMS[lock_of], python_full_version=python,
                   python_version=python.rpartition(".")[0])
    lock = locked(name, machine)
    kind = "-dev" if "dev" in lock_of else "-cuda" if "cuda" in lock_of else ""
    for requirement in asked_for("requirements-tf2{}.in".format(kind)):
        if requirement.marker is None or requirement.marker.evaluate(machine):
            assert requirement.specifier.contains(lock[requirement.name.lower()])
    assert "--hash=sha256:" in read(name)
    assert not re.search(r"://|--index-url|--find-links", read(name))


# Acts as a CPython of the version {version}, wherever it was put; the checks of find_python.sh run.
PYTHON = """#!/bin/sh
echo >> "$0.called"
case $2 in *sys.executable*) echo "$0"; exit ;; esac
exec "{python}" -c 'import platform, sys
platform.python_version_tuple = lambda: tuple("{version}.9".split("."))
command = sys.argv.pop(1)
exec(command)' "$2" "$3"
"""


def fake_python(folder, name, refuses=False, version="3.7"):
    """A program that acts as a CPython, or one like a pyenv shim that refuses."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / name
    program.write_text("#!/bin/sh\necho 'pyenv: command not found' >&2; exit 127\n" if refuses
                       else PYTHON.format(python=sys.executable, version=version))
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
        done = find_python(path, **places)
        assert done.returncode == 0, done.stderr
        assert was_called(program)
        if next_place:
            del places[next_place]
        elif program is on_path:
            fake_python(tmp_path / "path", "python3.7", refuses=True)


# A Python 3.8 or newer that makes an environment in which pip works and uv brings a CPython 3.7.
HOST = """#!/bin/sh
[ "$1" = -c ] && exit 0
mkdir -p "$4/bin"
printf '#!/bin/sh\\necho "$@" > "$0.asked"\\nexit {pip}\\n' > "$4/bin/python"
cat > "$4/bin/uv" <<'END'
#!/bin/sh
folder="$UV_PYTHON_INSTALL_DIR/cpython-3.7.9-linux-x86_64-gnu/bin"
[ {uv} = 0 ] && mkdir -p "$folder" && cp "{python}" "$folder/python3.7"
exit {uv}
END
chmod +x "$4/bin/python" "$4/bin/uv"
"""
NEEDED = ("mkdir", "cat", "chmod", "cp")  # that the stand-in needs on its PATH


@pytest.fixture()
def host(tmp_path):
    """Puts a stand-in for python3 on a PATH of its own, and a uv that must not be asked."""
    def make(pip=0, uv=0):
        python = fake_python(tmp_path / "fetched", "python3.7")
        folder = tmp_path / "path"
        folder.mkdir()
        for tool in NEEDED:
            (folder / tool).symlink_to(shutil.which(tool))
        (folder / "python3").write_text(HOST.format(pip=pip, uv=uv, python=python))
        (folder / "python3").chmod(0o755)
        fake_python(folder, "uv")
        return str(folder)
    return make


def test_where_there_is_no_python37_a_pinned_uv_fetches_one_for_good(host, tmp_path):
    path = host()
    done = find_python(path, UV_FOLDER=str(tmp_path / "uv"))
    assert done.returncode == 0, done.stderr
    assert "fetching 3.7 with uv" in done.stderr
    asked = (tmp_path / "uv" / "environment" / "bin" / "python.asked").read_text()
    assert "--require-hashes" in asked
    assert "requirements-uv.txt" in asked
    assert not was_called(tmp_path / "path" / "uv")
    (tmp_path / "path" / "python3").unlink()
    done = find_python(path, UV_FOLDER=str(tmp_path / "uv"))
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("fails, told", [
    ({"pip": 1}, "uv could not be installed with pip"),
    ({"uv": 1}, "uv could not fetch CPython 3.7 from its release page")])
def test_what_was_tried_in_vain_is_named(host, tmp_path, fails, told):
    done = find_python(host(**fails), UV_FOLDER=str(tmp_path / "uv"))
    assert (done.returncode, done.stdout) == (1, "")
    assert told in done.stderr.splitlines()[-1]


def test_the_pinned_uv_knows_a_cpython_37(tmp_path):
    # Its wheel asks for a newer Python than this one; the program in it needs none.
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
         "--no-deps", "--ignore-requires-python", "--require-hashes", "--only-binary", ":all:",
         "--dest", str(tmp_path), "-r", os.path.join(ROOT, "requirements-uv.txt")], check=True)
    wheel, = tmp_path.glob("uv-*.whl")
    with zipfile.ZipFile(str(wheel)) as archive:
        name, = (name for name in archive.namelist() if name.endswith("/scripts/uv"))
        uv = archive.extract(name, str(tmp_path))
    os.chmod(uv, 0o755)
    listed = subprocess.run([uv, "python", "list", "--no-config", "--all-versions",
                             "cpython-3.7-linux-x86_64-gnu"], stdout=subprocess.PIPE, check=True,
                            cwd=str(tmp_path), env={"HOME": str(tmp_path), "PATH": ""})
    assert b"cpython-3.7.9-linux-x86_64-gnu" in listed.stdout


def test_a_python37_of_another_version_is_not_taken(tmp_path):
    program = fake_python(tmp_path, "python3.7")
    program.write_text("#!/bin/sh\nexit 1\n")
    done = find_python(str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")


def test_no_python37_is_one_message_with_three_ways(tmp_path):
    done = find_python(str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    message, = done.stderr.strip().splitlines()
    assert all(way in message for way in ("conda env create", "pyenv install", "uv", "WSL",
                                          "no Python 3.7 or newer"))


def test_a_python37_variable_that_is_wrong_is_told(tmp_path):
    done = find_python(str(tmp_path), PYTHON37=str(tmp_path / "absent"))
    assert done.returncode == 1
    assert "PYTHON37=" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.fixture()
def project(tmp_path):
    """A folder with the scripts that choose and find a CPython, and a PATH with what they need."""
    shutil.copytree(TOOLS, str(tmp_path / "project" / "tools"))
    path = tmp_path / "path"
    path.mkdir()
    (path / "sh").symlink_to(shutil.which("sh"))
    (path / "uname").write_text('#!/bin/sh\n[ "$1" = -s ] && echo Linux || echo x86_64\n')
    (path / "uname").chmod(0o755)
    return tmp_path / "project"


def newer(tmp_path, *versions):
    """The stand-ins for CPythons on the PATH of `project`, by version."""
    return {each: fake_python(tmp_path / "path", "python" + each, version=each)
            for each in versions}


def chosen(project, **environment):
    """(TensorFlow that make takes, what it says)."""
    done = find_python(str(project.parent / "path"),
                         tools=str(project / "tools"), script="choose_tensorflow.sh", **environment)
    assert done.returncode == 0
    return done.stdout.strip(), done.stderr


def test_the_newest_cpython_that_tensorflow_2_runs_with_is_taken(project, tmp_path):
    there = newer(tmp_path, "3.9", "3.10", "3.11")
    for newest in ("3.11", "3.10", "3.9"):
        done = find_python(str(tmp_path / "path"), "3.11", "3.10", "3.9")
        assert done.stdout.strip() == str(there[newest])
        there[newest].unlink()
    done = find_python(str(tmp_path / "path"), "3.11", "3.10", "3.9")
    message = only_line(done.stderr)
    assert "TensorFlow 2.15 needs CPython 3.11 or 3.10 or 3.9" in message
    assert "PYTHON311, PYTHON310, PYTHON39, conda" in message
    assert "environment-tf2.yml" in message


def test_a_variable_names_an_older_cpython_before_a_newer_is_looked_for(project, tmp_path):
    named = newer(tmp_path, "3.9", "3.11")["3.9"]
    done = find_python(str(tmp_path / "path"), "3.11", "3.10", "3.9", PYTHON39=str(named))
    assert done.stdout.strip() == str(named)


def test_a_cpython_that_cannot_make_environments_is_not_taken(tmp_path):
    python = fake_python(tmp_path, "python3.11", version="3.11")
    python.write_text(python.read_text().replace(
        "exec(command)", 'sys.modules["ensurepip"] = None; exec(command)'))
    assert find_python(str(tmp_path), "3.11").returncode == 1


def test_tensorflow_1_is_taken_where_a_cpython_37_is(project, tmp_path):
    newer(tmp_path, "3.7", "3.11")
    assert chosen(project) == ("1", "")


def test_tensorflow_2_is_taken_and_told_where_no_cpython_37_can_be_had(project, tmp_path):
    newer(tmp_path, "3.10")
    took, said = chosen(project)
    assert took == "2"
    assert only_line(said) == ("make: TensorFlow 1.15 needs CPython 3.7, which is neither here nor "
                               "can be fetched: taking 2.15, as TF=2 does")
    assert chosen(project, PYTHON37="/absent") == ("1", "")
    (project / ".venv").mkdir()
    (project / ".venv" / "installed").touch()
    assert chosen(project) == ("1", "")


def test_where_no_cpython_can_be_had_the_error_is_that_of_tensorflow_1(project):
    assert chosen(project) == ("1", "")


@pytest.mark.parametrize("machine", ["Linux aarch64", "Darwin arm64"])
def test_tensorflow_2_is_taken_and_told_where_1_does_not_run(project, tmp_path, machine):
    newer(tmp_path, "3.7")
    system, kind = machine.split()
    (tmp_path / "path" / "uname").write_text(
        '#!/bin/sh\n[ "$1" = -s ] && echo {} || echo {}\n'.format(system, kind))
    took, said = chosen(project)
    assert took == "2"
    assert "does not run on {}-{}: taking 2.15".format(system, kind) in only_line(said)


@pytest.mark.parametrize("flags, folder", [([], ".venv-tf2"), (["TF=1"], ".venv")])
def test_make_takes_the_environment_of_the_tensorflow_that_was_chosen(
        project, tmp_path, flags, folder):
    newer(tmp_path, "3.9")
    shutil.copy(os.path.join(ROOT, "Makefile"), str(project))
    for name in os.listdir(ROOT):
        if name.startswith("requirements"):
            shutil.copy(os.path.join(ROOT, name), str(project))
    done = subprocess.run([shutil.which("make"), "-n", *flags, folder + "/installed"],
                          cwd=str(project), capture_output=True, universal_newlines=True,
                          check=False, env={
                              "PATH": str(tmp_path / "path"), "HOME": "/nonexistent"})
    assert done.returncode == 0, done.stderr
    assert "-m venv --clear {}\n".format(folder) in done.stdout


@pytest.mark.parametrize("program", [
    "build_index.py", "download.py", "evaluate.py", "extract_features.py", "recommend.py",
    "server.py"])
def test_a_python_outside_the_environment_is_told_in_one_line(program):
    done = subprocess.run([sys.executable, "-S", program, "--help"], cwd=ROOT, capture_output=True,
                          universal_newlines=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    message, = done.stderr.splitlines()
    assert message.startswith("{}: error: this Python (".format(program))
    assert "activate" in message


def test_what_is_run_under_tensorflow_2_is_all_that_imports_bert_and_the_pages():
    lines = [line for line in read("tests/bert_tests.txt").splitlines() if line[0] != "#"]
    folder = os.path.join(ROOT, "tests")
    listed = [os.path.basename(path) for line in lines
              for path in glob.glob(os.path.join(folder, line)) or [line]]
    assert lines == sorted(set(lines))
    assert all(os.path.exists(os.path.join(folder, name)) for name in listed)
    imports = re.compile(r"^\s*(?:from bert(?!\.errors|\.quiet)\b|import tensorflow)", re.MULTILINE)
    needed = [name for name in os.listdir(folder) if name.startswith("test_") and (
        "browser" in name or imports.search(read("tests/" + name)))]
    assert set(needed) <= set(listed)
