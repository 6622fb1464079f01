"""Titles near to a mistyped one, found among many without comparing it with each of them.

The similarity is that of rapidfuzz: OSA for letters mistyped or swapped, WRatio for words left
out or turned round. It is computed only where the letters, pairs of letters and words that two
titles have in common allow a score that counts. The pairs' bound is the q-gram lemma (Ukkonen
1992, Approximate string-matching with q-grams and maximal matches): a letter taken out of a text
costs it two pairs at most, one put in costs it one.
"""

from collections import Counter
from typing import Callable, Dict, List, Optional, Sequence, Tuple

import numpy as np

from recommender.titles import related

_OSA_CUTOFF = 0.6  # of 0 to 1; below, titles have nothing to do with each other
_WRATIO_CUTOFF = 75.0  # of 0 to 100; the same for words
_FIRST_RATIOS = (90.0, 80.0)  # by which the best are looked for first: then fewer are compared
_WRATIO_WEIGHT = 0.008  # brings WRatio to 0 to 0.8: words left out count less than letters
_LONG, _TOO_LONG = 1.5, 8.0  # ratios of lengths between which WRatio compares with parts
_WORDS_SCALE, _PART_SCALE = 0.95, 0.9  # by which WRatio multiplies what is no plain ratio
_DENSE = 16  # a code that every sixteenth text has is counted in an array of all texts: faster
_SLACK = 1e-6  # added to bounds against rounding; a candidate too many does no harm


class _Postings:
    """Counts how many codes of a query each of `n` texts has in common with it."""

    def __init__(self, codes: np.ndarray, rows: np.ndarray, n: int):
        """`codes` of all texts, in any order, and the row of each, int64 both."""
        self._n = n
        order = np.lexsort((rows, codes))
        codes, rows = codes[order], rows[order]
        is_new = np.ones(len(codes), bool)
        is_new[1:] = (codes[1:] != codes[:-1]) | (rows[1:] != rows[:-1])
        firsts = np.append(np.flatnonzero(is_new), len(codes))
        counts = np.diff(firsts).astype(np.int32)
        codes, rows = codes[is_new], rows[is_new].astype(np.int32)
        found, starts = np.unique(codes, return_index=True)
        ends = np.append(starts[1:], len(codes))
        self._rows, self._counts = {}, {}  # type: Dict[int, np.ndarray], Dict[int, np.ndarray]
        for code, start, end in zip(found.tolist(), starts.tolist(), ends.tolist()):
            if (end - start) * _DENSE >= n:
                self._counts[code] = np.zeros(n, np.int32)
                self._counts[code][rows[start:end]] = counts[start:end]
            else:
                self._rows[code], self._counts[code] = rows[start:end], counts[start:end]

    def in_common(self, wanted: Dict[int, int],
                  weights: Optional[Dict[int, int]] = None) -> np.ndarray:
        """Return the number of `wanted` codes (code: count) in each text, int32 (n,); a code
        counts 1, or its weight."""
        found = np.zeros(self._n, np.int32)
        for code, count in wanted.items():
            if code in self._counts:
                common = np.minimum(self._counts[code], count)
                if weights:
                    common *= weights[code]
                if code in self._rows:
                    found[self._rows[code]] += common
                else:
                    found += common
        return found


class NearTitles:
    """Finds titles near to a mistyped one among `keys`, which `title_key` made.

    >>> NearTitles(["matrix", "heat", "toy story"]).nearest("matirx", limit=1)
    [0]
    """

    def __init__(self, keys: Sequence[str]):
        self._keys = list(keys)
        self._lengths = np.fromiter(map(len, self._keys), np.int32, len(self._keys))
        letters, rows = _letters(self._keys)
        n = len(self._keys)
        self._letters = _Postings(letters, rows, n)
        self._pairs = _Postings(*_pairs(letters, rows), n)
        words = [key.split() for key in self._keys]
        self._code_of_word = {word: code for code, word in enumerate(
            {word for each in words for word in each})}
        codes = [self._code_of_word[word] for each in words for word in set(each)]
        n_words = [len(set(each)) for each in words]
        self._words = _Postings(np.array(codes, np.int64), np.repeat(np.arange(n), n_words), n)
        # WRatio drops a repeated word, which the bounds do not know of.
        self._repeats = np.array([len(each) for each in words], int) != n_words

    def nearest(self, key: str, limit: int) -> List[int]:
        """Return the places of the `limit` nearest to a mistyped `key`, the nearest first.

        Letters mistyped or swapped count in full, words left out or turned round a little less;
        a title shorter than half of what was typed is a scrap of it and never near.
        """
        # Imported late: a title that is found needs no fuzzy matching.
        from rapidfuzz import fuzz
        from rapidfuzz.distance import OSA

        common = self._in_common(key)
        scores = np.zeros(len(self._keys))
        self._raise(scores, key, OSA.normalized_similarity, 1.0, _OSA_CUTOFF,
                    common.is_alive & (common.letters >= _OSA_CUTOFF * common.longer - _SLACK))
        share_word = common.share_word
        if share_word.any():  # all of them have the score of the first
            first = [self._keys[int(share_word.argmax())]]
            scores[share_word] = np.maximum(scores[share_word], _WRATIO_WEIGHT * _similarities(
                fuzz.WRatio, key, first, _WRATIO_CUTOFF))
        is_done = np.zeros(len(scores), bool)
        for ratio in (*_FIRST_RATIOS, _WRATIO_CUTOFF):
            # What is worse than the last of those that are wanted need not be compared.
            last = np.partition(scores, -limit)[-limit] if limit < len(scores) else 0.0
            ratio = max(ratio, last / _WRATIO_WEIGHT - _SLACK)
            which = common.by_words(ratio / 100) & ~is_done
            self._raise(scores, key, fuzz.WRatio, _WRATIO_WEIGHT, _WRATIO_CUTOFF, which)
            is_done |= which
        near = np.flatnonzero(scores)
        return near[np.argsort(-scores[near], kind="stable")[:limit]].tolist()

    def _raise(self, scores: np.ndarray, key: str, scorer: Callable[..., float], weight: float,
               cutoff: float, which: np.ndarray) -> None:
        """Raise the `scores` of the titles of `which`, bool (n,), to those of a scorer."""
        places = np.flatnonzero(which)
        found = _similarities(scorer, key, [self._keys[at] for at in places.tolist()], cutoff)
        scores[places] = np.maximum(scores[places], weight * found)

    def _in_common(self, key: str) -> "_Common":
        words = sorted(set(key.split()))
        lengths = {self._code_of_word[word]: len(word) + 1 for word in words
                   if word in self._code_of_word}
        # As it is, and as WRatio takes it: without repeated words.
        texts = [key] if len(words) == len(key.split()) else [key, " ".join(words)]
        counts = []
        for text in texts:
            codes, rows = _letters([text])
            # Without the two spaces around each, which are always in common.
            counts.append((len(text), self._letters.in_common(_counts(codes)) - 2,
                           self._pairs.in_common(_counts(_pairs(codes, rows)[0]))))
        return _Common(len(key), self._lengths, self._repeats, counts,
                       self._words.in_common(dict.fromkeys(lengths, 1), lengths) - 1)


def nearest_titles(key: str, keys: Sequence[str], limit: int,
                   mistyped: Optional[Callable[[str, int], List[int]]] = None) -> List[int]:
    """Return places in `keys` of up to `limit` titles near to one, the nearest first.

    First come titles that contain it or are contained in it, in the order of `related`, then
    titles that look like a mistyped one, as `mistyped` finds them, by default
    `NearTitles.nearest`.

    >>> nearest_titles("star wars 4", ["star warts 4", "heat", "star wars"], 5)
    [2, 0]
    """
    places = related(key, keys)
    if len(places) < limit:
        near = (mistyped or NearTitles(keys).nearest)(key, limit)
        places += [place for place in near if place not in places]
    return places[:limit]


class _Common:
    """Counts of what a query has in common with each of n titles."""

    def __init__(self, length: int, lengths: np.ndarray, repeats: np.ndarray,
                 counts: List[Tuple[int, np.ndarray, np.ndarray]], words: np.ndarray):
        """
        Parameters
        ----------
        length : int
            Letters of the query.
        lengths : numpy.ndarray
            Letters of each title, int32 (n,).
        repeats : numpy.ndarray
            The titles that have a word twice, bool (n,): WRatio drops the second one, which the
            bounds do not know of.
        counts : list
            Length of the query, and its letters and pairs in each title, int32 (n,); twice if the
            query has a word twice: as it is, and without.
        words : numpy.ndarray
            Letters of the words in common, with the spaces between them, or -1; int32 (n,).
        """
        self._lengths, self._repeats, self._counts, self._words = lengths, repeats, counts, words
        self.letters = np.max([letters for _, letters, _ in counts], axis=0)
        self.longer, self._shorter = np.maximum(lengths, length), np.minimum(lengths, length)
        self.is_alive = 2 * lengths >= length
        self._is_long = self.longer >= _LONG * self._shorter
        # Those that have exactly the WRatio which a word in common with a part of a title gives.
        self.share_word = self._find_share_word()

    def by_words(self, least: float) -> np.ndarray:
        """Return which titles may have a WRatio of `least`, 0 to 1, or more, but for those of
        `share_word`; bool (n,)."""
        found = self._repeats.copy()
        for length, letters, pairs in self._counts:
            total = self._lengths + length
            whole = ((2 * letters >= least * total - _SLACK)
                     & (pairs >= total * (0.5 - 1.5 * (1 - least)) + 1 - _SLACK))
            # WRatio compares the words in common with all words of the shorter title, too.
            whole |= (self._words > 0) & (2 * _WORDS_SCALE * self._words >= least * (
                self._words + np.minimum(self._lengths, length)) - _SLACK)
            found |= np.where(self._is_long, self._may_be_part(
                length, letters, pairs, least / _PART_SCALE), whole)
        return (found & self.is_alive & (self.longer <= _TOO_LONG * self._shorter)
                & ~self.share_word)

    def _find_share_word(self) -> np.ndarray:
        found = (self.is_alive & self._is_long & (self.longer < _TOO_LONG * self._shorter)
                 & (self._words > 0) & ~self._repeats)
        for length, letters, pairs in self._counts:
            found &= ~self._may_be_part(length, letters, pairs, _WORDS_SCALE)
        return found

    def _may_be_part(self, length: int, letters: np.ndarray, pairs: np.ndarray,
                     least: float) -> np.ndarray:
        """Return where the shorter of query and title may have a ratio of `least`, 0 to 1, with
        a part of the longer that is no longer than it.

        D letters of the shorter taken out and I put in, I <= D, give the part. The ratio is then
        1 - (D + I) / (2 * length - D + I), and length - 1 - 2 D - I pairs remain.
        """
        shorter = np.minimum(self._lengths, length)
        n_letters, n_pairs = _least_of_part(int(shorter.max()) if len(shorter) else 0, least)
        return (letters >= n_letters[shorter]) & (pairs >= n_pairs[shorter])


def _least_of_part(longest: int, least: float) -> Tuple[np.ndarray, np.ndarray]:
    """Return how many letters and pairs a text of each length from 0 to `longest` must have in
    common with a part of another to have a ratio of `least` with it; int (longest + 1,)."""
    lengths = np.arange(longest + 1)
    out = np.floor(2 * (1 - least) / (2 - least) * lengths + _SLACK).astype(int)  # with I = 0
    n_pairs = lengths - 1
    for n_out in range(int(out.max()) + 1):
        n_in = np.floor((2 * (1 - least) * lengths - (2 - least) * n_out) / least + _SLACK)
        kept = lengths - 1 - 2 * n_out - np.minimum(n_in, n_out)
        n_pairs = np.where(n_out <= out, np.minimum(n_pairs, kept), n_pairs)
    return lengths - out, n_pairs


def near_among(key: str, keys: Sequence[str], limit: int) -> List[int]:
    """Return what `NearTitles(keys).nearest(key, limit)` does, by comparing all of few `keys`.

    >>> near_among("matirx", ["heat", "matrix"], 1)
    [1]
    """
    # Imported late: a title that is found needs no fuzzy matching.
    from rapidfuzz import fuzz
    from rapidfuzz.distance import OSA

    lengths = np.fromiter(map(len, keys), np.int64, len(keys))
    is_alive = 2 * lengths >= len(key)
    is_of_a_size = is_alive & (np.maximum(lengths, len(key)) <= _TOO_LONG * np.minimum(
        lengths, len(key)))
    scores = np.zeros(len(keys))
    for scorer, weight, cutoff, which in (
            (OSA.normalized_similarity, 1.0, _OSA_CUTOFF, is_alive),
            (fuzz.WRatio, _WRATIO_WEIGHT, _WRATIO_CUTOFF, is_of_a_size)):
        places = np.flatnonzero(which)
        if len(places):
            found = _similarities(scorer, key, [keys[at] for at in places.tolist()], cutoff)
            scores[places] = np.maximum(scores[places], weight * found)
    near = np.flatnonzero(scores)
    return near[np.argsort(-scores[near], kind="stable")[:limit]].tolist()


def trigrams(keys: Sequence[str]) -> Tuple[np.ndarray, np.ndarray]:
    """Return a code for each three letters that follow each other in a key between spaces, and
    the place of the key in `keys`; int64 both."""
    letters, rows = _letters(keys)
    inside = rows[2:] == rows[:-2]
    codes = (letters[:-2] << 42) | (letters[1:-1] << 21) | letters[2:]
    return codes[inside], rows[2:][inside]


def _similarities(scorer: Callable[..., float], key: str, others: List[str],
                  cutoff: float) -> np.ndarray:
    """Return the similarity of `key` to each of `others`, 0 below the cutoff; float64 (n,)."""
    # Imported late for start-up time: most queries need no mistyped title.
    from rapidfuzz import process

    # Unlike `extract`, it lets other threads run meanwhile.
    found, = process.cdist([key], others, scorer=scorer, score_cutoff=cutoff, dtype=np.float64)
    return found


def _letters(keys: Sequence[str]) -> Tuple[np.ndarray, np.ndarray]:
    """Return the code points of all keys, each key between spaces, and the row of each; int64."""
    text = "".join(" {} ".format(key) for key in keys)
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.int64)
    return codes, np.repeat(np.arange(len(keys)), [len(key) + 2 for key in keys])


def _pairs(letters: np.ndarray, rows: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Return a code for each two letters that follow each other in a row, and the row."""
    inside = rows[1:] == rows[:-1]
    return ((letters[:-1] << 21) | letters[1:])[inside], rows[1:][inside]


def _counts(codes: np.ndarray) -> Dict[int, int]:
    return Counter(codes.tolist())
