"""The genres that a model of train_genres.py hears in texts."""

from typing import Any, List, Sequence, Tuple

from bert.checkpoint import Checkpoint, open_checkpoint
from recommender.genres.head import GenreHead, read_head
from recommender.source import Source
from recommender.storage.shards import Settings


def open_model(folder: str) -> Tuple[GenreHead, Checkpoint]:
    """Return the head and the checkpoint of a genre model; loads no TensorFlow.

    Raises RecommenderError or BertError if the folder holds none.
    """
    return read_head(folder), open_checkpoint(folder)


class HeardGenres:
    """A genre model beside the checkpoint that embeds the texts of an index.

    Where the index was made with the model's checkpoint, and reads texts as the model does, the
    hidden layers of a text are those that are there already; else a second graph computes them.

    Parameters
    ----------
    folder : str
        The folder that train_genres.py wrote.
    made_by : Settings
        Settings of the features that the index was built from.

    Raises
    ------
    RecommenderError, BertError
        If the folder holds no genre model.
    """

    def __init__(self, folder: str, made_by: Settings):
        self._head, checkpoint = open_model(folder)
        head = self._head
        self._places = [made_by.layers.index(layer) for layer in head.layers
                        if layer in made_by.layers]
        self._embedder: Any = None
        if (checkpoint.sha256, len(head.layers), head.max_seq_length, head.do_lower_case) != (
                made_by.checkpoint_sha256, len(self._places), made_by.max_seq_length,
                made_by.do_lower_case):
            # Late, because it loads TensorFlow: only the process that embeds texts does.
            from bert.embedder import Embedder
            self._embedder = Embedder(checkpoint, head.layers, head.max_seq_length,
                                      head.do_lower_case)

    def __call__(self, texts: Sequence[Source]) -> List[Source]:
        """Return texts that were embedded, each with the genres heard in it."""
        if self._embedder is None:
            of_texts = [text.layers[self._places] for text in texts if text.layers is not None]
        else:
            of_texts = [found.layers for found in self._embedder.features(
                [text.overview for text in texts])]
        return [text._replace(heard=self._heard(layers)) for text, layers in zip(texts, of_texts)]

    def _heard(self, layers: Any) -> Tuple[Tuple[str, float], ...]:
        probabilities = self._head.probabilities(layers)
        of_genre = dict(zip(self._head.genres, probabilities.tolist()))
        return tuple((genre, of_genre[genre]) for genre in self._head.predicted(probabilities))
