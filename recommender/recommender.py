"""The Python interface: queries of films and texts, with filters, answered by an index."""

import functools
import os
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np

from recommender.blends import scale_of_wishes
from recommender.checkpoint_texts import CheckpointTexts
from recommender.errors import NothingFound, RecommenderError, WrongQuery
from recommender.explain import Span, Why, explain_all, sources
from recommender.filters import NONE, Filters, passing
from recommender.index import Index, Result
from recommender.query_vectors import QueryVector, query_vector
from recommender.scale import Scale
from recommender.source import Source
from recommender.spaces import EmbeddingSpace
from recommender.storage.feature_store import FeatureReader, version_of
from recommender.variety import n_candidates, varied
from recommender.wishes import Wishes
from recommender.words import quoted, some_of

PUSH = 0.5  # weight of the disliked films (Rocchio's gamma); changes about half of ten films
# Length left to the vector of a text below which its words that no film has are told: they would
# have been a fifth of it.
_OF_NO_FILM = 0.8 ** 0.5
_KEPT_TEXTS = 16  # texts whose hidden layers, a few MB each, are kept for the steps of a query

Embed = Callable[[str], Source]  # returns a text with its hidden layers and token ids
Texts = Union[None, str, Sequence[str]]  # none, one or several
Ids = Union[None, int, Sequence[int]]
Liked = Union[Ids, Mapping[int, float]]  # ids, or the weight of each


class Results(List[Result]):
    """Recommended films, the best first.

    Parameters
    ----------
    films : sequence of Result
    made_by : dict
        What the films come from, as `Index.made_by` returns it; empty where a query failed.
    """

    def __init__(self, films: Sequence[Result] = (), made_by: Optional[Dict[str, str]] = None):
        super().__init__(films)
        self.made_by = made_by or {}

    def to_frame(self) -> Any:
        """Return a pandas DataFrame, a row for each film, with the fields of `to_dict`."""
        # Imported late for start-up time: pandas takes half a second, and few ask for a frame.
        import pandas as pd

        return pd.DataFrame([result.to_dict() for result in self])


class Recommender:
    """Recommends films from an index.

        recommender = Recommender.open("data/index.h5")
        for rank, score, movie in recommender.similar(title="Heat", genres=["Crime"]):
            print(rank, score, movie["title"])

    Parameters
    ----------
    index : Index
    embed : callable, optional
        Returns a text with its hidden layers, instead of the checkpoint.
    bert_dir : str, optional
        Folder of the checkpoint for texts, by default the one in tmp/ that made the index. It is
        loaded, with TensorFlow, at the first text.
    verbose : bool
        Let TensorFlow write its log to stderr.
    """

    def __init__(self, index: Index, embed: Optional[Embed] = None,
                 bert_dir: Optional[str] = None, verbose: bool = False):
        self.index = index
        self._texts = CheckpointTexts(index.features, bert_dir, verbose)
        self._embed = functools.lru_cache(_KEPT_TEXTS)(embed or self._texts.embed)
        self._reads_alone = embed is not None
        self._reader = functools.lru_cache(1)(_reader)

    @classmethod
    def open(cls, path: str, bert_dir: Optional[str] = None,
             verbose: bool = False) -> "Recommender":
        """Open the index at `path`. Raises RecommenderError if there is none of this format."""
        return cls(Index(path), None, bert_dir, verbose)

    def __repr__(self) -> str:
        return "Recommender({!r})".format(self.index)

    def similar(self, title: Texts = None, id: Ids = None, overview: Texts = None,
                year: Optional[int] = None, unlike: Texts = None, unlike_id: Ids = None,
                k: int = 10, diverse: float = 0.0, recipe: Optional[str] = None,
                seen: Ids = None, liked: Liked = None, **filters: Any) -> Results:
        """Return the films nearest to films and texts.

        Parameters
        ----------
        title : str or list of str, optional
            Titles of films; a year may stand behind each, as in "Heat (1995)".
        id : int or list of int, optional
            TMDB ids of films.
        overview : str or list of str, optional
            Texts in your own words.
        year : int, optional
            Picks among the films of a single title.
        unlike, unlike_id
            Titles and TMDB ids of films to keep away from.
        k : int
            Number of films; fewer are returned where fewer pass the filters.
        diverse : float
            From 0 to 1: how much variety counts against nearness.
        recipe : str, optional
            A recipe of the index, by default its first.
        seen : int or list of int, optional
            TMDB ids of films to leave out; those that are not in the index are ignored.
        liked : list of int, or dict of int to float, optional
            TMDB ids of films that are wishes, too; in a dict, with weights above 0.
        **filters
            Fields of `recommender.filters.Filters`, by name.

        Returns
        -------
        Results
            The nearest films first. With filters alone, the best rated films; their score is then
            the weighted rating, from 0 to 10.

        Raises
        ------
        NothingFound
            For a title, an id, a genre, a language or a recipe that is not in the index, and for a
            text of which no word is known; FilmLeftOut for a film of the catalogue without an
            overview or features.
        WrongQuery
            For arguments out of range or that contradict each other.
        RecommenderError, bert.errors.BertError
            If texts cannot be embedded.
        """
        wishes = self.wishes(title, id, overview, year, unlike, unlike_id, recipe, seen, liked)
        return self.recommend(wishes, k, Filters(**filters), diverse)

    def wishes(self, title: Texts = None, id: Ids = None, overview: Texts = None,
               year: Optional[int] = None, unlike: Texts = None, unlike_id: Ids = None,
               recipe: Optional[str] = None, seen: Ids = None, liked: Liked = None) -> Wishes:
        """Find in the index the films that `similar` is asked for. Raises as `similar` does."""
        self.index.space(recipe)
        titles, away = _many(title), _many(unlike)
        if year is not None and len(titles) != 1:
            raise WrongQuery("a year picks among the films of one title: write it behind each of "
                             "several, as in 'Heat (1995)'")
        if not all(text.strip() for text in _many(overview)):
            raise WrongQuery("a text is empty: say what the film should be about")
        found = [(name, tuple(self.index.rows_of_title(name, year))) for name in titles]
        found_away = [(name, tuple(self.index.rows_of_title(name))) for name in away]
        films = [rows[0] for _, rows in found] + [self.index.row_of_id(i) for i in _many(id)]
        weights = self._weights(liked)
        weights.update(dict.fromkeys(films, 1.0))
        films = list(dict.fromkeys([*films, *weights]))
        unliked = [rows[0] for _, rows in found_away] + [self.index.row_of_id(i)
                                                         for i in _many(unlike_id)]
        for row in unliked:
            if row in films:
                raise WrongQuery("{} is both asked for and not wanted".format(
                    self.index.describe(row)))
        shared = [(name, rows) for name, rows in found + found_away if len(rows) > 1]
        notes = [self.index.left_out.note(name, year) for name in titles]
        notes += [self.index.left_out.note(name) for name in away]
        return Wishes(tuple(films), tuple(_many(overview)), tuple(dict.fromkeys(unliked)),
                      tuple(shared), tuple(filter(None, notes)), recipe,
                      tuple(weights[row] for row in films),
                      tuple(self.index.rows_of_ids(_many(seen))))

    def _weights(self, liked: Liked) -> Dict[int, float]:
        """Return the weight of each row that is liked. Raises WrongQuery for one of 0 or less."""
        weights = liked if isinstance(liked, Mapping) else dict.fromkeys(_many(liked), 1.0)
        for movie_id, weight in weights.items():
            if not 0 < weight < np.inf:
                raise WrongQuery("the weight of id {} is {}, a number above 0 is needed".format(
                    movie_id, weight))
        return {self.index.row_of_id(each): float(weight) for each, weight in weights.items()}

    def recommend(self, wishes: Wishes, k: int = 10, filters: Filters = NONE,
                  diverse: float = 0.0) -> Results:
        """Return what `similar` returns for `wishes`, which never holds a film of `wishes` or one
        that is told apart from it only by its id. Raises as `similar` does."""
        n = n_candidates(k, diverse)
        if not wishes.films and not wishes.texts:
            index, where = self.index, self.counting(wishes, filters)
            if wishes.unlike or diverse:
                raise WrongQuery("nothing is asked for that could be weighed against: name a film "
                                 "or give a text")
            best = index.best_first("weighted_rating")
            rows = best[where[best]][:k]
            return Results(index.results(rows, index.column("weighted_rating")[rows]),
                           index.made_by(wishes.recipe))
        return self.chosen(wishes, self.nearest(wishes, n, filters), k, diverse)

    def chosen(self, wishes: Wishes, near: Tuple[np.ndarray, np.ndarray], k: int,
               diverse: float = 0.0) -> Results:
        """Return the answer to `wishes`, from what `nearest` gives for `n_candidates` films."""
        rows, scores = near
        if diverse:
            best = varied(self.index.space(wishes.recipe), rows, scores, k, diverse)
            rows, scores = rows[best], scores[best]
        return Results(self.index.results(rows, scores, self._scale(wishes)),
                       self.index.made_by(wishes.recipe))

    def _scale(self, wishes: Wishes) -> Optional[Scale]:
        """Return the scale of scores for films and texts, or None where there is none."""
        return scale_of_wishes(self.index.space(wishes.recipe), wishes, PUSH,
                               lambda: self.vector(wishes))

    def is_alone(self, wishes: Wishes, results: Sequence[Result]) -> bool:
        """Return True if the nearest of `results`, found without filters, is not near at all.

        That is further than the nearest film is for 98 of 100 films, or short texts. A recipe of
        words and BERT compares a text by its BERT vector alone here: a text about nothing in the
        catalogue shares a rare word with some film.
        """
        space = self.index.space(wishes.recipe)
        scale = self._scale(wishes) if wishes.is_single else None
        if scale is None or not results:
            return False
        if wishes.texts and space.joins_words:
            by_bert = space.scale("texts_by_bert")
            return by_bert is not None and by_bert.is_alone(
                space.nearest_by_bert(self.vector(wishes)))
        return scale.is_alone(max(result.score for result in results))

    def nearest(self, wishes: Wishes, k: int,
                filters: Filters = NONE) -> Tuple[np.ndarray, np.ndarray]:
        """Return rows and cosines of the `k` films nearest to the films and texts of `wishes`.

        They are int64 (k,) and float64 (k,), fewer where fewer films pass the filters.
        """
        space, where = self.index.space(wishes.recipe), self.counting(wishes, filters)
        if wishes.is_one_film:
            return space.nearest_to_film(wishes.films[0], k, where)
        return space.nearest(self.query_vector(wishes), k, where=where)

    def query_vector(self, wishes: Wishes) -> QueryVector:
        """Return the query vector as films are compared with it."""
        space = self.index.space(wishes.recipe)
        if wishes.is_one_film:
            return space.film_query(wishes.films[0])
        return query_vector(self.vector(wishes), space.n_numbers)

    def counting(self, wishes: Wishes, filters: Filters = NONE) -> np.ndarray:
        """Return which films may come into the answer, bool (n,)."""
        where = passing(self.index, filters, wishes.films)
        where[self.index.twins.with_theirs(wishes.films + wishes.unlike + wishes.seen)] = False
        return where

    def question(self, wishes: Wishes, filters: Filters = NONE,
                 diverse: float = 0.0) -> Dict[str, Any]:
        """Return the query as `recommend.py --json` and the server show it.

        The field `query` holds the film or the text, a list `wishes` of them where there are
        several, or nothing; `made_by` names what answers. The fields `not`, `seen` (ids), `filters`
        and `diverse` stand beside it where they were asked for, and a `weight` in each film where
        they are not all 1.
        """
        movie = self.index.movie
        asked = [movie(row) for row in wishes.films] + [{"overview": text}
                                                        for text in wishes.texts]
        if set(wishes.weights) - {1.0}:
            for film, weight in zip(asked, wishes.weights):
                film["weight"] = round(weight, 6)
        told: Dict[str, Any] = {
            "query": asked[0] if len(asked) == 1 else {"wishes": asked} if asked else {}}
        if wishes.unlike:
            told["not"] = [movie(row) for row in wishes.unlike]
        if wishes.seen:
            told["seen"] = [int(self.index.ids[row]) for row in wishes.seen]
        if filters != NONE:
            told["filters"] = {name: value for name, value in filters._asdict().items()
                               if value != getattr(NONE, name)}
        if diverse:
            told["diverse"] = diverse
        told["made_by"] = self.index.made_by(wishes.recipe)
        return told

    def vector(self, wishes: Wishes) -> np.ndarray:
        """Return the query vector, float32 (width_of_texts,).

        The weighted mean of the wishes minus PUSH times that of the disliked films: Rocchio 1971
        (Relevance feedback in information retrieval), as in Manning, Raghavan and Schütze 2008
        (Introduction to Information Retrieval), equation 9.3.
        """
        space = self.index.space(wishes.recipe)
        vector, weights = np.zeros(space.width_of_texts, np.float32), wishes.all_weights()
        for row, weight in zip(wishes.films, weights):
            space.add_film(vector, row, weight)
        for text, weight in zip(wishes.texts, weights[len(wishes.films):]):
            vector += weight * space.embed(self._source(text, space))
        vector /= sum(weights)
        for row in wishes.unlike:
            space.add_film(vector, row, -PUSH / len(wishes.unlike))
        return vector

    def notes(self, wishes: Wishes, results: Sequence[Result],
              filters: Filters = NONE) -> List[str]:
        """Return what a user should know of an answer: of the films and texts that were asked
        for, and whether anything near was found."""
        space, notes = self.index.space(wishes.recipe), list(wishes.notes)
        for text in wishes.texts:
            notes += self._source(text, space).notes(self.index.features)
        if not filters.narrow and self.is_alone(wishes, results):
            # Few words of a text are in common with anything: only its meaning is looked at.
            by = "meaning alone" if wishes.texts and space.joins_words else space.recipe.name
            notes.append("nothing near was found: 98 of 100 {} have a nearer film (by {})".format(
                "films" if wishes.films else "short texts", by))
            return notes
        for words, length in map(space.of_no_film, wishes.texts):
            if length < _OF_NO_FILM:
                notes.append("no title or overview here has {}: actors and directors are not "
                             "read".format(some_of(words)))
        return notes

    def explain(self, wishes: Wishes, results: Sequence[Result],
                features: Optional[str] = None) -> List[Why]:
        """Explain each of `results`, the answer to `wishes`, by the share of every word.

        Parameters
        ----------
        wishes : Wishes
        results : sequence of Result
        features : str, optional
            Folder of the features, by default the one that the index was built from; a recipe
            without BERT needs none.

        Raises
        ------
        WrongQuery
            If `wishes` names no film and no text.
        RecommenderError
            If the features are not there.
        bert.errors.BertError
            If the checkpoint's vocabulary is not there.
        """
        if not wishes.films and not wishes.texts:
            raise WrongQuery("the best rated films are near to nothing that could explain them: "
                             "name a film or give a text")
        index, space = self.index, self.index.space(wishes.recipe)
        reader = None
        if space.recipe.uses_bert:
            features = features or index.features_folder
            if not os.path.isdir(features):
                raise RecommenderError("there is no folder {}: an explanation needs the features "
                                       "that {} was built from; name their folder with "
                                       "--features".format(features, index.path))
            reader = self._reader(features, version_of(features))
        found = [index.row_of_id(result.movie["id"]) for result in results]
        of_films = sources(index, space, [*wishes.films, *wishes.unlike, *found], reader)
        n, m = len(wishes.films), len(wishes.unlike)
        texts = [self._source(text, space) for text in wishes.texts]
        asked = of_films[:n] + texts + of_films[n:n + m]
        # The query vector is a weighted sum, and so is its cosine with a film.
        length = np.linalg.norm(self.vector(wishes)) or 1.0  # zero where no word is known
        of_liked = np.array(wishes.all_weights())
        weights = np.append(of_liked / of_liked.sum(), np.full(m, -PUSH / max(m, 1))) / length
        with_spans = [(source, self._spans(source, space)) for source in asked]
        return [explain_all(space, weights, with_spans, source, self._spans(source, space))
                for source in of_films[n + m:]]

    def sources(self, texts: Sequence[str]) -> List[Source]:
        """Return texts with their hidden layers, which the checkpoint reads together."""
        return list(map(self._embed, texts)) if self._reads_alone else self._texts.embed_all(texts)

    def _source(self, text: str, space: EmbeddingSpace) -> Source:
        """Return a text as the recipe takes it. Raises NothingFound if no word of it is known."""
        if not space.recipe.uses_bert:
            return Source(text)
        source = self._embed(text)
        if not source.knows_any:
            raise NothingFound("{} knows no word of {}: say it in other words, in a language that "
                               "it has learnt".format(self.index.features.checkpoint,
                                                      quoted(text)))
        return source

    def _spans(self, source: Source, space: EmbeddingSpace) -> List[Span]:
        return self._texts.word_spans(source) if space.recipe.uses_bert else []


def _reader(features: str, _: Any) -> FeatureReader:
    return FeatureReader(features)


def _many(given: Any) -> List[Any]:
    """Return one, several or no values as a list."""
    if given is None:
        return []
    return [given] if isinstance(given, str) or not hasattr(given, "__iter__") else list(given)
