"""The Python interface: one query, of films and texts, with filters, answered by an index."""

import functools
import os
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np

from recommender.checkpoint_texts import CheckpointTexts
from recommender.errors import RecommenderError, WrongQuery
from recommender.explain import Span, Why, explain_all, sources
from recommender.filters import NONE, Filters, passing
from recommender.index import Index, Result
from recommender.parts import Source
from recommender.storage.feature_store import LINKS, FeatureReader

PUSH = 0.5  # of what is not wanted, against what is: it changes about half of ten films
_POOL = 4  # where variety counts, k films are chosen among so many times k
_SMALLEST_POOL = 100
_KEPT_TEXTS = 16  # whose hidden layers are kept, a few MB each: a query needs them several times

Embed = Callable[[str], Source]  # a text with its hidden layers and token ids
Texts = Union[None, str, Sequence[str]]  # none, one or several
Ids = Union[None, int, Sequence[int]]


class Wishes(NamedTuple):
    """What is asked for: rows of films, texts, and rows of films to keep away from.

    `shared` are titles that were given and that several films have, with the rows of these; the
    first of them is the one that was taken.
    """

    films: Tuple[int, ...] = ()
    texts: Tuple[str, ...] = ()
    unlike: Tuple[int, ...] = ()
    shared: Tuple[Tuple[str, Tuple[int, ...]], ...] = ()


class Results(List[Result]):
    """Recommended films, the best first."""

    def to_frame(self) -> Any:
        """A pandas DataFrame, a film a row, with the columns of `recommend.py --json`."""
        import pandas as pd

        return pd.DataFrame([result.to_dict() for result in self])


class Recommender:
    """Recommends films out of an index.

        recommender = Recommender.open("data/index.h5")
        for rank, score, movie in recommender.similar(title="Heat", genres=["Crime"]):
            print(rank, score, movie["title"])
    """

    def __init__(self, index: Index, embed: Optional[Embed] = None,
                 bert_dir: Optional[str] = None, verbose: bool = False):
        """Texts go through the checkpoint in `bert_dir`, by default the one in tmp/ that made
        the index, which is loaded, with TensorFlow, at the first text; `embed` stands in for it.
        """
        self.index = index
        self._texts = CheckpointTexts(index.features, bert_dir, verbose)
        self._embed = functools.lru_cache(_KEPT_TEXTS)(embed or self._texts.embed)
        self._reader = functools.lru_cache(1)(_reader)

    @classmethod
    def open(cls, path: str, bert_dir: Optional[str] = None,
             verbose: bool = False) -> "Recommender":
        """One of the index at `path`. Raises RecommenderError if there is none of this format."""
        return cls(Index(path), None, bert_dir, verbose)

    def similar(self, title: Texts = None, id: Ids = None, overview: Texts = None,
                year: Optional[int] = None, unlike: Texts = None, unlike_id: Ids = None,
                k: int = 10, diverse: float = 0.0, **filters: Any) -> Results:
        """The `k` films nearest to all that is asked for, or fewer where fewer pass the filters.

        What is asked for are films by `title` or TMDB `id` and texts, `overview`; each may be one
        or several. `year` belongs to a single title; any title may have its own behind it, as in
        "Heat (1995)". `unlike` are titles of films to keep away from, `unlike_id` their TMDB ids.
        `diverse`, from 0 to 1, trades nearness for variety. `filters` are those of `Filters`, by
        name. Where nothing is asked for, the best rated films come, with their weighted rating, 0
        to 10, as the score.

        Raises NothingFound for a title, an id, a genre or a language that is not there,
        WrongQuery for what makes no sense, RecommenderError or bert.errors.BertError where texts
        cannot be read.
        """
        wishes = self.wishes(title, id, overview, year, unlike, unlike_id)
        return self.recommend(wishes, k, Filters(**filters), diverse)

    def wishes(self, title: Texts = None, id: Ids = None, overview: Texts = None,
               year: Optional[int] = None, unlike: Texts = None,
               unlike_id: Ids = None) -> Wishes:
        """What `similar` is asked for, found in the index."""
        titles, away = _many(title), _many(unlike)
        if year is not None and len(titles) != 1:
            raise WrongQuery("a year picks among the films of one title: write it behind each of "
                             "several, as in 'Heat (1995)'")
        if not all(text.strip() for text in _many(overview)):
            raise WrongQuery("a text is empty: say what the film should be about")
        found = [(name, tuple(self.index.rows_of_title(name, year))) for name in titles]
        found_away = [(name, tuple(self.index.rows_of_title(name))) for name in away]
        films = [rows[0] for _, rows in found] + [self.index.row_of_id(i) for i in _many(id)]
        unliked = [rows[0] for _, rows in found_away] + [self.index.row_of_id(i)
                                                         for i in _many(unlike_id)]
        for row in unliked:
            if row in films:
                raise WrongQuery("{} is both asked for and not wanted".format(
                    self.index.describe(row)))
        shared = [(name, rows) for name, rows in found + found_away if len(rows) > 1]
        return Wishes(tuple(dict.fromkeys(films)), tuple(_many(overview)),
                      tuple(dict.fromkeys(unliked)), tuple(shared))

    def recommend(self, wishes: Wishes, k: int = 10, filters: Filters = NONE,
                  diverse: float = 0.0) -> Results:
        """What `similar` answers to `wishes`."""
        if k < 1:
            raise WrongQuery("k is {}, at least 1 is needed".format(k))
        if not 0 <= diverse <= 1:
            raise WrongQuery("diverse is {}, a number from 0 to 1 is needed".format(diverse))
        index = self.index
        where = passing(index, filters, wishes.films)
        if not wishes.films and not wishes.texts:
            if wishes.unlike or diverse:
                raise WrongQuery("nothing is asked for that could be weighed against: name a film "
                                 "or give a text")
            best = index.best_first("weighted_rating")
            rows = best[where[best]][:k]
            return Results(index.results(rows, index.column("weighted_rating")[rows]))
        n = max(_POOL * k, _SMALLEST_POOL) if diverse else k
        if wishes.texts or wishes.unlike or len(wishes.films) > 1:
            named = wishes.films + wishes.unlike
            rows, scores = index.nearest(self.vector(wishes), n, named, where)
        else:
            rows, scores = index.nearest_to_film(wishes.films[0], n, where)
        if diverse:
            chosen = varied(index, rows, scores, k, diverse)
            rows, scores = rows[chosen], scores[chosen]
        return Results(index.results(rows, scores))

    def question(self, wishes: Wishes, filters: Filters = NONE,
                 diverse: float = 0.0) -> Dict[str, Any]:
        """What was asked for, as `recommend.py --json` and the server show it.

        `query` is the film or the text; `wishes`, a list of them, where there are several, and
        nothing where there is none. What is not wanted, filters and variety stand beside it.
        """
        movie = self.index.movie
        asked = [movie(row) for row in wishes.films] + [{"overview": text}
                                                        for text in wishes.texts]
        told = {"query": asked[0] if len(asked) == 1 else {"wishes": asked} if asked else {}}
        if wishes.unlike:
            told["not"] = [movie(row) for row in wishes.unlike]
        if filters != NONE:
            told["filters"] = {name: value for name, value in filters._asdict().items()
                               if value != getattr(NONE, name)}
        if diverse:
            told["diverse"] = diverse
        return told

    def vector(self, wishes: Wishes) -> np.ndarray:
        """The vector of all that is asked for, float (width,).

        The mean of the wishes less PUSH times the mean of what is not wanted: Rocchio 1971
        (Relevance feedback in information retrieval), as in Manning, Raghavan and Schütze 2008
        (Introduction to Information Retrieval), equation 9.3.
        """
        liked = [self.index.embedding(row) for row in wishes.films]
        liked += [self.index.embed(self._source(text)) for text in wishes.texts]
        vector = np.mean(liked, axis=0)
        if wishes.unlike:
            vector -= PUSH * np.mean([self.index.embedding(row) for row in wishes.unlike], axis=0)
        return vector

    def cut_texts(self, wishes: Wishes) -> List[str]:
        """The texts of which the checkpoint does not read the end, for their length."""
        return [text for text in wishes.texts if self._source(text).was_cut]

    def explain(self, wishes: Wishes, results: Sequence[Result],
                features: str = "data/features") -> List[Why]:
        """Why each of `results`, an answer to `wishes`: the share of every word in its score.

        `features` is the folder that the index was made of; a recipe without BERT does without.
        Raises WrongQuery if nothing was asked for, RecommenderError where the features were not
        kept, bert.errors.BertError where the checkpoint's vocabulary was not.
        """
        if not wishes.films and not wishes.texts:
            raise WrongQuery("the best rated films are near to nothing that could explain them: "
                             "name a film or give a text")
        index = self.index
        reader = None
        if index.recipe.uses_bert:
            if not os.path.isdir(features):
                raise RecommenderError("there is no {}: a word's share needs the features that {} "
                                       "was made of; name their folder with --features".format(
                                           features, index.path))
            reader = self._reader(features, _version(features))
        found = [index.row_of_id(result.movie["id"]) for result in results]
        of_films = sources(index, [*wishes.films, *wishes.unlike, *found], reader)
        n, m = len(wishes.films), len(wishes.unlike)
        asked = of_films[:n] + [self._source(text) for text in wishes.texts] + of_films[n:n + m]
        # The vector of the wishes is a sum of theirs: so is its cosine with a film.
        length = np.linalg.norm(self.vector(wishes)) or 1.0  # zero where no word is known
        n_liked = len(asked) - m
        weights = np.repeat([1 / n_liked, -PUSH / max(m, 1)], [n_liked, m]) / length
        with_spans = [(source, self._spans(source)) for source in asked]
        return [explain_all(index, weights, with_spans, source, self._spans(source))
                for source in of_films[n + m:]]

    def _source(self, text: str) -> Source:
        return self._embed(text) if self.index.recipe.uses_bert else Source(text)

    def _spans(self, source: Source) -> List[Span]:
        return self._texts.word_spans(source) if self.index.recipe.uses_bert else []


def varied(index: Index, rows: np.ndarray, scores: np.ndarray, k: int,
           diverse: float) -> np.ndarray:
    """Places in `rows`, (n,), of `k` films that are near, by `scores`, but not all alike, int (k,).

    Maximal marginal relevance, Carbonell and Goldstein 1998: the next is always the one with the
    greatest (1 - diverse) * score - diverse * cosine with the most similar of those before it.
    """
    dense, words = index.rows(rows)
    closest = np.full(len(rows), -1.0)
    left = np.ones(len(rows), bool)
    chosen = []  # type: List[int]
    for _ in range(min(k, len(rows))):
        worth = (1 - diverse) * scores - diverse * closest
        at = int(np.argmax(np.where(left, worth, -np.inf)))
        chosen.append(at)
        left[at] = False
        cosines = dense @ dense[at]
        if words is not None:
            cosines = cosines + words.dot(words.row(at))
        closest = np.maximum(closest, cosines)
    return np.array(chosen, np.int64)


def _reader(features: str, _: Any) -> FeatureReader:
    return FeatureReader(features)


def _version(features: str) -> Any:
    """What changes when films are added to a folder of features."""
    links = os.path.join(features, LINKS)
    return os.path.exists(links) and (os.stat(links).st_ino, os.stat(links).st_mtime_ns)


def _many(given: Any) -> List[Any]:
    """One, several or none as a list."""
    if given is None:
        return []
    return [given] if isinstance(given, str) or not hasattr(given, "__iter__") else list(given)
