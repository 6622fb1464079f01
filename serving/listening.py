"""Serving until a signal: answers, reloads on SIGHUP, an end that drops no request."""

import logging
import os
import signal
import socket
import sys
import threading
import time
from typing import Any, Callable, Dict, List

from flask import Flask
from waitress import wasyncore

from serving.connections import Server
from serving.ports import announce

DRAIN_SECONDS = 30.0  # in which a server that stops sends the answers to accepted requests
# Python's 5 ms let a thread with a short answer keep waitress's own thread waiting: at 16
# connections this halves the rate.
_SWITCH_SECONDS = 0.0005


def serve(app: Flask, bound: socket.socket, reload: Callable[[], Any], verbose: bool = False,
          is_announced: bool = False) -> None:
    """Answer requests until SIGTERM or Ctrl-C, then finish those in flight.

    Parameters
    ----------
    app : Flask
        Its config has OBSERVE, which is called with every `Seen` request, and PROXIES, which may
        hold any number of unfinished requests.
    bound : socket.socket
        From `serving.ports`.
    reload : callable
        Called in a thread at SIGHUP. (From a terminal that was closed, SIGHUP ends the server.)
    verbose : bool
        Let waitress log warnings.
    is_announced : bool
        The address has been printed already.

    Raises
    ------
    RecommenderError
        If another program listens at the port.
    """
    sys.setswitchinterval(_SWITCH_SECONDS)
    # By default waitress warns of its queue when a request comes before its threads are up.
    logging.getLogger("waitress").setLevel(logging.WARNING if verbose else logging.CRITICAL)
    sockets: Dict[int, wasyncore.dispatcher] = {}
    server = Server(app, sockets, bound)
    stops: List[int] = []
    hang_ups: List[int] = []
    in_terminal = os.isatty(0)

    def on_stop(number: int, _: Any) -> None:
        signal.signal(number, signal.SIG_DFL)  # a second one ends the program at once
        stops.append(number)
        server.pull_trigger()

    def on_hangup(number: int, _: Any) -> None:
        (stops if in_terminal and not os.isatty(0) else hang_ups).append(number)
        server.pull_trigger()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_stop)
    signal.signal(signal.SIGHUP, on_hangup)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTERM, signal.SIGINT, signal.SIGHUP))
    server.accept_connections()
    if not is_announced:
        announce(bound)
    while not stops:
        if hang_ups:
            hang_ups.clear()
            threading.Thread(target=reload, daemon=True).start()
        wasyncore.loop(timeout=1, use_poll=True, map=sockets, count=1)
    _drain(server, sockets)


def _drain(server: Server, sockets: Dict[int, wasyncore.dispatcher]) -> None:
    """Accept no more, and send the answers to what was accepted."""
    wasyncore.dispatcher.close(server)
    deadline = time.monotonic() + DRAIN_SECONDS
    while (time.monotonic() < deadline
           and any(channel.is_busy() for channel in list(server.active_channels.values()))):
        wasyncore.loop(timeout=0.1, use_poll=True, map=sockets, count=1)
    server.task_dispatcher.shutdown()
