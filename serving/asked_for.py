"""What the address of the first page asks for, in the words of its tokens.

The page shows them before its script runs, so that nothing moves when the script makes buttons of
them (`static/wishes.js`, `static/filters.js`).
"""

from typing import List, NamedTuple, Tuple

from werkzeug.datastructures import MultiDict

from recommender.index import Index

_LONGEST = 40  # characters of a text that a token shows
_FLAGS = ("any_genre", "same_genre", "same_topic", "adult")


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
    """Return about what the tokens of an address's filters say: each takes as much room."""
    one = {name: values[0].strip() for name, values in given.lists()}
    years = "–".join(filter(None, map(one.get, ("year_from", "year_to"))))
    named = (("topic", "topic {}"), ("top_rated", "top {}"), ("min_votes", "{} votes"),
             ("language", "language {}"))
    return [*filter(None, one.get("genres", "").split(",")), *([years] if years else []),
            *(words.format(one[name]) for name, words in named if one.get(name)),
            *("of these genres" for name in _FLAGS if one.get(name))]


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
