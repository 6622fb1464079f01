"""Runs recommender.ipynb from a clean kernel: `make notebook` stores what it shows."""

import os
import tempfile

import nbformat
from nbclient import NotebookClient

from recommender.storage.files import new_file
from tests.conftest import ROOT

PATH = os.path.join(ROOT, "recommender.ipynb")
_SECONDS = 120  # for a cell, of which one loads TensorFlow


def run(folder: str) -> nbformat.NotebookNode:
    """The notebook with the outputs that it has in `folder`, where its paths begin.

    Raises nbclient.exceptions.CellExecutionError for a cell that fails.
    """
    notebook = nbformat.read(PATH, as_version=4)
    with tempfile.TemporaryDirectory() as home:  # nobody's settings
        client = NotebookClient(notebook, timeout=_SECONDS, kernel_name="python3",
                                record_timing=False, resources={"metadata": {"path": folder}})
        client.execute(env={**os.environ, "PYTHONPATH": ROOT, "IPYTHONDIR": home})
    notebook.metadata.language_info = {"name": "python"}
    return notebook


if __name__ == "__main__":
    done = run(ROOT)
    with new_file(PATH) as part:
        nbformat.write(done, part)
