"""An index replaced while a server answers from it: no request is dropped or answered wrong."""

import http.client
import json
import signal
import threading
from typing import Any, List, Optional

from tests.served import Program
from torture.table import Row
from torture.worlds import copy_of, finish, finished_world, program, tell, temporary_folder

_N_CLIENTS = 4
_RECIPES = ("last", "mean4")  # built in turn; the first index is of mean4


def run(short: bool) -> List[Row]:
    n_replacements = 2 if short else 20
    world = finished_world()
    with temporary_folder() as folder:
        index = copy_of(world.index, folder + "/index.h5")
        server = Program(program("server.py", "--index", index, "--bert_dir", world.bert_dir,
                                 "--port", "0"))
        try:
            answers = [_answer(server.port)]
            clients = [_Client(server.port) for _ in range(_N_CLIENTS)]
            for n in range(n_replacements):
                done = finish(world.indexing(index, "--recipe", _RECIPES[n % 2]))
                if done.code:
                    raise RuntimeError(done.err)
                server.process.send_signal(signal.SIGHUP)
                said = server.line()
                if "is read anew" not in said:
                    raise RuntimeError(said)
                answers.append(_answer(server.port))
            lost = [wrong for client in clients for wrong in client.stop(answers[:2])]
            code, _, said = server.stop()
        finally:
            server.end()
    replaced = sum(answer == answers[n % 2] for n, answer in enumerate(answers)) - 1
    if code or said or answers[0] == answers[1]:
        lost.append("the server ended with {} and said {!r}".format(code, said))
    if lost:
        tell("{} requests: {}".format(len(lost), "; ".join(lost[:10])))
    return [Row("indexes built over the one that a server reads, and taken on SIGHUP",
                n_replacements, n_replacements - replaced),
            Row("requests meanwhile: answered, from the old index or the new",
                sum(client.n_asked for client in clients), len(lost))]


def _answer(port: int, connection: Optional[http.client.HTTPConnection] = None) -> Any:
    """Return the server's recommendations for film 7."""
    asked = connection or http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    asked.request("GET", "/api/v1/recommend?id=7&k=20")
    response = asked.getresponse()
    body = response.read()
    if connection is None:
        asked.close()
    if response.status != 200:
        raise RuntimeError("status {}: {!r}".format(response.status, body))
    return json.loads(body.decode())["results"]


class _Client:
    """A thread that sends requests until it is stopped, every second one over a kept connection."""

    def __init__(self, port: int):
        self.n_asked = 0
        self._port, self._got, self._wrong = port, [], []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._ask)
        self._thread.start()

    def _ask(self) -> None:
        kept = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        while not self._ended.is_set():
            self.n_asked += 1
            try:
                answer = _answer(self._port, kept if self.n_asked % 2 else None)
                if answer not in self._got:
                    self._got.append(answer)
            except (OSError, http.client.HTTPException, RuntimeError, ValueError) as error:
                self._wrong.append("request {}: {!r}".format(self.n_asked, error))
        kept.close()

    def stop(self, right: List[Any]) -> List[str]:
        """End the thread; return the requests without an answer, and answers not in `right`."""
        self._ended.set()
        self._thread.join()
        return self._wrong + ["answered {}".format(json.dumps(answer)[:300])
                              for answer in self._got if answer not in right]
