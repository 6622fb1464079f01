#!/usr/bin/env python3
"""Predict the genres of a text or film by a model of train_genres.py.

    python predict_genres.py --overview "A hacker learns that the world is a simulation"
    python predict_genres.py --input_file data/movies_metadata.csv --title "The Matrix" --explain
    python predict_genres.py --input_file data/movies_metadata.csv --missing
"""

import recommender.environment  # noqa: F401

import argparse
import json
from typing import Any, Dict, List, Optional, Sequence

import numpy as np

from bert import quiet
from bert.checkpoint import open_checkpoint
from bert.errors import BertError
from recommender import cli
from recommender.catalogue import read_catalogue
from recommender.errors import NothingFound, RecommenderError
from recommender.genres.head import GenreHead, read_head, read_unseen, word_shares
from recommender.movie import Movie
from recommender.titles import title_key

_WORDS = 5  # words that are shown for a genre
_SHOWN = 3  # genres that are shown if none reaches its threshold
_CHUNK = 256  # texts whose hidden layers are held at once


def parse_flags(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    """Parse and check the flags; exit with code 2 where they are wrong."""
    flags = cli.Flags(prog="predict_genres.py", description=__doc__.splitlines()[0])
    flags.add_argument("--model", default="tmp/genres-bert",
                       help="the folder that train_genres.py wrote")
    flags.add_argument("--input_file", help="the catalogue, for all but --overview")
    asked = flags.add_mutually_exclusive_group(required=True)
    asked.add_argument("--overview", help="the text whose genres to predict")
    asked.add_argument("--id", type=cli.whole_number(1), help="the film's TMDB id")
    asked.add_argument("--title", help="the film's title")
    asked.add_argument("--missing", action="store_true",
                       help="the films without a genre, and what they would get")
    asked.add_argument("--doubtful", action="store_true", help="the films whose stated genres the "
                       "model finds least likely, by models that were not trained on the film")
    flags.add_argument("-k", type=cli.whole_number(1), default=20,
                       help="films that --doubtful shows")
    flags.add_argument("--explain", action="store_true",
                       help="show which words speak for each genre")
    flags.add_argument("--json", action="store_true", help="print JSON")
    flags.add_argument("--verbose", action="store_true",
                       help="show TensorFlow's log lines and warnings")
    args = flags.parse_args(argv)
    if args.overview is None and not args.input_file:
        flags.error("--input_file is missing: the catalogue with the film")
    if args.explain and (args.missing or args.doubtful):
        flags.error("--explain goes with --overview, --id and --title")
    return args


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Run the program; return the exit code."""
    args = parse_flags(argv)
    quiet.silence(args.verbose)
    head = read_head(args.model)
    movies = read_catalogue(args.input_file).movies if args.input_file else []
    if args.doubtful:
        found = doubtful(args.model, head, movies)[:args.k]
    elif args.missing:
        without = [movie for movie in movies if not movie.genres]
        cli.note("{:,} of {:,} films have no genre".format(len(without), len(movies)))
        found = [dict(_named(movie), **answer) for movie, answer in zip(
            without, predict(args, head, [movie.overview for movie in without]))]
    elif args.overview is not None:
        if not args.overview.strip():
            raise NothingFound("--overview is empty: give a text")
        found = predict(args, head, [args.overview])
    else:
        movie = _film(movies, args)
        answer, = predict(args, head, [movie.overview])
        found = [dict(_named(movie), stated=list(movie.genres), **answer)]
    if args.json:
        print(json.dumps({"model": args.model, "results": found}, indent=2))
    elif args.doubtful:
        print("\n".join("{p:6.3f}  {genre:<16}  {title} ({year}), id {id}".format(
            p=film["probability"], **film) for film in found))
    elif args.missing:
        print("\n".join("{title} ({year}), id {id}: {told}".format(
            told=", ".join("{name} {probability:.2f}".format(**genre)
                           for genre in film["genres"] if genre["predicted"]) or "none", **film)
            for film in found))
    else:
        print("\n".join(as_lines(found[0])))
    return 0


def predict(args: argparse.Namespace, head: GenreHead, texts: List[str]) -> List[Dict[str, Any]]:
    """Return the genres of each text, the likeliest first, as dicts for JSON."""
    if not texts:
        return []
    # Late, because TensorFlow takes seconds to import: what can be wrong is told before.
    from bert.embedder import Embedder

    checkpoint = open_checkpoint(args.model)
    embedder = Embedder(checkpoint, head.layers, head.max_seq_length, head.do_lower_case)
    found = []
    for start in range(0, len(texts), _CHUNK):
        chunk = texts[start:start + _CHUNK]
        for text, features in zip(chunk, embedder.features(chunk)):
            probabilities = head.probabilities(features.layers)
            shares = head.shares(features.layers) if args.explain else None
            spans = embedder.pieces.word_spans(text, head.max_seq_length) if args.explain else []
            found.append({"genres": [
                _genre(head, place, probabilities, text, spans, shares)
                for place in np.argsort(-probabilities)]})
    return found


def _genre(head: GenreHead, place: int, probabilities: np.ndarray, text: str, spans: Sequence[Any],
           shares: Optional[np.ndarray]) -> Dict[str, Any]:
    told = {"name": head.genres[place], "probability": float(probabilities[place]),
            "predicted": bool(probabilities[place] >= head.thresholds[place])}
    if shares is not None:
        told["words"] = [{"word": word, "share": share} for word, share in word_shares(
            text, spans, shares[:, place])[:_WORDS] if share > 0]
    return told


def doubtful(folder: str, head: GenreHead, movies: Sequence[Movie]) -> List[Dict[str, Any]]:
    """Return stated genres with their probability by a model that has not seen the film, the least
    likely first."""
    unseen = read_unseen(folder, head)
    by_id = dict(zip(unseen.ids.tolist(), unseen.probabilities))
    places = {genre: place for place, genre in enumerate(head.genres)}
    known = [movie for movie in movies if movie.id in by_id]
    n_not = sum(1 for movie in movies if movie.genres) - len(known)
    if n_not:
        cli.note("{:,} films were in no test split of this model and are left out: "
                 "train_genres.py --folds 5 tests all".format(n_not))
    found = [dict(_named(movie), genre=genre, probability=float(by_id[movie.id][places[genre]]))
             for movie in known for genre in movie.genres if genre in places]
    return sorted(found, key=lambda film: film["probability"])


def _film(movies: Sequence[Movie], args: argparse.Namespace) -> Movie:
    """Return the film that --id or --title names. Raises NothingFound unless it is one."""
    if args.id is not None:
        found = [movie for movie in movies if movie.id == args.id]
        what = "id {}".format(args.id)
    else:
        key, what = title_key(args.title), "title {!r}".format(args.title)
        found = [movie for movie in movies if title_key(movie.title) == key]
    if not found:
        raise NothingFound("no film with an overview has the {} in {}".format(
            what, args.input_file))
    if len(found) > 1:
        raise NothingFound("{} films have the {}: say which with --id {}".format(
            len(found), what, ", ".join("{} ({})".format(movie.id, movie.year) for movie in found)))
    return found[0]


def _named(movie: Movie) -> Dict[str, Any]:
    return {"id": movie.id, "title": movie.title, "year": movie.year}


def as_lines(answer: Dict[str, Any]) -> List[str]:
    """Return the lines that show the genres of one text."""
    lines = []
    if "title" in answer:
        lines.append("{title} ({year}), stated: {told}".format(
            told=", ".join(answer["stated"]) or "none", **answer))
    genres = answer["genres"]
    shown = [genre for genre in genres if genre["predicted"]]
    if not shown:
        lines.append("no genre reaches its threshold; the likeliest:")
        shown = genres[:_SHOWN]
    for genre in shown:
        words = ", ".join("{word} {share:+.2f}".format(**each) for each in genre.get("words", ()))
        lines.append("{probability:6.3f}  {name:<16}  {words}".format(
            words=words, **{name: genre[name] for name in ("probability", "name")}).rstrip())
    return lines


if __name__ == "__main__":
    cli.run(main, (BertError, RecommenderError))
