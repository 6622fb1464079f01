"""The words by which topics are found and told: those of the overviews that may name a subject."""

from collections import Counter
from typing import List, NamedTuple, Optional, Sequence

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

from recommender.errors import RecommenderError
from recommender.words import words_of

_COMMON = 0.1  # share of the films above which a word names no subject; half of what TF-IDF drops
_COMMON_AT_LEAST = 20  # films in which a word must be to be too common, so that few keep words
_FEWEST = 4  # films in which a word must be, so that a pair of words can be met more than once
_PER_FILM = 1 / 400  # the same as a share of the films, for a large catalogue
_MOSTLY = 0.5  # share of the capitals of a word, inside sentences, from which on it is a name
_PLACES = 0.3  # share of its capitals behind a word of _BEFORE_PLACES from which on it is a place
# Words before names of places, peoples and times ("in Paris", "the Nazis") but seldom persons.
_BEFORE_PLACES = {"a", "an", "at", "during", "from", "in", "the"}
_ENDS = ".!?:…"  # ends of sentences: the capital behind them says nothing
# How overviews talk of films, not what these are about.
_OF_FILMS = """
adaptation adapted based cinema classic comedy comic directed director documentary drama feature
features featuring film filmmaker films follows movie movies novel plot scene scenes sequel series
starring stars stories story tale tells thriller version"""
# Frequent words that name no subject, and halves of names of places; scikit-learn's list of stop
# words has none of these.
_OF_ANYTHING = """
away begin begins best big bring brings come comes decides discovers does doesn end ends explain
faces finally find finds following forced gets getting gives goes good great having help helps just
know known las later lead leads learn learns leave leaves left like little live lives living los
make makes making meet meets named new old order place play plays real really san set sets soon
start starts st takes taking thing things time told tries true trying turn turns uses want wants
way work works year years"""
_SAYING_NOTHING = ENGLISH_STOP_WORDS.union(_OF_FILMS.split(), _OF_ANYTHING.split())


class TopicWords(NamedTuple):
    """Words that may name a subject, and the films whose overviews hold them.

    Attributes
    ----------
    vocabulary : list of str
        v words, sorted.
    films : scipy.sparse.csr_matrix
        float64 (n, v): 1 where the overview of a film holds a word.
    """

    vocabulary: List[str]
    films: sparse.csr_matrix

    def of(self, rows: np.ndarray) -> "TopicWords":
        """Return the same words in some of the films."""
        return self._replace(films=self.films[rows])


def topic_words(overviews: Sequence[str], at_least: Optional[float] = None,
                at_most: Optional[float] = None) -> TopicWords:
    """Return the words of overviews that may name a subject.

    These are neither stop words of English, nor names of persons, which would make a topic of all
    films with a John, nor too frequent or too rare: in fewer films than `at_least` or more than
    `at_most`, by default as suits topics.

    Raises
    ------
    RecommenderError
        If no word is left.
    """
    held, all_n = Counter(), len(overviews)  # type: Counter, int
    inside, capitals, placed = Counter(), Counter(), Counter()  # type: Counter, Counter, Counter
    words_by_film = []
    for text in overviews:
        words = set()
        for word, begin, _ in words_of(text):
            words.add(word)
            before = text[max(begin - 40, 0):begin].rstrip(" \"“‘('")
            if before and before[-1] not in _ENDS:
                inside[word] += 1
                if text[begin].isupper():
                    capitals[word] += 1
                    placed[word] += before.split()[-1].lower() in _BEFORE_PLACES
        held.update(words)
        words_by_film.append(words)

    def is_person(word: str) -> bool:
        return (capitals[word] > _MOSTLY * inside[word]
                and placed[word] < _PLACES * capitals[word])

    least = max(_FEWEST, _PER_FILM * all_n) if at_least is None else at_least
    most = max(_COMMON * all_n, _COMMON_AT_LEAST) if at_most is None else at_most
    vocabulary = sorted(
        word for word, n in held.items() if least <= n <= most and not word.isdigit()
        and word not in _SAYING_NOTHING and not is_person(word))
    if not vocabulary:
        raise RecommenderError("no word is in {} of {:,} overviews or more: topics need more "
                               "films".format(int(np.ceil(least)), all_n))
    column = {word: place for place, word in enumerate(vocabulary)}
    columns = [sorted(column[word] for word in words if word in column) for words in words_by_film]
    indptr = np.concatenate([[0], np.cumsum([len(each) for each in columns])])
    indices = np.concatenate([np.array(each, np.int64) for each in columns])
    return TopicWords(vocabulary, sparse.csr_matrix(
        (np.ones(len(indices)), indices, indptr), shape=(all_n, len(vocabulary))))
