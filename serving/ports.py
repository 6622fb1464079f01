"""The port of a server: reserved before anything is loaded, shared by its own workers only."""

import socket
from typing import Any, List

from recommender import cli
from recommender.errors import RecommenderError

BACKLOG = 1024  # connections that wait to be accepted; the kernel's own limit is 4096 or less


def reserve(host: str, port: int) -> socket.socket:
    """Return a bound socket that no other socket can share.

    It does not listen yet, so clients are refused until the server is ready.

    Parameters
    ----------
    host : str
        Name or address, IPv4 or IPv6; an IPv6 address may stand in brackets.
    port : int
        0 takes a free port.

    Raises
    ------
    RecommenderError
        If the address does not exist or another program has the port, listening or not.

    Examples
    --------
    >>> with reserve("127.0.0.1", 0) as bound:
    ...     reserve("127.0.0.1", bound.getsockname()[1])  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    recommender.errors.RecommenderError: cannot listen on 127.0.0.1 port ...
    """
    try:
        found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM,
                                   flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        try:
            return _bind(socket.socket(family, kind, protocol), address)
        except OSError:
            return _bind(socket.socket(family, kind, protocol), address, beside_old=True)
    except (OSError, UnicodeError) as error:
        raise RecommenderError(
            "cannot listen on {} port {}: {}: choose another --host or --port".format(
                host, port, getattr(error, "strerror", None) or error))


def _bind(one: socket.socket, address: Any, beside_old: bool = False) -> socket.socket:
    """Bind a socket; `beside_old` also where connections of a server that has ended still wait
    for their last packets, as they do for a minute. Raises OSError, and closes the socket then."""
    try:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(beside_old))
        one.bind(address)
        # While it is set, a socket that has it, too, could be bound beside this one.
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    except OSError:
        one.close()
        raise
    return one


def shares(reserved: socket.socket, n: int) -> List[socket.socket]:
    """Return `n` sockets at the address of `reserved`, which is the first of them.

    The kernel spreads connections evenly over them (SO_REUSEPORT); of several processes that
    accept from one socket the quickest would take nearly all.
    """
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)  # a second server's is without
    found = [reserved]
    for _ in range(n - 1):
        one = socket.socket(reserved.family, socket.SOCK_STREAM)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        found.append(_bind(one, reserved.getsockname(), beside_old=True))
    return found


def listen(bound: socket.socket) -> None:
    """Begin to take connections. Raises RecommenderError if another program was faster."""
    # Accepted connections inherit it: a server that is started again need not wait for them.
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.listen(BACKLOG)
    except OSError as error:
        host, port = bound.getsockname()[:2]
        raise RecommenderError("cannot listen on {} port {}: {}: choose another --port".format(
            host, port, error.strerror))


def announce(bound: socket.socket) -> None:
    """Listen at `bound`, and print its address to stderr."""
    listen(bound)
    host, port = bound.getsockname()[:2]
    cli.note("server.py: listening on http://{}:{}".format(
        "[{}]".format(host) if ":" in host else host, port))
