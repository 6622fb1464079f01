"""Hidden layers and word pieces of texts, from the checkpoint that made an index.

The only module of the package that imports `bert`, and so TensorFlow. It does so inside methods,
for start-up time: a query for films never waits for it.
"""

import threading
from typing import TYPE_CHECKING, List, Optional, Sequence, Tuple

from recommender.collecting import without_collecting
from recommender.errors import RecommenderError
from recommender.source import Source
from recommender.storage.shards import Settings

if TYPE_CHECKING:
    import bert.embedder
    import bert.tokenizing


class CheckpointTexts:
    """The checkpoint that made an index, opened at the first text.

    Parameters
    ----------
    made_by : Settings
        Settings of the features that the index was built from.
    bert_dir : str, optional
        Folder of the checkpoint, by default the one of its name in tmp/.
    verbose : bool
        Let TensorFlow write its log to stderr.
    """

    def __init__(self, made_by: Settings, bert_dir: Optional[str] = None, verbose: bool = False):
        self._made_by, self._bert_dir, self._verbose = made_by, bert_dir, verbose
        self._embedder: Optional[bert.embedder.Embedder] = None
        self._pieces: Optional[bert.tokenizing.WordPieces] = None
        self._lock = threading.Lock()

    def embed(self, text: str) -> Source:
        """Return a text with its hidden layers and token ids.

        Raises bert.errors.BertError if the checkpoint is not there or is another.
        """
        return self.embed_all([text])[0]

    def embed_all(self, texts: Sequence[str]) -> List[Source]:
        """Return each of `texts` with its hidden layers and token ids, in their order.

        The first call loads TensorFlow and the checkpoint; calls from other threads wait for it.
        Raises bert.errors.BertError if the checkpoint is missing or another.
        """
        embedder = self._loaded()
        return [Source(text, found.layers, found.token_ids, was_cut=found.was_cut,
                       **embedder.pieces.read(text)._asdict())
                for text, found in zip(texts, embedder.features(texts))]

    def _loaded(self) -> "bert.embedder.Embedder":
        with self._lock:
            if self._embedder is None:
                with without_collecting():
                    self._embedder = self._load()
            return self._embedder

    def _load(self) -> "bert.embedder.Embedder":
        # Imported late for start-up time: it loads TensorFlow, which takes seconds.
        from bert import quiet
        from bert.checkpoint import folder_of

        folder_of(self._made_by, self._bert_dir)  # if it is missing, say so at once
        quiet.silence(self._verbose)
        from bert.embedder import embedder_of

        return embedder_of(self._made_by, self._bert_dir)

    def word_spans(self, source: Source) -> List[Tuple[int, int]]:
        """Return, for each token, begin and end in the overview of the word it belongs to.

        Does not load TensorFlow. Raises bert.errors.BertError if the checkpoint is not there,
        RecommenderError if its word pieces are not those of the features.
        """
        max_seq_length = self._made_by.max_seq_length
        word_pieces = self._word_pieces()
        assert source.token_ids is not None
        pieces, = word_pieces.encode([source.overview], max_seq_length)
        if pieces.token_ids.tolist() != source.token_ids.tolist():
            raise RecommenderError("the vocabulary of {} is another than that of the features: "
                                   "name the checkpoint that made them with --bert_dir".format(
                                       self._bert_dir or self._made_by.checkpoint))
        return word_pieces.word_spans(source.overview, max_seq_length)

    def _word_pieces(self) -> "bert.tokenizing.WordPieces":
        with self._lock:
            if self._pieces is None:
                # Imported late for start-up time: only explanations need them.
                from bert.checkpoint import folder_of, open_checkpoint
                from bert.tokenizing import WordPieces

                checkpoint = open_checkpoint(folder_of(self._made_by, self._bert_dir))
                self._pieces = WordPieces(checkpoint.vocab_file, self._made_by.do_lower_case)
        return self._pieces
