"""Scripts and styles of the pages, which are sent compressed, and what a script imports."""

import mimetypes
import os
import re
from typing import List

from flask import Flask, Response
from werkzeug.utils import safe_join

from serving.packed import PackedBodies, answer

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "static")
_IMPORT = re.compile(r'^(?:import|export)\b[^"]*?"\./([\w-]+\.js)";', re.MULTILINE)
_TEXTS = (".js", ".css", ".svg")  # fonts are compressed already


def compress_static(app: Flask) -> None:
    """Let the application send its scripts and styles compressed, each compressed once."""
    plain = app.view_functions["static"]
    bodies = PackedBodies()

    def static(filename: str) -> Response:
        path = safe_join(FOLDER, filename)
        if not filename.endswith(_TEXTS) or not path or not os.path.isfile(path):
            return app.make_response(plain(filename=filename))

        def read() -> bytes:
            with open(path or "", "rb") as file:
                return file.read()

        # A file that was changed since has another name here.
        name = "{} {}".format(filename, os.stat(path).st_mtime_ns)
        return answer(bodies.get(name, read), mimetypes.guess_type(filename)[0] or "text/plain")

    app.view_functions["static"] = static


def imported_by(script: str) -> List[str]:
    """Return the names of all modules that a script imports, and that these import, in the order
    in which a browser would come upon them."""
    found = [script]
    for name in found:
        with open(os.path.join(FOLDER, name), encoding="utf-8") as file:
            found += [each for each in dict.fromkeys(_IMPORT.findall(file.read()))
                      if each not in found]
    return found[1:]
