"""A small index to serve, texts without TensorFlow, and the program that serves."""

import contextlib
import functools
import http.client
import json
import os
import pathlib
import re
import select
import signal
import subprocess
import sys
import tempfile
import urllib.request

import numpy as np

from bert.errors import BertError
from recommender.source import Source
from tests.worlds import row, write_index

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

FILMS = [  # id, title, year, votes
    (603, "The Matrix", 1999, 9000),
    (604, "The Matrix Reloaded", 2003, 5000),
    (605, "The Matrix Revolutions", 2003, 4000),
    (194, "Amélie", 2001, 3000),
    (862, "Toy Story", 1995, 5400),
    (863, "Toy Story 2", 1999, 3900),
    (9598, "Babe", 1995, 700),
    (10830, "Matilda", 1996, 900),
    (10895, "Pinocchio", 1940, 1400),
    (10599, "Pinocchio", 2002, 60),
    (11360, "Pinocchio", 1996, 20),
    (128, "もののけ姫", 1997, 2000),
]
MORE_FILMS = FILMS + [(550, "Fight Club", 1999, 9600)]


def write_films(folder, films=FILMS):
    """Write catalogue, features and index of `films` into `folder`; the path of the index."""
    for name, content in _files_of(tuple(films)).items():
        path = os.path.join(str(folder), name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
    return os.path.join(str(folder), "index.h5")


@functools.lru_cache(maxsize=None)
def _files_of(films):
    """The content of all files by path: hundreds of tests want the same ones, which take a third of
    a second to make."""
    with tempfile.TemporaryDirectory() as folder:
        write_index(pathlib.Path(folder), [
            row(movie_id, title, release_date="{}-05-01".format(year), vote_count=str(votes))
            for movie_id, title, year, votes in films], with_map=True, recipes=("mean4", "best"))
        return {str(path.relative_to(folder)): path.read_bytes()
                for path in pathlib.Path(folder).rglob("*") if path.is_file()}


class FakeTexts:
    """Layers that depend on nothing but the text's length; fits one checkpoint only."""

    def __call__(self, text):
        unknown = tuple(word for word in text.split() if max(word) > "\x7f")
        return Source(text, self.layers(text), np.arange(3, dtype=np.int32),
                      was_cut=len(text) > 5000, unknown=unknown,
                      knows_any=len(unknown) < len(text.split()))

    @staticmethod
    def layers(text):
        return np.random.RandomState(len(text)).randn(4, 3, 8).astype(np.float32)

    def for_index(self, made_by):
        if made_by.checkpoint != "tiny":
            raise BertError("no checkpoint {}".format(made_by.checkpoint))
        return self


class Program:
    """A server that runs in a process of its own, on a port of its own."""

    def __init__(self, command, cwd=ROOT):
        # Unbuffered: what was said and not yet asked for must be seen by select.
        self.process = subprocess.Popen(command, cwd=cwd, bufsize=0, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.pid = self.process.pid
        match = re.match(r"server\.py: listening on http://127\.0\.0\.1:(\d+)$", self.line())
        assert match
        self.port = int(match.group(1))

    def line(self, seconds=120):
        """The next line that the program says on stderr."""
        ready, _, _ = select.select([self.process.stderr], [], [], seconds)
        assert ready, "the server said nothing in {} s".format(seconds)
        return self.process.stderr.readline().decode().rstrip("\n")

    def request(self, method, path, body=None, headers=()):
        """Status, headers and the JSON of an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        connection.request(method, path, body, dict(headers))
        response = connection.getresponse()
        data = response.read()
        connection.close()
        return response.status, response.headers, json.loads(data.decode()) if data else None

    def text(self, path):
        """The body of an answer that is no JSON."""
        with urllib.request.urlopen("http://127.0.0.1:{}{}".format(self.port, path)) as answer:
            return answer.read().decode()

    def get(self, path):
        status, _, body = self.request("GET", path)
        return status, body

    def stop(self, number=signal.SIGTERM):
        """Send a signal and wait for the end; exit code and what is left on stdout, stderr."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=120)
        return self.process.returncode, out, err

    def end(self):
        """Let it end in its own way, which removes its temporary folder; kill it if it hangs."""
        self.process.terminate()
        try:
            self.process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()


@contextlib.contextmanager
def running(*flags, command=("server.py",), cwd=ROOT):
    """`python server.py` with `flags`, or another command, until the block ends."""
    program = Program([sys.executable, *command, *map(str, flags)], cwd)
    try:
        yield program
    finally:
        program.end()
