"""Results as text for a terminal: tables, two lists side by side, explanations."""

import shutil
import textwrap
import unicodedata
from typing import List, Mapping, Sequence

from recommender.comparing import RankedList
from recommender.explain import Share, Why
from recommender.index import Index, Result
from recommender.wishes import Wishes
from recommender.words import quoted

_MAX_TITLE = 44  # columns of a title in the table, so that a line fits 120 columns
_NARROWEST = 6  # columns of a title at least, so that a list's heading fits
_SIDE = 2  # columns between two lists side by side
_LEAST_TITLE = 16  # columns of a title below which lists stand one under the other
_STRONG = (1.5, 2.5, 4.0)  # multiples of the mean share of a word that earn 1, 2, 3 asterisks
_EXPLAINED = 5  # wishes whose texts an explanation shows; a list of films may have thousands
_RECIPES = {"mean4": "mean4, the research's recipe"}  # headings of lists, if not the name alone


def names(index: Index, wishes: Wishes) -> List[str]:
    """Describe the films and texts of the query, and last the disliked films, in a few words."""
    return ([index.describe(row) for row in wishes.films]
            + [quoted(text) for text in wishes.texts]
            + [index.describe(row) for row in wishes.unlike])


def shared_title(index: Index, title: str, rows: Sequence[int], picks: str) -> str:
    """Tell which film of a title was taken; `picks` names what picks another of its `rows`."""
    return "{} films are called {!r}: taking {}, the one with the most votes; {} picks: {}".format(
        len(rows), title, index.describe(rows[0]), picks,
        ", ".join(map(index.describe, rows[1:])))


def table(results: Sequence[Result]) -> str:
    """Return a table with a line for each film: rank, score, nearness, title, year, genres, id,
    and its fine topic, if the index has topics."""
    width = min(max([5] + [_columns(result.movie["title"]) for result in results]), _MAX_TITLE)
    scaled = any(result.nearness is not None for result in results)
    has_topics = any(result.movie.get("topics") for result in results)
    lines = ["{:>4}  {:>6}{}  {}  {:>4}  {:<36}  {:>7}{}".format(
        "rank", "score", "   near" if scaled else "", _pad("title", width), "year", "genres", "id",
        "  topic" if has_topics else "")]
    for rank, score, movie, nearness in results:
        topics = movie.get("topics")
        lines.append("{:>4}  {:>6.4f}{}  {}  {:>4}  {}  {:>7}{}".format(
            rank, score, "  {:>5.2f}".format(nearness) if nearness is not None else "",
            _pad(movie["title"], width), movie["year"] or "?",
            _pad(", ".join(movie["genres"]), 36), movie["id"],
            "  " + topics[-1] if topics else ""))
    return "\n".join(lines)


def made_by(origin: Mapping[str, str], with_recipe: bool = True) -> str:
    """Return a line that names what an answer comes from, of what `Index.made_by` returns.

    A comparison names its recipes above its lists, so there the line goes without.

    >>> made_by({"recipe": "best", "checkpoint": "", "index": "a.h5",
    ...          "built": "2026-11-26T08:00:00Z"})
    'recipe best; index a.h5, built 2026-11-26'
    """
    told = [name + " " + origin[name] for name in ("recipe", "checkpoint", "index")
            if origin[name] and (with_recipe or name != "recipe")]
    return "{}, built {}".format("; ".join(told), origin["built"].partition("T")[0])


def comparison(lists: Sequence[RankedList], columns: int) -> str:
    """Return two lists side by side, or one under the other in a terminal of few `columns`.

    Behind each film stands its rank in the other list, or beyond which rank it is.
    """
    others = [other.recipe for other in reversed(lists)]
    room = (columns - _SIDE) // 2 - len(" ".join(_cells("", "", "", "", max(others, key=len))))
    titles = [result.movie["title"] for each in lists for result, _ in each.ranked]
    width = min(max([_NARROWEST] + [_columns(title) for title in titles]), _MAX_TITLE)
    is_beside = room >= min(width, _LEAST_TITLE)
    if is_beside:
        width = min(width, room)
    blocks = [_block(each, other, width) for each, other in zip(lists, others)]
    if not is_beside:
        return "\n\n".join("\n".join(line.rstrip() for line in block) for block in blocks)
    return "\n".join((left + " " * _SIDE + right).rstrip() for left, right in zip(*blocks))


def _block(ranked: RankedList, other: str, width: int) -> List[str]:
    """Return a list as lines of the same width: a heading, the columns' names, the films."""
    lines = [" ".join(_cells("#", "score", _pad("title", width), "year", other))]
    for result, rank in ranked.ranked:
        lines.append(" ".join(_cells(
            str(result.rank), "{:.4f}".format(result.score), _pad(result.movie["title"], width),
            str(result.movie["year"] or "?"), ">{}".format(ranked.ranks_to) if rank is None else
            str(rank), len(other))))
    return [_pad(_RECIPES.get(ranked.recipe, ranked.recipe), _columns(lines[0]))] + lines


def _cells(rank: str, score: str, title: str, year: str, other: str, wide: int = 0) -> List[str]:
    return ["{:>3}".format(rank), "{:>6}".format(score), title, "{:>4}".format(year),
            "{:>{}}".format(other, max(wide, 5))]


def explanation(index: Index, wishes: Wishes, result: Result, why: Why) -> str:
    """Return the texts of the query and of a film found with their strong words in asterisks.

    Behind each text stand the shares of its parts in the score. Of many wishes, those with the
    greatest shares are told, and how many others there are.
    """
    films = wishes.films + wishes.unlike
    overviews = [index.movie(row)["overview"] for row in films]
    overviews[len(wishes.films):len(wishes.films)] = wishes.texts
    # A disliked film counts against the film found: its strong words have negative shares.
    signs = [1] * len(overviews) + [1]
    signs[len(overviews) - len(wishes.unlike):-1] = [-1] * len(wishes.unlike)
    lines = ["{}. {}: score {:.4f}".format(result.rank, result.movie["title"], result.score)]
    totals = [sum(share.share for share in shares) for shares in why.asked]
    order = sorted(range(len(totals)), key=lambda at: -abs(totals[at]))
    told = sorted(order[:_EXPLAINED])
    texts = ["{}{}: {} [{}]".format("" if sign > 0 else "unlike ", name,
                                    marked(overview, shares, sign), sums(shares))
             for name, overview, shares, sign in zip(
                 [*names(index, wishes), result.movie["title"]],
                 [*overviews, result.movie["overview"]], [*why.asked, why.found], signs)]
    others = ["{:,} other wishes [{:.4f}]".format(
        len(order) - _EXPLAINED, sum(totals[at] for at in order[_EXPLAINED:]))
              ] if len(order) > _EXPLAINED else []
    width = min(shutil.get_terminal_size().columns, 100)
    lines += [textwrap.fill(text, width, initial_indent="   ", subsequent_indent="     ")
              for text in [*(texts[at] for at in told), *others, texts[-1]]]
    return "\n".join(lines)


def marked(overview: str, shares: Sequence[Share], sign: int = 1) -> str:
    """Return the overview with asterisks around the words with the greatest shares.

    More asterisks mark greater shares; where `sign` is -1, negative ones count.
    """
    words = [share for share in shares if share.of == "overview"]
    average = sum(abs(share.share) for share in words) / max(len(words), 1)
    text, end = "", 0
    for share in words:
        is_word = any(c.isalnum() for c in share.word)
        strength = sum(sign * share.share >= times * average for times in _STRONG)
        asterisks = "*" * (strength if average and is_word else 0)
        text += overview[end:share.start] + asterisks + share.word + asterisks
        end = share.end
    return text + overview[end:]


def sums(shares: Sequence[Share]) -> str:
    """Return the sums of the shares of overview, title, genres and BERT's own marks."""
    told = []
    for of in dict.fromkeys(share.of for share in shares):
        parts = [(share.word, "{:.4f}".format(share.share)) for share in shares if share.of == of]
        total = "{:.4f}".format(sum(share.share for share in shares if share.of == of))
        single = ["{} {}".format(word, share) for word, share in parts
                  if of in ("title", "genres") and float(share)]
        if of == "overview" or float(total) or single:
            told.append("{} {}".format("[CLS] and [SEP]" if of == "marks" else of, total)
                        + (" ({})".format(", ".join(single)) if single else ""))
    return "; ".join(told)


def _columns(text: str) -> int:
    """Return the terminal columns of `text`; East Asian letters take two."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF"
               else 1 for c in text)


def _pad(text: str, width: int) -> str:
    """Return `text` cut or padded to `width` columns."""
    if _columns(text) > width:
        while _columns(text) > width - 1:
            text = text[:-1]
        text += "…"
    return text + " " * (width - _columns(text))
