"""Too few file descriptors, a stopped text process, clients that never finish: all are answered."""

import glob
import http.client
import json
import os
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import List, Optional, Sequence

from tests.served import Program
from torture.table import Row
from torture.worlds import World, finished_world, program, tell

_N_FILES = 40  # file descriptors that each process of the server may have
_N_CLIENTS = 60
_TEXT_SECONDS = 3  # the server's --text_seconds
_SECONDS = 60  # in which each request must end, however it ends
_N_UNFINISHED = 900  # connections that never finish their headers
_TITLE = "/api/v1/recommend?id=7"


def run(short: bool) -> List[Row]:
    world = finished_world()
    n = 1 if short else 5
    return [_few_files(world, n), _stopped_process(world, n),
            _unfinished(world, 300 if short else _N_UNFINISHED)]


def _few_files(world: World, n_rounds: int) -> Row:
    """60 clients at once, half of them with texts, of a server with 40 descriptors a process."""
    server = _server(world, "bash", "-c", 'ulimit -n {}; exec "$@"'.format(_N_FILES), "bash")
    lost = 0
    try:
        _until_texts_are_answered(server)
        for n in range(n_rounds):
            found = _statuses(server, ["a man {} {}".format(n, one) if one % 2 else None
                                       for one in range(_N_CLIENTS)])
            lost += sum(status not in (200, 503) for status in found)
            if set(found) - {200, 503}:
                tell("with {} descriptors: {}".format(_N_FILES, found))
        lost += not _recovers(server)
    finally:
        _end(server)
    return Row("requests of {} clients at once, films and texts, to a server with {} file "
               "descriptors a process: each ends, later ones are answered".format(
                   _N_CLIENTS, _N_FILES), n_rounds * _N_CLIENTS + 1, lost)


def _stopped_process(world: World, n_rounds: int) -> Row:
    """The process that embeds texts gets a SIGSTOP while it is being asked."""
    server, tried, lost = _server(world), 0, 0
    try:
        for n in range(n_rounds):
            _until_texts_are_answered(server)
            os.kill(_text_process(server), signal.SIGSTOP)
            found = _statuses(server, ["a woman {} {}".format(n, one) for one in range(20)])
            found.append(_status(server, None))
            tried += len(found) + 1
            lost += sum(status not in (200, 503) for status in found) + (found[-1] != 200)
            lost += not _recovers(server)
            if lost:
                tell("after SIGSTOP: {}".format(found))
    finally:
        _end(server)
    return Row("requests after a SIGSTOP of the process that embeds texts: each ends, later ones "
               "are answered by a new process", tried, lost)


def _unfinished(world: World, n_connections: int) -> Row:
    """Connections that send a header line now and then, but never the last one."""
    server, kept, slowest, wrong = _server(world), [], 0.0, 0
    try:
        for n in range(n_connections):
            one = socket.create_connection(("127.0.0.1", server.port), _SECONDS)
            one.sendall(b"GET /healthz HTTP/1.1\r\nX-%d: " % n)
            kept.append(one)
            if n % 30 == 0 or n == n_connections - 1:
                begin = time.monotonic()
                wrong += _status(server, None) != 200
                slowest = max(slowest, time.monotonic() - begin)
    finally:
        for one in kept:
            one.close()
        _end(server)
    if wrong or slowest > 5:
        tell("{} queries failed, the slowest took {:.1f} s".format(wrong, slowest))
    return Row("connections that never finish their headers; queries for films meanwhile are "
               "answered within 5 s", n_connections, wrong + (slowest > 5))


def _server(world: World, *prefix: str) -> Program:
    return Program([*prefix, *program(
        "server.py", "--index", world.index, "--bert_dir", world.bert_dir, "--port", "0",
        "--text_seconds", str(_TEXT_SECONDS))])


def _end(server: Program) -> None:
    server.process.kill()
    server.process.communicate()


def _status(server: Program, text: Optional[str]) -> Optional[int]:
    """The status of the answer to a query for a film, or for a text; None if there was none."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=_SECONDS)
    try:
        if text is None:
            connection.request("GET", _TITLE)
        else:
            connection.request("POST", "/api/v1/recommend", json.dumps({"overview": text}),
                               {"Content-Type": "application/json"})
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _statuses(server: Program, texts: Sequence[Optional[str]]) -> List[Optional[int]]:
    """Return `_status` of each text, all asked at once."""
    with ThreadPoolExecutor(len(texts)) as pool:
        return list(pool.map(partial(_status, server), texts))


def _recovers(server: Program) -> bool:
    """Return True if a film is answered at once, and a text soon."""
    return _status(server, None) == 200 and _until_texts_are_answered(server)


def _until_texts_are_answered(server: Program) -> bool:
    deadline = time.monotonic() + 2 * _SECONDS
    while time.monotonic() < deadline:
        if _status(server, "a man meets a woman {}".format(time.monotonic())) == 200:
            return True
        time.sleep(0.2)
    return False


def _text_process(server: Program) -> int:
    """The id of the process that embeds texts."""
    for path in glob.glob("/proc/{}/task/*/children".format(server.pid)):
        with open(path) as file:
            children = file.read().split()
        for child in children:
            with open("/proc/{}/cmdline".format(child), "rb") as command:
                if b"serving.text_process" in command.read():
                    return int(child)
    raise RuntimeError("no process of {} embeds texts".format(server.pid))
