"""Titles as people type them: matched without regard to case, accents, punctuation, articles."""

import re
import unicodedata
from typing import List, Optional, Sequence, Tuple

_ARTICLES = ("the ", "a ", "an ")
_YEAR_BEHIND = re.compile(r"\s*(.*\S)\s*\((\d{4})\)\s*")
_ARTICLE_BEHIND = re.compile(r", (the|an|a)\W*$")


def title_key(title: str) -> str:
    """Return the key that all spellings of a title share; empty only for an empty title.

    >>> title_key("The Matrix") == title_key("matrix, the") == "matrix"
    True
    >>> title_key("Amélie"), title_key("WALL·E"), title_key("Fast & Furious")
    ('amelie', 'wall e', 'fast and furious')
    """
    decomposed = unicodedata.normalize("NFKD", title.casefold().replace("&", " and "))
    letters = "".join(c for c in decomposed if not unicodedata.combining(c))
    # An apostrophe joins ("Schindler's" is "schindlers"), other punctuation separates.
    letters = letters.replace("'", "").replace("\u2019", "")
    key = " ".join("".join(c if c.isalnum() else " " for c in letters).split())
    if _ARTICLE_BEHIND.search(title.casefold()):
        return key.rpartition(" ")[0] or key
    for article in _ARTICLES:
        if key.startswith(article):
            key = key[len(article):]
            break
    return key or " ".join(title.casefold().split())


def split_year(title: str) -> Optional[Tuple[str, int]]:
    """Split a title with its year behind it into both; return None for one without a year.

    >>> split_year("Heat (1995)"), split_year("Heat")
    (('Heat', 1995), None)
    """
    match = _YEAR_BEHIND.fullmatch(title)
    return (match.group(1), int(match.group(2))) if match else None


def described(title: str, year: int, movie_id: int, more: str = "") -> str:
    """Return title, year and id of a film in a few words, and `more` in the brackets.

    >>> described("Heat", 1995, 949), described("Heat", 0, 949, "no overview")
    ('Heat (1995, id 949)', 'Heat (year unknown, id 949, no overview)')
    """
    return "{} ({}, id {}{})".format(title, year or "year unknown", movie_id,
                                     more and ", " + more)


def related(key: str, keys: Sequence[str]) -> List[int]:
    """Return places in `keys` of titles that contain a title or are contained in it.

    First come titles that contain `key` word by word, then titles that it contains, the longest
    first, if they are at least a third of it, then titles whose words begin with its letters.

    >>> keys = ["lord of the rings the return of the king", "star wars", "wars", "sea of love"]
    >>> [related(key, keys) for key in ("star wars episode 4", "lord of the rings", "lotr")]
    [[1], [0], [0]]
    """
    typed = " {} ".format(key)
    containing, contained, initials = [], [], []
    for place, other in enumerate(keys):
        if typed in " {} ".format(other):
            containing.append(place)
        elif other and 3 * len(other) >= len(key) and " {} ".format(other) in typed:
            contained.append(place)
        elif _is_initials(key, other):
            initials.append(place)
    contained.sort(key=lambda place: -len(keys[place]))
    return containing + contained + initials


def _is_initials(key: str, title: str) -> bool:
    """Return True if `key`, of three letters or more, is the first letters of a title's words."""
    return (len(key) >= 3 and title[:1] == key[:1] and title.count(" ") >= len(key) - 1
            and all(word[0] == letter for word, letter in zip(title.split(), key)))
