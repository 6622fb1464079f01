"""The report of an evaluation as a page: one file that needs no other, and no script."""

from html import escape
from typing import List, Sequence, Tuple

from recommender.evaluation.contenders import Task
from recommender.evaluation.metrics import Estimate
from recommender.evaluation.report import LISTS, Table, interval, tables
from recommender.evaluation.scores import Measured, Score
from recommender.movie import Movie
from recommender.storage.files import write_text

_EXAMPLES = 10  # films whose lists are shown
_WIDTH = 120  # units of a bar's picture; only its proportions count
_STYLE = """
:root { color-scheme: light dark; --ink: #1f2933; --soft: #52606d; --paper: #fff; --line: #d9e2ec;
  --band: #f5f7fa; --recipe: #2b6cb0; --baseline: #9aa5b1; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e7eb; --soft: #9aa5b1; --paper: #16191d; --line: #323f4b; --band: #1f252c;
    --recipe: #63a4e8; --baseline: #616e7c; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 82rem; padding: 1.5rem 1rem 4rem; background: var(--paper);
  color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .5rem; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .25rem; }
h3 { font-size: .95rem; margin: 0 0 .25rem; overflow-wrap: anywhere; }
p { margin: 0 0 .75rem; max-width: 46rem; color: var(--soft); overflow-wrap: anywhere; }
.key { display: inline-block; width: .8rem; height: .8rem; border-radius: 2px;
  background: var(--recipe); }
.baseline .key, .key.baseline { background: var(--baseline); }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: 6px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .4rem .75rem; text-align: left; white-space: nowrap; vertical-align: top;
  border-bottom: 1px solid var(--line); }
tr:last-child > * { border-bottom: 0; }
thead th { font-size: .85rem; vertical-align: bottom; color: var(--soft); background: var(--band); }
th[scope=row], thead th:first-child { position: sticky; left: 0; background: var(--paper);
  min-width: 7rem; max-width: 14rem; white-space: normal; overflow-wrap: anywhere; }
thead th:first-child { background: var(--band); }
.baseline th[scope=row] { font-weight: normal; }
td small { color: var(--soft); }
th small { display: block; font-weight: normal; }
td.number { text-align: right; }
svg { display: block; width: 100%; min-width: 7rem; height: .6rem; margin-top: .15rem;
  overflow: visible; }
.bar { fill: var(--recipe); }
.baseline .bar { fill: var(--baseline); }
.whisker { stroke: var(--ink); stroke-width: 1; vector-effect: non-scaling-stroke; }
details { border: 1px solid var(--line); border-radius: 6px; margin: .5rem 0; }
summary { padding: .5rem .75rem; cursor: pointer; font-weight: 600; }
.lists { display: grid; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); gap: 1rem;
  padding: .5rem .75rem 1rem; }
ol { margin: 0; padding-left: 1.75rem; font-size: .9rem; }
li { overflow-wrap: anywhere; }
.year { color: var(--soft); }
"""


def write(path: str, catalogue_path: str, task: Task, measured: Sequence[Measured]) -> None:
    """Write the report as a page to `path`, whole or not at all.

    Parameters
    ----------
    path : str
    catalogue_path : str
        Named on the page.
    task : Task
        Its films are those of the lists.
    measured : sequence of Measured
        Scores and recommendations, in the order in which they are shown.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    shown = tables([each.score for each in measured])
    lists = [(each.score.name, each.top) for each in measured
             if each.top is not None and (not each.score.is_baseline
                                          or each.score.name == "tfidf")]
    parts = ["<h1>How good the recommendations are</h1>",
             "<p>{:,} films of {} are measured. Bars are means, lines across them 95 % bootstrap "
             "intervals; <span class=\"key\"></span> recipes and indexes, "
             "<span class=\"key baseline\"></span> baselines that use no BERT. n is the number of "
             "films, people or texts that a mean is of. The best mean of a column is bold.</p>"
             .format(len(task.movies), escape(catalogue_path))]
    parts += [_section(table) for table in shown]
    parts.append("<h2>The ten films recommended for some</h2>"
                 "<p>The films with the most votes, each of another leading genre. Of the films "
                 "recommended, those of the same collection are bold.</p>")
    for at, row in enumerate(examples(task.movies)):
        parts.append("<details{}><summary>{}</summary><div class=\"lists\">{}</div></details>"
                     .format(" open" if not at else "", _film(task.movies[row]), "".join(
                         _list(name, row, top[row].tolist(), task) for name, top in lists)))
    write_text(path, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
               "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
               "<title>How good the recommendations are</title>\n<style>{}</style>\n</head>\n"
               "<body>\n<main>\n{}\n</main>\n</body>\n</html>\n".format(_STYLE, "\n".join(parts)))


def examples(movies: Sequence[Movie]) -> List[int]:
    """Return the rows of ten films: those with the most votes, each of another leading genre.

    Where there are fewer genres, the others with the most votes follow.
    """
    order = sorted(range(len(movies)), key=lambda row: -movies[row].vote_count)
    first = {}  # type: dict
    for row in order:
        first.setdefault(movies[row].genres[:1], row)
    chosen = list(first.values())
    chosen += [row for row in order if row not in set(chosen)]
    return chosen[:_EXAMPLES]


def _section(table: Table) -> str:
    heads = ["<th scope=\"col\">{} <small>n = {:,}</small></th>".format(
        escape(head), next(each.n for each in (getattr(score, name) for score in table.scores)
                           if each is not None)) for name, head in table.measures.items()]
    has_lists = table.title == LISTS.title
    if has_lists:
        heads += ["<th scope=\"col\">never shown</th>", "<th scope=\"col\">most often</th>"]
    scales = {name: _scale(name, table.scores) for name in table.measures}
    rows = []
    for score in table.scores:
        cells = [_cell(getattr(score, name), *scales[name]) for name in table.measures]
        if has_lists:
            cells += ["<td class=\"number\">{:.1f}%</td>".format(
                100 * (score.never_recommended or 0)),
                "<td class=\"number\">{:,}</td>".format(score.most_recommended or 0)]
        rows.append("<tr{}><th scope=\"row\">{}</th>{}</tr>".format(
            " class=\"baseline\"" if score.is_baseline else "", escape(score.name),
            "".join(cells)))
    title = escape(table.title[:1].upper() + table.title[1:])
    return ("<section><h2>{0}</h2><p>{1}</p><div class=\"scroll\" tabindex=\"0\" role=\"region\" "
            "aria-label=\"{0}\"><table><thead><tr><th scope=\"col\">recipe</th>{2}</tr></thead>"
            "<tbody>{3}</tbody></table></div></section>").format(
                title, escape(table.meaning), "".join(heads), "\n".join(rows))


def _scale(name: str, scores: Sequence[Score]) -> Tuple[float, float, float]:
    """Return the least and greatest value of a column's bars, and its best mean."""
    found = [each for each in (getattr(score, name) for score in scores)
             if each is not None and each.mean is not None]
    return (min([0.0, *(each.low for each in found)]), max([1e-9, *(each.high for each in found)]),
            max((each.mean for each in found), default=0.0))


def _cell(estimate: Estimate, least: float, greatest: float, best: float) -> str:
    """Return a mean with its interval and a bar from 0, on a scale from `least` to `greatest`."""
    if estimate is None or estimate.mean is None:
        return "<td>–</td>"
    mean, bounds = interval(estimate).split(" ", 1)
    text = "{} <small>{}</small>".format(
        "<b>{}</b>".format(mean) if estimate.mean == best else mean, bounds)

    def at(value: float) -> float:
        return _WIDTH * (value - least) / (greatest - least)

    left, right = sorted([at(0), at(estimate.mean)])
    assert estimate.low is not None and estimate.high is not None
    return ("<td>{}<svg viewBox=\"0 0 {} 8\" preserveAspectRatio=\"none\" aria-hidden=\"true\">"
            "<rect class=\"bar\" x=\"{:.1f}\" y=\"0\" width=\"{:.1f}\" height=\"8\"/>"
            "<path class=\"whisker\" d=\"M{:.1f} 4H{:.1f}M{:.1f} 1V7M{:.1f} 1V7\"/></svg></td>"
            .format(text, _WIDTH, left, right - left, at(estimate.low), at(estimate.high),
                    at(estimate.low), at(estimate.high)))


def _list(name: str, row: int, recommended: Sequence[int], task: Task) -> str:
    collections = task.truth.collections
    films = []
    for other in recommended:
        film = _film(task.movies[other])
        same = collections is not None and collections[row] is not None and (
            collections[other] == collections[row])
        films.append("<li>{}</li>".format("<b>{}</b>".format(film) if same else film))
    return "<div><h3>{}</h3><ol>{}</ol></div>".format(escape(name), "".join(films))


def _film(movie: Movie) -> str:
    year = " <span class=\"year\">({})</span>".format(movie.year) if movie.year else ""
    return escape(movie.title) + year
