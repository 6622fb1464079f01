"""Words with values of their own for texts: counts that level off, and other forms of a word.

Films are compared with each other as by `Words`. A text is compared with second values of the
films' words, in which a word that occurs often counts little more than one that occurs once; and
another form of a word of the text, such as its plural, counts in part.
"""

from typing import Dict, Iterable, Iterator, Sequence, Tuple

import numpy as np

from recommender.catalogue import Movie
from recommender.parts import Words
from recommender.source import Features, Source
from recommender.words import SparseRows, count_words, words_of

_K1 = 1.2  # how soon counts level off: BM25's usual value, Robertson and Zaragoza 2009
_OTHER_FORM = 0.5  # weight of a word of the same stem; chosen as docs/recipes.md says
_SHORTEST = 3  # letters of a stem: a shorter one is that of unlike words
# Endings of English words; the first that fits is taken off.
_ENDINGS = ("ingly", "ings", "edly", "ing", "ies", "ied", "ers", "ed", "er", "es", "ly", "s", "e")


def stem(word: str) -> str:
    """Return a word in lower case without its ending.

    >>> [stem(word) for word in ("killers", "killing", "stories", "story", "gas")]
    ['kill', 'kill', 'story', 'story', 'gas']
    """
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST:
            return word[:-len(ending)] + ("y" if ending in ("ies", "ied") else "")
    return word


def forms(word: str) -> Iterator[str]:
    """Yield the possible words that have the stem of `word`, but for `word` itself.

    >>> "killed" in forms("killer"), "kiln" in forms("killer")
    (True, False)
    """
    root = stem(word)
    possible = [root, *(root + ending for ending in _ENDINGS)]
    if root.endswith("y"):
        possible += [root[:-1] + "ies", root[:-1] + "ied"]
    return (each for each in possible if each != word and stem(each) == root)


class TextWords(Words):
    """TF-IDF of words for films; for texts, saturated counts and other forms of their words.

    A film's second value of a word that occurs n times is n / (n + k1) times its inverse document
    frequency, scaled to the length of the first values: BM25 without its correction for the length
    of a text (Robertson and Zaragoza 2009, The Probabilistic Relevance Framework), as a cosine.
    The vector of a text has zeros in place of the first values, and that of a film none in place of
    the second: so one product compares either with all films, and so it does their sum.
    """

    kind = "text_words"

    def fit(self, movies: Sequence[Movie], features: Features) -> SparseRows:
        rows = super().fit(movies, features)
        idf = self.arrays["idf"][rows.indices]
        return rows._replace(text_data=_saturated(rows.data / idf) * idf)

    def embed(self, source: Source) -> np.ndarray:
        """Return the vector of a film, float64 (n_words,), or of a text, (2 * n_words,)."""
        if not source.is_text:
            return super().embed(source)
        found = np.zeros(len(self.arrays["vocabulary"]))
        for word in count_words(source.overview):
            for column, weight in self._columns(word).items():
                found[column] += weight
        return np.concatenate([np.zeros(len(found)), found * self.arrays["idf"]])

    def row(self, source: Source) -> np.ndarray:
        """Return both values of a film's words, float64 (2 * n_words,), as an index keeps them."""
        first, idf = super().embed(source), self.arrays["idf"]
        second = _saturated(first / idf) * idf
        length = np.linalg.norm(second) or 1.0
        return np.concatenate([first, second * (np.linalg.norm(first) / length)])

    def occurrences(self, source: Source) -> Iterable[Tuple[str, Tuple[int, int], int, float]]:
        if not source.is_text:
            yield from super().occurrences(source)
            return
        counts = count_words(source.overview)
        weights = self.embed(source)[len(self.arrays["idf"]):] / self.arrays["idf"]
        for word, start, end in words_of(source.overview):
            for column, weight in self._columns(word).items():
                yield ("overview", (start, end), column,
                       counts[word] * float(weights[column]) / weight)

    def _columns(self, word: str) -> Dict[int, float]:
        """Return the columns for which a word of a text counts, each with its weight."""
        places = self._places()
        found = {places[other]: _OTHER_FORM for other in forms(word) if other in places}
        if word in places:
            found[places[word]] = 1.0
        return found


def _saturated(counts: np.ndarray) -> np.ndarray:
    return counts / (counts + _K1)
