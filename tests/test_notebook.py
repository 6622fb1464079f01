"""The notebook, run from a clean kernel beside the sample catalogue as `make demo` leaves it."""

import os
import re
import shutil

import nbformat
import pytest

from tests import notebook
from tests.conftest import ROOT, SAMPLE

_DECIMAL = r"-?\d+\.\d+"
_TOLERANCE = 0.002  # of what is shown with two or three decimals: machines sum in another order


@pytest.fixture(scope="module")
def stored():
    return nbformat.read(notebook.PATH, as_version=4)


@pytest.fixture(scope="module")
def ran(sample, minilm, tmp_path_factory):
    """The notebook as it comes out here."""
    folder = tmp_path_factory.mktemp("notebook")
    os.makedirs(str(folder / "data"))
    shutil.copy(os.path.join(ROOT, SAMPLE), str(folder / "data"))
    os.symlink(sample.features, str(folder / "data" / "sample_features"))
    os.symlink(sample.index, str(folder / "data" / "sample_index.h5"))
    os.symlink(os.path.dirname(minilm), str(folder / "tmp"))
    return notebook.run(str(folder))


def code(cells):
    return [cell for cell in cells if cell.cell_type == "code"]


def kinds(cell):
    """Return the kinds of outputs of a cell, in their order."""
    return [(output.output_type, output.get("name"), sorted(output.get("data", ())))
            for output in cell.outputs]


def texts(cell):
    return "\n".join(output.get("text") or output.data["text/plain"] for output in cell.outputs)


def test_every_cell_runs_and_shows_what_is_stored(ran, stored):
    assert len(code(stored.cells)) > 8
    for cell, before in zip(code(ran.cells), code(stored.cells)):
        assert kinds(cell) == kinds(before), cell.source
        now, then = texts(cell), texts(before)
        assert re.sub(_DECIMAL, "#", now).split() == re.sub(_DECIMAL, "#", then).split()
        assert ([float(number) for number in re.findall(_DECIMAL, now)] == pytest.approx(
            [float(number) for number in re.findall(_DECIMAL, then)], abs=_TOLERANCE))


def test_it_shows_tables_and_pictures_and_no_warnings(stored):
    shown = [output for cell in code(stored.cells) for output in cell.outputs]
    assert sum("text/html" in output.get("data", ()) for output in shown) >= 5
    assert sum("image/png" in output.get("data", ()) for output in shown) == 3
    assert not [output for output in shown if output.get("name") == "stderr"]
    assert [cell.execution_count for cell in code(stored.cells)] == list(
        range(1, len(code(stored.cells)) + 1))


def test_it_is_small(stored):
    assert os.path.getsize(notebook.PATH) < 300000
