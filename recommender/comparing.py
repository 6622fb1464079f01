"""Compare what two recipes of an index answer to the same query."""

from typing import Any, Dict, List, NamedTuple, Sequence, Tuple

from recommender.errors import WrongQuery
from recommender.filters import NONE, Filters
from recommender.index import Result
from recommender.recommender import Recommender
from recommender.wishes import Wishes


class RankedList(NamedTuple):
    """The answer of one recipe in a comparison: each film with its rank by the other recipe."""

    recipe: str
    ranked: List[Tuple[Result, int]]


def compare(recommender: Recommender, wishes: Wishes, k: int = 10, filters: Filters = NONE,
            diverse: float = 0.0) -> List[RankedList]:
    """Return the answers of two recipes: of the index's first, and of another.

    A film's rank in the other list is that among all films which pass the filters, without
    regard to `diverse`.

    Parameters
    ----------
    recommender : Recommender
    wishes : Wishes
        The query. Its recipe is the other one, by default the index's second.
    k, filters, diverse
        As in `Recommender.recommend`, and so are the errors.

    Raises
    ------
    WrongQuery
        If the index has one recipe only, or there is nothing to be near to.
    """
    index = recommender.index
    if len(index.recipes) < 2:
        raise WrongQuery("{} has recipe {} only: build_index.py --recipe mean4,best builds an "
                         "index of two to compare".format(index.path, index.recipes[0]))
    if not wishes.films and not wishes.texts:
        raise WrongQuery("the best rated films are the same by each recipe: name a film or give a "
                         "text to compare")
    first = index.recipes[0]
    is_other = wishes.recipe is not None and wishes.recipe != first
    second = wishes.recipe if is_other else index.recipes[1]
    both = [wishes._replace(recipe=name) for name in (first, second)]
    answers = [recommender.recommend(each, k, filters, diverse) for each in both]
    lists = []
    for each, answer, other in zip(both, answers, reversed(both)):
        everything, _ = recommender.nearest(other, len(index), filters)
        rank_of = {row: rank for rank, row in enumerate(everything.tolist(), 1)}
        lists.append(RankedList(each.recipe or first, [
            (result, rank_of[index.row_of_id(result.movie["id"])]) for result in answer]))
    return lists


def comparison_as_dict(recommender: Recommender, wishes: Wishes, lists: Sequence[RankedList],
               filters: Filters = NONE, diverse: float = 0.0) -> Dict[str, Any]:
    """Return what `compare` returned as `recommend.py --json` and the server show it."""
    told = recommender.question(wishes, filters, diverse)
    del told["made_by"]
    told["lists"] = [{"made_by": recommender.index.made_by(each.recipe),
                      "results": [{**result.to_dict(), "rank_in_other": rank}
                                  for result, rank in each.ranked]} for each in lists]
    return told
