"""Several processes that serve, forked by one that watches over them.

Each has a socket of its own at the same address, and they share the pages of what was read before.
One that dies is replaced; SIGTERM and Ctrl-C have each finish what it has begun, SIGHUP has each
read the index anew; should the one that watches be killed, they end as well.
"""

import os
import queue
import signal
import socket
import threading
import time
import traceback
from typing import Any, Callable, Dict, Sequence

from recommender import cli
from serving import counters
from serving.listening import BACKLOG

_STOPS = (signal.SIGTERM, signal.SIGINT)
_SIGNALS = (*_STOPS, signal.SIGHUP, signal.SIGCHLD)
_PAUSE = 1.0  # seconds before a worker that died is replaced


class Workers:
    """A process for each of the sockets `bound`, which calls `serve` with it until that returns.
    `reload` is called at SIGHUP before they are told, for those that are forked later."""

    def __init__(self, bound: Sequence[socket.socket], serve: Callable[[socket.socket], None],
                 reload: Callable[[], bool]):
        self._bound, self._serve, self._reload = bound, serve, reload
        self._serves: Dict[int, socket.socket] = {}  # by process id
        self._signals = queue.SimpleQueue()  # type: queue.SimpleQueue
        self._stopping = False
        self._in_terminal = os.isatty(0)
        # Nobody writes: it ends for the workers when this process does.
        self._alive, self._held = os.pipe()

    def run(self, then: Callable[[], None]) -> None:
        """Start them, call `then`, and return when all have ended after a signal to stop."""
        for number in _SIGNALS:
            signal.signal(number, self._on_signal)
        for one in self._bound:
            one.listen(BACKLOG)
            self._fork(one)
        then()
        while self._serves:
            number = self._signals.get()
            if number == signal.SIGCHLD:
                self._bury()
            elif number == signal.SIGHUP and not (self._in_terminal and not os.isatty(0)):
                if self._reload():
                    self._tell(signal.SIGHUP)
            else:
                self._stop()

    def _on_signal(self, number: int, _: Any) -> None:
        # It comes in the midst of anything, as of a line being told: so no more is done here.
        if number in _STOPS:
            signal.signal(number, signal.SIG_DFL)  # a second one ends the program at once
        self._signals.put(number)

    def _stop(self) -> None:
        self._stopping = True
        for one in self._bound:
            one.close()  # the workers close theirs: then nobody takes connections
        self._tell(signal.SIGTERM)

    def _bury(self) -> None:
        for pid, bound in list(self._serves.items()):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                del self._serves[pid]
                counters.forget_process(pid)
                if not self._stopping:
                    self._replace(bound, status)

    def _replace(self, bound: socket.socket, status: int) -> None:
        cli.note("server.py: a worker {}: another is started".format(
            "was killed by signal {}".format(os.WTERMSIG(status)) if os.WIFSIGNALED(status)
            else "ended with code {}".format(os.WEXITSTATUS(status))))
        time.sleep(_PAUSE)
        self._fork(bound)

    def _fork(self, bound: socket.socket) -> None:
        # Blocked in the worker until `serve` knows what to do with them.
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        pid = os.fork()
        if pid:
            self._serves[pid] = bound
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            return
        code = 1
        try:
            os.close(self._held)
            threading.Thread(target=self._end_with_parent, daemon=True).start()
            for other in self._bound:
                if other is not bound:
                    other.close()
            self._serve(bound)
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)  # what else was to be done at the end is the parent's

    def _end_with_parent(self) -> None:
        os.read(self._alive, 1)
        os.kill(os.getpid(), signal.SIGTERM)

    def _tell(self, number: int) -> None:
        for pid in list(self._serves):
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass  # it has just died
