"""Rules of imports, over the graph of all imports of the project, late ones included."""

import ast
import glob
import itertools
import os
import subprocess
import sys
from collections import Counter
from typing import Dict, Iterator, List, NamedTuple, Set

import pytest

from tests.conftest import ROOT

PACKAGES = ("bert", "recommender", "serving", "fetching", "extracting")
PROGRAMS = {os.path.basename(path)[:-3] for path in glob.glob(os.path.join(ROOT, "*.py"))}
# Each of these packages has errors of its own. Programs, tests, benchmarks and torture are no
# packages that others import, so that the same name there misleads nobody.
SHARED_NAMES = {"errors"}


class Import(NamedTuple):
    """An import of one of the project's modules by another, or of a library."""

    by: str
    of: str
    line: int
    is_late: bool  # inside a function


def modules() -> Dict[str, str]:
    """Path by name of each module of the packages, and of each program."""
    found = {name: os.path.join(ROOT, name + ".py") for name in PROGRAMS}
    for package in PACKAGES:
        for path in glob.glob(os.path.join(ROOT, package, "**", "*.py"), recursive=True):
            name = os.path.relpath(path, ROOT)[:-3].replace(os.sep, ".")
            found[name[:-len(".__init__")] if name.endswith(".__init__") else name] = path
    return found


MODULES = modules()


def imports_of(name: str) -> Iterator[Import]:
    """The imports of a module, but for those that only a type checker follows."""
    with open(MODULES[name], encoding="utf-8") as file:
        tree = ast.parse(file.read())
    yield from _imports(name, tree, is_late=False)


def _imports(name: str, node: ast.AST, is_late: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield Import(name, _ours(alias.name), child.lineno, is_late)
        elif isinstance(child, ast.ImportFrom):
            assert not child.level, "{}:{}: a relative import".format(MODULES[name], child.lineno)
            for alias in child.names:
                yield Import(name, _ours("{}.{}".format(child.module, alias.name)), child.lineno,
                             is_late)
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            continue
        else:
            yield from _imports(name, child, is_late or isinstance(
                child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)))


def _ours(dotted: str) -> str:
    """The longest beginning of a dotted name that is a module of ours, or the name itself."""
    parts = dotted.split(".")
    for n in range(len(parts), 0, -1):
        if ".".join(parts[:n]) in MODULES:
            return ".".join(parts[:n])
    return dotted


IMPORTS = [one for name in sorted(MODULES) for one in imports_of(name)]


def package_of(name: str) -> str:
    return name.split(".", maxsplit=1)[0]


def told(imports: List[Import]) -> str:
    """A line FILE:LINE imports MODULE for each import."""
    return "\n".join("{}:{} imports {}".format(
        os.path.relpath(MODULES[one.by], ROOT), one.line, one.of) for one in imports)


def circles(graph: Dict[str, Set[str]]) -> List[List[str]]:
    """A circle through each module that is in one, found by a walk from it back to it."""
    found = []
    for start in sorted(graph):
        paths, seen = [[start]], set()  # type: List[List[str]], Set[str]
        while paths:
            path = paths.pop(0)
            for following in sorted(graph[path[-1]]):
                if following == start:
                    found.append(path + [start])
                    paths = []
                    break
                if following in graph and following not in seen:
                    seen.add(following)
                    paths.append(path + [following])
    return found


def test_the_graph_is_the_projects():
    assert {"bert.encoder", "recommender.index", "serving.app", "server"} <= set(MODULES)
    assert ("recommender.index", "recommender.storage.hdf5") in {
        (one.by, one.of) for one in IMPORTS}


def test_circles_are_found():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b", "x"}}) == [["b", "c", "b"], ["c", "b", "c"]]


def test_no_module_imports_itself_by_way_of_others_late_imports_included():
    graph = {name: set() for name in MODULES}  # type: Dict[str, Set[str]]
    for one in IMPORTS:
        if one.of in MODULES:
            graph[one.by].add(one.of)
    found = circles(graph)
    assert not found, "\n".join(" -> ".join(circle) for circle in found)


def test_late_imports_say_why_they_are_late():
    unexplained = []
    for name in sorted(MODULES):
        with open(MODULES[name], encoding="utf-8") as file:
            lines = file.read().splitlines()
        for one in imports_of(name):
            above = reversed(lines[:one.line - 1])
            in_function = itertools.takewhile(
                lambda line: not line.lstrip().startswith("def "), above)
            if one.is_late and not any(line.lstrip().startswith("#") for line in in_function):
                unexplained.append(one)
    assert not unexplained, told(unexplained)


def test_packages_import_only_what_is_below_them():
    allowed = {"bert": set(), "recommender": {"bert"}, "serving": {"bert", "recommender"},
               "fetching": {"bert", "recommender"}, "extracting": {"bert", "recommender"}}
    wrong = [one for one in IMPORTS
             if package_of(one.by) in allowed and one.of in MODULES
             and package_of(one.of) not in allowed[package_of(one.by)] | {package_of(one.by)}]
    assert not wrong, told(wrong)


def test_only_checkpoint_texts_imports_bert_in_recommender_and_late():
    wrong = [one for one in IMPORTS
             if package_of(one.by) == "recommender" and package_of(one.of) == "bert"
             and (one.by != "recommender.checkpoint_texts" or not one.is_late)]
    assert not wrong, told(wrong)


def test_storage_imports_nothing_above_it():
    wrong = [one for one in IMPORTS
             if one.by.startswith("recommender.storage") and one.of in MODULES
             and not one.of.startswith("recommender.storage") and one.of != "recommender.errors"]
    assert not wrong, told(wrong)


@pytest.mark.parametrize("package, program", [
    ("serving", "server"), ("fetching", "download"), ("extracting", "extract_features")])
def test_a_programs_package_is_imported_by_no_other_program(package, program):
    wrong = [one for one in IMPORTS if package_of(one.of) == package
             and package_of(one.by) not in (package, program)]
    assert not wrong, told(wrong)


@pytest.mark.parametrize("names, loads", [
    ([name for name in sorted(MODULES) if package_of(name) == "recommender"], False),
    (["bert.encoder"], True)], ids=["recommender", "bert.encoder"])
def test_importing_recommender_loads_no_tensorflow(names, loads):
    code = "import importlib, sys\nfor name in {!r}:\n    importlib.import_module(name)\n" \
           "print('tensorflow' in sys.modules)".format(names)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, universal_newlines=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "{}\n".format(loads)


def test_no_two_modules_share_a_file_name():
    names = Counter(os.path.basename(path)[:-3] for path in MODULES.values())
    assert {name for name, n in names.items() if n > 1} - {"__init__"} <= SHARED_NAMES
