"""The report of a training: tables of all models, and the learning curve as a picture."""

from typing import Any, Dict, List, Sequence, Tuple

import numpy as np

from recommender.evaluation.report import interval
from recommender.genres.genre_metrics import Figures
from recommender.storage.files import new_file

Rows = Sequence[Tuple[str, Figures]]  # models by name, the trained one last


def as_text(rows: Rows, genres: Sequence[str], n_folds: int) -> str:
    """Return the two tables: all models, and the trained one by genre beside the best other."""
    name = "test films of {} fold{}".format(n_folds, "" if n_folds == 1 else "s")
    width = max(len(name), *(len(model) for model, _ in rows))
    lines = ["{:<{}}  {:>16}  {:>16}  {:>16}".format(
        name, width, "macro mAP", "micro F1", "macro F1")]
    lines += ["{:<{}}  {:>16}  {:>16}  {:>16}".format(
        model, width, *map(interval, found[:3])) for model, found in rows]
    return "\n".join(lines + [""] + _by_genre(rows, genres))


def _by_genre(rows: Rows, genres: Sequence[str]) -> List[str]:
    width = max(len("average precision"), *map(len, genres))
    widths = [max(6, len(model)) for model, _ in rows]
    lines = ["{:<{}}  {:>5}".format("average precision", width, "films") + "".join(
        "  {:>{}}".format(model, n) for (model, _), n in zip(rows, widths)) + "      F1"]
    for place, genre in enumerate(genres):
        lines.append("{:<{}}  {:>5}".format(genre, width, rows[-1][1].n_films[place]) + "".join(
            "  {:>{}.3f}".format(found.average_precision[place], n)
            for (_, found), n in zip(rows, widths))
            + "  {:>6.3f}".format(rows[-1][1].f1[place]))
    return lines


def as_dict(rows: Rows, genres: Sequence[str], n_folds: int) -> Dict[str, Any]:
    """Return the figures for JSON."""
    return {"folds": n_folds, "models": [
        {"name": name, **{each: getattr(found, each)._asdict()
                          for each in ("macro_map", "micro_f1", "macro_f1")},
         "genres": [{"name": genre, "films": int(found.n_films[place]),
                     "average_precision": _number(found.average_precision[place]),
                     "f1": _number(found.f1[place])} for place, genre in enumerate(genres)]}
        for name, found in rows]}


def _number(value: float) -> Any:
    return None if np.isnan(value) else float(value)


def plot(folds: Sequence[Sequence[Any]], path: str) -> None:
    """Write a PNG with the learning curve: loss and validation quality by step.

    `folds` holds the epochs of each fold, with the attributes of `bert.training.Epoch`. Raises
    OSError.
    """
    # Imported late for start-up time: it takes a second.
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (losses, quality) = pyplot.subplots(1, 2, figsize=(9, 3.5))
    for fold, epochs in enumerate(folds):
        steps = [epoch.step for epoch in epochs]
        told = {"alpha": 0.8, "marker": "."}
        losses.plot(steps, [epoch.train_loss for epoch in epochs], color="#2b6cb0",
                    label="training" if not fold else None, **told)
        losses.plot(steps, [epoch.validation_loss for epoch in epochs], color="#c05621",
                    label="validation" if not fold else None, **told)
        quality.plot(steps, [epoch.quality for epoch in epochs], color="#c05621", **told)
    losses.set_title("loss", fontsize=10)
    losses.legend()
    quality.set_title("macro mAP of the validation films", fontsize=10)
    for axis in (losses, quality):
        axis.set_xlabel("step")
    figure.tight_layout()
    with new_file(path) as part:
        figure.savefig(part, format="png", dpi=150)
    pyplot.close(figure)
