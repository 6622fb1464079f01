"""Several processes that serve, forked by one that watches over them.

Each has a socket of its own at the same address, and they share the memory of what was read
before. A worker that dies is replaced. SIGTERM and Ctrl-C have each finish what it has begun,
SIGHUP has each read the index anew. If the process that watches is killed, the workers end, too.
"""

import os
import select
import signal
import socket
import threading
import time
import traceback
from typing import Any, Callable, Dict, List, Optional, Sequence

from recommender import cli
from serving.listening import DRAIN_SECONDS
from serving.ports import listen

_STOPS = (signal.SIGTERM, signal.SIGINT)
_SIGNALS = (*_STOPS, signal.SIGHUP, signal.SIGCHLD)
_PAUSE = 1.0  # seconds before a worker that died is replaced
_END_SECONDS = DRAIN_SECONDS + 5  # in which workers must have ended; then they are killed


class Workers:
    """A process for each of the sockets `bound`, which calls `serve` with it until that returns.

    `reload` is called at SIGHUP before the workers are told, for those that are forked later;
    they are told only if it returns True.
    """

    def __init__(self, bound: Sequence[socket.socket], serve: Callable[[socket.socket], None],
                 reload: Callable[[], bool]):
        self._bound, self._serve, self._reload = bound, serve, reload
        self._serves: Dict[int, socket.socket] = {}  # by process id
        self._missing: List[socket.socket] = []  # those whose worker has died
        # The system writes the number of each signal there: one that comes just before this process
        # begins to wait, or comes to another of its threads, wakes it up nevertheless.
        self._signals, self._wakes = os.pipe()
        os.set_blocking(self._wakes, False)
        self._stopping_since: Optional[float] = None
        self._in_terminal = os.isatty(0)
        # Nobody writes: reading ends in the workers when this process has ended.
        self._alive, self._held = os.pipe()

    def run(self, then: Callable[[], None]) -> None:
        """Start the workers, call `then`, and return when all have ended after a signal to stop."""
        signal.set_wakeup_fd(self._wakes, warn_on_full_buffer=False)
        for each in _SIGNALS:
            signal.signal(each, self._on_signal)
        for one in self._bound:
            listen(one)
            self._fork(one)
        then()
        while self._serves or self._missing:
            seconds = _PAUSE if self._is_waiting() else None
            if not select.select([self._signals], [], [], seconds)[0]:
                self._end_or_replace()
                continue
            number, = os.read(self._signals, 1)
            if number == signal.SIGCHLD:
                self._bury()
            elif number == signal.SIGHUP and not (self._in_terminal and not os.isatty(0)):
                if self._reload():
                    self._tell(signal.SIGHUP)
            else:
                self._stop()
        signal.set_wakeup_fd(-1)

    def _on_signal(self, number: int, _: Any) -> None:
        # It interrupts anything, a note being written, too: so no more is done here.
        if number in _STOPS:
            signal.signal(number, signal.SIG_DFL)  # a second one ends the program at once

    def _is_waiting(self) -> bool:
        return bool(self._missing) or self._stopping_since is not None

    def _stop(self) -> None:
        self._stopping_since = time.monotonic()
        self._missing.clear()
        for one in self._bound:
            one.close()  # the workers close theirs: then nobody takes connections
        self._tell(signal.SIGTERM)

    def _bury(self) -> None:
        for pid, bound in list(self._serves.items()):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                del self._serves[pid]
                if self._stopping_since is None:
                    self._missing.append(bound)
                    cli.note("server.py: a worker {}: another is started".format(
                        "was killed by signal {}".format(os.WTERMSIG(status))
                        if os.WIFSIGNALED(status)
                        else "ended with code {}".format(os.WEXITSTATUS(status))))

    def _end_or_replace(self) -> None:
        """Kill the workers that do not end in time, or fork those that are missing."""
        if self._stopping_since is not None:
            if time.monotonic() - self._stopping_since > _END_SECONDS:
                self._tell(signal.SIGKILL)
            return
        while self._missing:
            try:
                self._fork(self._missing[0])
            except OSError as error:
                cli.note("server.py: a worker cannot be started ({}): it is tried again".format(
                    error.strerror))
                return
            del self._missing[0]

    def _fork(self, bound: socket.socket) -> None:
        # Blocked in the worker until `serve` knows what to do with them.
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            pid = os.fork()
        except OSError:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            raise
        if pid:
            self._serves[pid] = bound
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            return
        code = 1
        try:
            signal.set_wakeup_fd(-1)  # the signals of the worker are its own
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
            os._exit(code)  # cleaning up is the parent's

    def _end_with_parent(self) -> None:
        os.read(self._alive, 1)
        os.kill(os.getpid(), signal.SIGTERM)

    def _tell(self, number: int) -> None:
        for pid in list(self._serves):
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass  # it has just died
