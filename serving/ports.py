"""The port of a server: reserved before anything is loaded, shared by its own workers only."""

import socket
from typing import List

from recommender import cli
from recommender.errors import RecommenderError

BACKLOG = 1024  # connections that wait to be accepted; the kernel's own limit is 4096 or less


def reserve(host: str, port: int) -> socket.socket:
    """Return a bound socket that no other socket can share.

    It does not listen yet, so clients are refused until the server is ready.

    Parameters
    ----------
    host : str
        Name or address, IPv4 or IPv6.
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
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        try:
            return _bound(family, kind, protocol, address, reuse=False)
        except OSError:
            # Connections of a server that has ended may still wait for their last packets; these
            # give way to a socket with SO_REUSEADDR. Anything else refuses this one, too.
            bound = _bound(family, kind, protocol, address, reuse=True)
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
            return bound
    except (OSError, UnicodeError) as error:
        raise RecommenderError(
            "cannot listen on {} port {}: {}: choose another --host or --port".format(
                host, port, getattr(error, "strerror", None) or error))


def _bound(family: int, kind: int, protocol: int, address: tuple, reuse: bool) -> socket.socket:
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(reuse))
        bound.bind(address)
    except OSError:
        bound.close()
        raise
    return bound


def shares(reserved: socket.socket, n: int) -> List[socket.socket]:
    """Return `n` sockets at the address of `reserved`, which is the first of them.

    The kernel spreads connections evenly over them (SO_REUSEPORT); of several processes that
    accept from one socket the quickest would take nearly all.
    """
    found = [reserved]
    _let_share(reserved)  # only now: a second server is refused while it tries to `reserve`
    for _ in range(n - 1):
        one = socket.socket(reserved.family, socket.SOCK_STREAM)
        _let_share(one)
        one.bind(reserved.getsockname())
        found.append(one)
    return found


def _let_share(one: socket.socket) -> None:
    for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
        one.setsockopt(socket.SOL_SOCKET, option, 1)


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
