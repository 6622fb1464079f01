"""Topics at three levels, coarse to fine: what they are called and which films they hold."""

from typing import Dict, List, NamedTuple, Optional, Sequence

import numpy as np

N_LEVELS = 3  # coarse, middle, fine: as many as the map has zoom levels with names
N_FILMS = 5  # representative films of a topic


class Topic(NamedTuple):
    """A topic.

    Attributes
    ----------
    number : int
        Its place in the list of all topics, coarse ones first.
    level : int
        0 (coarse) to 2 (fine).
    parent : int
        Number of the topic of the level above that it lies in; -1 at level 0.
    name : str
        Two or three of its words; no other topic has the same.
    words : tuple of str
        Its words, the first ones tell most.
    films : tuple of int
        TMDB ids of its most representative films.
    n_films : int
        The number of its films.
    """

    number: int
    level: int
    parent: int
    name: str
    words: Sequence[str]
    films: Sequence[int]
    n_films: int

    def to_dict(self) -> Dict[str, object]:
        """Return the fields of `topics.py --json`."""
        told = self._asdict()
        return {**told, "parent": None if self.parent < 0 else self.parent,
                "words": list(self.words), "films": list(self.films)}


class TopicTree(NamedTuple):
    """All topics, and those of each film.

    Attributes
    ----------
    topics : list of Topic
        By number.
    of_films : np.ndarray
        int32 (n, N_LEVELS): the numbers of the topics of each film, coarse to fine; -1 for none.
    """

    topics: List[Topic]
    of_films: np.ndarray

    def children(self, parent: int = -1) -> List[Topic]:
        """Return the topics inside a topic, or with -1 the coarse ones."""
        return [topic for topic in self.topics if topic.parent == parent]

    def names(self, row: int) -> List[str]:
        """Return the names of a film's topics, coarse to fine, or none."""
        return [self.topics[number].name for number in self.of_films[row] if number >= 0]

    def find(self, asked: str) -> Optional[Topic]:
        """Return the topic of a name, in which case and spaces do not matter, or of a number.

        Returns None if there is none.
        """
        wanted = _bare(asked)
        for topic in self.topics:
            if wanted in (_bare(topic.name), str(topic.number)):
                return topic
        return None

    def like(self, asked: str, n: int = 6) -> List[Topic]:
        """Return topics that share a word with what was asked for, else the coarse ones."""
        words = set(asked.casefold().replace(",", " ").split())
        near = [topic for topic in self.topics if words & set(topic.words)]
        return (near or self.children())[:n]


def _bare(name: str) -> str:
    return "".join(name.casefold().split())
