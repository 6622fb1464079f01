"""Batches of token ids that go into a graph, and the hidden layers that come out for each text."""

from typing import Dict, Iterator, NamedTuple, Sequence

import numpy as np

from bert.tokenizing import WordPieces

_CHUNK = 1024  # texts that are tokenised and sorted by length together
_TOKENS_A_TEXT = 60  # about, and rather fewer than overviews have
_BATCHES_A_CHUNK = 8  # at least, where padding does not count: only the last one is not full


class TokenFeatures(NamedTuple):
    """Hidden layers of one text.

    Attributes
    ----------
    row : int
        Place of the text among the texts given.
    token_ids : np.ndarray
        int32 (n_tokens,), [CLS] and [SEP] included.
    layers : np.ndarray
        float32 (n_layers, n_tokens, hidden_size).
    was_cut : bool
        True if the text was too long and its end is missing.
    """

    row: int
    token_ids: np.ndarray
    layers: np.ndarray
    was_cut: bool


def batches(pieces: WordPieces, texts: Sequence[str], max_seq_length: int, batch_tokens: int,
            batch_size: int = 0, count_padding: bool = True) -> Iterator[Dict[str, np.ndarray]]:
    """Yield batches of texts of similar length, the longest first.

    So the first batch needs the most memory. Texts are ordered by their characters before they
    are tokenised, and within a chunk of them by their tokens.

    Parameters
    ----------
    pieces : WordPieces
        Tokenizer of the checkpoint.
    texts : sequence of str
        Texts to encode.
    max_seq_length : int
        Word pieces after which a text is cut, [CLS] and [SEP] included.
    batch_tokens : int
        Tokens of a batch, padding included.
    batch_size : int
        Texts of a batch, in place of `batch_tokens` if it is not 0.
    count_padding : bool
        False lets a batch have `batch_tokens` tokens without padding, unless one text has more.

    Yields
    ------
    dict of str to np.ndarray
        `rows` int32 (B,), the places in `texts`; `token_ids` int32 (B, T), padded with 0;
        `lengths` int32 (B,), tokens that are not padding; `was_cut` bool (B,).
    """
    by_length = sorted(range(len(texts)), key=lambda row: -len(texts[row]))
    n_texts = _CHUNK if count_padding else max(
        _CHUNK, _BATCHES_A_CHUNK * batch_tokens // _TOKENS_A_TEXT)
    for start in range(0, len(by_length), n_texts):
        rows = by_length[start:start + n_texts]
        encoded = zip(rows, pieces.encode([texts[row] for row in rows], max_seq_length))
        chunk = sorted(encoded, key=lambda item: -len(item[1].token_ids))
        while chunk:
            longest = len(chunk[0][1].token_ids)
            size = batch_size or max(1, batch_tokens // longest)
            if not count_padding and not batch_size:
                n_tokens = np.cumsum([len(text.token_ids) for _, text in chunk])
                size = max(1, int(np.searchsorted(n_tokens, batch_tokens, "right")))
            taken, chunk = chunk[:size], chunk[size:]
            token_ids = np.zeros((len(taken), longest), np.int32)
            for i, (_, text) in enumerate(taken):
                token_ids[i, :len(text.token_ids)] = text.token_ids
            yield {"rows": np.array([row for row, _ in taken], np.int32),
                   "token_ids": token_ids,
                   "lengths": np.array([len(text.token_ids) for _, text in taken], np.int32),
                   "was_cut": np.array([text.was_cut for _, text in taken])}
