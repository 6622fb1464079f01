"""One process that embeds the texts of all that serve.

So there is one graph in memory however many processes serve, texts that come to different ones
go in one batch, and a query for a film waits neither for TensorFlow to be loaded nor for its runs.
"""

import argparse
import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import traceback
from multiprocessing.connection import Client, Connection
from typing import Any, Optional

from bert.errors import BertError
from recommender import cli
from recommender.storage.shards import Settings
from serving.batching import Embedded, Overloaded, TextEmbedder

_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_NICENESS = 10  # queries for films, which take a thousandth of the time, come first


class Texts:
    """Texts through the checkpoint that made an index, embedded by the process at `address`."""

    def __init__(self, address: str, made_by: Settings):
        self.made_by = made_by
        self._address = address

    def __call__(self, text: str) -> Embedded:
        """Raises BertError if the checkpoint is not there or is another, Overloaded if too many
        texts wait."""
        return self._ask(text)

    def load(self) -> None:
        """Returns once texts can be embedded. Raises BertError if they cannot be."""
        self._ask(None)

    def for_index(self, made_by: Settings) -> "Texts":
        """Those of an index made by `made_by`, loaded. Raises BertError if they cannot be."""
        if made_by == self.made_by:
            return self
        other = Texts(self._address, made_by)
        other.load()
        return other

    def _ask(self, text: Optional[str]) -> Any:
        try:
            with Client(self._address) as connection:
                connection.send((self.made_by, text))
                answer = connection.recv()
        except (EOFError, OSError):
            raise Overloaded("texts cannot be read just now: ask again in a moment")
        if isinstance(answer, Exception):
            raise answer
        return answer


class EmbeddingProcess:
    """The process that answers at `address`, in `folder`. It is started again if it ends, and
    ends with the process that started it."""

    def __init__(self, folder: str, bert_dir: Optional[str] = None, verbose: bool = False):
        self.address = os.path.join(folder, "texts")
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(self.address)
        self._listening.listen(128)
        self._command = [sys.executable, "-m", "serving.text_process",
                         str(self._listening.fileno())]
        self._command += ["--bert_dir", bert_dir] if bert_dir else []
        self._command += ["--verbose"] if verbose else []
        self._process = None  # type: Optional[subprocess.Popen]
        self._stopping = threading.Event()
        self._keeper = threading.Thread(target=self._keep_running, daemon=True)

    def __enter__(self) -> "EmbeddingProcess":
        self._keeper.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._stopping.set()
        self._kill()
        self._keeper.join()
        self._listening.close()

    def _keep_running(self) -> None:
        path = os.pathsep.join(filter(None, (_ROOT, os.environ.get("PYTHONPATH"))))
        while not self._stopping.is_set():
            self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE,
                                             pass_fds=[self._listening.fileno()],
                                             env=dict(os.environ, PYTHONPATH=path))
            if self._stopping.is_set():
                self._kill()
            self._process.wait()
            if not self._stopping.is_set():
                cli.note("server.py: the process that embeds texts has ended: it is started again")
                self._stopping.wait(1)

    def _kill(self) -> None:
        with contextlib.suppress(AttributeError, ProcessLookupError):  # not there yet, or no more
            self._process.kill()


class _Answers:
    """What the process does with a connection: one question, one answer."""

    def __init__(self, bert_dir: Optional[str], verbose: bool):
        self._bert_dir, self._verbose = bert_dir, verbose
        self._changing = threading.Lock()
        self._embedder = None  # type: Optional[TextEmbedder]

    def give(self, connection: Connection) -> None:
        with connection:
            try:
                made_by, text = connection.recv()
                embed = self._embedder_for(made_by)
                answer = embed.load() if text is None else embed(text)  # type: Any
            except (EOFError, ConnectionError):
                return  # whoever asked has gone
            except (BertError, Overloaded) as error:
                answer = error
            except Exception as error:
                traceback.print_exc()
                answer = RuntimeError("{}: {}".format(type(error).__name__, error))
            try:
                connection.send(answer)
            except OSError:
                pass  # whoever asked has gone

    def _embedder_for(self, made_by: Settings) -> TextEmbedder:
        if self._embedder is None or self._embedder.made_by != made_by:
            with self._changing:
                if self._embedder is None:
                    self._embedder = TextEmbedder(made_by, self._bert_dir, self._verbose)
                self._embedder = self._embedder.for_index(made_by)
        return self._embedder


def main() -> None:
    flags = argparse.ArgumentParser()
    flags.add_argument("listening", type=int)
    flags.add_argument("--bert_dir")
    flags.add_argument("--verbose", action="store_true")
    args = flags.parse_args()
    # Those who serve finish what they have begun, for which they need this process.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.nice(_NICENESS)
    answers = _Answers(args.bert_dir, args.verbose)

    def accept() -> None:
        with socket.socket(fileno=args.listening) as listening:
            while True:
                connection = Connection(listening.accept()[0].detach())
                threading.Thread(target=answers.give, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    sys.stdin.read()  # ends with the last process that serves
    os._exit(0)  # a run of the graph is not waited for


if __name__ == "__main__":
    main()
