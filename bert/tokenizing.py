"""Split texts into word pieces: Google's result for every text, at the tokenizers library's speed.

The library and Google's `FullTokenizer` differ on control characters and on rare Unicode
(other versions of the Unicode tables, special casing). So the library gets the texts that consist
of characters on which both are known to agree, and Google's code all others.
"""

import re
from typing import Any, List, NamedTuple, Sequence, Tuple

import numpy as np
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from bert.checkpoint import read_vocabulary

# Texts on which both agree: printable ASCII, white space, Latin letters with accents, and
# typographic punctuation.
AGREED = re.compile("[\t\n\r -~\u00a1\u00a7\u00ab\u00b7\u00bb\u00bf"
                    "\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u012f\u0131-\u0148\u014a-\u017e"
                    "\u2013\u2014\u2018\u2019\u201c\u201d\u2022\u2026]*")
_SPELT_PIECES = 3  # pieces from which on a word may count as spelt letter by letter
_SPELT_LETTERS = 1.5  # letters per piece below which it does: "привет" has 1.0, "plage" 2.5
_AROUND = ".,;:!?\"'()[]"  # punctuation left off where a word is shown
MAX_CHARACTERS_OF_A_WORD = 200  # a longer word becomes [UNK], as in Google's code


class Pieces(NamedTuple):
    """Word pieces of one text.

    Attributes
    ----------
    token_ids : np.ndarray
        int32 (n_tokens,), [CLS] and [SEP] included.
    was_cut : bool
        True if the text was too long and its end is missing.
    """

    token_ids: np.ndarray
    was_cut: bool


class Reading(NamedTuple):
    """Words of a text, as far as a vocabulary knows them.

    Attributes
    ----------
    unknown : tuple of str
        Words of the text, as white space separates them, that hold one that is not known.
    knows_any : bool
        True if at least one word is known.
    """

    unknown: Tuple[str, ...]
    knows_any: bool


class WordPieces:
    """Tokenizer with the vocabulary of a checkpoint.

    Parameters
    ----------
    vocab_file : str
        Path of `vocab.txt`.
    do_lower_case : bool
        True for an uncased checkpoint.

    Raises
    ------
    BertError
        If `vocab_file` is not a BERT vocabulary.

    Examples
    --------
    ::

        pieces = WordPieces("tmp/all-MiniLM-L6-v2/vocab.txt")
        pieces.encode(["A man"], 256)[0].token_ids  # array([101, 1037, 2158, 102], dtype=int32)
    """

    def __init__(self, vocab_file: str, do_lower_case: bool = True):
        self._vocab_file = vocab_file
        self._do_lower_case = do_lower_case
        self.vocabulary = read_vocabulary(vocab_file)
        self._cls = self.vocabulary["[CLS]"]
        self._sep = self.vocabulary["[SEP]"]
        self._unk = self.vocabulary["[UNK]"]
        self._fast = Tokenizer(models.WordPiece(
            self.vocabulary, unk_token="[UNK]",
            max_input_chars_per_word=MAX_CHARACTERS_OF_A_WORD))
        self._fast.normalizer = normalizers.BertNormalizer(lowercase=do_lower_case)
        self._fast.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        self._google: Any = None
        texts = [piece[2:] if piece.startswith("##") else piece for piece in self.vocabulary]
        self._begins = np.array([not piece.startswith("##") for piece in self.vocabulary])
        self._letters = np.array([len(text) if text.isalnum() else 0 for text in texts])

    def encode(self, texts: Sequence[str], max_seq_length: int) -> List[Pieces]:
        """Split each of `texts` into at most `max_seq_length` word pieces, as Google's script."""
        agreed = [AGREED.fullmatch(text) is not None for text in texts]
        fast = iter(self._fast.encode_batch(
            [text for text, fits in zip(texts, agreed) if fits], add_special_tokens=False))
        room = max_seq_length - 2
        found = []
        for text, fits in zip(texts, agreed):
            ids = next(fast).ids if fits else self._encode_like_google(text)
            found.append(Pieces(np.array([self._cls] + ids[:room] + [self._sep], np.int32),
                                len(ids) > room))
        return found

    def read(self, text: str) -> Reading:
        """Return which words of a text are known."""
        words = text.split()
        known = [self._known(pieces.token_ids) for pieces in self.encode(words, len(text) + 2)]
        unknown = [word.strip(_AROUND) for word, parts in zip(words, known) if not parts.all()]
        return Reading(tuple(dict.fromkeys(unknown)), any(parts.any() for parts in known))

    def knows_any(self, token_ids: np.ndarray) -> bool:
        """Return True if at least one word is known of the text that `encode` gave these ids."""
        return bool(self._known(token_ids).any())

    def _known(self, token_ids: np.ndarray) -> np.ndarray:
        """Return for each word, without punctuation, whether it is known; bool (n_words,).

        A word is not known if it is [UNK], or if its pieces are hardly more than single letters,
        as those of another script are: the model has learnt next to nothing of these.
        """
        ids = token_ids[1:-1]
        word = np.cumsum(self._begins[ids]) - 1
        n_pieces, n_letters = np.bincount(word), np.bincount(word, self._letters[ids])
        is_unknown = np.bincount(word, ids == self._unk) > 0
        is_spelt = (n_pieces >= _SPELT_PIECES) & (n_letters < _SPELT_LETTERS * n_pieces)
        return (~is_unknown & ~is_spelt)[is_unknown | (n_letters > 0)]

    def word_spans(self, text: str, max_seq_length: int) -> List[Tuple[int, int]]:
        """Return for each token id of `text` where the word of that token lies in the text.

        Parameters
        ----------
        text : str
            Text to split.
        max_seq_length : int
            As for `encode`.

        Returns
        -------
        list of tuple of int
            Start and end, in characters, for each id of `encode`; (0, 0) for [CLS] and [SEP].
            Where only Google's tokenizer gives the right word pieces, a word is what white space
            surrounds, or the whole text if even those words do not give them.
        """
        wanted = self.encode([text], max_seq_length)[0].token_ids
        encoding = self._fast.encode(text, add_special_tokens=False)
        ids, spans = encoding.ids, [encoding.word_to_chars(word) for word in encoding.word_ids]
        if ids[:len(wanted) - 2] != wanted[1:-1].tolist():
            words = [(match.group(), match.span()) for match in re.finditer(r"\S+", text)]
            ids = [(id_, span) for word, span in words for id_ in self._encode_like_google(word)]
            spans = [span for _, span in ids]
            if [id_ for id_, _ in ids][:len(wanted) - 2] != wanted[1:-1].tolist():
                spans = [(0, len(text))] * len(wanted)
        return [(0, 0), *spans[:len(wanted) - 2], (0, 0)]

    def _encode_like_google(self, text: str) -> List[int]:
        if self._google is None:
            # Imported late, because it imports TensorFlow and few texts need it. It reads absl
            # flags, which must count as parsed although this program parses its own.
            from absl import flags

            from bert.tokenization import FullTokenizer
            if not flags.FLAGS.is_parsed():
                flags.FLAGS.mark_as_parsed()
            self._google = FullTokenizer(self._vocab_file, self._do_lower_case)
        return self._google.convert_tokens_to_ids(self._google.tokenize(text))
