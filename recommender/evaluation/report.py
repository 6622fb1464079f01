"""The report of an evaluation: its tables as text, as JSON and as a picture."""

from typing import Any, Dict, List, NamedTuple, Sequence

from recommender.evaluation.metrics import Estimate
from recommender.evaluation.scores import Score
from recommender.storage.files import new_file

_WIDTH = 18  # characters of a column at least: the longest head has 17


class Group(NamedTuple):
    """Metrics that are shown in one table.

    Attributes
    ----------
    title : str
        Said in the corner of the table.
    meaning : str
        What is measured, in a sentence or two.
    measures : dict
        From the name of a metric in `Score` to the head of its column.
    """

    title: str
    meaning: str
    measures: Dict[str, str]


LISTS = Group("at 10 recommendations", (
    "The ten films recommended for each film, by what no recipe reads: its collection, its "
    "keywords and people's likes; and by its genres, which some recipes read."), {
    "collection_recall": "collection recall", "collection_hit": "collection hit",
    "genre_jaccard": "genre Jaccard", "keyword_ndcg": "keyword nDCG",
    "people_agreement": "people agreement"})
GROUPS = (
    LISTS,
    Group("a liked film held back", (
        "For each person one film that they like is held back, the others are the wish; where is "
        "the film held back in the answer? The item-item cosine knows nothing but ratings: an "
        "upper mark."), {
        "held_back_recall": "recall@10", "held_back_ndcg": "nDCG@10",
        "held_back_reciprocal_rank": "reciprocal rank"}),
    Group("the same, less popular half", (
        "As above, but a film of the less popular half is held back, and to be found among "
        "these."), {
        "rare_recall": "recall@10", "rare_ndcg": "nDCG@10",
        "rare_reciprocal_rank": "reciprocal rank"}),
    Group("films described by others", (
        "Each text of the queries describes a film in somebody else's words; where is that film "
        "in the answer? The last column is the share among ten divided by that of tfidf."), {
        "text_first": "first", "text_recall": "among ten",
        "text_reciprocal_rank": "reciprocal rank", "text_recall_ratio": "among ten / tfidf"}),
    Group("films not trained on", (
        "The ten films, of all, recommended for each film that the genre models were neither "
        "trained nor tuned on."), {
        "unseen_collection_recall": "collection recall",
        "unseen_genre_jaccard": "genre Jaccard"}))


class Table(NamedTuple):
    """A group with the metrics that were measured, and the scores that have any of them."""

    title: str
    meaning: str
    measures: Dict[str, str]
    scores: List[Score]


def tables(scores: Sequence[Score]) -> List[Table]:
    """Return the tables that are not empty."""
    found = []
    for group in GROUPS:
        measures = {name: head for name, head in group.measures.items()
                    if any(getattr(score, name) is not None for score in scores)}
        rows = [score for score in scores
                if any(getattr(score, name) is not None for name in measures)]
        if measures:
            found.append(Table(group.title, group.meaning, measures, rows))
    return found


def as_text(table: Table) -> str:
    """Return a table with a line for each score: every metric with its 95 % interval."""
    width = max(len(name) for name in [table.title, *(score.name for score in table.scores)])
    head = "{:<{}}".format(table.title, width)
    lines = [head, *("{:<{}}".format(score.name, width) for score in table.scores)]
    for name, measure in table.measures.items():
        cells = [measure, *(interval(getattr(score, name)) for score in table.scores)]
        wide = max(_WIDTH, *map(len, cells))
        lines = ["{}  {:>{}}".format(line, cell, wide) for line, cell in zip(lines, cells)]
    if table.title == LISTS.title:
        lines[0] += "  never shown  most often"
        for at, score in enumerate(table.scores, 1):
            lines[at] += "  {:>10.1f}%  {:>10,}".format(100 * (score.never_recommended or 0),
                                                       score.most_recommended)
    return "\n".join(lines)


def interval(estimate: Estimate) -> str:
    """Return a mean with its interval.

    >>> interval(Estimate(0.781, 0.72, 0.839, 99)), interval(Estimate(None, None, None, 0))
    ('0.781 .720-.839', '-')
    >>> interval(Estimate(-0.0001, -0.002, -0.0004, 99))
    '0.000 -.002 to .000'
    """
    if estimate.mean is None or estimate.low is None or estimate.high is None:
        return "-"
    # Adding 0 makes -0.0 0.0.
    mean, low, high = ("{:.3f}".format(round(value, 3) + 0.0)
                       for value in (estimate.mean, estimate.low, estimate.high))
    return "{} {}{}{}".format(mean, low.replace("0.", ".", 1), " to " if low[0] == "-" else "-",
                              high.replace("0.", ".", 1))


def as_dict(score: Score) -> Dict[str, Any]:
    """Return a score for JSON."""
    return {name: value._asdict() if isinstance(value, Estimate) else value
            for name, value in score._asdict().items()}


def plot(scores: Sequence[Score], path: str) -> None:
    """Write a PNG with bars of every metric and their intervals. Raises OSError."""
    # Imported late for start-up time: it takes a second, and a table needs no picture.
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot

    shown = tables(scores)
    width = max(len(table.measures) for table in shown)
    heights = [0.3 * len(table.scores) + 1.2 for table in shown]
    figure, axes = pyplot.subplots(len(shown), width, squeeze=False,
                                   gridspec_kw={"height_ratios": heights},
                                   figsize=(2.6 * width + 2, sum(heights)))
    for table, row in zip(shown, axes):
        for name, axis in zip(table.measures, row):
            _bars(axis, name, table)
            axis.set_title(table.measures[name], fontsize=10)
        row[0].set_yticklabels([score.name for score in table.scores])
        row[0].set_ylabel(table.title if len(shown) > 1 else "")
        for axis in row[len(table.measures):]:
            axis.axis("off")
    figure.tight_layout()
    with new_file(path) as part:
        figure.savefig(part, format="png", dpi=150)


def _bars(axis: Any, name: str, table: Table) -> None:
    """Draw a bar with its interval for each score."""
    for place, score in enumerate(table.scores):
        found = getattr(score, name)
        if found is not None and found.mean is not None:
            axis.barh(place, found.mean, color="#9aa5b1" if score.is_baseline else "#2b6cb0",
                      xerr=[[found.mean - found.low], [found.high - found.mean]])
    axis.set_yticks(range(len(table.scores)))
    axis.set_yticklabels([])
    axis.margins(y=0.01)
    axis.invert_yaxis()
