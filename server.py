#!/usr/bin/env python3
"""Serve recommendations over HTTP, as web pages and as JSON.

    python server.py
    curl "http://127.0.0.1:5000/api/v1/recommend?title=The+Matrix&k=5"
"""

import recommender.environment  # noqa: F401

import argparse
import gc
import os
import signal
import socket
import sys
from typing import Optional, Sequence

from bert.errors import BertError
from recommender import cli
from recommender.errors import RecommenderError
from serving.memory import share_freed_memory
from serving.ports import announce, reserve, shares
from serving.posters import missing_note
from serving.settings import add_flags
from serving.shared_folder import shared_folder


def parse_flags(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    """Parse and check the flags; exit with code 2 where they are wrong."""
    flags = cli.Flags(prog="server.py", description=__doc__.splitlines()[0])
    flags.add_argument("--host", default="127.0.0.1", help="the address to listen on")
    flags.add_argument("--port", type=cli.whole_number(0, 65535), default=5000,
                       help="the port to listen on; 0 takes a free one")
    flags.add_argument("--workers", type=cli.whole_number(1, 256), default=1, metavar="N",
                       help="processes that serve; they share the index in memory and one process "
                       "that embeds texts")
    flags.add_argument("--preload", action="store_true",
                       help="listen only when text queries can be answered, and fail if they "
                       "cannot; by default TensorFlow is loaded while the first queries for films "
                       "are answered. An index whose recipe uses no BERT needs no checkpoint")
    add_flags(flags)
    return flags.parse_args(argv)


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Run the program; return the exit code."""
    args = parse_flags(argv)
    share_freed_memory()
    # Until the server has its own: ends the block below, which removes its folder.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    # Before anything is loaded, so that a second server fails at once.
    with reserve(args.host, args.port) as bound, shared_folder() as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder  # read when serving.counters is imported
        run(args, bound, folder)
    return 0


def run(args: argparse.Namespace, bound: socket.socket, folder: str) -> None:
    """Serve at `bound` until a signal to stop; the processes share `folder`."""
    # Imported late: what is wrong with the flags or the port is said at once.
    from recommender.index import Index, index_to_open
    from serving.access_log import AccessLog
    from serving.app import create_app
    from serving.heard_genres import open_model
    from serving.library import Library, in_background
    from serving.listening import serve
    from serving.map_tiles import load_map
    from serving.text_keeper import EmbeddingProcess
    from serving.text_process import Texts
    from serving.workers import Workers

    log = AccessLog(args.access_log, args.verbose) if args.access_log else None
    path, note = index_to_open(args.index)
    if note:
        cli.note("server.py: " + note)
    index = Index(path)
    note = missing_note(index, args.posters)
    if note:
        cli.note("server.py: " + note)
    if args.genre_model:
        open_model(args.genre_model)  # what is wrong with it is said now
    with EmbeddingProcess(folder, args.bert_dir, args.verbose, args.text_seconds,
                          genre_model=args.genre_model) as embedding:
        texts = Texts(embedding.address, index.features, args.text_seconds)
        library = Library(index, texts, args.features, args.bert_dir)
        del index  # so that it is closed when another is served
        if args.preload:
            library.now.load_texts()
        else:
            in_background(library.now.load_texts)

        def prepare() -> None:
            if args.workers == 1:  # else it was done before the fork
                library.now.load()
            load_map(library.now)

        def reload() -> None:
            # Of several processes, only the one that watches over them tells of a new index.
            if library.reload(is_told=args.workers == 1):
                in_background(lambda: load_map(library.now))

        def serve_at(one: socket.socket) -> None:
            in_background(prepare)
            app = create_app(library, log, args.rate_limit, args.cors, args.proxy, args.prefix,
                             args.posters)
            serve(app, one, reload, args.verbose, is_announced=args.workers > 1)

        if args.workers > 1:
            library.now.load()  # before the fork, so that the workers share it in memory
            gc.freeze()
            all_bound = shares(bound, args.workers)
            Workers(all_bound, serve_at, library.reload).run(lambda: announce(all_bound[0]))
        else:
            serve_at(bound)


if __name__ == "__main__":
    cli.run(main, (BertError, RecommenderError))
