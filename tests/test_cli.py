"""Parts that the programs share: flags, exit codes, one line for an error."""

import argparse
import os
import subprocess
import sys

import pytest

from recommender import cli
from recommender.errors import NothingFound, RecommenderError
from tests.conftest import ROOT
from tests.worlds import only_line


def exit_of(program, errors=(RecommenderError,)):
    with pytest.raises(SystemExit) as caught:
        cli.run(program, errors)
    return caught.value.code


def raising(error):
    def program():
        raise error
    return program


def run_code(code, shell="{}", **options):
    """Run `code` as a program through cli.run, in a shell command that holds it."""
    source = "import sys\nfrom recommender import cli\n" + code + "\ncli.run(main, ())\n"
    command = shell.format('"$PY" -c "$CODE"')
    return subprocess.run(["bash", "-c", command], cwd=ROOT, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False, timeout=30,
                          env={"PY": sys.executable, "CODE": source, "PATH": "/usr/bin:/bin",
                               **options})


@pytest.mark.parametrize("error, code", [
    (RecommenderError("no index at x"), 1), (NothingFound("no index at x"), 2)])
def test_a_foreseen_error_is_one_line_and_its_exit_code(capsys, error, code):
    assert exit_of(raising(error)) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert only_line(captured.err).endswith(": error: no index at x")


@pytest.mark.parametrize("code", [0, 1, 2])
def test_a_program_exits_with_the_code_it_returns(code):
    assert exit_of(lambda: code) == code


def test_an_error_of_the_system_names_the_file(capsys):
    assert exit_of(lambda: os.listdir("/nowhere/at all")) == 1
    assert "/nowhere/at all: No such file or directory" in only_line(capsys.readouterr().err)


def test_an_error_of_the_system_without_a_file_is_still_one_line(capsys):
    assert exit_of(raising(OSError("Unable to create file"))) == 1
    assert "Unable to create file" in only_line(capsys.readouterr().err)


def test_an_interruption_is_one_line_and_exit_130(capsys):
    assert exit_of(raising(KeyboardInterrupt())) == 130
    assert only_line(capsys.readouterr().err).endswith(": interrupted")


def test_a_bug_is_not_hidden():
    with pytest.raises(ZeroDivisionError):
        cli.run(raising(ZeroDivisionError()), (RecommenderError,))


def test_a_reader_that_goes_away_is_no_error():
    result = run_code("def main():\n    print('x\\n' * 100000)\n    return 0",
                      "{} | head -1; exit ${{PIPESTATUS[0]}}")
    assert (result.returncode, result.stdout, result.stderr) == (0, b"x\n", b"")


def test_a_bar_that_nobody_reads_ends():
    """tqdm keeps its lock where a write fails, so that the bar would never be closed."""
    program = subprocess.Popen([sys.executable, "-c", """
import threading
from recommender import cli
cli._BAR_DELAY = 0
with cli.progress_bar("x", 2) as advance:
    input()
    thread = threading.Thread(target=lambda: [advance(1), advance.__self__.refresh()])
    thread.start()
    thread.join()
"""], cwd=ROOT, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    program.stderr.read(1)
    program.stderr.close()
    program.stdin.write(b"\n")
    program.stdin.close()
    try:
        program.wait(30)
    finally:
        program.kill()
        program.wait()


def test_a_full_disk_behind_stdout_is_one_line_and_exit_1():
    result = run_code("def main():\n    print('x')\n    return 0", "{} > /dev/full")
    assert result.returncode == 1
    assert "No space left on device" in only_line(result.stderr.decode())


def test_a_closed_stdout_is_no_traceback():
    result = run_code("def main():\n    print('x')\n    return 0", "{} >&-")
    assert b"Traceback" not in result.stderr


def test_letters_that_a_terminal_cannot_show_are_no_error():
    result = run_code("def main():\n    print('Am\\u00e9lie \\u5343')\n    return 0",
                      PYTHONIOENCODING="latin-1")
    assert (result.returncode, result.stderr) == (0, b"")
    assert result.stdout == b"Am\xe9lie ?\n"


def test_wrong_usage_is_one_line_and_exit_2(capsys):
    flags = cli.Flags(prog="program.py")
    flags.add_argument("--index", required=True)
    for argv in ([], ["--index"], ["--ind", "x"], ["--index", "x", "y"], ["--no_such_flag"]):
        with pytest.raises(SystemExit) as caught:
            flags.parse_args(argv)
        assert caught.value.code == 2
        line = only_line(capsys.readouterr().err)
        assert line.startswith("program.py: error: ")
        assert "--help" in line


@pytest.mark.parametrize("text, number", [("1", 1), ("1000", 1000), (" 7", 7)])
def test_a_whole_number_within_bounds_is_taken(text, number):
    assert cli.whole_number(1, 1000)(text) == number


@pytest.mark.parametrize("text", ["0", "1001", "-3", "1.5", "", "ten", "1e3"])
def test_a_number_out_of_bounds_or_not_whole_is_refused(text):
    with pytest.raises(argparse.ArgumentTypeError) as caught:
        cli.whole_number(1, 1000)(text)
    assert text in str(caught.value)


def test_a_note_goes_to_stderr(capsys):
    cli.note("a note")
    assert capsys.readouterr() == ("", "a note\n")
