"""Small catalogues whose overviews tell their genres, in the words of tests/reference.py."""

import numpy as np

from recommender.genres.head import GenreHead
from tests.reference import random_checkpoint
from tests.worlds import row, write_csv

_WORDS = {"Drama": "woman", "Action": "man", "Comedy": "meets"}


def genre_rows(n=90, seed=0):
    """Rows of films of three genres; each fifth has a collection, each tenth no genre."""
    draws = np.random.RandomState(seed)
    rows = []
    for number in range(1, n + 1):
        genres = [name for name in sorted(_WORDS) if draws.rand() < 0.45] or ["Drama"]
        words = [_WORDS[name] for name in genres] * 2 + ["a", ",", "."] * draws.randint(1, 3)
        draws.shuffle(words)
        rows.append(row(
            number, "Film {}".format(number), overview=" ".join(words),
            genres=str([{"id": 1, "name": name} for name in genres] if number % 10 else []),
            belongs_to_collection=str({"id": number // 15, "name": "C"}) if not number % 5 else ""))
    return rows


def write_genre_films(path, n=90):
    """Write a catalogue of `genre_rows`; returns its path."""
    return write_csv(path, genre_rows(n))


def training_flags(tiny, films, output, *more):
    """Flags of a short training on a tiny checkpoint."""
    return ["--bert_dir", tiny, "--input_file", str(films), "--output_dir", str(output),
            "--min_films", "5", "--learning_rate", "0.02", "--max_seq_length", "64",
            *map(str, more)]


def write_genre_model(folder):
    """Write a genre model of Action ("man"), Comedy ("meets") and Drama ("woman"), untrained: a
    tiny checkpoint whose head tells the words apart; returns its folder."""
    # Late for start-up time: it loads TensorFlow.
    from bert.checkpoint import open_checkpoint
    from bert.embedder import Embedder

    random_checkpoint(folder)
    layers, genres = (-1, -2), sorted(_WORDS)
    found = Embedder(open_checkpoint(str(folder)), layers, 64, True).features(
        [" ".join([_WORDS[genre]] * 9) for genre in genres])
    means = np.stack([text.layers.mean(axis=(0, 1)) for text in found])
    kernel = np.linalg.pinv(means - means.mean(axis=0), 1e-3) * 8
    bias = -means.mean(axis=0) @ kernel
    GenreHead(tuple(genres), layers, 64, True, kernel.astype(np.float32), bias.astype(np.float32),
              np.array([0.6, 0.6, 0.6]), {"encoder": "bert"}).save(str(folder))
    return str(folder)
