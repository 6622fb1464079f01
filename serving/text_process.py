"""One process that embeds the texts of all processes that serve.

So there is one graph in memory however many processes serve, texts that come to different ones
go through it in one batch, and a query for a film waits neither for TensorFlow to be loaded nor
for its runs.

A question is a connection to a Unix socket: the settings of an index's features and a text, or
None to have the checkpoint loaded. While it is being loaded, the process sends None every
_BEAT_SECONDS; then comes the answer or the error. So whoever asks can wait for a long loading
and yet notice within a limit that the process hangs.
"""

import argparse
import contextlib
import os
import shutil
import signal
import socket
import struct
import threading
import time
import traceback
from concurrent.futures import Future, TimeoutError
from multiprocessing.connection import Connection
from typing import Any, Callable, Dict, Optional

from bert.errors import BertError
from recommender.errors import RecommenderError
from recommender.source import Source
from recommender.storage.shards import Settings
from serving.batching import Overloaded, TextEmbedder

TEXT_SECONDS = 60  # for which a text query waits: a batch of the largest checkpoint takes 20
_BEAT_SECONDS = 1.0  # between two signs of life while a checkpoint is loaded
_PEER_SECONDS = 10.0  # in which whoever asks must send its question and take its answer
_ACCEPT_PAUSE = 0.1  # seconds before accepting again when the system had no descriptor or memory
_NICENESS = 10  # queries for films, which take a thousandth of the time, come first
_PING = "ping"  # a question that is answered at once, by True


class Silent(Overloaded):
    """The process that embeds texts does not answer within its limit."""


class Texts:
    """Texts through the checkpoint that made an index, embedded by the process at `address`."""

    def __init__(self, address: str, made_by: Settings, seconds: float = TEXT_SECONDS,
                 wake: Callable[[], None] = lambda: None):
        """`seconds` is how long to wait for the process, once it has loaded the checkpoint; `wake`
        is called before each question and may start the process."""
        self.made_by = made_by
        self._address, self._seconds, self._wake = address, seconds, wake

    def __call__(self, text: str) -> Source:
        """Return a text with its hidden layers.

        Raises BertError if the checkpoint is missing or another, Overloaded if too many texts
        wait or the process does not answer.
        """
        self._wake()
        return ask(self._address, (self.made_by, text), self._seconds)

    def load(self) -> None:
        """Return once texts can be embedded. Raises BertError if they cannot be."""
        self._wake()
        ask(self._address, (self.made_by, None), self._seconds)

    def for_index(self, made_by: Settings) -> "Texts":
        """Return the texts of an index made by `made_by`, loaded. Raises BertError if they
        cannot be."""
        if made_by == self.made_by:
            return self
        other = Texts(self._address, made_by, self._seconds, self._wake)
        other.load()
        return other


def is_alive(address: str, seconds: float) -> bool:
    """Return False if the process at `address` gives no answer for `seconds`."""
    try:
        return bool(ask(address, _PING, seconds))
    except Silent:
        return False
    except Overloaded:
        return True


def ask(address: str, question: Any, seconds: float) -> Any:
    """Return the answer of the process at `address`.

    Raises Silent if it gives no sign of life for `seconds`, Overloaded if it cannot be asked, and
    the exception that is its answer.
    """
    try:
        with socket.socket(socket.AF_UNIX) as one:
            limit_waits(one, seconds)
            one.connect(address)
            connection = Connection(one.detach())
        with connection:
            connection.send(question)
            answer = None
            while answer is None:
                answer = connection.recv()
    except BlockingIOError:
        raise Silent("texts could not be read within {:g} s: ask again in a moment".format(seconds))
    except (EOFError, OSError):  # it has just ended, or this process has no descriptor left
        raise Overloaded("texts cannot be read just now: ask again in a moment")
    if isinstance(answer, Exception):
        try:
            raise answer
        finally:
            # Else it refers to this frame and the frame to it, and what the callers hold, such as
            # an index that was replaced, stays until garbage is collected: in an idle server never.
            del answer
    return answer


def limit_waits(one: socket.socket, seconds: float) -> None:
    """Have each connect, read and write of a blocking socket raise BlockingIOError after
    `seconds`, also where a Connection has taken over its descriptor."""
    limit = struct.pack("ll", int(seconds), int(seconds % 1 * 1e6))  # a struct timeval
    for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
        one.setsockopt(socket.SOL_SOCKET, option, limit)


class Answers:
    """Answers questions, each in a thread of its own."""

    def __init__(self, bert_dir: Optional[str], verbose: bool, genre_model: Optional[str] = None):
        self._bert_dir, self._verbose, self._genre_model = bert_dir, verbose, genre_model
        self._lock = threading.Lock()
        self._embedders: "Dict[Settings, Future[TextEmbedder]]" = {}

    def accept(self, listening: socket.socket) -> None:
        """Answer the questions that come in at a socket, for ever."""
        while True:
            try:
                one, _ = listening.accept()
                limit_waits(one, _PEER_SECONDS)
                connection = Connection(one.detach())
            except OSError:
                time.sleep(_ACCEPT_PAUSE)
                continue
            try:
                threading.Thread(target=self.give, args=(connection,), daemon=True).start()
            except RuntimeError:  # the system has no more threads
                connection.close()
                time.sleep(_ACCEPT_PAUSE)

    def give(self, connection: Connection) -> None:
        """Read the question of a connection, and send its answer."""
        with connection, contextlib.suppress(EOFError, OSError):  # whoever asked has gone
            question = connection.recv()
            try:
                answer = self._answer(question, connection)
            except (BertError, RecommenderError, Overloaded) as error:
                answer = error
            except ConnectionError:
                return
            except Exception as error:
                traceback.print_exc()
                answer = RuntimeError("{}: {}".format(type(error).__name__, error))
            connection.send(answer)

    def _answer(self, question: Any, connection: Connection) -> Any:
        if question == _PING:
            return True
        made_by, text = question
        loading = self._embedder(made_by)
        while True:
            try:
                embedder = loading.result(_BEAT_SECONDS)
                break
            except TimeoutError:
                connection.send(None)
        return True if text is None else embedder(text)

    def _embedder(self, made_by: Settings) -> "Future[TextEmbedder]":
        """Return what becomes the embedder for `made_by`: the one that is there, or a new one."""
        with self._lock:
            found = self._embedders.get(made_by)
            if found is None:
                found = self._embedders[made_by] = Future()
                try:
                    threading.Thread(target=self._load, args=(made_by, found), daemon=True).start()
                except RuntimeError as error:
                    self._embedders.pop(made_by)
                    found.set_exception(error)
            return found

    def _load(self, made_by: Settings, loading: "Future[TextEmbedder]") -> None:
        try:
            embedder = TextEmbedder(made_by, self._bert_dir, self._verbose, self._genre_model)
            embedder.load()
        except BaseException as error:  # raised again in each thread that waits for it
            with self._lock:
                del self._embedders[made_by]
            loading.set_exception(error)
        else:
            with self._lock:  # the graph of an index that is no longer served makes room
                self._embedders = {each: other for each, other in self._embedders.items()
                                   if each == made_by or not other.done()}
            loading.set_result(embedder)


def end_with_parent() -> None:
    """Return when stdin ends: with the last of the processes that serve."""
    while os.read(0, 1 << 10):
        pass


def main() -> None:
    flags = argparse.ArgumentParser()
    flags.add_argument("listening", type=int)
    flags.add_argument("--folder", help="folder to remove at the end")
    flags.add_argument("--bert_dir")
    flags.add_argument("--genre_model")
    flags.add_argument("--verbose", action="store_true")
    args = flags.parse_args()
    # Processes that stop finish what they have begun, for which they need this process.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.nice(_NICENESS)
    answers = Answers(args.bert_dir, args.verbose, args.genre_model)

    def accept() -> None:
        try:
            answers.accept(socket.socket(fileno=args.listening))
        except BaseException:
            traceback.print_exc()
            os._exit(1)  # without this thread the process would be of no use: a new one is started

    threading.Thread(target=accept, daemon=True).start()
    end_with_parent()
    if args.folder:  # a parent that was killed could not remove it
        shutil.rmtree(args.folder, ignore_errors=True)
    os._exit(0)  # a run of the graph is not waited for


if __name__ == "__main__":
    main()
