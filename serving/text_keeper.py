"""Keeps the process that embeds texts running: starts it, and starts it again if it fails."""

import contextlib
import os
import socket
import subprocess
import sys
import threading
from typing import Any, Dict, Optional

from recommender import cli
from serving.text_process import TEXT_SECONDS, is_alive

_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_BACKLOG = 128  # questions that wait until the process is started; a full one refuses at once
_PAUSE = 1.0  # seconds before a process that has ended is started again
_LOOK_SECONDS = 5.0  # between two looks at whether it still answers
_START_SECONDS = 120.0  # in which a new process must answer: a slow disk may hold up its imports


def address_in(folder: str) -> str:
    """Return the path of the Unix socket at which texts are embedded."""
    return os.path.join(folder, "texts")


def listen_for_texts(folder: str) -> socket.socket:
    """Return a socket at that path, which takes the place of one that nobody listens at."""
    with contextlib.suppress(FileNotFoundError):
        os.remove(address_in(folder))
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(address_in(folder))
    listening.listen(_BACKLOG)
    return listening


def environment() -> Dict[str, str]:
    """Return the environment variables with which a Python finds this project's packages."""
    return dict(os.environ, PYTHONPATH=os.pathsep.join(
        filter(None, (_ROOT, os.environ.get("PYTHONPATH")))))


class EmbeddingProcess:
    """The process that answers at `address`, a Unix socket in `folder`.

    It is started again if it ends, or gives no answer for `seconds` (as when it was stopped by a
    signal), and ends with the process that started it. Used as a context manager.
    """

    def __init__(self, folder: str, bert_dir: Optional[str] = None, verbose: bool = False,
                 seconds: float = TEXT_SECONDS, listening: Optional[socket.socket] = None,
                 genre_model: Optional[str] = None):
        """Without `listening`, from `listen_for_texts`, it is made here, and the folder is removed
        if the process that started this one is killed."""
        self.address = address_in(folder)
        self._seconds = seconds
        self._listening = listening or listen_for_texts(folder)
        self._command = [sys.executable, "-m", "serving.text_process",
                         str(self._listening.fileno())]
        self._command += [] if listening else ["--folder", folder]
        self._command += ["--bert_dir", bert_dir] if bert_dir else []
        self._command += ["--genre_model", genre_model] if genre_model else []
        self._command += ["--verbose"] if verbose else []
        self._process: "Optional[subprocess.Popen]" = None
        self._stopping = threading.Event()
        self._is_silent, self._has_answered = False, False
        self._threads = [threading.Thread(target=target, daemon=True)
                         for target in (self._keep_running, self._watch)]

    def __enter__(self) -> "EmbeddingProcess":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._stopping.set()
        self._kill()
        for thread in self._threads:  # each may wait for the process, which gets no more time
            thread.join(_PAUSE)
        self._listening.close()

    def _keep_running(self) -> None:
        while not self._stopping.is_set():
            try:
                self._start()
            except OSError as error:  # the system has no more processes, memory or descriptors
                why = "cannot be started ({}): it is tried again".format(error.strerror or error)
            else:
                why = self._wait()
            if not self._stopping.is_set():
                cli.note("server.py: the process that embeds texts " + why)
                self._stopping.wait(_PAUSE)

    def _start(self) -> None:
        self._is_silent, self._has_answered = False, False
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, pass_fds=[self._listening.fileno()],
            env=environment())
        if self._stopping.is_set():
            self._kill()

    def _wait(self) -> str:
        """Wait for the end of the process; return why it ended."""
        if self._process:
            self._process.wait()
        return "{}: it is started again".format(
            "did not answer" if self._is_silent else "has ended")

    def _watch(self) -> None:
        """Kill the process when it does not answer."""
        while not self._stopping.wait(min(_LOOK_SECONDS, self._seconds)):
            process = self._process
            answers = is_alive(self.address,
                               self._seconds if self._has_answered else _START_SECONDS)
            if process is self._process:
                self._has_answered, self._is_silent = answers, not answers
                if not answers:
                    self._kill()

    def _kill(self) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
