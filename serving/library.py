"""What is being served: an index and all that answers out of it, replaced together."""

import threading
from typing import NamedTuple, Optional

from recommender import cli
from recommender.index import Index
from recommender.parts import Source
from recommender.recommender import Recommender
from serving import counters
from serving.completion import Titles
from serving.text_process import Texts


class Served(NamedTuple):
    """An index, what takes a text to hidden layers as they were made for it, what recommends
    with both, the folder of the features that the index was made of, and its titles."""

    index: Index
    embed: Texts
    recommender: Recommender
    features: str
    titles: Titles

    def load(self) -> None:
        """Read all that a query for a film would have to wait for once."""
        self.index.read_columns()
        self.titles.load()


class Library:
    """Holds what is served now.

    A request takes `now` once and keeps it to its end. So after a change the old index lives as
    long as the last request that began with it, and is closed with that one.
    """

    def __init__(self, index: Index, embed: Texts, features: str = "data/features",
                 bert_dir: Optional[str] = None):
        self._features, self._bert_dir = features, bert_dir
        self.now = self._served(index, embed)
        self._reloading = threading.Lock()

    def reload(self) -> bool:
        """Serve the index that is at the same path now, or keep the old one, say why, and return
        False."""
        with self._reloading:
            now = self.now
            try:
                new = Index(now.index.path)
                served = self._served(new, now.embed.for_index(new.features))
                served.load()
                self.now = served
            except Exception as error:  # whatever is wrong with the new one, the old one is well
                counters.RELOADS.labels("kept").inc()
                cli.note("server.py: the old index stays: {}".format(
                    str(error) or type(error).__name__))
                return False
            counters.RELOADS.labels("taken").inc()
            cli.note("server.py: {} is read anew: {:,} films".format(new.path, len(new)))
            return True

    def _served(self, index: Index, embed: Texts) -> Served:
        def source(text: str) -> Source:
            with counters.TEXTS_WAITING.track_inprogress():
                layers, token_ids, was_cut = embed(text)
            counters.TEXTS.inc()
            return Source(text, layers, token_ids, was_cut=was_cut)

        return Served(index, embed, Recommender(index, source, self._bert_dir), self._features,
                      Titles(index))
