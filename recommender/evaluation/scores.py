"""Measure recipes, indexes and baselines side by side on the films of a catalogue."""

from typing import Any, Dict, List, NamedTuple, Optional, Sequence

import numpy as np

from recommender.evaluation import metrics
from recommender.evaluation.contenders import Contender, Task
from recommender.evaluation.held_back import held_ranks
from recommender.evaluation.metrics import Estimate
from recommender.evaluation.ranks import TOP, rank_measures, ranks


class Score(NamedTuple):
    """A row of the tables; a metric is None where the data or the contender do not have it.

    Attributes
    ----------
    name : str
    is_baseline : bool
    collection_recall, collection_hit, genre_jaccard, keyword_ndcg, people_agreement : Estimate
        Of the films recommended for each film.
    held_back_recall, held_back_ndcg, held_back_reciprocal_rank : Estimate
        Of a film that a person likes, by the others that they like.
    rare_recall, rare_ndcg, rare_reciprocal_rank : Estimate
        The same among the less popular half of the films.
    text_first, text_recall, text_reciprocal_rank : Estimate
        Of the film that a text describes.
    text_recall_ratio : Estimate
        `text_recall` divided by that of the baseline tfidf.
    unseen_collection_recall, unseen_genre_jaccard : Estimate
        Of the films recommended for those that no genre model was trained on.
    never_recommended : float
        Share of the films.
    most_recommended : int
        Number of lists with the most frequent film.
    """

    name: str
    is_baseline: bool
    collection_recall: Optional[Estimate] = None
    collection_hit: Optional[Estimate] = None
    genre_jaccard: Optional[Estimate] = None
    keyword_ndcg: Optional[Estimate] = None
    people_agreement: Optional[Estimate] = None
    held_back_recall: Optional[Estimate] = None
    held_back_ndcg: Optional[Estimate] = None
    held_back_reciprocal_rank: Optional[Estimate] = None
    rare_recall: Optional[Estimate] = None
    rare_ndcg: Optional[Estimate] = None
    rare_reciprocal_rank: Optional[Estimate] = None
    text_first: Optional[Estimate] = None
    text_recall: Optional[Estimate] = None
    text_reciprocal_rank: Optional[Estimate] = None
    text_recall_ratio: Optional[Estimate] = None
    unseen_collection_recall: Optional[Estimate] = None
    unseen_genre_jaccard: Optional[Estimate] = None
    never_recommended: Optional[float] = None
    most_recommended: Optional[int] = None


class Measured(NamedTuple):
    """A contender's score, and the answers that it is of, if it has any.

    Attributes
    ----------
    score : Score
    top : np.ndarray, optional
        int (n, k): rows of the films recommended for each film.
    text_found : np.ndarray, optional
        float64 (m,): 1 for each text whose film is among ten, else 0.
    """

    score: Score
    top: Optional[np.ndarray]
    text_found: Optional[np.ndarray] = None


def measure(contender: Contender, task: Task) -> Measured:
    """Ask a contender all questions of the task and measure its answers."""
    found: Dict[str, Any] = {}
    text_found = None
    top = None if contender.top is None else contender.top()
    if top is not None and task.unseen is not None:
        found.update(_of_unseen(top, task))
    if contender.is_trained:
        return Measured(Score(contender.name, contender.is_baseline, **found), top)
    if top is not None:
        found.update(_of_lists(top, task))
    if task.held_back is not None:
        for name, trials in (("held_back", task.held_back.all), ("rare", task.held_back.rare)):
            each = rank_measures(held_ranks(trials, contender.by_wish(trials)), task.seed)
            found.update({name + "_recall": each.recall, name + "_ndcg": each.ndcg,
                          name + "_reciprocal_rank": each.reciprocal})
    if task.queries is not None and contender.by_text is not None:
        queries = task.queries
        found_at = ranks(contender.by_text(), queries.meant,
                         lambda rows: np.tile(queries.counts, (len(queries.meant[rows]), 1)))
        each, text_found = rank_measures(found_at, task.seed), (found_at <= TOP).astype(np.float64)
        found.update(text_first=each.first, text_recall=each.recall,
                     text_reciprocal_rank=each.reciprocal)
    return Measured(Score(contender.name, contender.is_baseline, **found), top, text_found)


def beside_tfidf(measured: Sequence[Measured], task: Task) -> List[Measured]:
    """Return all that was measured, with what is compared with the baseline tfidf, if it is there.

    Texts that describe the same film are drawn together for the intervals.
    """
    base = next((each.text_found for each in measured if each.score.name == "tfidf"), None)
    if base is None or task.queries is None:
        return list(measured)
    return [each if each.text_found is None else each._replace(score=each.score._replace(
        text_recall_ratio=metrics.ratio(each.text_found, base, task.queries.meant, task.seed)))
            for each in measured]


def _of_lists(top: np.ndarray, task: Task) -> Dict[str, Any]:
    """Return all metrics of the recommendations `top`, int (n, k), by their names in `Score`."""
    truth, found = task.truth, {}  # type: Any, Dict[str, np.ndarray]
    if truth.collections is not None:
        found["collection_recall"], found["collection_hit"] = metrics.collection_recall(
            top, truth.collections)
    found["genre_jaccard"] = metrics.genre_jaccard(top, [movie.genres for movie in task.movies])
    if truth.keywords is not None:
        found["keyword_ndcg"] = metrics.keyword_ndcg(top, truth.keywords)
    if truth.likes is not None:
        found["people_agreement"] = metrics.people_agreement(top, truth.likes)
    never, most = metrics.hubness(top)
    return {**{name: metrics.estimate(values, task.seed) for name, values in found.items()},
            "never_recommended": never, "most_recommended": most}


def _of_unseen(top: np.ndarray, task: Task) -> Dict[str, Any]:
    """Return the metrics of the recommendations for the unseen films, by their names."""
    found = {"unseen_genre_jaccard": metrics.genre_jaccard(
        top, [movie.genres for movie in task.movies], task.unseen)}
    if task.truth.collections is not None:
        found["unseen_collection_recall"], _ = metrics.collection_recall(
            top, task.truth.collections, task.unseen)
    return {name: metrics.estimate(values, task.seed) for name, values in found.items()}
