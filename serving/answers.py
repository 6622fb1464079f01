"""Answer queries of the API from an index."""

from typing import Any, Dict, List, Sequence

from recommender.comparing import compare, comparison_as_dict
from recommender.errors import FilmLeftOut, NothingFound, RecommenderError, WrongQuery
from recommender.filters import Filters
from recommender.index import Index, Result
from recommender.lists import find_lists, given_list, nothing_liked
from recommender.many import Query, recommend_many
from recommender.text_places import place_text
from recommender.wishes import Wishes
from serving.library import Served
from serving.openapi import MAP_SIZE, MAX_EXPLAINED, MAX_RESULTS, MAX_TEXTS

Answer = Dict[str, Any]


def recommendation(served: Served, given: Answer) -> Answer:
    """Return what `recommend.py --json` prints for the same query, with its notes as fields.

    `others` are films that share a title that was given; a `note` tells of films of that title
    that cannot be recommended for, and of how texts were read. Raises what `Recommender` does.
    """
    recommender = served.recommender
    filters = _filters(given)
    if given["explain"] and max(given["k"], len(given.get("liked", ()))) > MAX_EXPLAINED:
        raise WrongQuery("explain goes with k, and films liked, up to {}".format(MAX_EXPLAINED))
    wishes = _wishes(served, given)
    results = recommender.recommend(wishes, given["k"], filters, given["diverse"])
    notes = recommender.notes(wishes, results, filters)
    answer = _answer(served, wishes, filters, given["diverse"], results, notes)
    if given["explain"]:
        why = recommender.explain(wishes, results, served.features)
        for result, reasons in zip(answer["results"], why):
            result["why"] = reasons.to_dict()
    return answer


def recommendations(served: Served, questions: Sequence[Answer]) -> List[Answer]:
    """Return for each question what `recommendation` does, or its error as an answer.

    Raises WrongQuery for lists that ask for too much.
    """
    n_texts = sum(len(given.get("overview", ())) for given in questions)
    if n_texts > MAX_TEXTS:
        raise WrongQuery("the questions have {} texts together: send up to {} in a list".format(
            n_texts, MAX_TEXTS))
    n_films = sum(given["k"] for given in questions)
    if n_films > MAX_RESULTS:
        raise WrongQuery("the questions ask for {:,} films together: send a smaller k, or fewer "
                         "questions, for up to {:,}".format(n_films, MAX_RESULTS))
    if any(given["explain"] for given in questions):
        raise WrongQuery("explain goes with a single question, not with a list")
    queries = [_query(served, given) for given in questions]
    told = []
    for (wishes, _, filters, diverse), found in zip(
            queries, recommend_many(served.recommender, queries)):
        if isinstance(wishes, Wishes) and found.error is None:
            told.append(_answer(served, wishes, filters, diverse, found.results, found.notes))
        elif isinstance(found.error, (NothingFound, WrongQuery)):
            told.append(refusal(found.error))
        elif found.error is not None:
            raise found.error
    return told


def _query(served: Served, given: Answer) -> Query:
    try:
        return Query(_wishes(served, given), given["k"], _filters(given), given["diverse"])
    except RecommenderError as error:
        return Query(error)


def refusal(error: RecommenderError) -> Answer:
    """Return an error as an answer, with its code where it has one."""
    code = {"code": error.code} if isinstance(error, FilmLeftOut) else {}
    return {"error": str(error), **code}


def compared(served: Served, given: Answer) -> Answer:
    """Return what `recommend.py --compare --json` prints for the same query, with its notes as
    fields. Raises what `compare` does."""
    recommender, filters = served.recommender, _filters(given)
    wishes = _wishes(served, given)
    lists = compare(recommender, wishes, given["k"], filters, given["diverse"])
    answer = comparison_as_dict(recommender, wishes, lists, filters, given["diverse"])
    notes = recommender.notes(wishes, [result for result, _ in lists[0].ranked], filters)
    answer.update(_notes(served, wishes, notes))
    return answer


def _filters(given: Answer) -> Filters:
    """Return the filters of a query. Raises WrongQuery if it asks for nothing at all."""
    filters = Filters(**{name: given[name] for name in Filters._fields if name in given})
    if not filters.narrow and not {"title", "id", "overview", "liked", "seen"} & set(given):
        raise WrongQuery("nothing is asked for: name a film by title or id, POST an overview, or "
                         "list the best rated with a filter such as genres")
    return filters


def _wishes(served: Served, given: Answer) -> Wishes:
    """Return the wishes of a query. Raises NothingFound for lists that hold none of them all."""
    liked, seen = ([given_list(name, given[name])] if name in given else []
                   for name in ("liked", "seen"))
    lists = find_lists(served.index, liked, seen)
    if liked and not lists.liked and not {"title", "id", "overview"} & set(given):
        raise nothing_liked(served.index, liked)
    wishes = served.recommender.wishes(
        given.get("title"), given.get("id"), given.get("overview"), given.get("year"),
        given.get("not"), given.get("not_id"), given.get("recipe"), lists.seen, lists.liked)
    return wishes._replace(notes=(*lists.notes, *wishes.notes))


def _answer(served: Served, wishes: Wishes, filters: Filters, diverse: float,
            results: Sequence[Result], notes: Sequence[str]) -> Answer:
    answer = served.recommender.question(wishes, filters, diverse)
    answer["results"] = [result.to_dict() for result in results]
    return {**answer, **_notes(served, wishes, notes)}


def _notes(served: Served, wishes: Wishes, notes: Sequence[str]) -> Answer:
    """Return the fields `others`, `note` and `heard`, where there is something to say."""
    heard = _heard(served, wishes)
    others = [brief(served.index, row) for _, rows in wishes.shared for row in rows[1:]]
    return {**({"others": others} if others else {}),
            **({"note": "; ".join(notes)} if notes else {}), **({"heard": heard} if heard else {})}


def _heard(served: Served, wishes: Wishes) -> List[Answer]:
    """Return the genres of the index that a genre model hears in the texts, the likeliest first."""
    if not wishes.texts or not served.index.space(wishes.recipe).recipe.uses_bert:
        return []
    found: Dict[str, float] = {}
    for text in served.recommender.sources(wishes.texts):
        for genre, probability in text.heard:
            found[genre] = max(probability, found.get(genre, 0.0))
    known = set(served.index.genres()[0])
    return [{"genre": genre, "probability": round(probability, 3)} for genre, probability in sorted(
        found.items(), key=lambda each: -each[1]) if genre in known]


def placed_text(served: Served, given: Answer) -> Answer:
    """Return where a text would lie on the map. Raises what `place_text` does."""
    found = place_text(served.recommender, given["overview"], given.get("recipe"))
    x, y = (round(each * MAP_SIZE) for each in found.place)
    return {"place": {"x": x, "y": y} if found.is_sure else None,
            "agreement": round(found.agreement, 2)}


def completion(served: Served, typed: str, limit: int) -> Answer:
    """Return films whose titles complete what was typed, most votes first.

    `meant` is the film of which the whole title was typed, as it is or mistyped beyond doubt, or
    the beginning that no other has;
    `left_out` are the films of exactly that title that cannot be recommended for.
    """
    index = served.index
    rows = served.titles.complete(typed, limit)
    answer = {"query": {"q": typed}, "results": [brief(index, row) for row in rows]}
    meant = served.titles.meant(typed)
    if meant is not None:
        answer["meant"] = brief(index, meant)
    left_out = index.left_out.of_title(typed)
    if left_out:
        answer["left_out"] = [index.left_out.brief(place) for place in left_out]
    return answer


def brief(index: Index, row: int) -> Answer:
    """Return the fields of a film that tell it from others of its title."""
    movie = index.movie(row, full=False)
    return {name: movie[name] for name in ("id", "title", "year", "genres")}
