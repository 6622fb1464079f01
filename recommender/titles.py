"""Titles as people type them: found without regard to case, accents, punctuation, article."""

import unicodedata
from typing import List, Sequence

_ARTICLES = ("the ", "a ", "an ")


def title_key(title: str) -> str:
    """What two spellings of one title have in common; never empty for a title that is not.

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
    for article in _ARTICLES:
        if key.endswith(" " + article.strip()) and ", " + article.strip() in title.casefold():
            key = key[:-len(article)]
            break
        if key.startswith(article):
            key = key[len(article):]
            break
    return key or " ".join(title.casefold().split())


def nearest(key: str, keys: Sequence[str], limit: int) -> List[int]:
    """Places in `keys` of the `limit` nearest to a mistyped `key`, the nearest first."""
    # Imported late: a title that is found needs no fuzzy matching.
    from rapidfuzz import fuzz, process

    found = process.extract(key, keys, scorer=fuzz.WRatio, processor=None, limit=limit,
                            score_cutoff=60)
    return [place for _, _, place in found]
