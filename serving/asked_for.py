"""The wishes in the address of the first page, in the words of its tokens.

The page shows them before its script runs, so that nothing moves when the script makes buttons of
them (`static/wishes.js`, `static/filters.js`).
"""

from typing import List, NamedTuple, Tuple

from werkzeug.datastructures import MultiDict

from recommender.index import Index

_LONGEST = 40  # characters of a text that a token shows
_FLAGS = (("any_genre", "any of these genres"), ("same_genre", "with a genre in common"),
          ("same_topic", "of the same topic"), ("adult", "also for adults"))


class Wish(NamedTuple):
    """The title of a film or a text that is wished for, or that is to be kept away from; `id` is
    that of a film named by it, else ""."""

    words: str
    id: str = ""
    is_unwanted: bool = False


def wishes_of(given: "MultiDict[str, str]", index: Index) -> List[Wish]:
    """Return the wishes of an address's parameters, in the order of the page's tokens."""
    films, titles, texts, unlike, unliked_titles = (
        _values(given, *names)
        for names in (("id",), ("title",), ("text", "overview"), ("not_id",), ("not",)))
    return [
        *(Wish(_title(each, index), each) for each in films), *map(Wish, titles),
        *(Wish("“{}”".format(_cut(text))) for text in texts),
        *(Wish(_title(each, index), each, True) for each in unlike),
        *(Wish(title, is_unwanted=True) for title in unliked_titles)]


def filters_of(given: "MultiDict[str, str]") -> List[str]:
    """Return the filters of an address's parameters, in the order and the words of the tokens."""
    one = {name: values[0].strip() for name, values in given.lists()}
    named = (("top_rated", "top {}"), ("min_votes", "{} votes"), ("language", "language {}"))
    return [*filter(None, one.get("genres", "").split(",")),
            *("topic " + topic for topic in [one.get("topic")] if topic),
            *filter(None, [_years(one.get("year_from", ""), one.get("year_to", ""))]),
            *(words.format(_number(one[name])) for name, words in named if one.get(name)),
            *(words for name, words in _FLAGS if one.get(name))]


def _number(value: str) -> str:
    return "{:,}".format(int(value)) if value.isdecimal() else value


def _years(first: str, last: str) -> str:
    if not first:
        return "before {}".format(int(last) + 1) if last.isdecimal() else last
    if not last:
        return first + " and later"
    if first == last:
        return first
    is_decade = first.endswith("0") and last == first[:-1] + "9"
    return first + "s" if is_decade else "{}–{}".format(first, last)


def _values(given: "MultiDict[str, str]", *names: str) -> Tuple[str, ...]:
    """Return the values of parameters, each once."""
    values = [value.strip() for name in names for value in given.getlist(name)]
    return tuple(filter(None, dict.fromkeys(values)))


def _title(film: str, index: Index) -> str:
    """Return the title of a film of the index, by the digits of its id; "…" for any other."""
    row = index.row_by_id.get(int(film)) if film.isdecimal() else None
    return "…" if row is None else str(index.movie(row, full=False)["title"])


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[:_LONGEST - 1].rstrip() + "…"
