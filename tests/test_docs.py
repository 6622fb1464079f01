"""The docs hold what the programs do: examples, flags, parameters, metrics, links."""

import glob
import os
import re
import shutil

import pytest
import yaml

from recommender.filters import Filters
from recommender.recipes import RECIPES
from serving.openapi import DOCUMENT, PREFIX
from tests.conftest import ROOT, SAMPLE
from tests.console import Page, Shell, commands, difference
from torture import PROOFS

PAGES = ["README.md", *sorted(os.path.relpath(path, ROOT)
                              for path in glob.glob(os.path.join(ROOT, "docs", "*.md")))]
TEXTS = PAGES + ["CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md",
                 os.path.join("data", "README.md"), os.path.join("tmp", "README.md")]
PROGRAMS = sorted(os.path.basename(path) for path in glob.glob(os.path.join(ROOT, "*.py")))
PACKAGES = ("bert", "recommender", "serving", "fetching", "extracting")
README_LINES = 200
_FENCE = re.compile(r"^```(.*)$\n((?:.*\n)*?)^```$", re.MULTILINE)
_KINDS = {"console", "python", "sh", "json", "text"}


def read(name):
    with open(os.path.join(ROOT, name), encoding="utf-8") as file:
        return file.read()


def section(page, heading):
    """The text under a heading, up to the next of its level."""
    level = heading.split()[0]
    return re.split(r"^#{{1,{}}} ".format(len(level)), read(page).partition(heading + "\n")[2],
                    flags=re.MULTILINE)[0]


def copy_or_link(source, target):
    """Copy a file; link a shard, as no program changes it: 300 MB for each page take long."""
    is_shard = os.path.basename(os.path.dirname(source)) == "shards" and source.endswith(".h5")
    (os.link if is_shard else shutil.copy2)(source, target)


@pytest.fixture
def folder(sample, minilm, tmp_path):
    """A checkout as `make demo` leaves it; what the examples write is gone afterwards."""
    for program in PROGRAMS:
        os.symlink(os.path.join(ROOT, program), str(tmp_path / program))
    (tmp_path / "data").mkdir()
    (tmp_path / "tmp").mkdir()
    for name in (SAMPLE, os.path.join("data", "sample_queries.csv")):
        shutil.copy(os.path.join(ROOT, name), str(tmp_path / "data"))
    shutil.copy(sample.index, str(tmp_path / "data" / "sample_index.h5"))
    shutil.copytree(sample.features, str(tmp_path / "data" / "sample_features"),
                    copy_function=copy_or_link)
    os.symlink(minilm, str(tmp_path / "tmp" / os.path.basename(minilm)))
    return str(tmp_path)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.timeout(900)
def test_examples_print_what_the_docs_show(page, folder, monkeypatch):
    assert shutil.which("curl"), "install curl: the examples of the API use it"
    monkeypatch.chdir(folder)
    failures = Page(page, folder).failures()
    assert not failures, "\n\n".join(failures)


@pytest.mark.parametrize("page", TEXTS)
def test_no_output_is_shown_that_is_not_compared(page):
    for kind, block in _FENCE.findall(read(page)):
        assert kind in _KINDS, "a block says what it is: {!r}".format(block[:60])
        assert kind == "console" or not re.search(r"^\$ ", block, re.MULTILINE), block


@pytest.mark.parametrize("shown, printed, same", [
    ("533 films, 295 MB of disk; 83.7 GB are free", "533 films, 288 MB of disk; 9 GB are free", 1),
    ("took 3 seconds", "took 14.5 seconds", 1),
    ("listening on http://127.0.0.1:5000", "listening on http://127.0.0.1:41877", 1),
    ('{"time": "2026-11-25T04:35:08.922Z", "status": 200}',
     '{"time": "2027-01-02T03:04:05.006Z", "status": 200}', 1),
    ("index a.h5, built 2026-11-25", "index a.h5, built 2027-01-02", 1),
    ("   1  0.9047  Alphaville", "   1  0.9048  Alphaville", 1),
    ("   1  0.9047  Alphaville", "   1  0.9049  Alphaville", 0),
    ("   1  0.9047  Alphaville", "   1  0.9047  Contact", 0),
    ('"score":0.373936,"id":387', '"score":0.373936,"id":388', 0),
    ("533 films", "532 films", 0),
    ("one\ntwo", "two\none", 0)])
def test_only_times_rates_sizes_ports_and_dates_may_differ(shown, printed, same):
    assert (difference(shown, printed) is None) == bool(same)


def test_a_command_that_fails_without_an_error_is_told(tmp_path):
    shell = Shell(str(tmp_path))
    assert shell.run("echo out; echo err >&2") == "out\nerr"
    assert shell.run("exit 3") == "\n(exit code 3)"


def test_a_command_may_go_on_in_the_next_line():
    found = commands("$ python a.py \\\n>     --flag\nshown\n\n$ true\n")
    assert found == [("python a.py     --flag", "$ python a.py \\\n>     --flag", "shown"),
                     ("true", "$ true", "")]
    with pytest.raises(ValueError):
        commands("shown without a command\n")


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_flag_is_in_the_docs(program, run_program):
    told = run_program(program, "--help").stdout
    flags = set(re.findall(r"^  (?:-\w, )?(-{1,2}[\w-]+)", told, re.MULTILINE))
    assert len(flags) > 2
    text = section("docs/programs.md", "## " + program)
    missing = [flag for flag in flags if not re.search(r"(?<![\w-]){}(?![\w-])".format(flag), text)]
    assert not missing


def fields(schema):
    """The names of a schema's properties, those of what is in it included."""
    for name, each in schema.get("properties", {}).items():
        yield name
        yield from fields(each)
    for each in [*schema.get("anyOf", ()), schema.get("items", {})]:
        if each:
            yield from fields(each)


def test_every_request_parameter_and_field_of_the_api_is_in_the_docs():
    page = read("docs/api.md")
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            assert "`{} {}{}".format(method.upper(), PREFIX, path) in page
            for parameter in operation.get("parameters", ()):
                assert "`{}`".format(parameter["name"]) in page, parameter["name"]
            for status in operation["responses"]:
                assert status in page, status
    for name, schema in DOCUMENT["components"]["schemas"].items():
        for field in fields(schema):
            assert "`{}`".format(field) in page, "{} of {}".format(field, name)


def test_every_metric_is_in_the_docs():
    metrics = re.findall(r'"(movies_\w+)"', read("serving/counters.py"))
    assert len(metrics) > 5
    assert not [name for name in metrics if name not in read("docs/serving.md")]


def test_every_proof_is_in_the_docs():
    page = read("docs/reliability.md")
    names = [proof.__name__.split(".")[-1] for proof in PROOFS]
    assert not [name for name in names if "| `{}` |".format(name) not in page]


def test_every_recipe_and_filter_is_in_the_docs():
    assert not [name for name in RECIPES if "`{}`".format(name) not in read("docs/recipes.md")]
    assert not [name for name in Filters._fields
                if "`{}`".format(name) not in read("docs/python.md")]


def test_every_module_is_on_the_map():
    page = read("docs/architecture.md")
    for package in PACKAGES:
        for path in glob.glob(os.path.join(ROOT, package, "**", "*.py"), recursive=True):
            name = os.path.relpath(path, ROOT)
            if not name.endswith("__init__.py"):
                assert "`{}`".format(name) in page


@pytest.mark.parametrize("page", [page for page in TEXTS if page != "CHANGELOG.md"])
def test_modules_that_are_named_exist(page):
    for name in re.findall(r"`((?:{}|tests|torture|benchmarks)/[\w/]+\.py)`".format(
            "|".join(PACKAGES)), read(page)):
        assert os.path.exists(os.path.join(ROOT, name)), name


def test_every_target_of_make_is_in_the_docs():
    targets = re.findall(r"^\.PHONY: (.*)", read("Makefile"), re.MULTILINE)[0].split()
    assert not [name for name in targets
                if "make {}".format(name) not in read("CONTRIBUTING.md")]


def anchors(page):
    """The anchors of a page's headings, as GitHub makes them."""
    for heading in re.findall(r"^#+ (.*)", re.sub(_FENCE, "", read(page)), re.MULTILINE):
        yield re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", TEXTS)
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)]+)\)", re.sub(_FENCE, "", read(page))):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = os.path.normpath(os.path.join(os.path.dirname(page), path)) if path else page
        assert os.path.exists(os.path.join(ROOT, target)), link
        assert not anchor or anchor in anchors(target), link


def test_the_readme_is_short_and_in_order():
    text = read("README.md")
    assert len(text.splitlines()) <= README_LINES
    assert re.findall("^## (.*)", text, re.MULTILINE) == [
        "Two commands", "The real thing", "With conda", "The programs", "In Python", "How good",
        "How fast", "How safe", "Read on"]


def test_hooks_run_the_versions_of_the_lock():
    lock = dict(re.findall(r"^([a-z0-9._-]+)==(\S+) \\$", read("requirements-dev.txt"),
                           re.MULTILINE))
    repositories = yaml.safe_load(read(".pre-commit-config.yaml"))["repos"]
    versions = {repository["hooks"][0]["id"]: repository.get("rev") for repository in repositories}
    assert versions == {"ruff-check": "v" + lock["ruff"], "codespell": "v" + lock["codespell"],
                        "mypy": None}  # the one in .venv


def test_the_workflow_runs_what_ci_runs_on_debian_12_with_python_37():
    job, = yaml.safe_load(read(".github/workflows/ci.yml"))["jobs"].values()
    assert job["container"] == "python:3.7-bookworm"
    assert "bash .ci/run" in [step.get("run") for step in job["steps"]]
