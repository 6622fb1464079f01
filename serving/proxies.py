"""Requests through reverse proxies: the client's address, and the path at which it sees the server.

X-Forwarded-For and X-Forwarded-Prefix are read from named proxies only: anybody else could pretend
to be another. X-Forwarded-Proto and -Host are never read: no answer depends on them.
"""

import ipaddress
import re
from typing import TYPE_CHECKING, Any, Callable, Collection, Dict, Iterable, Optional, Union

if TYPE_CHECKING:  # loading it takes longer than reading the flags of a server
    from flask import Flask

_UNIX = "unix"  # name of a proxy that connects by a Unix socket, and so has no address
_WITH_PORT = re.compile(r"\[([^]]+)\](?::\d+)?|([\d.]+):\d+")  # forms in which proxies add a port
_PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)+")
_DOTS = re.compile(r"/\.{1,2}(/|$)")  # steps of a path that browsers remove


class Proxies:
    """The reverse proxies whose word is taken for the address of their clients.

    Examples
    --------
    >>> proxies = Proxies(["127.0.0.1", "10.0.0.0/8"])
    >>> "10.1.2.3" in proxies, "192.0.2.1" in proxies
    (True, False)
    >>> proxies.client("127.0.0.1", "198.51.100.7, 192.0.2.1, 10.1.2.3")
    '192.0.2.1'
    >>> proxies.client("192.0.2.1", "198.51.100.7")
    '192.0.2.1'
    """

    def __init__(self, names: Collection[str] = ()):
        """`names` are IP addresses, networks such as 10.0.0.0/8, or "unix" for whoever connects
        by a Unix socket. Raises ValueError if one is none of these."""
        self._has_unix = _UNIX in names
        self._networks = [ipaddress.ip_network(name, strict=False)
                          for name in names if name != _UNIX]

    def __contains__(self, address: str) -> bool:
        """Return whether requests from `address` come from a named proxy."""
        if not address:
            return self._has_unix
        found = _ip(address)
        return found is not None and any(found in network for network in self._networks)

    def client(self, peer: str, forwarded_for: str) -> str:
        """Return the address of a client.

        Parameters
        ----------
        peer : str
            Address from which the connection comes; "" if it comes by a Unix socket.
        forwarded_for : str
            The request's X-Forwarded-For: each proxy adds its peer at the end. So the client is
            the last address there that is no named proxy; what stands before is the client's word.
        """
        client = peer
        for each in reversed(forwarded_for.split(",")):
            found = _ip(each) if client in self else None
            if found is None:
                break
            client = str(found)
        return client


def _ip(text: str) -> Optional[Union[ipaddress.IPv4Address, ipaddress.IPv6Address]]:
    """Return an address, with or without a port or zone, or None if `text` is none."""
    text = text.strip()
    with_port = _WITH_PORT.fullmatch(text)
    if with_port:
        text = with_port.group(1) or with_port.group(2)
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
        return found.ipv4_mapped
    return found


def prefix_of(text: str) -> str:
    """Return the form of a path in which others are put behind it: "" or with a slash before it.

    Raises ValueError if it is no path of plain characters.

    >>> prefix_of("movies/"), prefix_of("/")
    ('/movies', '')
    """
    path = "/" + text.strip("/") if text.strip("/") else ""
    if path and (not _PREFIX.fullmatch(path) or _DOTS.search(path)):
        raise ValueError("{!r} is not a path like /movies".format(text))
    return path


def name_clients(app: "Flask", proxies: Proxies) -> None:
    """Have `app` take requests from `proxies` for those of the clients that they name."""

    def named(environ: Dict[str, Any]) -> None:
        peer = environ.get("REMOTE_ADDR", "")
        if peer in proxies:
            environ["REMOTE_ADDR"] = proxies.client(peer, environ.get("HTTP_X_FORWARDED_FOR", ""))
            try:
                prefix = prefix_of(environ.get("HTTP_X_FORWARDED_PREFIX", ""))
            except ValueError:
                return
            if prefix:
                environ["SCRIPT_NAME"] = prefix

    _change_requests(app, named)


def serve_below(app: "Flask", prefix: str) -> None:
    """Have `app` answer below a path, too, and tell clients that they see it there.

    Parameters
    ----------
    app : Flask
    prefix : str
        From `prefix_of`. A proxy may remove it from the paths of requests or keep it.
    """

    def moved(environ: Dict[str, Any]) -> None:
        path = environ["PATH_INFO"]
        environ["SCRIPT_NAME"] = prefix
        if (path + "/").startswith(prefix + "/"):
            environ["PATH_INFO"] = path[len(prefix):] or "/"

    if prefix:
        _change_requests(app, moved)


def _change_requests(app: "Flask", change: Callable[[Dict[str, Any]], None]) -> None:
    """Call `change` with the WSGI environment of each request before `app` sees it."""
    inner = app.wsgi_app

    def outer(environ: Dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        change(environ)
        return inner(environ, start_response)

    setattr(app, "wsgi_app", outer)  # noqa: B010 (Flask's way of wrapping; mypy takes no method)
