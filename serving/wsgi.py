"""The application for WSGI servers other than our own, such as gunicorn.

    MOVIES_INDEX=data/index.h5 gunicorn --workers 2 --threads 8 serving.wsgi:app

Environment variables take the place of server.py's flags. The module may be imported in each worker
or once before they are forked; nothing is started before the first request.
"""

import recommender.environment  # noqa: F401

import argparse
import atexit
import os
import sys
from typing import Any, Callable, Dict, Iterable, List, Set

from flask import Flask

from bert.errors import BertError
from recommender import cli
from recommender.errors import RecommenderError
from recommender.index import Index, index_to_open
from serving.heard_genres import open_model
from serving.memory import share_freed_memory
from serving.posters import missing_note
from serving.settings import from_environment
from serving.shared_folder import join_folder

_NAME = "serving.wsgi"
# gunicorn starts a worker that ends with any other code again and again.
_CANNOT_START = 3


def application() -> Flask:
    """Return the application that the environment variables describe.

    Raises
    ------
    RecommenderError
        If one of them is wrong, or there is no such index.
    """
    args = from_environment(os.environ)
    share_freed_memory()
    path, note = index_to_open(args.index)
    if note:
        cli.note("{}: {}".format(_NAME, note))
    index = Index(path)
    note = missing_note(index, args.posters)
    if note:
        cli.note("{}: {}".format(_NAME, note))
    if args.genre_model:
        open_model(args.genre_model)
    flags = _keeper_flags(args)
    joined = join_folder(os.path.abspath(path), *flags)
    os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", joined.folder)
    # Imported late: serving.counters reads that variable.
    from serving.access_log import AccessLog
    from serving.app import create_app
    from serving.library import Library, in_background
    from serving.map_tiles import load_map
    from serving.shared_texts import SharedTexts
    from serving.text_process import Texts

    log = AccessLog(args.access_log, args.verbose) if args.access_log else None
    shared = SharedTexts(joined, flags)
    texts = Texts(shared.address, index.features, args.text_seconds, shared.start)
    library = Library(index, texts, args.features, args.bert_dir)
    library.now.load()
    app = create_app(library, log, args.rate_limit, args.cors, args.proxy, args.prefix,
                     args.posters)

    def begin() -> None:
        shared.start()
        in_background(library.now.load_texts)
        in_background(lambda: load_map(library.now))

    _at_first_request(app, begin)
    atexit.register(shared.leave)
    return app


def _keeper_flags(args: argparse.Namespace) -> List[str]:
    flags = ["--text_seconds", str(args.text_seconds)]
    for name in ("bert_dir", "genre_model"):
        folder = getattr(args, name)
        flags += ["--" + name, os.path.abspath(folder)] if folder else []
    return flags + (["--verbose"] if args.verbose else [])


def _at_first_request(app: Flask, begin: Callable[[], None]) -> None:
    """Call `begin` in each process that gets a request, when its first one comes: by then the
    server has forked it, so that threads may be started."""
    inner = app.wsgi_app
    begun: Set[int] = set()

    def outer(environ: Dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if os.getpid() not in begun:
            begun.add(os.getpid())
            begin()
        return inner(environ, start_response)

    setattr(app, "wsgi_app", outer)  # noqa: B010 (Flask's way of wrapping; mypy takes no method)


try:
    app = application()
except (BertError, RecommenderError) as error:
    cli.note("{}: error: {}".format(_NAME, error))
    sys.exit(_CANNOT_START)
