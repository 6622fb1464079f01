"""What is being served: an index and the embedder of its texts, replaced together."""

import threading
from typing import NamedTuple, Optional

from recommender import cli
from recommender.index import Index
from serving.texts import TextEmbedder


class Served(NamedTuple):
    """An index and what takes a text to hidden layers as they were made for it."""

    index: Index
    embed: TextEmbedder


class Library:
    """Holds what is served now.

    A request takes `now` once and keeps it to its end. So after a change the old index lives as
    long as the last request that began with it, and is closed with that one.
    """

    def __init__(self, index: Index, embed: TextEmbedder):
        self.now = Served(index, embed)
        self._reloading = threading.Lock()

    @classmethod
    def open(cls, path: str, bert_dir: Optional[str] = None, verbose: bool = False) -> "Library":
        """The index at `path` and its checkpoint. Raises RecommenderError if it is no index."""
        index = Index(path)
        return cls(index, TextEmbedder(index.features, bert_dir, verbose))

    def reload(self) -> None:
        """Serve the index that is at the same path now, or keep the old one and say why."""
        with self._reloading:
            index, embed = self.now
            try:
                new = Index(index.path)
                self.now = Served(new, embed.for_index(new.features))
            except Exception as error:  # whatever is wrong with the new one, the old one is well
                cli.note("server.py: the old index stays: {}".format(
                    str(error) or type(error).__name__))
            else:
                cli.note("server.py: {} is read anew: {:,} films".format(new.path, len(new)))
