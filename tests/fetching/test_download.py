"""download.py as a program."""

import os
import signal
import subprocess
import sys
import time

import pytest

import download
from bert.checkpoint import RESEARCH
from fetching.network import CHUNK
from tests.conftest import ROOT
from tests.fetching.sources import GOOGLE, files_of, zipped


def test_model_and_data_together(run, tmp_path):
    (tmp_path / "m.zip").write_bytes(zipped(GOOGLE))
    folder = tmp_path / "movies"
    folder.mkdir()
    (folder / "movies_metadata.csv").write_bytes(b"id")
    assert run("--model", str(tmp_path / "m.zip"), "--data", str(folder))[0] == 0
    assert files_of(tmp_path / "data") == {"movies_metadata.csv": b"id"}
    assert files_of(tmp_path / "tmp" / "m") == GOOGLE


@pytest.mark.parametrize("arguments", [[], ["--mod", "wwm"], ["--model"], ["wwm"]])
def test_wrong_usage_is_one_line_and_2(arguments, capsys):
    with pytest.raises(SystemExit) as leaving:
        download.main(arguments)
    assert leaving.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("download.py: error: ")
    assert error.count("\n") == 1


def test_a_path_that_is_not_there_is_one_line(run, tmp_path):
    code, _, error = run("--model", str(tmp_path / "nowhere"))
    assert code == 1
    assert "nowhere" in error


def test_a_tmp_dir_that_is_a_file_is_one_line(server, run, tmp_path):
    (tmp_path / "tmp").write_text("in the way")
    code, _, error = run("--model", "wwm")
    assert code == 1
    assert str(tmp_path / "tmp") in error


def test_the_help_does_not_wait_for_tensorflow():
    code = "import sys, download; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


FROM_SERVER = """
import sys
from fetching import published
published.ADDRESS = sys.argv.pop(1) + "?{}/{}"
import download
from recommender import cli
cli.run(download.main, ())
"""


def test_ctrl_c_ends_with_130_and_keeps_what_has_arrived(server, run, tmp_path):
    files = dict(GOOGLE, **{"bert_model.ckpt.meta": os.urandom(3 * CHUNK)})
    server.body, server.cut_at = zipped(files), 2 * CHUNK
    server.may_close.clear()
    process = subprocess.Popen(
        [sys.executable, "-c", FROM_SERVER, server.url, "--model", "wwm", "--tmp_dir",
         str(tmp_path / "tmp")], cwd=ROOT, stderr=subprocess.PIPE, universal_newlines=True)
    part = tmp_path / "tmp" / (RESEARCH + ".zip.part")
    deadline = time.monotonic() + 60
    while not part.exists() or part.stat().st_size < CHUNK:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    told = process.communicate()[1]
    server.may_close.set()
    assert process.returncode == 130
    assert told.splitlines()[-1].endswith(": interrupted")
    assert "Traceback" not in told
    arrived = part.stat().st_size
    assert arrived >= CHUNK
    server.cut_at = None
    assert run("--model", "wwm")[0] == 0
    assert server.sent[-1] == len(server.body) - arrived
    assert files_of(tmp_path / "tmp" / RESEARCH) == files
