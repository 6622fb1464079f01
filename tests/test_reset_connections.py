"""Connections that are reset before they are accepted: waitress 2.1.2 has CVE-2024-49769 there."""

import os
import signal
import socket
import struct
import time

from tests.served import running, write_films

_MANY = 50
_SECONDS = 2.0  # in which a busy loop would take as much processor time
_RESET = struct.pack("ii", 1, 0)  # of SO_LINGER: close at once, with a reset


def open_files(pid):
    return len(os.listdir("/proc/{}/fd".format(pid)))


def processor_seconds(pid):
    with open("/proc/{}/stat".format(pid), encoding="utf-8") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_connections_reset_before_they_are_accepted_cost_nothing(tmp_path):
    with running("--index", write_films(tmp_path / "index"), "--port", 0) as server:
        assert server.get("/healthz")[0] == 200
        before = open_files(server.pid)
        os.kill(server.pid, signal.SIGSTOP)
        for _ in range(_MANY):
            client = socket.create_connection(("127.0.0.1", server.port))
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            client.close()
        os.kill(server.pid, signal.SIGCONT)
        assert server.get("/healthz")[0] == 200  # accepted after all of those
        began = processor_seconds(server.pid)
        time.sleep(_SECONDS)  # the time in which a busy loop is measured
        assert processor_seconds(server.pid) - began < _SECONDS / 2
        assert open_files(server.pid) < before + _MANY // 2
        assert server.get("/healthz")[0] == 200
