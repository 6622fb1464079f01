"""Films told apart only by their id: one film twice in a catalogue, never recommended for itself.

They have the same year, the same overview, and titles that are spelt alike. An index stores them
as `twins` int32 (m, 2): the row of each such film, and a number that it shares with its twins.
"""

import hashlib
from collections import defaultdict
from typing import Dict, List, Sequence, Tuple

import numpy as np

from recommender.movie import Movie
from recommender.storage.hdf5 import PlainFile
from recommender.titles import title_key


def twins_of(movies: Sequence[Movie]) -> List[List[int]]:
    """Return the places of films told apart only by their id, a list for each such film."""
    alike: Dict[bytes, List[int]] = defaultdict(list)
    for place, movie in enumerate(movies):
        # By a digest: the overviews of a million films would take half a gigabyte.
        told_by = "{} {}".format(movie.year, movie.overview).encode()
        alike[hashlib.blake2b(told_by, digest_size=16).digest()].append(place)
    twins: Dict[Tuple[int, str], List[int]] = defaultdict(list)
    for places in alike.values():
        if len(places) > 1:  # else its title need not be looked at
            for place in places:
                twins[places[0], title_key(movies[place].title)].append(place)
    return [places for places in twins.values() if len(places) > 1]


class Twins:
    """The twins that an open index stores; none in an index without them."""

    def __init__(self, file: PlainFile, n: int):
        rows, numbers = (file.array("twins", np.int32, (None, 2)) if file.holds("twins")
                         else np.zeros((0, 2), np.int32)).T
        if ((rows < 0) | (rows >= n)).any():
            raise file.refuse("twins are damaged")
        alike: Dict[int, List[int]] = defaultdict(list)
        for row, number in zip(rows.tolist(), numbers.tolist()):
            alike[number].append(row)
        self._of_row = {row: rows for rows in alike.values() for row in rows}

    def with_theirs(self, rows: Sequence[int]) -> List[int]:
        """Return the rows of films and of all their twins, each once, in ascending order."""
        found = set(rows)
        for row in rows:
            found.update(self._of_row.get(row, ()))
        return sorted(found)
