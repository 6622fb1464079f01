"""The films of the map in bytes for the page, much shorter than the JSON of the API.

The bytes are: the length of the header, uint32; the header, JSON with `n`, the number of films,
and `genres`, padded with spaces to a multiple of four bytes; then, all little-endian and most
votes first, `id` int32, `x`, `y` and `year` uint16 (0 if unknown), `genre` uint8 (255 if none),
`votes` uint8 (16 times the base-2 logarithm of the count plus one, at most 255), `rating` uint8
(tenths, 0 if unknown), and all titles in UTF-8, each ended by a line break.
"""

import gzip
import json
import re
from typing import Any, Dict, Optional
from weakref import WeakKeyDictionary

import numpy as np

from recommender.filters import Filters, passing
from recommender.index import Index
from serving.pages import film_map, unmarked

BYTES = "application/octet-stream"  # type of these answers
_NONE = 255  # number of the genre of films without one
_LINES = re.compile(r"[\r\n]+")  # replaced in titles: a title is one line


class MapData:
    """The compressed bytes of the map, made once for each index and recipe."""

    def __init__(self) -> None:
        self._known = WeakKeyDictionary()  # type: WeakKeyDictionary[Index, Dict[str, bytes]]

    def compressed(self, index: Index, recipe: Optional[str] = None) -> bytes:
        """Return the bytes of a recipe's map, by default the first's, compressed by gzip.

        Raises NothingFound if the index was built without a map.
        """
        name = index.space(recipe).recipe.name
        known = self._known.setdefault(index, {})
        if name not in known:
            known[name] = gzip.compress(_packed(index, name), 9)
        return known[name]


def passing_bits(index: Index, given: Dict[str, Any]) -> bytes:
    """Return a bit for each film of the map, the first film in the highest bit of the first byte.

    It is set if the film passes the filters among the values `given` of a question.

    Raises WrongQuery if the filters make no sense.
    """
    filters = Filters(**{name: given[name] for name in Filters._fields if name in given})
    return np.packbits(passing(index, filters)[unmarked(index)]).tobytes()


def _packed(index: Index, recipe: str) -> bytes:
    films = film_map(index, recipe)
    order = unmarked(index)
    header = json.dumps({"n": len(order), "genres": films["genres"]}).encode()
    header += b" " * (-len(header) % 4)
    genres = [_NONE if genre is None else min(genre, _NONE - 1) for genre in films["genre"]]
    votes = np.log2(index.column("vote_count")[order].astype(float).clip(0) + 1)
    rating = np.nan_to_num(index.column("vote_average")[order].astype(float))
    columns = [np.array(films["id"], "<i4"), np.array(films["x"], "<u2"),
               np.array(films["y"], "<u2"), np.array([year or 0 for year in films["year"]], "<u2"),
               np.array(genres, np.uint8),
               np.rint(votes * 16).clip(0, 255).astype(np.uint8),
               np.rint(rating * 10).clip(0, 100).astype(np.uint8)]
    titles = "".join(_LINES.sub(" ", title) + "\n" for title in films["title"])
    return b"".join([np.array(len(header), "<u4").tobytes(), header,
                     *(column.tobytes() for column in columns),
                     titles.encode("utf-8", "replace")])
