"""Bodies of answers that are compressed once and kept: the page's scripts, the map's data."""

import gzip
import hashlib
import threading
from typing import Callable, Dict, NamedTuple

from flask import Response, request

_LEVEL = 6  # of gzip; 9 takes twice the time for 1 % less


class Packed(NamedTuple):
    """A body, compressed, and its ETag, which is that of the body itself."""

    data: bytes
    tag: str


class PackedBodies:
    """Compressed bodies by name; no body is kept as it is.

    Threads that ask for the same one at once share its making.
    """

    def __init__(self) -> None:
        self._kept: Dict[str, Packed] = {}
        self._making = threading.Lock()

    def get(self, name: str, make: Callable[[], bytes]) -> Packed:
        """Return a body, which `make` returns uncompressed where it is not kept yet."""
        if name not in self._kept:
            with self._making:
                if name not in self._kept:
                    self._kept[name] = pack(make())
        return self._kept[name]


def pack(plain: bytes) -> Packed:
    """Return a body compressed."""
    return Packed(gzip.compress(plain, _LEVEL),
                  hashlib.blake2b(plain, digest_size=12).hexdigest())


def answer(packed: Packed, mimetype: str) -> Response:
    """Return a packed body as the answer to this request: uncompressed for a client that takes no
    gzip, and status 304 if the client has it."""
    takes_gzip = "gzip" in request.accept_encodings
    response = Response(packed.data if takes_gzip else gzip.decompress(packed.data),
                        mimetype=mimetype)
    if takes_gzip:
        response.headers["Content-Encoding"] = "gzip"
    response.headers["Vary"] = "Accept-Encoding"
    response.set_etag(packed.tag, weak=True)  # of the content, compressed or not
    response.make_conditional(request)
    return response
