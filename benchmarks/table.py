"""Ratios and FLOPs of measured times, and the Markdown table. Pure functions."""

from typing import Any, Dict, List, NamedTuple, Sequence

import numpy as np


class Row(NamedTuple):
    """A row of the table."""

    measure: str
    values: Sequence[float]  # one for each round; none if it could not be measured
    target: str  # empty for a figure without a target
    how: str  # how it was measured, in words
    unit: str = ""


def ratios(above: Sequence[float], below: Sequence[float]) -> List[float]:
    """Return the ratio of each round, in which changes of the whole machine cancel out."""
    return [a / b for a, b in zip(above, below)]


def best_of(engines: Sequence[Sequence[float]]) -> List[float]:
    """Return the shortest time of several engines in each round."""
    return [min(seconds) for seconds in zip(*engines)]


def useful_flops(config: Dict[str, Any], lengths: Sequence[int]) -> float:
    """Return the FLOPs of a BERT's matrix products for texts of `lengths` real tokens.

    A layer multiplies every token with 4 H x H and 2 H x W weights (queries, keys, values,
    attention's output; intermediate and output) and every pair of a text's tokens twice with H
    numbers (scores, context); a multiplication and its addition are two operations. Padding,
    sums, softmax, GELU and normalisation do not count. `config` is Google's bert_config.json.
    """
    H, W = config["hidden_size"], config["intermediate_size"]
    n = np.asarray(lengths, np.float64)
    of_tokens = 2.0 * (4 * H * H + 2 * H * W) * n.sum()
    of_pairs = 2.0 * 2 * H * (n * n).sum()
    return float(config["num_hidden_layers"] * (of_tokens + of_pairs))


def number(value: float) -> str:
    """Format with three significant digits; thousands in full."""
    if abs(value) >= 100:
        return "{:,.0f}".format(value)
    return "{:.2f}".format(value) if abs(value) < 10 else "{:.1f}".format(value)


def markdown(rows: Sequence[Row], facts: Sequence[str]) -> str:
    """`facts` as a list, then the table: the median of each row's rounds, and their spread."""
    lines = ["- " + fact for fact in facts]
    lines += ["", "| measure | median | rounds: least to most | target | how |",
              "|---|---|---|---|---|"]
    for row in rows:
        if len(row.values):
            unit = " " + row.unit if row.unit else ""
            median = number(float(np.median(row.values))) + unit
            spread = "{}: {} to {}".format(len(row.values), number(min(row.values)),
                                           number(max(row.values)))
        else:
            median, spread = "not measured", ""
        lines.append("| {} |".format(" | ".join(
            cell.replace("|", "\\|") for cell in
            (row.measure, median, spread, row.target, row.how))))
    return "\n".join(lines) + "\n"
