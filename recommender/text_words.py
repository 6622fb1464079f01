"""TF-IDF of the words of films, and values of the same words with which texts are compared.

Films are compared with each other as by `Words`. A text is compared with second values of the
films' words, in which a word that occurs often counts little more than one that occurs once; and
another form of a word of the text, such as its plural, counts in part.
"""

import collections
from typing import Any, Counter, Dict, Iterable, Iterator, Optional, Sequence, Tuple

import numpy as np

from recommender.movie import Movie
from recommender.source import Features, Source
from recommender.storage.scratch import blocks
from recommender.storage.shards import Settings
from recommender.words import (
    Reweighed,
    SparseRows,
    count_words,
    fit_vocabulary,
    inverse_frequency,
    sparse_rows,
    words_of,
)

_BLOCK = 1 << 22  # values of words that are computed at once, so that no copy is made of all
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


class Words:
    """TF-IDF of the words of overview and title; a word of the title counts `titles` times."""

    kind = "words"
    uses_bert = False
    names = ("vocabulary", "idf", "common")
    may_lack = ("common",)

    def __init__(self, titles: int = 0):
        self.options: Dict[str, Any] = {"titles": int(titles)}
        self.arrays: Dict[str, np.ndarray] = {}
        self._place_of: Dict[str, int] = {}

    def prepare(self, settings: Settings) -> None:
        """Accept any features: the part reads none."""

    def fit(self, movies: Sequence[Movie], features: Features) -> SparseRows:
        """Learn the vocabulary of all films and return their rows."""
        vocabulary = fit_vocabulary(self._counts(movies))
        self.arrays["vocabulary"] = np.array(vocabulary.words, object)
        self.arrays["idf"] = vocabulary.idf
        self.arrays["common"] = np.array(vocabulary.common, object)
        # Counted again: kept, the words of a million films would take gigabytes.
        return self._rows(self._counts(movies))

    def place(self, movies: Sequence[Movie], features: Features) -> SparseRows:
        """Return the rows of other films by the vocabulary that was learnt before."""
        return self._rows(self._counts(movies))

    def widen(self, movies: Sequence[Movie], known: Sequence[Movie], n_films: int) -> None:
        """Append the words that no film had before `movies` came; all others keep their columns.

        Parameters
        ----------
        movies : sequence of Movie
            The films that came.
        known : sequence of Movie
            A sample of the films that were there. A word of theirs outside the vocabulary was
            dropped as common, and stays so: a word of a fifth of all films is in some of 300.
        n_films : int
            Films that there are now, of which the new words get their inverse document frequency.
        """
        places = self._places()
        common = {word for counts in self._counts(known) for word in counts if word not in places}
        new = fit_vocabulary([
            collections.Counter({word: n for word, n in counts.items()
                                 if word not in places and word not in common})
            for counts in self._counts(movies)], n_films)
        self.arrays["vocabulary"] = np.append(self.arrays["vocabulary"],
                                              np.array(new.words, object))
        self.arrays["idf"] = np.append(self.arrays["idf"], new.idf)
        self._place_of = {}

    def reweigh(self, rows: SparseRows) -> Optional[Reweighed]:
        """Weigh each word by how many of the films of `rows`, all of now, have it.

        The inverse document frequencies become those of a whole build, and the columns are in the
        order of the words, as there. Words that no film has any more leave the vocabulary, so that
        they count as words of no film in a text.

        Returns
        -------
        Reweighed or None
            The films' rows of any length, which they keep; None if nothing changed.
        """
        frequency = np.bincount(rows.indices, minlength=rows.width)
        held = np.flatnonzero(frequency)
        columns = held[np.argsort(self.arrays["vocabulary"][held], kind="stable")]
        idf = inverse_frequency(frequency[columns], len(rows.indptr) - 1)
        ratios = idf / self.arrays["idf"][columns]
        if np.array_equal(columns, np.arange(rows.width)) and (ratios == 1).all():
            return None
        self.arrays["vocabulary"] = self.arrays["vocabulary"][columns]
        self.arrays["idf"] = idf
        self._place_of = {}
        return rows.with_columns(columns).reweighed(ratios)

    def _rows(self, counts: Iterable[Counter[str]]) -> SparseRows:
        known = map(self._known, counts)
        return sparse_rows(((at, n * self.arrays["idf"][at]) for at, n in known),
                           len(self.arrays["vocabulary"]))

    def _counts(self, movies: Sequence[Movie]) -> Iterator[Counter[str]]:
        return (self._count(movie.overview, movie.title) for movie in movies)

    def embed(self, source: Source) -> np.ndarray:
        """Return the vector of one film or text, float64 (n_words,)."""
        at, n = self._known(self._count(source.overview, source.title))
        counts = np.zeros(len(self.arrays["vocabulary"]))
        counts[at] = n
        return counts * self.arrays["idf"]

    def of_no_film(self, text: str) -> Tuple[Tuple[str, ...], float]:
        """Return the words of a text that no film has, and their share of its weight, 0 to 1.

        The weight is the squared length of the text's vector, in which each of these words would
        weigh as much as the rarest. Without the words that are too common to weigh, which indexes
        of former versions do not keep, there are none, and the share is 0.
        """
        if "common" not in self.arrays or not len(self.arrays["idf"]):
            return (), 0.0
        idf, common, found, known = self.arrays["idf"], set(self.arrays["common"]), [], 0.0
        for word in count_words(text):
            columns = self._columns(word)
            known += sum((weight * idf[column]) ** 2 for column, weight in columns.items())
            if not columns and word not in common:
                found.append(word)
        if not found:
            return (), 0.0
        of_no_film = len(found) * idf.max() ** 2
        return tuple(found), of_no_film / (known + of_no_film)

    def _columns(self, word: str) -> Dict[int, float]:
        """Return the columns for which a word of a text counts, each with its weight."""
        places = self._places()
        return {places[word]: 1.0} if word in places else {}

    def occurrences(self, source: Source) -> Iterable[Tuple[str, Tuple[int, int], int, float]]:
        """Yield every occurrence of a known word.

        Yields
        ------
        of : str
            "overview" or "title".
        span : tuple of int
            Begin and end of the word there, in characters.
        column : int
            Its column in the vector.
        n : float
            Number of equal parts into which the weight of the word is divided.
        """
        places, counts = self._places(), self._count(source.overview, source.title)
        for of, text, times in (("overview", source.overview, 1),
                                ("title", source.title, self.options["titles"])):
            for word, start, end in words_of(text) if times else ():
                if word in places:
                    yield of, (start, end), places[word], counts[word] / times

    def _count(self, overview: str, title: str) -> Counter[str]:
        counts = count_words(overview)
        for word, n in count_words(title).items() if self.options["titles"] else ():
            counts[word] += n * self.options["titles"]
        return counts

    def _places(self) -> Dict[str, int]:
        """Return the column of each word; the table is made at the first call."""
        if not self._place_of:
            self._place_of = {word: at for at, word in enumerate(self.arrays["vocabulary"])}
        return self._place_of

    def _known(self, counts: Counter[str]) -> Tuple[np.ndarray, np.ndarray]:
        """Return the columns of the known words, ascending, and their counts."""
        places = self._places()
        known = sorted((places[word], n) for word, n in counts.items() if word in places)
        return (np.array([place for place, _ in known], np.int32),
                np.array([n for _, n in known], np.float64))


class TextWords(Words):
    """TF-IDF of words for films; for texts, saturated counts and other forms of their words.

    A film's second value of a word that occurs n times is n / (n + k1) times its inverse document
    frequency, scaled to the length of the first values: BM25 without its correction for the length
    of a text (Robertson and Zaragoza 2009, The Probabilistic Relevance Framework), as a cosine.
    The vector of a text has zeros in place of the first values, and that of a film none in place of
    the second: so one product compares either with all films, and so it does their sum.
    """

    kind = "text_words"

    def _rows(self, counts: Iterable[Counter[str]]) -> SparseRows:
        rows = super()._rows(counts)
        for_texts = np.empty(len(rows.data))
        for some in blocks(len(rows.data), _BLOCK):
            idf = self.arrays["idf"][rows.indices[some]]
            for_texts[some] = _saturated(rows.data[some] / idf) * idf
        return rows._replace(text_data=for_texts)

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
        places = self._places()
        return {**{places[other]: _OTHER_FORM for other in forms(word) if other in places},
                **super()._columns(word)}


def _saturated(counts: np.ndarray) -> np.ndarray:
    return counts / (counts + _K1)
