"""Hidden layers of single texts, from a graph that is built once and stays in memory."""

import threading
from typing import Any, List, Optional, Sequence

import numpy as np
import tensorflow.compat.v1 as tf

from bert.batches import TokenFeatures, batches
from bert.checkpoint import Checkpoint, folder_of, open_checkpoint
from bert.errors import BertError
from bert.gpu import cpu_config
from bert.graphs import graph_of
from bert.tokenizing import WordPieces

_BATCH_TOKENS = 4096  # tokens of a batch: a few long texts, so that memory stays small


class Embedder:
    """Computes for texts the hidden layers that `extract_features.py` would store.

    Parameters
    ----------
    checkpoint : Checkpoint
        Checkpoint with the weights.
    layers : sequence of int
        Hidden layers to return, as Google counts them: -1 is the last.
    max_seq_length : int
        Word pieces after which a text is cut, [CLS] and [SEP] included.
    do_lower_case : bool
        True for an uncased checkpoint.

    Attributes
    ----------
    pieces : WordPieces
        Tokenizer of the checkpoint.

    Raises
    ------
    BertError
        If the weights cannot be read or do not fit the config.
    """

    def __init__(self, checkpoint: Checkpoint, layers: Sequence[int], max_seq_length: int,
                 do_lower_case: bool):
        self.pieces = WordPieces(checkpoint.vocab_file, do_lower_case)
        self._max_seq_length = max_seq_length
        with tf.Graph().as_default() as graph:
            encoder = graph_of(checkpoint, layers)
            self._token_ids = tf.placeholder(tf.int32, [None, None])
            self._lengths = tf.placeholder(tf.int32, [None])
            self._hidden, = encoder.build(self._token_ids, self._lengths, in_loop=True)
            self._session = tf.Session(graph=graph, config=_as_it_is())
            encoder.load(self._session)
        # One run at a time: two at once would share the cores and both be late.
        self._lock = threading.Lock()

    def features(self, texts: Sequence[str]) -> List[TokenFeatures]:
        """Return token ids and hidden layers of each of `texts`, in their order.

        The texts go through the graph together; each gets what it would get alone, within 1e-5.
        May be called from several threads.
        """
        found = []  # type: List[TokenFeatures]
        for batch in batches(self.pieces, texts, self._max_seq_length, _BATCH_TOKENS):
            with self._lock:
                layers = self._session.run(self._hidden, {
                    self._token_ids: batch["token_ids"], self._lengths: batch["lengths"]})
            bounds = np.cumsum(batch["lengths"])[:-1]
            found += map(TokenFeatures, batch["rows"].tolist(),
                         [ids[:n] for ids, n in zip(batch["token_ids"], batch["lengths"])],
                         np.split(np.stack(layers), bounds, axis=1), batch["was_cut"].tolist())
        return sorted(found, key=lambda text: text.row)


def _as_it_is() -> tf.ConfigProto:
    """Return the config of a session that does not optimise its graph.

    That takes longer than it saves: the graph is small as it is.
    """
    config = cpu_config()
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    return config


def embedder_of(made_by: Any, bert_dir: Optional[str] = None, tmp_dir: str = "tmp") -> Embedder:
    """Return the embedder with which an index was made.

    Parameters
    ----------
    made_by : object
        Settings of the index's features, with the attributes `checkpoint`, `checkpoint_sha256`,
        `layers`, `max_seq_length` and `do_lower_case`.
    bert_dir : str, optional
        Folder of the checkpoint that the user names.
    tmp_dir : str
        Folder in which the checkpoint is looked for otherwise.

    Raises
    ------
    BertError
        If the checkpoint is not there, is another one or cannot be read.
    """
    folder = folder_of(made_by, bert_dir, tmp_dir)
    checkpoint = open_checkpoint(folder)
    if checkpoint.sha256 != made_by.checkpoint_sha256:
        raise BertError("{} is not the checkpoint that the index was made with ({}, sha256 {}...):"
                        " name that one with --bert_dir or build the index anew".format(
                            folder, made_by.checkpoint, made_by.checkpoint_sha256[:12]))
    return Embedder(checkpoint, made_by.layers, made_by.max_seq_length, made_by.do_lower_case)
