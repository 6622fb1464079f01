"""Batches of token ids that go into a graph, and the hidden layers that come out for each text."""

from typing import Dict, Iterator, List, NamedTuple, Sequence, Tuple

import numpy as np

from bert.tokenizing import Pieces, WordPieces

Batch = Dict[str, np.ndarray]
_Encoded = Tuple[int, Pieces]

_CHUNK = 1024  # texts that are tokenised and sorted by length together
_WIDTHS = (32, 64, 96, 128, 192, 256, 384, 512)  # tokens to which texts for a GPU are padded
# Of texts that are padded to a width, the shortest have about this share of the next smaller width.
_SHORTEST = 7 / 8
_LEAST = 8  # tokens that the shortest texts have, about


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
            batch_size: int = 0) -> Iterator[Batch]:
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

    Yields
    ------
    dict of str to np.ndarray
        `rows` int32 (B,), the places in `texts`; `token_ids` int32 (B, T), padded with 0;
        `lengths` int32 (B,), tokens that are not padding; `was_cut` bool (B,).
    """
    for encoded in _encoded(pieces, texts, max_seq_length):
        chunk = _longest_first(encoded)
        while chunk:
            longest = len(chunk[0][1].token_ids)
            size = batch_size or max(1, batch_tokens // longest)
            yield _batch(chunk[:size], min(size, len(chunk)), longest)
            chunk = chunk[size:]


def batches_of_few_shapes(pieces: WordPieces, texts: Sequence[str], max_seq_length: int,
                          batch_tokens: int, batch_size: int = 0) -> Iterator[Batch]:
    """Yield batches as `batches` does, but in few shapes: XLA compiles a graph for each.

    A batch has about `batch_tokens` tokens without padding, which a GPU packs, and is full but
    for the last one. It is filled up with texts of no token, up to the B and T of its length:
    `token_ids` and `lengths` have B rows, `rows` and `was_cut` one for each real text.
    """
    left: List[_Encoded] = []
    n_left = len(texts)
    for encoded in _encoded(pieces, texts, max_seq_length):
        n_left -= len(encoded)
        left = _longest_first(left + encoded)
        while left:
            width = _width(len(left[0][1].token_ids))
            most = batch_size or _most_texts(width, batch_tokens)
            n_tokens = np.cumsum([len(text.token_ids) for _, text in left[:most]])
            size = batch_size or max(1, int(np.searchsorted(n_tokens, batch_tokens, "right")))
            if n_left and size >= len(left):
                break  # what is left goes with texts to come
            yield _batch(left[:size], most, width)
            left = left[size:]


def _encoded(pieces: WordPieces, texts: Sequence[str],
             max_seq_length: int) -> Iterator[List[_Encoded]]:
    """Yield chunks of texts, tokenised, each with its place; those of most characters first."""
    by_length = sorted(range(len(texts)), key=lambda row: -len(texts[row]))
    for start in range(0, len(by_length), _CHUNK):
        rows = by_length[start:start + _CHUNK]
        yield list(zip(rows, pieces.encode([texts[row] for row in rows], max_seq_length)))


def _longest_first(encoded: List[_Encoded]) -> List[_Encoded]:
    return sorted(encoded, key=lambda item: -len(item[1].token_ids))


def _width(longest: int) -> int:
    """Return the tokens to which texts of up to `longest` tokens are padded for a GPU.

    >>> _width(3), _width(129), _width(600)
    (32, 192, 640)
    """
    return next((width for width in _WIDTHS if width >= longest), -(-longest // 128) * 128)


def _most_texts(width: int, batch_tokens: int) -> int:
    """Return the B of batches of a width: about as many texts as have `batch_tokens` tokens.

    >>> _most_texts(32, 32768), _most_texts(96, 32768)
    (4096, 586)
    """
    smaller = max((other for other in _WIDTHS if other < width), default=0)
    return -(-batch_tokens // max(_LEAST, int(_SHORTEST * smaller)))


def _batch(taken: Sequence[_Encoded], n_texts: int, width: int) -> Batch:
    """Return a batch of texts, filled up to `n_texts` of `width` tokens."""
    token_ids, lengths = np.zeros((n_texts, width), np.int32), np.zeros(n_texts, np.int32)
    for i, (_, text) in enumerate(taken):
        lengths[i] = len(text.token_ids)
        token_ids[i, :lengths[i]] = text.token_ids
    return {"rows": np.array([row for row, _ in taken], np.int32),
            "token_ids": token_ids, "lengths": lengths,
            "was_cut": np.array([text.was_cut for _, text in taken])}
