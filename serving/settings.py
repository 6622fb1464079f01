"""Settings of the application: flags of server.py, environment variables under other servers."""

import argparse
import re
from typing import List, Mapping, NoReturn

from recommender import cli
from recommender.errors import RecommenderError
from serving.posters import TMDB, image_host
from serving.proxies import Proxies, prefix_of

_VARIABLE = "MOVIES_"  # beginning of the names of environment variables
_FALSE = {"0", "false", "no", "off"}  # values of a variable that leave a switch off

_TRUE = {"1", "true", "yes", "on"}  # that give a flag the value it has without one


def add_flags(flags: argparse.ArgumentParser) -> List[argparse.Action]:
    """Add the flags that set up the application, whatever server runs it; return them."""
    add = flags.add_argument
    return [
        add("--index", help="index that build_index.py wrote (default: data/index.h5, else "
            "data/sample_index.h5)"),
        add("--features", help="folder of the features for explanations (default: the one that "
            "the index was built from)"),
        add("--bert_dir", help="the checkpoint for text queries and explanations (default: the "
            "one in tmp/ that made the index)"),
        add("--genre_model", metavar="DIR", help="folder that train_genres.py wrote: answers to "
            "texts tell the genres that its model hears in them (default: none)"),
        add("--access_log", metavar="FILE", help="append a line of JSON for each request to this "
            "file; - is stderr"),
        add("--rate_limit", type=cli.whole_number(0), default=0, metavar="N",
            help="requests to the API that a client may send per minute; 0 is no limit"),
        add("--text_seconds", type=cli.whole_number(1, 3600), default=60, metavar="N",
            help="seconds in which a text query must be answered once the checkpoint is loaded; "
            "then it gets status 503, and the process that embeds texts is started again if it "
            "does not answer at all"),
        add("--proxy", type=_proxy, nargs="+", default=(), metavar="ADDRESS",
            help="IP addresses or networks of reverse proxies: their X-Forwarded-For names the "
            "client, and each may hold any number of connections without a whole request; any "
            "other address holds at most a quarter of a process's 500 connections so"),
        add("--prefix", type=_prefix, default="", metavar="PATH",
            help="path at which clients see the server behind a proxy, such as /movies (default: "
            "the root; not needed where the proxy removes it)"),
        add("--cors", type=_origin, action="append", default=[], metavar="ORIGIN",
            help="origin of other pages that may read the API's answers, such as "
            "https://films.example; may be given several times (default: none)"),
        add("--posters", nargs="?", type=_posters, const=TMDB, default="", metavar="ADDRESS",
            help="show the posters that the catalogue names, which browsers load from this address "
            "(without one: {}); where there is none, one is drawn (default: all are drawn)".format(
                TMDB)),
        add("--verbose", action="store_true", help="show what TensorFlow and waitress log, and in "
            "the access log what was asked for"),
    ]


def from_environment(environ: Mapping[str, str]) -> argparse.Namespace:
    """Return the values of the flags from environment variables: MOVIES_INDEX for --index.

    Several proxies or origins stand in one variable, between blanks or commas. A switch is off
    where its variable is empty or 0.

    Raises
    ------
    RecommenderError
        If a value is wrong.

    Examples
    --------
    >>> from_environment({"MOVIES_RATE_LIMIT": "600", "MOVIES_PROXY": "127.0.0.1, ::1"}).proxy
    ['127.0.0.1', '::1']
    >>> from_environment({"MOVIES_RATE_LIMIT": "many"})
    Traceback (most recent call last):
    recommender.errors.RecommenderError: MOVIES_RATE_LIMIT: 'many' is not a whole number
    """
    flags = _Variables()
    given: List[str] = []
    for flag in add_flags(flags):
        option, value = flag.option_strings[0], environ.get(variable_of(flag), "").strip()
        several = list(filter(None, re.split(r"[\s,]+", value)))
        if flag.nargs == 0:
            given += [option] if value and value.lower() not in _FALSE else []
        elif flag.nargs == "?" and value.lower() in _FALSE | _TRUE:
            given += [option] if value.lower() in _TRUE else []
        elif flag.nargs == "+":
            given += [option, *several] if several else []
        elif isinstance(flag.default, list):
            given += ["{}={}".format(option, each) for each in several]
        elif value:
            given.append("{}={}".format(option, value))
    return flags.parse_args(given)


def variable_of(flag: argparse.Action) -> str:
    """Return the environment variable that stands for a flag."""
    return _VARIABLE + flag.dest.upper()


class _Variables(cli.Flags):
    """A parser whose errors name environment variables, and are raised."""

    def error(self, message: str) -> NoReturn:
        raise RecommenderError(re.sub(
            r"^argument --(\w+)", lambda found: _VARIABLE + found.group(1).upper(), message))


def _proxy(text: str) -> str:
    """Convert the value of a flag that names a proxy."""
    try:
        Proxies([text])
    except ValueError:
        raise argparse.ArgumentTypeError("{!r} is not an IP address or network".format(text))
    return text


def _posters(text: str) -> str:
    """Convert the value of a flag that is an address of images."""
    try:
        return image_host(text) if text else ""
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error))


def _prefix(text: str) -> str:
    """Convert the value of a flag that is the beginning of paths."""
    try:
        return prefix_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error))


def _origin(text: str) -> str:
    """Convert the value of a flag that is an origin: scheme, host and port."""
    if not re.fullmatch(r"https?://[^/\s?#@]+", text):
        raise argparse.ArgumentTypeError("{!r} is not an origin like https://films.example".format(
            text))
    return text
