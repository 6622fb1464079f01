"""Texts and their word pieces, through the checkpoint that made an index.

This is the one place of the package that reaches for `bert`, and so for TensorFlow. It does so
inside methods: who asks for films only never waits for it.
"""

import threading
from typing import TYPE_CHECKING, List, Optional, Sequence, Tuple

from recommender.errors import RecommenderError
from recommender.recipes import Source
from recommender.storage.feature_store import Settings

if TYPE_CHECKING:
    import bert.embedder
    import bert.extraction
    import bert.tokenizing


class CheckpointTexts:
    """What a checkpoint makes of texts; it is opened when first asked, and once."""

    def __init__(self, made_by: Settings, bert_dir: Optional[str] = None, verbose: bool = False):
        """`made_by` is what an index says of its features; `bert_dir` the checkpoint's folder,
        by default the one of its name in tmp/."""
        self._made_by, self._bert_dir, self._verbose = made_by, bert_dir, verbose
        self._embedder = None  # type: Optional[bert.embedder.Embedder]
        self._pieces = None  # type: Optional[bert.tokenizing.WordPieces]
        self._lock = threading.Lock()

    def embed(self, text: str) -> Source:
        """The text with its hidden layers and token ids.

        Raises bert.errors.BertError if the checkpoint is not there or is another.
        """
        found, = self.features([text])
        return Source(text, found.layers, found.token_ids, was_cut=found.was_cut)

    def features(self, texts: Sequence[str]) -> "List[bert.extraction.TokenFeatures]":
        """Return the hidden layers and token ids of each of `texts`, in their order.

        The first call loads TensorFlow and the checkpoint; calls from other threads wait for it.
        Raises bert.errors.BertError if the checkpoint is missing or another.
        """
        with self._lock:
            if self._embedder is None:
                from bert import quiet
                from bert.checkpoint import folder_of

                folder_of(self._made_by, self._bert_dir)  # if it is missing, say so at once
                quiet.silence(self._verbose)
                from bert.embedder import embedder_of

                self._embedder = embedder_of(self._made_by, self._bert_dir)
            embedder = self._embedder
        return embedder.features(texts)

    def word_spans(self, source: Source) -> List[Tuple[int, int]]:
        """Where in the overview the word begins and ends that each token belongs to.

        Needs no TensorFlow. Raises bert.errors.BertError if the checkpoint is not there,
        RecommenderError if its word pieces are not those of the features.
        """
        max_seq_length = self._made_by.max_seq_length
        word_pieces = self._word_pieces()
        pieces, = word_pieces.encode([source.overview], max_seq_length)
        if pieces.token_ids.tolist() != source.token_ids.tolist():
            raise RecommenderError("the vocabulary of {} is another than that of the features: "
                                   "name the checkpoint that made them with --bert_dir".format(
                                       self._bert_dir or self._made_by.checkpoint))
        return word_pieces.word_spans(source.overview, max_seq_length)

    def _word_pieces(self) -> "bert.tokenizing.WordPieces":
        with self._lock:
            if self._pieces is None:
                from bert.checkpoint import folder_of, open_checkpoint
                from bert.tokenizing import WordPieces

                checkpoint = open_checkpoint(folder_of(self._made_by, self._bert_dir))
                self._pieces = WordPieces(checkpoint.vocab_file, self._made_by.do_lower_case)
        return self._pieces
