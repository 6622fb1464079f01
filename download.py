#!/usr/bin/env python3
"""Fetch or convert a BERT checkpoint into tmp/, and a catalogue of films into data/.

    python download.py --model wwm        the research's checkpoint, 1.3 GB
    python download.py --model minilm     a small one for a first run, 90 MB
    python download.py --list             all checkpoints that it knows by name
    python download.py --model PATH       an archive or folder in Google's or Hugging Face's layout
    python download.py --data movies      The Movies Dataset, the research's catalogue, from Kaggle
    python download.py --data tmdb        TMDB's films of today, a million, from Kaggle
    python download.py --data PATH        its archive, downloaded by hand

A download that was cut off continues when the same command is given again.
"""

import recommender.environment  # noqa: F401

import argparse
from typing import Optional, Sequence

from bert.errors import BertError
from fetching import FetchError
from fetching.checkpoints import get_model
from fetching.datasets import get_data
from fetching.published import listing
from recommender import cli
from recommender.errors import RecommenderError


def parse_flags(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    """Parse and check the flags; exit with code 2 where they are wrong."""
    flags = cli.Flags(prog="download.py", description=__doc__.splitlines()[0])
    flags.add_argument("--model", metavar="NAME|PATH", help="the checkpoint to fetch: wwm (the "
                       "research's, 1.3 GB), minilm (a small one, 90 MB), another name of --list, "
                       "or an archive or folder of your own")
    flags.add_argument("--list", action="store_true", help="list the checkpoints that --model "
                       "knows by name, with their sizes and what they are good for")
    flags.add_argument("--data", metavar="movies|tmdb|PATH", help="the films to fetch from "
                       "Kaggle: movies (The Movies Dataset, 45,466, until 2017) or tmdb (over a "
                       "million, renewed); or the archive or folder that you have already")
    flags.add_argument("--tmp_dir", default="tmp", help="folder of the checkpoints")
    flags.add_argument("--data_dir", default="data", help="folder of the movie data")
    args = flags.parse_args(argv)
    if not (args.model or args.data or args.list):
        flags.error("say what to get: --model wwm, --model minilm, --data movies, "
                    "--data tmdb, or a path; --list names more")
    return args


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Run the program; return the exit code."""
    args = parse_flags(argv)
    if args.list:
        print(listing())
    if args.model:
        print(get_model(args.model, args.tmp_dir))
    if args.data:
        print(get_data(args.data, args.data_dir))
    return 0


if __name__ == "__main__":
    cli.run(main, (BertError, FetchError, RecommenderError))
