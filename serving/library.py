"""The index that is being served and all that answers from it, replaced together."""

import contextlib
import threading
from typing import Any, Callable, Dict, Optional

from recommender import cli
from recommender.index import Index
from recommender.recommender import Recommender
from recommender.source import Source
from serving import counters
from serving.completion import Titles
from serving.packed import PackedBodies
from serving.text_process import Texts


class Served:
    """All that answers a query.

    Attributes
    ----------
    index : Index
        The index.
    embed : Texts
        Hidden layers of texts, by the checkpoint that made the index.
    recommender : Recommender
        Recommends with both.
    features : str
        The folder of the features that the index was built from.
    titles : Titles
        Completes the titles of the index.
    bodies : PackedBodies
        Compressed answers about the whole index.
    """

    def __init__(self, index: Index, embed: Texts, recommender: Recommender, features: str,
                 titles: Titles):
        self.index = index
        self.embed = embed
        self.recommender = recommender
        self.features = features
        self.titles = titles
        self.bodies = PackedBodies()
        self._made: Dict[str, Any] = {}
        self._making = threading.Lock()

    def made_once(self, name: str, make: Callable[[], Any]) -> Any:
        """Return what `make` made of the index at the first call for `name`."""
        with self._making:
            if name not in self._made:
                self._made[name] = make()
            return self._made[name]

    def load(self) -> None:
        """Read all that the first query for a film would have to wait for."""
        self.index.read_columns()
        self.titles.load()

    def load_texts(self) -> None:
        """Return once texts can be answered, at once where no recipe uses BERT.

        Raises BertError if the checkpoint is missing or another.
        """
        if self.index.uses_bert:
            self.embed.load()


class Library:
    """Holds what is served now.

    A request takes `now` once and keeps it to its end. So after a change the old index lives as
    long as the last request that began with it, and is closed with that one.
    """

    def __init__(self, index: Index, embed: Texts, features: Optional[str] = None,
                 bert_dir: Optional[str] = None):
        self._features, self._bert_dir = features, bert_dir
        self.now = self._served(index, embed)
        self._reloading = threading.Lock()

    def reload(self, is_told: bool = True) -> bool:
        """Serve the index that is at the same path now and return True, or keep the old one, say
        why on stderr, and return False. A new index is told of on stderr if `is_told`."""
        with self._reloading:
            now = self.now
            try:
                new = Index(now.index.path)
                embed = now.embed
                if new.uses_bert:
                    embed = embed.for_index(new.features)
                served = self._served(new, embed)
                served.load()
                self.now = served
            except Exception as error:  # whatever is wrong with the new one, the old one is good
                counters.RELOADS.labels("kept").inc()
                cli.note("server.py: the old index stays: {}".format(
                    str(error) or type(error).__name__))
                return False
            counters.RELOADS.labels("taken").inc()
            if is_told:
                cli.note("server.py: {} is read anew: {:,} films".format(
                    new.path, len(new)))
            return True

    def _served(self, index: Index, embed: Texts) -> Served:
        def source(text: str) -> Source:
            with counters.TEXTS_WAITING.track_inprogress():
                found = embed(text)
            counters.TEXTS.inc()
            return found

        return Served(index, embed, Recommender(index, source, self._bert_dir),
                      self._features or index.features_folder,
                      Titles(index))


def in_background(load: Callable[[], Any]) -> None:
    """Call `load` in a thread. Errors are ignored: the first request raises them again."""

    def run() -> None:
        with contextlib.suppress(Exception):
            load()

    threading.Thread(target=run, daemon=True).start()
