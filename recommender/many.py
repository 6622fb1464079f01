"""Answer many queries at once: texts go through the checkpoint together, and every block of queries
is compared with all films in one matrix product."""

from collections import defaultdict
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np

from recommender.errors import RecommenderError
from recommender.filters import NONE, Filters
from recommender.neighbours import Products
from recommender.progress import Progress, silent
from recommender.query_vectors import QueryVector
from recommender.ranking import nearest_by_scores
from recommender.recommender import Recommender, Results
from recommender.spaces import EmbeddingSpace
from recommender.variety import n_candidates
from recommender.wishes import Wishes

# Queries answered together at most: their texts' hidden layers take a few MB each.
_BLOCK = 64
_PRODUCTS = 1 << 26  # of queries answered together with all films: 256 MB

Asked = Union[str, int, Mapping[str, Any]]  # a title, an id, or the arguments of `wishes` by name


class Query(NamedTuple):
    """A query with its own conditions.

    `wishes` may be the error that finding the films of the query raised; it is then the answer.
    """

    wishes: Union[Wishes, RecommenderError]
    k: int = 10
    filters: Filters = NONE
    diverse: float = 0.0


class Answer(NamedTuple):
    """The films for a query and the notes on it, or why there is no answer."""

    results: Results
    notes: List[str]
    error: Optional[RecommenderError] = None


def similar_many(recommender: Recommender, queries: Sequence[Asked], k: int = 10,
                 diverse: float = 0.0, recipe: Optional[str] = None,
                 **filters: Any) -> List[Results]:
    """Return for each of many queries what `Recommender.similar` returns for it alone.

    Parameters
    ----------
    recommender : Recommender
    queries : sequence of str, int or dict
        Each is a title, a TMDB id, or a dict of the arguments of `Recommender.wishes`, such as
        {"overview": "a shark", "unlike": "Jaws"}.
    k, diverse, recipe, **filters
        As in `Recommender.similar`, for all of them.

    Returns
    -------
    list of Results
        In the order of the queries.

    Raises
    ------
    NothingFound, WrongQuery, RecommenderError, bert.errors.BertError
        As `similar` does, for the first query that has no answer. `recommend_many` goes on.
    """
    conditions = Filters(**filters)
    found = recommend_many(recommender, [
        Query(wishes_or_error(recommender, each, recipe), k, conditions, diverse)
        for each in queries])
    return [_or_raise(answer) for answer in found]


def _or_raise(answer: Answer) -> Results:
    if answer.error is not None:
        raise answer.error
    return answer.results


def wishes_or_error(recommender: Recommender, asked: Asked,
                    recipe: Optional[str] = None) -> Union[Wishes, RecommenderError]:
    """Return the wishes of a query as `similar_many` takes it, or the error of finding them."""
    named: Mapping[str, Any] = asked if isinstance(asked, Mapping) else {
        "title" if isinstance(asked, str) else "id": asked}
    try:
        return recommender.wishes(**{"recipe": recipe, **named})
    except RecommenderError as error:
        return error


def recommend_many(recommender: Recommender, queries: Sequence[Query],
                   progress: Progress = silent) -> Iterator[Answer]:
    """Yield the answer to each query, in their order: that of `Recommender.recommend`.

    A query without an answer does not end the others. A text goes through the checkpoint together
    with others, so that its cosines may differ by about 1e-6.

    Parameters
    ----------
    recommender : Recommender
    queries : sequence of Query
    progress : Progress
        Advances by queries.

    Raises
    ------
    RecommenderError, bert.errors.BertError
        If texts cannot be embedded at all.
    """
    products: Dict[EmbeddingSpace, Products] = {}
    with progress("answering queries", len(queries)) as advance:
        size = min(_BLOCK, max(1, _PRODUCTS // len(recommender.index)))
        for start in range(0, len(queries), size):
            block = queries[start:start + size]
            yield from _answer_block(recommender, block, products)
            advance(len(block))


class _Waiting(NamedTuple):
    """A query that waits for its products with all films."""

    query: Query
    wishes: Wishes
    space: EmbeddingSpace
    vector: QueryVector
    where: np.ndarray  # bool (n,), the films that may come into the answer


def _answer_block(recommender: Recommender, queries: Sequence[Query],
                  products: Dict[EmbeddingSpace, Products]) -> List[Answer]:
    """Return the answer to each query. `products` are filled at the first need and used again."""
    reader = _with_texts(recommender, queries)
    found = [_answer_or_wait(reader, query) for query in queries]
    waiting: Dict[EmbeddingSpace, List[int]] = defaultdict(list)
    for place, each in enumerate(found):
        if isinstance(each, _Waiting):
            waiting[each.space].append(place)
    for space, places in waiting.items():
        if space not in products:
            products[space] = Products(*space.all_rows())
        ready = [each for each in (found[place] for place in places)
                 if isinstance(each, _Waiting)]
        scores = products[space].of_queries([each.vector for each in ready])
        for place, each, row in zip(places, ready, scores):
            found[place] = _answer_by_scores(reader, each, row)
    return [each for each in found if isinstance(each, Answer)]


def _with_texts(recommender: Recommender, queries: Sequence[Query]) -> Recommender:
    """Return a recommender that has read all texts of `queries` for which BERT is needed."""
    index = recommender.index
    asked = [query.wishes for query in queries if isinstance(query.wishes, Wishes)]
    texts = list(dict.fromkeys(text for wishes in asked for text in wishes.texts
                               if index.space(wishes.recipe).recipe.uses_bert))
    if not texts:
        return recommender
    return Recommender(index, dict(zip(texts, recommender.sources(texts))).__getitem__)


def _answer_or_wait(recommender: Recommender, query: Query) -> Union[Answer, _Waiting]:
    """Return the answer to a query where it needs no products with all films."""
    wishes, k, filters, diverse = query
    if isinstance(wishes, RecommenderError):
        return Answer(Results(), [], wishes)
    try:
        if not wishes.films and not wishes.texts:
            results = recommender.recommend(wishes, k, filters, diverse)
            return Answer(results, recommender.notes(wishes, results, filters))
        n, space = n_candidates(k, diverse), recommender.index.space(wishes.recipe)
        where = recommender.counting(wishes, filters)
        if wishes.is_one_film:
            near = space.stored_neighbours(wishes.films[0], n, where)
            if near:
                return _answer(recommender, query, wishes, near)
        vector = recommender.query_vector(wishes)
        found = space.nearest_candidates(vector, n, where)
        return _Waiting(query, wishes, space, vector, where) if found is None else _answer(
            recommender, query, wishes, found)
    except RecommenderError as error:
        return Answer(Results(), [], error)


def _answer_by_scores(recommender: Recommender, each: _Waiting, scores: np.ndarray) -> Answer:
    """Return the answer by the scores of all films, float32 (n,), which are overwritten."""
    n = n_candidates(each.query.k, each.query.diverse)
    try:
        near = nearest_by_scores(*each.space.all_rows(), each.vector, n, each.where, scores)
    except RecommenderError as error:
        return Answer(Results(), [], error)
    return _answer(recommender, each.query, each.wishes, near)


def _answer(recommender: Recommender, query: Query, wishes: Wishes,
            near: Tuple[np.ndarray, np.ndarray]) -> Answer:
    results = recommender.chosen(wishes, near, query.k, query.diverse)
    return Answer(results, recommender.notes(wishes, results, query.filters))
