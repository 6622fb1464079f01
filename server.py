#!/usr/bin/env python3
"""Serves recommendations over HTTP, as JSON.

    python server.py --index data/index.h5
    curl "http://127.0.0.1:5000/api/v1/recommend?title=The+Matrix&k=5"
"""

import recommender.environment  # noqa: F401

import argparse
import contextlib
import gc
import os
import socket
import tempfile
import threading
from typing import Any, Callable, Optional, Sequence

from bert.errors import BertError
from recommender import cli
from recommender.errors import RecommenderError


def parse_flags(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    flags = cli.Flags(prog="server.py", description=__doc__.splitlines()[0])
    flags.add_argument("--index", default="data/index.h5", help="what build_index.py wrote")
    flags.add_argument("--host", default="127.0.0.1", help="the address to listen on")
    flags.add_argument("--port", type=cli.whole_number(0, 65535), default=5000,
                       help="the port to listen on; 0 takes a free one")
    flags.add_argument("--features", default="data/features",
                       help="the folder that the index was made of, for explanations")
    flags.add_argument("--bert_dir", help="the checkpoint for text queries and explanations "
                       "(default: the one in tmp/ that made the index)")
    flags.add_argument("--preload", action="store_true",
                       help="listen only when texts can be answered, too, and fail if they cannot; "
                       "else TensorFlow is loaded behind the first queries")
    flags.add_argument("--workers", type=cli.whole_number(1, 256), default=1, metavar="N",
                       help="processes that serve; they share the index in memory, and the one "
                       "process that embeds texts")
    flags.add_argument("--access_log", metavar="FILE", help="add a line of JSON for each request; "
                       "- is stderr")
    flags.add_argument("--rate_limit", type=cli.whole_number(0), default=0, metavar="N",
                       help="requests that a client may send to the API a minute; 0 sets no limit")
    flags.add_argument("--verbose", action="store_true", help="let TensorFlow and waitress talk, "
                       "and the access log tell what was asked")
    return flags.parse_args(argv)


def main(argv: Optional[Sequence[str]] = None) -> int:
    args = parse_flags(argv)
    with tempfile.TemporaryDirectory(prefix="movies-") as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder  # read when serving.counters is imported
        run(args, folder)
    return 0


def run(args: argparse.Namespace, folder: str) -> None:
    """Serve until a signal to stop; the processes meet in `folder`."""
    # Imported late: what is wrong with the flags is said at once.
    from recommender.index import Index
    from serving.access_log import AccessLog
    from serving.app import create_app
    from serving.library import Library
    from serving.listening import announce, bind, serve, shares
    from serving.text_process import EmbeddingProcess, Texts
    from serving.workers import Workers

    log = AccessLog(args.access_log, args.verbose) if args.access_log else None
    index, bound = Index(args.index), bind(args.host, args.port)
    with EmbeddingProcess(folder, args.bert_dir, args.verbose) as embedding:
        texts = Texts(embedding.address, index.features)
        library = Library(index, texts, args.features, args.bert_dir)
        del index  # it goes when another is served
        if args.preload:
            texts.load()
        else:
            in_background(texts.load)

        def serve_at(one: socket.socket) -> None:
            app = create_app(library, log, args.rate_limit)
            serve(app, one, library.reload, args.verbose, is_announced=args.workers > 1)

        if args.workers > 1:
            library.now.load()  # before they part: what is read is shared
            gc.freeze()
            all_bound = shares(bound, args.workers)
            Workers(all_bound, serve_at, library.reload).run(lambda: announce(all_bound[0]))
        else:
            in_background(library.now.load)
            serve_at(bound)


def in_background(load: Callable[[], Any]) -> None:
    """Call `load`; what goes wrong will be told to those whom it concerns."""

    def run() -> None:
        with contextlib.suppress(Exception):
            load()

    threading.Thread(target=run, daemon=True).start()


if __name__ == "__main__":
    cli.run(main, (BertError, RecommenderError))
