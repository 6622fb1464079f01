"""Small catalogues whose overviews tell their genres, in the words of tests/reference.py."""

import numpy as np

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
