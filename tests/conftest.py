"""Fixtures of several test modules, and how tests are shared out among processes."""

import os
import pathlib
import subprocess
import sys
from typing import Any, Callable, Iterator, List, NamedTuple

import filelock
import pytest
from xdist.scheduler import LoadScopeScheduling

from bert import quiet
from tests.leftovers import Leftovers

quiet.silence()

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# Fixtures of the tests of the pages; they need ROOT.
from tests.browser import address, driver, has_browser, page, view  # noqa: E402, F401

SAMPLE = "data/sample_movies.csv"
Sample = NamedTuple("Sample", [("features", str), ("index", str)])

# Files whose tests share no costly fixture but such as are made once for all processes: their tests
# may run in several processes at once.
_SPLIT = {"test_docs.py", "test_torture.py"}
# Files that take longest for their number of tests, longest first: they are begun first, so that no
# process works on one of them alone while the others have ended.
_LONGEST = ("test_torture.py", "test_docs.py", "test_demo.py", "test_benchmarks.py", "test_wsgi.py",
            "test_train_genres.py", "test_extract_features.py", "test_notebook.py")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Give the run a temporary folder of its own; the processes of pytest-xdist inherit it."""
    if hasattr(config, "workerinput"):
        return
    config.leftovers = Leftovers(ROOT)
    if config.option.basetemp is None:  # --basetemp FOLDER keeps what the tests wrote
        config.option.basetemp = config.leftovers.basetemp
    if getattr(config.option, "cov_source", None):
        _cover_forked_processes(config.leftovers.site)


# What pytest-cov starts in a program writes its data at the program's end; os._exit, by which the
# forked workers of server.py end, would skip that.
_SITECUSTOMIZE = """
import os
from pytest_cov import embed

leave = os._exit

def write_and_leave(status):
    embed.cleanup()
    leave(status)

os._exit = write_and_leave
"""


def _cover_forked_processes(site: str) -> None:
    """Let every Python that the tests start write its coverage before os._exit, by a
    sitecustomize in the folder `site`."""
    with open(os.path.join(site, "sitecustomize.py"), "w", encoding="utf-8") as file:
        file.write(_SITECUSTOMIZE)
    os.environ["PYTHONPATH"] = os.pathsep.join(
        filter(None, (site, os.environ.get("PYTHONPATH"))))


class _ByFile(LoadScopeScheduling):
    """Shares out whole files among processes, so that a module's fixtures are made once."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", maxsplit=1)[0]
        return nodeid if os.path.basename(file) in _SPLIT else file

    def _assign_work_unit(self, node: Any) -> None:
        """Give a process the longest of what is left; xdist would give it the most tests."""
        def rank(scope: str) -> int:
            name = os.path.basename(scope.split("::", maxsplit=1)[0])
            return _LONGEST.index(name) if name in _LONGEST else len(_LONGEST)

        self.workqueue.move_to_end(min(self.workqueue, key=rank), last=False)
        super()._assign_work_unit(node)


@pytest.hookimpl(optionalhook=True, hookwrapper=True)
def pytest_xdist_auto_num_workers() -> Iterator[Any]:
    """Take one process more than there are cores: some of them wait for a program's timeout."""
    of_cores = yield
    of_cores.force_result(of_cores.get_result() + 1)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    return _ByFile(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: List[pytest.Item]) -> None:
    """Leave out the tests that need a browser where there is none: `make test` says so."""
    if has_browser():
        return
    in_browser = [item for item in items if "driver" in getattr(item, "fixturenames", ())]
    config.hook.pytest_deselected(items=in_browser)
    items[:] = [item for item in items if item not in in_browser]


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run if it left anything behind."""
    leftovers = getattr(session.config, "leftovers", None)
    if leftovers:
        session.config.left = leftovers.found()
        if session.config.left and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Name what the run left behind."""
    if getattr(config, "left", None):
        terminalreporter.section("the tests left files behind", red=True)
        for line in config.left:
            terminalreporter.line(line)


def pytest_unconfigure(config: pytest.Config) -> None:
    if hasattr(config, "leftovers"):
        config.leftovers.remove()


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Temporary folder that all processes of a run share."""
    folder = tmp_path_factory.getbasetemp()
    return folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder


@pytest.fixture(scope="session")
def made_once(shared_folder: pathlib.Path) -> Callable[..., str]:
    """Fill a folder with `make(folder)` once for all processes of a run; returns its path.

    `name` is the folder's; a process that comes while another fills it waits.
    """
    def made(name: str, make: Callable[[str], None]) -> str:
        folder = str(shared_folder / name)
        with filelock.FileLock(folder + ".lock"):
            if not os.path.exists(folder + ".made"):
                os.makedirs(folder)
                make(folder)
                open(folder + ".made", "w").close()
        return folder
    return made


@pytest.fixture(scope="session")
def minilm(shared_folder):
    """Folder of the MiniLM checkpoint, fetched where it is not there yet."""
    folder = os.path.join(ROOT, "tmp", "all-MiniLM-L6-v2")
    with filelock.FileLock(str(shared_folder / "minilm.lock")):
        if not os.path.isdir(folder):
            subprocess.run([sys.executable, "download.py", "--model", "minilm"], cwd=ROOT,
                           check=True)
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
def sample(run_program, minilm, made_once):
    """The sample catalogue through the whole way; nobody changes it."""
    def make(folder):
        for program, args in (
                ("extract_features.py",
                 ["--bert_dir", minilm, "--output_dir", folder + "/sample_features"]),
                ("build_index.py", ["--features", folder + "/sample_features", "--output",
                                    folder + "/sample_index.h5", "--map"])):
            done = run_program(program, "--input_file", SAMPLE, *args)
            assert done.returncode == 0, done.stderr

    folder = made_once("sample", make)
    return Sample(folder + "/sample_features", folder + "/sample_index.h5")


@pytest.fixture()
def index(tmp_path):
    """The index of the films of tests/served.py."""
    from recommender.index import Index
    from tests.served import write_films

    return Index(write_films(tmp_path))


@pytest.fixture()
def client(index):
    """A client of an application that serves `index`."""
    from serving.app import create_app
    from serving.library import Library
    from tests.served import FakeTexts

    return create_app(Library(index, FakeTexts())).test_client()
