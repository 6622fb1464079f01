"""Regions of the map at three levels, each named by the words that are most particular to it.

A region is a cluster of films' places. Its words are those of the highest class-based TF-IDF
(Grootendorst 2022, BERTopic, arXiv 2203.05794, equation 3): all overviews of a region count as
one text. A word counts once a film, so that no single overview makes a name.
"""

import re
from collections import Counter
from typing import Counter as Count
from typing import Dict, List, Sequence, Set, Tuple

import h5py
import numpy as np

from recommender.storage.hdf5 import PlainFile

Regions = Dict[int, List[Tuple[float, float, str]]]  # by level: place on the map, and its name

# For each level, the coarsest first: most regions, and films that a region has on average at least.
LEVELS = ((12, 40), (40, 16), (160, 8))
# Films whose words name regions, evenly drawn where there are more: those of a million would take
# gigabytes, and name the same regions.
_MOST = 100000
_WORDS = 3  # most words of a name
_FEWEST_WORDS = 2  # a region of fewer good words has no name
_FEWEST_FILMS = 3  # films of a region that must hold a word, so that no single film names it
_LEAST = 0.5  # least share of the score of a region's best word that its other words have
_LIFT = 1.5  # how much more frequent a word must be in a region than in all, to be particular
_NAMES = 0.6  # share of capitals within sentences from which on a word is taken for a name
_ALIKE = 5  # letters at the beginning that two words of a region may not share
_WORD = re.compile(r"[^\W\d_]{3,}(?!['’]t\b)")  # of "doesn't" it finds "does"
# What stands before the first word of a sentence.
_BEGIN = re.compile(r"(?:^|[.!?:;…\"“”(\n–—-])\W*$")

# English words that say nothing of a story: those of function, and what overviews say of any film.
_STOP_WORDS = """
a about above across after again against ago agrees all almost alone along already also although
always am among an and another any anyone anything apart appear appears are around arrives as at
attempt attempts away back based be became because become becomes been before begin begins behind
being believes best better between beyond big blue both bring brings but by call called calls came
can cannot carries carry case close closed come comes convinced could current day days deal decide
decides did different directed discovers do does done down during each early either else end ends
even events eventually ever every everyone everything face faces fall falling falls feels fell few
film films find finding finds first five follow follows for forced former found four from front full
further gave get gets getting give given gives go goes going gone good got great green had happen
happens happy hard has have having he held help helps her here hers herself high him himself hire
hired hires his hold holds how however if in include includes including instead into involved is it
its itself join joins just keep keeps kind knew know known knows last late later lead leads learn
learns least leave leaves leaving led left less let life like little live lives living long look
looking looks lot made main make makes making man manages many may me meet meets men might mind mine
months more most move moves movie movies much must my myself name named names near need needs never
new next nice nights no nobody none nor not nothing now of off old on once one only onto open opens
or order other others our ours out over own part people perhaps person picture place plan plans
present put quickly quite ran rather real really reason red return returned returns reveal reveals
run runs said same saved saves say says see seems sees send sends sent series set sets several she
should side since six small so some someone something soon special starring stars start starts still
stolen story such suddenly suggests sure take taken takes taking tale tell telling tells ten than
that the their theirs them themselves then there these they thing things think thinks this those
though three through throughout time times title to together told too took toward towards tries true
try trying turn turning turns twelve twenty two ultimate under unlike until up upon us use used uses
using very want wants was way ways we week weeks well went were what whatever when where whether
which while who whole whom whose why will with within without woman women work working works world
would wrong year years yet you young your yours
"""
_STOP = frozenset(_STOP_WORDS.split())

# Words with a capital that tell what a story is about, which names of people and places do not.
_SUBJECT_WORDS = """
african alien america american arab asian australian bible boston britain british broadway buddhist
california catholic chicago china chinese christian christmas cia civil communist cuban dea dutch
earth easter egypt egyptian england english europe fbi france french german germany god greek
halloween hindu hollywood india indian iraq ireland irish islam israeli italian italy jamaican japan
japanese jewish jews kgb korea korean london mafia manhattan mars mexican mexico miami moscow muslim
nasa nazi nazis olympic olympics paris polish roman rome russia russian satan scotland scottish
soviet spain spanish swedish texas thanksgiving tokyo turkish vegas vietnam vietnamese viking
vikings
"""
_SUBJECTS = frozenset(_SUBJECT_WORDS.split())


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
    step = -(-len(points) // _MOST) or 1
    points, overviews = points[::step], overviews[::step]
    columns, words = _vocabulary(overviews)
    return {level: _level(points, columns, words, min(most, len(points) // size))
            for level, (most, size) in enumerate(LEVELS)}


def write_regions(group: h5py.Group, regions: Regions) -> None:
    """Write regions into the recipe's group of an index."""
    found = [(level, *region) for level, of_level in regions.items() for region in of_level]
    group["regions/levels"] = np.array([level for level, _, _, _ in found], np.uint8)
    group["regions/places"] = np.array(
        [place for _, *place, _ in found], np.float32).reshape(-1, 2)
    group.create_dataset("regions/names", dtype=h5py.special_dtype(vlen=str),
                         data=np.array([name for _, _, _, name in found], object))


def read_regions(file: PlainFile, group: str) -> Regions:
    """Return the regions that `write_regions` wrote into a group of an index, or none."""
    regions: Regions = {level: [] for level in range(len(LEVELS))}
    if file.holds(group + "regions"):
        levels = file.array(group + "regions/levels", np.uint8, (None,))
        places = file.array(group + "regions/places", np.float32, (len(levels), 2))
        names = file.read("its regions", file.texts(group + "regions/names", len(levels)))
        for level, (x, y), name in zip(levels.tolist(), places.tolist(), names):
            regions.setdefault(level, []).append((x, y, name))
    return regions


def _vocabulary(overviews: Sequence[str]) -> Tuple[List[np.ndarray], List[str]]:
    """Return the columns of the words of each overview, and how each word is written.

    Words of a stem share a column, and names are left out.
    """
    texts: List[Set[str]] = []
    forms: Dict[str, Count[str]] = {}  # how each word is written within sentences
    for overview in overviews:
        texts.append(set())
        for match in _WORD.finditer(overview):
            form = match.group()
            word = form.lower()
            if word in _STOP:
                continue
            texts[-1].add(word)
            # The first letter of a sentence tells nothing of how a word is written.
            if not _BEGIN.search(overview, max(match.start() - 4, 0), match.start()):
                forms.setdefault(word, Counter())[form] += 1
    kept = {word for word, written in forms.items() if word in _SUBJECTS or sum(
        n for form, n in written.items() if form != word) < _NAMES * sum(written.values())}
    stem = {word: word[:-1] if word.endswith("s") and word[:-1] in kept else word for word in kept}
    number = {word: at for at, word in enumerate(sorted(set(stem.values())))}
    written: List[Count[str]] = [Counter() for _ in number]
    for word in sorted(kept):
        form = max(forms[word], key=forms[word].__getitem__) if word in _SUBJECTS else word
        written[number[stem[word]]][form] += sum(forms[word].values())
    return ([np.array(sorted({number[stem[word]] for word in text & kept}), np.int64)
             for text in texts], [max(each, key=each.__getitem__) for each in written])


def _level(points: np.ndarray, columns: Sequence[np.ndarray], words: Sequence[str],
           n: int) -> List[Tuple[float, float, str]]:
    """Return `n` regions, or fewer where some have no good words."""
    if n < 2:
        return []
    # Imported late for start-up time: scikit-learn takes a second, and a server needs none.
    from sklearn.cluster import KMeans

    found = KMeans(n, n_init=3, random_state=0).fit(points)
    region_of, sizes = found.labels_, np.bincount(found.labels_, minlength=n)
    rows = np.repeat(np.arange(len(columns)), [len(each) for each in columns])
    counts = np.zeros((n, len(words)))
    np.add.at(counts, (region_of[rows], np.concatenate(columns)), 1)
    regions = []
    for region, name in _names(counts, words).items():
        away = np.hypot(*(points - found.cluster_centers_[region]).T)
        x, y = points[away.argmin()].tolist()
        regions.append((sizes[region], (x, y, name)))
    return [region for _, region in sorted(regions, key=lambda each: -each[0])]


def _names(counts: np.ndarray, words: Sequence[str]) -> Dict[int, str]:
    """Return names of regions, from the number of films with each word, (n_regions, n_words)."""
    totals = counts.sum(axis=0)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    scores = share * np.log(1 + counts.sum() / len(counts) / np.maximum(totals, 1))
    # A word stands where it is most particular, and nowhere else.
    here = scores.argmax(axis=0) == np.arange(len(counts))[:, None]
    usual = totals / max(totals.sum(), 1)
    scores[(counts < _FEWEST_FILMS) | (share < _LIFT * usual) | ~here] = 0
    names = {}
    for region, of_words in enumerate(scores):
        chosen: List[str] = []
        for at in np.argsort(-of_words, kind="stable"):
            is_good = of_words[at] > (_LEAST * of_words.max() if len(chosen) >= _FEWEST_WORDS
                                      else 0)
            if not is_good or len(chosen) == _WORDS:
                break
            if all(words[at][:_ALIKE].lower() != word[:_ALIKE].lower() for word in chosen):
                chosen.append(words[at])
        if len(chosen) >= _FEWEST_WORDS:
            names[region] = ", ".join(chosen)
    return names
