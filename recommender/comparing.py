"""Compare what two recipes of an index answer to the same query."""

from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from recommender.candidates import NARROW
from recommender.errors import WrongQuery
from recommender.filters import NONE, Filters
from recommender.index import Index, Result
from recommender.recommender import Recommender
from recommender.wishes import Wishes

_DEPTH = 500  # films by the other recipe that are ranked at the most by approximate search
# One film in so many is ranked where that is fewer: for more of them a recipe with words looks at
# so many candidates that comparing all is as cheap.
_SHARE = 500


class RankedList(NamedTuple):
    """The answer of one recipe in a comparison: each film with its rank by the other recipe.

    `ranks_to` is the rank beyond which the other recipe's films were not ranked, and None stands
    for the rank of a film; it is None itself where all were.
    """

    recipe: str
    ranked: List[Tuple[Result, Optional[int]]]
    ranks_to: Optional[int] = None


def compare(recommender: Recommender, wishes: Wishes, k: int = 10, filters: Filters = NONE,
            diverse: float = 0.0) -> List[RankedList]:
    """Return the answers of two recipes: of the index's first, and of another.

    A film's rank in the other list is that among all films which pass the filters, without
    regard to `diverse`. Where the other recipe has approximate search, only the first few hundred
    of them are ranked.

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
        n_counting = np.count_nonzero(recommender.counting(other, filters))
        depth = max(_depth(index, other.recipe, n_counting), k)
        nearest, _ = recommender.nearest(other, depth, filters)
        rank_of = {row: rank for rank, row in enumerate(nearest.tolist(), 1)}
        lists.append(RankedList(each.recipe or first, [
            (result, rank_of.get(index.row_of_id(result.movie["id"]))) for result in answer],
            None if depth >= n_counting else depth))
    return lists


def _depth(index: Index, recipe: Optional[str], n_counting: int) -> int:
    """Return how many of the films that count can be ranked without comparing all films."""
    narrow = n_counting <= len(index) // NARROW  # these are compared, whatever else there is
    if narrow or not index.space(recipe).finds_candidates:
        return n_counting
    return min(_DEPTH, len(index) // _SHARE)


def comparison_as_dict(recommender: Recommender, wishes: Wishes, lists: Sequence[RankedList],
               filters: Filters = NONE, diverse: float = 0.0) -> Dict[str, Any]:
    """Return what `compare` returned as `recommend.py --json` and the server show it."""
    told = recommender.question(wishes, filters, diverse)
    del told["made_by"]
    told["lists"] = [{"made_by": recommender.index.made_by(each.recipe),
                      **({} if each.ranks_to is None else {"ranks_to": each.ranks_to}),
                      "results": [{**result.to_dict(), "rank_in_other": rank}
                                  for result, rank in each.ranked]} for each in lists]
    return told
