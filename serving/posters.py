"""Addresses of the films' posters, which browsers load from another host (`--posters`)."""

import re
from typing import Any, Dict, Optional
from urllib.parse import urlsplit

from recommender.index import Index

TMDB = "https://image.tmdb.org/t/p/w342"  # TMDB's image host, for pictures 342 pixels wide


def image_host(text: str) -> str:
    """Return the address that paths of posters are appended to.

    Raises ValueError for anything but scheme, host and path: the host goes into a header.

    >>> image_host("https://images.example/t/")
    'https://images.example/t'
    """
    host = r"(([a-z0-9-]+\.)*[a-z0-9-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?"
    if not re.fullmatch("https?://{}(/[\\w./~%-]*)?".format(host), text, re.ASCII | re.IGNORECASE):
        raise ValueError("{!r} is not an address like {}".format(text, TMDB))
    return text.rstrip("/")


def origin_of(address: str) -> str:
    """Return scheme, host and port of an address.

    >>> origin_of(TMDB)
    'https://image.tmdb.org'
    """
    parts = urlsplit(address)
    return "{}://{}".format(parts.scheme, parts.netloc)


def missing_note(index: Index, address: str) -> str:
    """Return a note where posters are asked for and the index names none, else an empty one."""
    if not address or index.has_posters:
        return ""
    return ("{} names no posters, so they are drawn: build it again with build_index.py from a "
            "catalogue with the column poster_path".format(index.path))


def poster_of(index: Index, address: str, movie_id: int) -> Optional[str]:
    """Return the address of a film's poster, None if the film or its poster is not known."""
    row = index.row_by_id.get(movie_id)
    path = index.column("poster_path")[row] if row is not None else ""
    return address + path if path else None


def with_posters(index: Index, address: str, answer: Any) -> Any:
    """Return an answer of the API with the field `poster` added to each film that has one.

    Parameters
    ----------
    index : Index
    address : str
        From `image_host`; "" adds nothing.
    answer : dict or list
        Films in it are the objects with an id, a title and a rating.
    """
    if not address:
        return answer
    if isinstance(answer, list):
        return [with_posters(index, address, each) for each in answer]
    if not isinstance(answer, dict):
        return answer
    told: Dict[str, Any] = {name: with_posters(index, address, value)
                            for name, value in answer.items()}
    if {"id", "title", "vote_average"} <= set(answer):
        poster = poster_of(index, address, answer["id"])
        if poster:
            told["poster"] = poster
    return told
