"""Filters: conditions that a film must meet to be ranked at all."""

import sys
from typing import NamedTuple, Optional, Sequence, Union

import numpy as np

from recommender.errors import NothingFound, WrongQuery
from recommender.index import Index


class Filters(NamedTuple):
    """Conditions that every recommended film meets.

    Attributes
    ----------
    genres : str or sequence of str
        It has all of them; case does not matter.
    any_genre : bool
        It has at least one of `genres` instead.
    same_genre : bool
        It shares a genre with a film of the query.
    topic : str, optional
        It is of this topic of the index, by name or number; case does not matter.
    same_topic : bool
        Its fine topic is that of a film of the query.
    top_rated : int, optional
        It is among so many best films of the index by weighted rating, at least 1.
    min_votes : int, optional
        It has so many votes or more, at least 0.
    year_from, year_to : int, optional
        It is of a year within these, both included; films of unknown year are not.
    language : str, optional
        Its original language, an ISO 639-1 code such as fr.
    adult : bool
        It may be marked as adult; without this, no such film is recommended.
    """

    genres: Union[str, Sequence[str]] = ()
    any_genre: bool = False
    same_genre: bool = False
    topic: Optional[str] = None
    same_topic: bool = False
    top_rated: Optional[int] = None
    min_votes: Optional[int] = None
    year_from: Optional[int] = None
    year_to: Optional[int] = None
    language: Optional[str] = None
    adult: bool = False

    @property
    def narrow(self) -> bool:
        """True if they leave out more than films marked as adult, and so ask for something."""
        return self._replace(adult=False) != NONE


NONE = Filters()  # every film meets them that is not marked as adult
# Least and greatest value of each filter that is a number, as recommend.py's flags have them.
_RANGES = {"top_rated": (1, sys.maxsize), "min_votes": (0, sys.maxsize),
           "year_from": (1870, 2200), "year_to": (1870, 2200)}


def passing(index: Index, filters: Filters, films: Sequence[int] = ()) -> np.ndarray:
    """Return which films of an index meet the filters, bool (n,).

    Parameters
    ----------
    index : Index
    filters : Filters
    films : sequence of int
        Rows of the films of the query, for `same_genre` and `same_topic`.

    Raises
    ------
    NothingFound
        For a genre, a topic or a language that no film has; names those that there are.
    WrongQuery
        For values out of range, or filters that contradict each other.
    """
    for name, (least, greatest) in _RANGES.items():
        value = getattr(filters, name)
        if value is not None and not (isinstance(value, (int, np.integer))
                                      and least <= value <= greatest):
            raise WrongQuery("{} is {!r}, a whole number {} is needed".format(
                name, value, "of at least {}".format(least) if greatest == sys.maxsize
                else "from {} to {}".format(least, greatest)))
    passes = np.ones(len(index), bool) if filters.adult else ~index.column("adult")
    if filters.any_genre and not filters.genres:
        raise WrongQuery("any genre of which? name some genres")
    if filters.genres:
        passes &= _has_genres(index, filters.genres, filters.any_genre)
    if filters.same_genre:
        passes &= _shares_genre(index, films)
    if filters.topic is not None:
        passes &= _is_of_topic(index, filters.topic)
    if filters.same_topic:
        passes &= _shares_topic(index, films)
    if filters.top_rated is not None:
        passes &= _is_top_rated(index, filters.top_rated)
    if filters.min_votes is not None:
        passes &= index.column("vote_count") >= filters.min_votes
    if filters.year_from is not None or filters.year_to is not None:
        passes &= _is_of_years(index, filters.year_from, filters.year_to)
    if filters.language is not None:
        passes &= _is_of_language(index, filters.language)
    return passes


def _has_genres(index: Index, wanted: Union[str, Sequence[str]],
                any_of_them: bool) -> np.ndarray:
    wanted = [wanted] if isinstance(wanted, str) else wanted
    known, has = index.genres()
    folded = [genre.casefold() for genre in known]
    for genre in wanted:
        if genre.casefold() not in folded:
            raise NothingFound("no film is of the genre {!r}; there are {}".format(
                genre, ", ".join(known) or "none in this index"))
    # Several names may differ in case only.
    chosen = [has[:, [each == genre.casefold() for each in folded]].any(axis=1)
              for genre in wanted]
    return np.any(chosen, axis=0) if any_of_them else np.all(chosen, axis=0)


def _shares_genre(index: Index, films: Sequence[int]) -> np.ndarray:
    if not films:
        raise WrongQuery("the same genre as which film? name one by title or id")
    _, has = index.genres()
    theirs = has[list(films)].any(axis=0)
    if not theirs.any():
        raise NothingFound("no genre is known of {}: none can be shared".format(
            ", ".join(index.describe(row) for row in films)))
    return has[:, theirs].any(axis=1)


def _is_of_topic(index: Index, asked: str) -> np.ndarray:
    tree = index.topics()
    topic = tree.find(str(asked))
    if topic is None:
        raise NothingFound("no topic is called {!r}; there are {}".format(
            asked, "; ".join(near.name for near in tree.like(str(asked)))))
    return tree.of_films[:, topic.level] == topic.number


def _shares_topic(index: Index, films: Sequence[int]) -> np.ndarray:
    if not films:
        raise WrongQuery("the same topic as which film? name one by title or id")
    fine = index.topics().of_films[:, -1]
    theirs = fine[list(films)]
    if (theirs < 0).all():
        raise NothingFound("no topic is known of {}: none can be shared".format(
            ", ".join(index.describe(row) for row in films)))
    return np.isin(fine, theirs[theirs >= 0])


def _is_top_rated(index: Index, n: int) -> np.ndarray:
    passes = np.zeros(len(index), bool)
    passes[index.best_first("weighted_rating")[:n]] = True
    return passes


def _is_of_years(index: Index, first: Optional[int], last: Optional[int]) -> np.ndarray:
    if first is not None and last is not None and first > last:
        raise WrongQuery("no year is from {} to {}".format(first, last))
    years = index.column("year")
    passes = years != 0
    if first is not None:
        passes &= years >= first
    if last is not None:
        passes &= years <= last
    return passes


def _is_of_language(index: Index, code: str) -> np.ndarray:
    languages, of_films = index.codes("language")
    known = set(languages) - {""}
    wanted = [each for each in known if each.casefold() == code.casefold()]
    if not wanted:
        raise NothingFound("no film is of the language {!r}; there are {}".format(
            code, ", ".join(sorted(known)) or "none in this index"))
    return np.isin(of_films, [languages.index(each) for each in wanted])
