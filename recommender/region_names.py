"""Finds the regions of the map, and names each by the words that are most particular to it.

A region is a cluster of films' places. Its words are those of the highest class-based TF-IDF
(Grootendorst 2022, BERTopic, arXiv 2203.05794, equation 3) among those that may name a topic: all
overviews of a region count as one text. A word counts once a film, so that no single overview makes
a name, and must be in a share of the region's films.
"""

import re
from collections import Counter
from typing import Counter as Count
from typing import Dict, List, Sequence, Tuple

import numpy as np
from scipy import sparse
from sklearn.cluster import KMeans

from recommender.errors import RecommenderError
from recommender.regions import LEVELS, Regions
from recommender.topics.topic_words import topic_words
from recommender.words import words_of

# Films whose words name regions, evenly drawn where there are more: those of a million would take
# gigabytes, and name the same regions.
_MOST = 100000
_WORDS = 3  # most words of a name
_FEWEST_FILMS = 3  # films of a region that must hold a word, so that no single film names it
_FEWEST_IN_ALL = 4  # films that must hold a word: names of persons are told by how it is used
_LEAST_SHARE = 0.06  # the same as a share of them, so that a large region is not named by chance
_LEAST = 0.5  # least share of the score of a region's best word that its other words have
_LIFT = 1.5  # how much more frequent a word must be in a region than in all, to be particular
_CAPITALS = 0.6  # share of a word's capitals from which on it is written with one
_ALIKE = 5  # letters at the beginning that two words of a region may not share
_SHORT = 2  # letters up to which a word says too little
# What stands before the first word of a sentence.
_BEGIN = re.compile(r"(?:^|[.!?:;…\"“”(\n–—-])\W*$")

_CONTRACTED = re.compile("['’]t\\b")  # behind "doesn"

# English words that name no place on a map, beside those that name no topic: what people do and how
# they are in any film.
_STOP_WORDS = """
able absent accidentally act action adopts adorable adult age aged ago agrees alive apart apartment
appear appears arrest arrive arrives ask asks aspiring assigned assistant attack attempt attempts
attention bad beach beautiful bed believes bent better birth bizarre black blue body book born
bound boy break bright broken budget build built business called calls came campaign capture
captured car care career carries carry cars case cast caught cause century chance change character
characters charged chased city civil client close closed closer closes coming commit commitment
company controlled convicted convinced country couple crash created curious current dangerous dark
date daughter daughters day days dead deadly deal dealing death decide decides decisions deep
defeat desperate destroy destroyed determined did die dies different difficult directors discover
discovered door double drag draw drawing drawn dream dreams drives duo early east emotional enemy
engaged enter entire escape escaped escapes estranged event events eventually evidence evil
experience expert explore eyes face faced fact fall falling falls famous fate feeling feels fell
fellow female fight fighting fights figure filled filmed filming finally finding flying follow foot
force forever fortune fought free frightened frozen fun future game gathers gave gentle giant girl
girls given going golden gone got green group grow growing grown grows gruesome guy guys hand hands
happen happens happy hard head heart hearted held hero hidden hide high hire hired hires hit hold
holding holds home hong hop hope hour hours huge human hunted idea important include includes
including infamous initially innocent inside instead investigate investigates involved issues job
join joined joins journey keeps kid kids kill killed killing kills kind knew knows land lands large
late law learning leaving led let lie lies life light likes line local lonely long look looking
looks lord lose loses losing loss lost lot lover lovers luck lured mad magical main male man
managed manager manages married marries marry master matter meeting men million mind minded minute
minutes missing mission modern moment months moves murdered murderous mysterious mysteriously
mystery names natural nature natured near need needs neighbor neighbors news nice night nights
normal north notorious number offer offers officer older open opens ordered ordinary owner pair
passenger passion past path peace people perfect performance person personal phone picture plan
plans played playing point poor popular position possible power powerful prepare present prevent
private problem protect prove public pull quickly quiet quite raised ran reach ready reality reason
red relationship residents resistance rest return returned returns reveal reveals revenge rich ride
right rising risk role romantic room rule run runs said sail sails save saved saves say says score
search seat secret secretly seek seen sees seize self sell send sends sense sent serve service
seven sexual share shared shop short shot shots shows shy sides sight simple sing single sister sit
situation small smart social society sold son sons soul south speak special spend spending spends
stands star state stay stolen stop stops store strange street strong struggle struggles success
successful sudden suddenly suffering suggests super supposed sure surprise survive survives
survivors suspects switch taken talk talking teach teaches tell telling test theirs think thinking
thinks threat thrown times tiny tired title took tough town traditional trail train trapped travels
trip trouble truth try turned turning twist ultimate uncover unexpected unfortunately unique united
unlike unusual upstate use used using vanishes violent visit visits voice wait waiting wakes walk
walks wall wanted wants watch watches ways wearing wears week weekend weeks went white wife wild
willing win wise wish witness witnesses woman women won wonder word working world worse worst
wounded written wrong young younger youth
"""
_STOP = frozenset(_STOP_WORDS.split())


def some_evenly(rows: Sequence[int]) -> Sequence[int]:
    """Return up to 100,000 of the rows, evenly: as many as name the regions of a map.

    >>> len(some_evenly(range(250000))), some_evenly([3, 5])
    (83334, [3, 5])
    """
    return rows[::-(-len(rows) // _MOST) or 1]


def regions_of(points: np.ndarray, overviews: Sequence[str]) -> Regions:
    """Return the regions of a map at each of LEVELS, by level from 0.

    Parameters
    ----------
    points : np.ndarray
        float (n, 2), the films' places.
    overviews : sequence of str
        Those of the n films.

    Returns
    -------
    dict of int to list of (float, float, str)
        The place of each region, which is that of a film, and its name; the largest region first.
        No word stands twice at a level. A catalogue of a few films has no regions.
    """
    try:
        films, words = _vocabulary(overviews)
    except RecommenderError:  # no word is left
        return {level: [] for level in range(len(LEVELS))}
    return {level: _level(points, films, words, min(most, len(points) // size))
            for level, (most, size) in enumerate(LEVELS)}


def _vocabulary(overviews: Sequence[str]) -> Tuple[sparse.csr_matrix, List[str]]:
    """Return which words each overview holds, bool (n, n_words), and how each word is written.

    The words are those that may name a topic, also frequent and rare ones, but for _STOP. Words of
    a stem share a column.

    Raises
    ------
    RecommenderError
        If there are none.
    """
    found = topic_words(overviews, at_least=_FEWEST_IN_ALL, at_most=len(overviews))
    kept = {word for word in found.vocabulary if len(word) > _SHORT
            and not _STOP.intersection((word, re.sub("s$", "", word)))}
    if not kept:
        raise RecommenderError("no word of the overviews names a region")
    stem = {word: word[:-1] if word.endswith("s") and word[:-1] in kept else word for word in kept}
    number = {word: at for at, word in enumerate(sorted(set(stem.values())))}
    forms: List[Count[str]] = [Counter() for _ in number]  # how words are written in sentences
    for overview in overviews:
        for word, begin, end in words_of(overview):
            # The first letter of a sentence tells nothing of how a word is written.
            if word in kept and not (_BEGIN.search(overview, max(begin - 4, 0), begin)
                                     or _CONTRACTED.match(overview, end)):
                forms[number[stem[word]]][overview[begin:end]] += 1
    rows = [at for at, word in enumerate(found.vocabulary) if word in kept]
    columns = [number[stem[found.vocabulary[at]]] for at in rows]
    joins = sparse.csr_matrix((np.ones(len(rows)), (rows, columns)),
                              shape=(len(found.vocabulary), len(number)))
    written = [_usual_form(each) for each in forms]
    seen = [at for at, form in enumerate(written) if form]
    return (found.films @ joins).astype(bool)[:, seen], [written[at] for at in seen]


def _usual_form(forms: Count[str]) -> str:
    """Return how a word is mostly written, "" where it is never in the midst of a sentence."""
    lower = {form: n for form, n in forms.items() if form.islower()}
    written = lower if sum(lower.values()) > (1 - _CAPITALS) * sum(forms.values()) else forms
    return max(sorted(written), key=written.__getitem__, default="")


def _level(points: np.ndarray, films: sparse.csr_matrix, words: Sequence[str],
           n: int) -> List[Tuple[float, float, str]]:
    """Return `n` regions, or fewer where some have no good words."""
    if n < 2:
        return []
    found = KMeans(n, n_init=3, random_state=0).fit(points)
    region_of, sizes = found.labels_, np.bincount(found.labels_, minlength=n)
    joins = sparse.csr_matrix((np.ones(len(points)), (region_of, np.arange(len(points)))))
    regions = []
    for region, name in _names((joins @ films).toarray(), sizes, words).items():
        away = np.hypot(*(points - found.cluster_centers_[region]).T)
        x, y = points[away.argmin()].tolist()
        regions.append((sizes[region], (x, y, name)))
    return [region for _, region in sorted(regions, key=lambda each: -each[0])]


def _names(counts: np.ndarray, sizes: np.ndarray, words: Sequence[str]) -> Dict[int, str]:
    """Return names of regions of `sizes` films, from the number of films with each word.

    `counts` is (n_regions, n_words).
    """
    totals = counts.sum(axis=0)
    scores = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1) * np.log(
        1 + counts.sum() / len(counts) / np.maximum(totals, 1))
    least = np.maximum(_LEAST_SHARE * sizes, _FEWEST_FILMS)[:, None]
    usual = totals * sizes[:, None] / sizes.sum()
    scores[(counts < least) | (counts < _LIFT * usual)] = 0
    # A word stands where it is most particular, and nowhere else.
    scores[scores.argmax(axis=0) != np.arange(len(counts))[:, None]] = 0
    names = {}
    for region, of_words in enumerate(scores):
        chosen: List[str] = []
        for at in np.argsort(-of_words, kind="stable"):
            if of_words[at] <= _LEAST * of_words.max() or len(chosen) == _WORDS:
                break
            if all(words[at][:_ALIKE].lower() != word[:_ALIKE].lower() for word in chosen):
                chosen.append(words[at])
        if chosen:
            names[region] = ", ".join(chosen)
    return names
