#!/usr/bin/env python3
"""Serves recommendations over HTTP, as JSON.

    python server.py --index data/index.h5
    curl "http://127.0.0.1:5000/api/v1/recommend?title=The+Matrix&k=5"
"""

import argparse
from typing import Optional, Sequence

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
                       help="build the graph at the start, not at the first text query")
    flags.add_argument("--access_log", metavar="FILE", help="add a line of JSON for each request; "
                       "- is stderr")
    flags.add_argument("--rate_limit", type=cli.whole_number(0), default=0, metavar="N",
                       help="requests that a client may send to the API a minute; 0 sets no limit")
    flags.add_argument("--verbose", action="store_true", help="let TensorFlow and waitress talk, "
                       "and the access log tell what was asked")
    return flags.parse_args(argv)


def main(argv: Optional[Sequence[str]] = None) -> int:
    args = parse_flags(argv)
    # Imported late: what is wrong with the flags is said at once.
    from serving.app import create_app
    from serving.http import bind, serve
    from serving.library import Library
    from serving.observed import AccessLog

    log = AccessLog(args.access_log, args.verbose) if args.access_log else None
    library = Library.open(args.index, args.features, args.bert_dir, args.verbose)
    bound = bind(args.host, args.port)
    if args.preload:
        library.now.embed.load()
    serve(create_app(library, log, args.rate_limit), bound, library.reload, args.verbose)
    return 0


if __name__ == "__main__":
    cli.run(main, (BertError, RecommenderError))
