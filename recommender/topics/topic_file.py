"""The file of topics, topics.h5, and the same topics within an index, under `topics/`.

Both hold `of_films` int32 (n, 3), the number of each film's topic at each level, -1 for none;
`levels` int32 (t,), `parents` int32 (t,), -1 for none, `n_films` int32 (t,) and `films` int64
(t, 5), TMDB ids, -1 for none, of the topics; and their `names` and `words`, strings (t,), words
between spaces. The file also holds `ids` int64 (n,) of its films and says in root attributes by
which method, recipe, seed and index it was made.
"""

import os
from typing import Dict, List, NamedTuple, Sequence

import h5py
import numpy as np

from recommender.errors import RecommenderError
from recommender.storage.files import new_file
from recommender.storage.hdf5 import NewFile, PlainFile
from recommender.topics.topic_tree import N_FILMS, N_LEVELS, Topic, TopicTree

FORMAT_VERSION = 1
GROUP = "topics/"  # of an index
DEFAULT_TOPICS = "data/topics.h5"  # what topics.py writes where --output is not given


class StoredTopics(NamedTuple):
    """The topics of a file, with the TMDB ids, int64 (n,), of its films."""

    path: str
    ids: np.ndarray
    tree: TopicTree

    def for_films(self, ids: Sequence[int]) -> TopicTree:
        """Return the topics with the rows of other films; those that are not here have none.

        Raises RecommenderError if none of the films has a topic.
        """
        row_of = {movie_id: row for row, movie_id in enumerate(self.ids.tolist())}
        of_films = np.full((len(ids), N_LEVELS), -1, np.int32)
        for row, movie_id in enumerate(ids):
            if movie_id in row_of:
                of_films[row] = self.tree.of_films[row_of[movie_id]]
        if (of_films < 0).all():
            raise RecommenderError("{} has a topic for none of the films: make it of an index of "
                                   "this catalogue, with topics.py".format(self.path))
        n_films = np.bincount(of_films[of_films >= 0], minlength=len(self.tree.topics)).tolist()
        return TopicTree([topic._replace(n_films=n_films[topic.number])
                          for topic in self.tree.topics], of_films)


def save_topics(path: str, tree: TopicTree, ids: np.ndarray, made_by: Dict[str, str]) -> None:
    """Write topics.h5, whole or not at all.

    Parameters
    ----------
    path : str
        Its folder is made.
    tree : TopicTree
    ids : np.ndarray
        TMDB ids of the films, int64 (n,).
    made_by : dict of str to str
        Root attributes: method, recipe, seed, index.

    Raises
    ------
    RecommenderError
        If `path` is a folder.
    OSError
        If the file cannot be written.
    """
    if os.path.isdir(path):
        raise RecommenderError("{} is a folder: --output names a file".format(path))
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    with new_file(path) as part, NewFile(part, with_texts=True) as file:
        file.attrs["format_version"] = FORMAT_VERSION
        for name, value in made_by.items():
            file.attrs[name] = value
        file["ids"] = ids
        write_tree(file, tree)


def write_tree(group: h5py.Group, tree: TopicTree) -> None:
    """Write topics into an open file or a group of an index."""
    topics = tree.topics
    group["of_films"] = tree.of_films
    for name, values in (("levels", [topic.level for topic in topics]),
                         ("parents", [topic.parent for topic in topics]),
                         ("n_films", [topic.n_films for topic in topics])):
        group[name] = np.array(values, np.int32)
    films = np.full((len(topics), N_FILMS), -1, np.int64)
    for topic in topics:
        films[topic.number, :len(topic.films)] = topic.films
    group["films"] = films
    for name, texts in (("names", [topic.name for topic in topics]),
                        ("words", [" ".join(topic.words) for topic in topics])):
        group.create_dataset(name, data=np.array(texts, object),
                             dtype=h5py.special_dtype(vlen=str))


def load_topics(path: str) -> StoredTopics:
    """Read topics.h5. Raises RecommenderError if `path` is no such file, or a damaged one."""
    if not os.path.isfile(path):
        raise RecommenderError("no topics at {}: topics.py makes them".format(path))
    with PlainFile(path, "make it again with topics.py") as file:
        file.expect("a file of topics", FORMAT_VERSION)
        ids = file.array("ids", np.int64, (None,)).copy()
        return StoredTopics(path, ids, read_tree(file, "", len(ids)))


def read_tree(file: PlainFile, group: str, n: int) -> TopicTree:
    """Return the topics of `n` films that lie in a file under `group`.

    Raises RecommenderError if they are damaged.
    """
    levels = file.array(group + "levels", np.int32, (None,))
    t = len(levels)
    parents = file.array(group + "parents", np.int32, (t,))
    n_films = file.array(group + "n_films", np.int32, (t,))
    films = file.array(group + "films", np.int64, (t, N_FILMS))
    of_films = file.array(group + "of_films", np.int32, (n, N_LEVELS)).copy()
    names = _texts(file, group + "names", t)
    words = _texts(file, group + "words", t)
    has_parent = parents >= 0
    if (((levels < 0) | (levels >= N_LEVELS) | (parents >= np.arange(t)) | (parents < -1)).any()
            or (levels[parents[has_parent]] != levels[has_parent] - 1).any()
            or (levels[~has_parent] != 0).any()
            or ((of_films < -1) | (of_films >= t)).any()):
        raise file.refuse("its topics are damaged")
    topics = [Topic(at, int(levels[at]), int(parents[at]), names[at], tuple(words[at].split()),
                    tuple(each for each in films[at].tolist() if each >= 0), int(n_films[at]))
              for at in range(t)]
    return TopicTree(topics, of_films)


def _texts(file: PlainFile, name: str, n: int) -> List[str]:
    return list(file.read(name, file.texts(name, n)))
