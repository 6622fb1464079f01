"""What the proofs work on: a tiny checkpoint, a catalogue of its words, running programs."""

import os
import random
import subprocess
import sys
import tempfile
from typing import Any, List, NamedTuple

from tests.reference import random_checkpoint
from tests.worlds import row, write_csv

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_WORDS = ("a", "man", "woman", "meets", ",", ".")


class World(NamedTuple):
    """A folder with a checkpoint of random weights and a catalogue of `n_movies` films."""

    folder: str
    bert_dir: str
    catalogue: str
    n_movies: int

    def extraction(self, output_dir: str, *flags: str) -> List[str]:
        """The command that extracts this catalogue's features."""
        return program("extract_features.py", "--bert_dir", self.bert_dir, "--input_file",
                       self.catalogue, "--output_dir", output_dir, *flags)


def make_world(folder: str, n_movies: int) -> World:
    """Write a world into `folder`; the same one each time."""
    bert_dir = random_checkpoint(os.path.join(folder, "tiny"), num_hidden_layers=4,
                                 max_position_embeddings=256)
    draw = random.Random(n_movies)
    catalogue = write_csv(os.path.join(folder, "movies.csv"), [
        row(movie_id, "Film {}".format(movie_id),
            overview=" ".join(draw.choice(_WORDS) for _ in range(draw.randint(20, 200))))
        for movie_id in range(1, n_movies + 1)])
    return World(folder, bert_dir, catalogue, n_movies)


def temporary_folder() -> "tempfile.TemporaryDirectory[str]":
    """A folder that is gone when the proof is over."""
    return tempfile.TemporaryDirectory(prefix="torture-")


def program(name: str, *flags: str) -> List[str]:
    """The command that runs a program of the project as a user would."""
    return [sys.executable, os.path.join(ROOT, name)] + list(flags)


def start(command: List[str], **options: Any) -> subprocess.Popen:
    """Start a command; its stderr can be read as text."""
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            universal_newlines=True, encoding="utf-8", **options)
