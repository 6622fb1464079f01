"""Queries: films described in somebody else's words, which are to be found by these texts."""

import collections
from typing import Counter, Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
from scipy import sparse

from recommender.catalogue import ALIASES
from recommender.cells import clean_text, is_missing, read_id
from recommender.checkpoint_texts import CheckpointTexts
from recommender.errors import RecommenderError
from recommender.evaluation.held_back import first_twins
from recommender.movie import Movie
from recommender.recipes import Recipe
from recommender.source import Source
from recommender.storage.shards import Settings
from recommender.tables import read_table

_TEXTS = ("text", "query", "description", "overview", "plot")  # names of the column of texts
_CHUNK = 64  # texts whose hidden layers are held at once; 0.3 GB for the large checkpoint


class Queries(NamedTuple):
    """Texts, each of one film.

    Attributes
    ----------
    texts : list of str
    meant : np.ndarray
        int (m,): row of the film that each text describes.
    counts : np.ndarray
        bool (n,): films that can be found, one of those told apart only by their id.
    report : str
        One line: how many rows were read and left out, and why.
    """

    texts: List[str]
    meant: np.ndarray
    counts: np.ndarray
    report: str


def read_queries(path: str, movies: Sequence[Movie]) -> Queries:
    """Read a table with the columns `id` and `text`, a row for each description of a film.

    Raises
    ------
    RecommenderError
        If the file is no such table, or no row of it can be used.
    OSError
        If it cannot be read.
    """
    ids = ("id", *ALIASES["id"])
    table = read_table(path, [*ids, *_TEXTS])
    id_at, text_at = table.place(ids), table.place(_TEXTS)
    if id_at is None or text_at is None:
        raise RecommenderError("{}: column {} is missing: a CSV with the columns id, text is "
                               "needed, a row for each description of a film".format(
                                   path, "id" if id_at is None else "text"))
    first = first_twins(movies)
    rows = {movie.id: first[row] for row, movie in enumerate(movies)}
    found: List[Tuple[str, int]] = []
    left_out: Counter[str] = collections.Counter()
    n_rows = 0
    for _, cells in table.rows():
        n_rows += 1
        cells = table.joined(cells, text_at)
        if len(cells) != len(table.names):
            left_out["with more or fewer cells than columns"] += 1
            continue
        row, text = rows.get(read_id(cells[id_at]) or -1), clean_text(cells[text_at])
        if row is None:
            left_out["whose id is no film that is measured"] += 1
        elif is_missing(text):
            left_out["without a text"] += 1
        else:
            found.append((text, row))
    report = "{}: {:,} rows read, {:,} kept".format(path, n_rows, len(found))
    if left_out:
        report += ", {:,} left out ({})".format(sum(left_out.values()), ", ".join(
            "{:,} {}".format(n, why) for why, n in left_out.items()))
    if not found:
        raise RecommenderError("{}: it needs rows with the id of a film that is measured and a "
                               "text that describes it".format(report))
    return Queries([text for text, _ in found], np.array([row for _, row in found]),
                   first == np.arange(len(movies)),
                   "; ".join([report, *table.notes]))


class QueryTexts:
    """Texts as recipes read them: hidden layers come from the checkpoint, many texts at once.

    Parameters
    ----------
    texts : sequence of str
    bert_dir : str, optional
        Folder of the checkpoint, by default the one of its name in tmp/.
    """

    def __init__(self, texts: Sequence[str], bert_dir: Optional[str] = None):
        self._texts, self._bert_dir = list(texts), bert_dir
        self._checkpoints: Dict[Settings, CheckpointTexts] = {}
        self._means: Dict[Settings, List[Source]] = {}

    def vectors(self, recipe: Recipe, settings: Optional[Settings],
                d: int) -> Tuple[np.ndarray, sparse.csr_matrix]:
        """Return the texts as a fitted recipe embeds them.

        Parameters
        ----------
        recipe : Recipe
        settings : Settings, optional
            Those of the features; a recipe without BERT needs none.
        d : int
            Numbers of a vector before its words.

        Returns
        -------
        dense : np.ndarray
            float32 (m, d).
        words : sparse.csr_matrix
            float32 (m, n_words).

        Raises
        ------
        bert.errors.BertError
            If the checkpoint is missing or another.
        """
        dense, words = [], []
        for source in self.sources(recipe, settings):
            vector = recipe.embed(source)
            dense.append(vector[:d])
            words.append(sparse.csr_matrix(vector[d:]))
        return np.array(dense), sparse.vstack(words, "csr")

    def sources(self, recipe: Recipe, settings: Optional[Settings]) -> Iterable[Source]:
        """Return the texts with what `recipe` reads of them; raises as `vectors` does."""
        if not recipe.uses_bert:
            return map(Source, self._texts)
        assert settings is not None
        return self._embedded(settings) if recipe.weighs_tokens else self.means(settings)

    def means(self, settings: Settings) -> List[Source]:
        """Return the texts with the mean over tokens of each layer, (n_layers, 1, hidden_size).

        The checkpoint runs once for all recipes that read no more, and once for each recipe that
        weighs tokens. Raises as `vectors` does.
        """
        if settings not in self._means:
            self._means[settings] = [
                source._replace(layers=token_mean(source.layers))
                for source in self._embedded(settings) if source.layers is not None]
        return self._means[settings]

    def _embedded(self, settings: Settings) -> Iterator[Source]:
        checkpoint = self._checkpoints.setdefault(settings,
                                                  CheckpointTexts(settings, self._bert_dir))
        for start in range(0, len(self._texts), _CHUNK):
            yield from checkpoint.embed_all(self._texts[start:start + _CHUNK])


def token_mean(layers: np.ndarray) -> np.ndarray:
    """Return the mean over tokens of each layer, float32 (n_layers, 1, hidden_size)."""
    return layers.mean(axis=1, keepdims=True, dtype=np.float32)
