"""Run the console examples of the docs and compare what they print with what the docs show.

A block that is fenced as ```console holds commands, each behind "$ ", and under each command what
it prints on stdout and stderr. `python server.py` runs in the background until the page ends; the
port of the docs stands for the one that it took. With UPDATE_DOCS=1 in the environment, output that
differs is written into the page instead of being reported.
"""

import difflib
import os
import re
import shlex
import subprocess
import sys
from typing import List, NamedTuple, Optional, Tuple

from sybil import Document, Example
from sybil.parsers.myst import CodeBlockParser, PythonCodeBlockParser

from recommender.storage.files import write_text
from tests.conftest import ROOT
from tests.served import Program

PORT = "127.0.0.1:5000"  # where the docs' server listens
_SECONDS = 120  # a command may take on a busy machine; extraction of the sample takes 10
_UPDATE = "UPDATE_DOCS"
_SERVER = re.compile(r"python server\.py(?! --help)")
# Output that depends on the machine and the moment: times, rates, sizes on disk, ports, dates.
_VARYING = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.\d]*Z"), "<date>"),
    (re.compile(r"(?<=Date: ).*"), "<date>"),
    (re.compile(r"(?<=, built )\d{4}-\d\d-\d\d"), "<date>"),
    (re.compile(r'(?<="seconds": )[\d.]+'), "<time>"),
    (re.compile(r"[\d.,]+(?= (ms|s|seconds?|minutes?)\b)"), "<time>"),
    (re.compile(r"(?<=\[)[\d:]+<[\d:]+(?=, )"), "<time>"),
    (re.compile(r"[\d.,]+(?= films/s)"), "<rate>"),
    (re.compile(r"[\d.,]+(?= [kMG]B\b)"), "<size>"),
    (re.compile(r"(?<=127\.0\.0\.1:)\d+"), "<port>"))
_DECIMAL = re.compile(r"(-?\d*\.\d{3,})")


class Command(NamedTuple):
    """A command of an example, as it is run and as it is typed in the docs, and the output that
    they show under it."""

    text: str
    typed: str
    shown: str


def commands(block: str) -> List[Command]:
    """Return the commands of a console block, in order.

    A line that ends with a backslash goes on in the next one, behind "> ".

    >>> commands("$ echo one\\none\\n")
    [Command(text='echo one', typed='$ echo one', shown='one')]
    """
    lines = block.splitlines()
    found: List[Command] = []
    if not lines or not lines[0].startswith("$ "):
        raise ValueError("a console block begins with a command, behind \"$ \"")
    while lines:
        typed = [lines.pop(0)]
        while typed[-1].endswith("\\") and lines and lines[0].startswith("> "):
            typed.append(lines.pop(0))
        text = "".join(line[2:].rstrip("\\") for line in typed)
        shown = []
        while lines and not lines[0].startswith("$ "):
            shown.append(lines.pop(0).rstrip())
        found.append(Command(text, "\n".join(typed), "\n".join(shown).rstrip("\n")))
    return found


def difference(shown: str, printed: str) -> Optional[str]:
    """Return what tells `printed` from `shown` as a diff, or None if they say the same.

    Times, rates, sizes on disk, ports and dates may differ. Decimals may differ by one in their
    last place: another processor adds in another order, and a digit is rounded the other way.

    >>> difference("took 3 s, score 0.9047", "took 12 s, score 0.9048") is None
    True
    >>> difference("1 Alphaville 0.9047", "1 Contact 0.9047") is None
    False
    """
    ours, theirs = (_DECIMAL.split(_steady(text)) for text in (shown, printed))
    if ours[::2] == theirs[::2] and all(map(_close, ours[1::2], theirs[1::2])):
        return None
    return "\n".join(difflib.unified_diff(shown.splitlines(), printed.splitlines(), "the docs show",
                                          "the command prints", lineterm=""))


def _steady(text: str) -> str:
    for pattern, name in _VARYING:
        text = pattern.sub(name, text)
    return text


def _close(one: str, other: str) -> bool:
    places = min(len(number.partition(".")[2]) for number in (one, other))
    return abs(float(one) - float(other)) < 1.5 * 10 ** -places


class Shell:
    """Commands run in `folder`, where the paths of the docs lead somewhere."""

    def __init__(self, folder: str):
        self._folder = folder
        self._server: Optional[Program] = None
        self._environment = {
            **os.environ, "COLUMNS": "100", "LC_ALL": "C.UTF-8",
            "PATH": os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"]}

    def run(self, command: str) -> str:
        """Return what `command` prints on stdout and stderr; a server stays and has said where."""
        if _SERVER.match(command):
            self.close()
            flags = shlex.split(command)[2:]
            self._server = Program([sys.executable, "server.py", *flags, "--port", "0"],
                                   self._folder)
            return "server.py: listening on http://" + PORT
        if self._server:
            command = command.replace(PORT, "127.0.0.1:{}".format(self._server.port))
        done = subprocess.run(
            ["bash", "-c", command], cwd=self._folder, env=self._environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=_SECONDS, check=False)
        # A progress bar begins each of its states with a carriage return and may end with blanks
        # that erase it: what stands behind them stays.
        lines = done.stdout.decode("utf-8").rstrip("\n").split("\n")
        printed = "\n".join((line.rpartition("\r")[2].lstrip() if "\r" in line else line).rstrip()
                            for line in lines)
        if done.returncode and "error: " not in printed:
            printed += "\n(exit code {})".format(done.returncode)
        return printed

    def close(self) -> None:
        """Stop the server, if there is one."""
        if self._server:
            self._server.stop()
            self._server = None


class Page:
    """A page of the docs whose examples run in `folder`, Python in this process."""

    def __init__(self, name: str, folder: str):
        self._path = os.path.join(ROOT, name)
        self._shell = Shell(folder)
        self._renewed: List[Tuple[int, int, str]] = []
        self._document = Document.parse(
            self._path, CodeBlockParser("console", self._evaluate), PythonCodeBlockParser())

    def failures(self) -> List[str]:
        """Run all examples; return what is wrong with those that do not show what comes."""
        found = []
        try:
            for example in self._document:
                try:
                    example.evaluate()
                except Exception as error:  # an example of Python may raise anything
                    found.append("{}, line {}: {}".format(
                        os.path.relpath(self._path, ROOT), example.line,
                        str(error).partition("as expected:\n")[2] or repr(error)))
        finally:
            self._shell.close()
        if self._renewed:
            self._rewrite()
        return found

    def _evaluate(self, example: Example) -> Optional[str]:
        """Run a console block; return what differs, for Sybil to report."""
        ran, wrong = [], []
        for command in commands(example.parsed):
            printed = self._shell.run(command.text)
            differs = difference(command.shown, printed)
            wrong += ["{}\n{}".format(command.typed, differs)] if differs else []
            ran.append(command._replace(shown=printed) if differs else command)
        if wrong and os.environ.get(_UPDATE):
            text = "".join(line + "\n" for each in ran for line in each[1:] if line)
            self._renewed.append((example.start, example.end, "```console\n" + text))
            return None
        return "\n".join(wrong) or None

    def _rewrite(self) -> None:
        text = self._document.text
        for start, end, new in reversed(self._renewed):
            text = text[:start] + new + text[end:]
        write_text(self._path, text)
