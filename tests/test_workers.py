"""Several processes that serve, and the one that embeds their texts."""

import http.client
import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from bert.errors import BertError
from recommender.index import Index
from serving.batching import TextEmbedder
from serving.text_keeper import EmbeddingProcess
from serving.text_process import Texts
from tests.conftest import ROOT
from tests.served import MORE_FILMS, running, write_films
from tests.test_server_program import comes_true
from tests.worlds import only_line

RECOMMEND = "/api/v1/recommend"


@pytest.fixture()
def index_path(tmp_path):
    return write_films(tmp_path)


@pytest.fixture()
def program(index_path):
    with running("--index", index_path, "--port", "0", "--workers", "3") as program:
        yield program


def children(pid):
    with open("/proc/{0}/task/{0}/children".format(pid)) as file:
        return {int(child) for child in file.read().split()}


def workers(program):
    """Process ids of those that serve: they were forked, and run the command of the program."""
    def command(pid):
        with open("/proc/{}/cmdline".format(pid), "rb") as file:
            return file.read()

    return {pid for pid in children(program.pid) if command(pid) == command(program.pid)}


def test_workers_answer_together_and_stop_cleanly(program):
    assert comes_true(lambda: len(workers(program)) == 3)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(program.get, [RECOMMEND + "?id=603"] * 40))
    assert {status for status, _ in found} == {200}
    assert len({json.dumps(body) for _, body in found}) == 1
    before = children(program.pid)
    assert program.stop() == (0, b"", b"")
    assert not any(os.path.exists("/proc/{}".format(pid)) for pid in before)


_STOPPED_BY_ANOTHER_THREAD = """
import signal, socket, threading, time
from serving.workers import Workers

def serve(one):
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
    while True:
        signal.pause()

def stop():
    time.sleep(0.5)  # meanwhile the main thread begins to wait
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

one = socket.socket()
one.bind(("127.0.0.1", 0))
Workers([one], serve, lambda: True).run(threading.Thread(target=stop).start)
"""


def test_a_signal_that_another_thread_gets_stops_the_workers():
    subprocess.run([sys.executable, "-c", _STOPPED_BY_ANOTHER_THREAD], check=True, cwd=ROOT,
                   timeout=60)


def test_connections_are_dealt_out_to_all_workers(program):
    assert comes_true(lambda: len(workers(program)) == 3)

    def sockets(pid):
        folder = "/proc/{}/fd".format(pid)
        return sum(os.readlink(os.path.join(folder, name)).startswith("socket:")
                   for name in os.listdir(folder))

    program.get("/healthz")  # they are all up when one connection after the other is answered
    connections = [http.client.HTTPConnection("127.0.0.1", program.port, timeout=60)
                   for _ in range(60)]
    for connection in connections:
        connection.request("GET", "/healthz")
        assert connection.getresponse().read()
    n_open = [sockets(pid) for pid in workers(program)]
    for connection in connections:
        connection.close()
    assert sum(n_open) >= 60
    assert min(n_open) > 5  # by chance, once in a hundred thousand runs, it would be fewer


def test_a_second_server_at_the_same_port_is_refused(program, index_path, run_program):
    done = run_program("server.py", "--index", index_path, "--port", program.port,
                       "--workers", 2, timeout=60)
    assert done.returncode == 1
    assert "127.0.0.1 port {}".format(program.port) in only_line(done.stderr)


def test_a_worker_that_dies_is_replaced(program):
    assert comes_true(lambda: len(workers(program)) == 3)
    killed = min(workers(program))
    os.kill(killed, signal.SIGKILL)
    assert "was killed by signal 9: another is started" in program.line()
    assert comes_true(lambda: len(workers(program)) == 3 and killed not in workers(program))
    assert program.get("/healthz")[0] == 200
    assert program.stop() == (0, b"", b"")


def test_the_workers_end_with_the_one_that_watches_over_them(program):
    assert comes_true(lambda: len(workers(program)) == 3)
    before = children(program.pid)
    program.process.kill()
    program.process.communicate(timeout=60)  # nobody holds its stderr any more
    assert comes_true(lambda: not any(os.path.exists("/proc/{}".format(pid)) for pid in before))


def test_sighup_reaches_every_worker_and_those_that_come_later(program, index_path, tmp_path):
    assert comes_true(lambda: len(workers(program)) == 3)
    os.replace(write_films(tmp_path / "new", MORE_FILMS), index_path)
    program.process.send_signal(signal.SIGHUP)
    assert program.line().endswith("is read anew: 13 films")
    # The line is written once, by the process that watches; the counter is of all four.
    assert comes_true(lambda: 'movies_index_reloads_total{result="taken"} 4.0' in program.text(
        "/metrics").splitlines())
    os.kill(min(workers(program)), signal.SIGKILL)
    assert "another is started" in program.line()
    assert comes_true(lambda: len(workers(program)) == 3)
    assert {program.get("/healthz")[1]["movies"] for _ in range(20)} == {len(MORE_FILMS)}


def test_a_burst_of_sighups_does_no_harm_and_each_line_told_is_whole(program):
    for _ in range(200):  # some come while the line of the one before is being told
        program.process.send_signal(signal.SIGHUP)
    assert comes_true(lambda: len(workers(program)) == 3)
    assert program.get(RECOMMEND + "?id=603")[0] == 200
    code, _, err = program.stop()
    assert code == 0
    lines = err.decode().splitlines()
    assert lines and all(line.endswith("is read anew: 12 films") for line in lines)


def test_a_bad_new_index_is_taken_by_none(program, index_path):
    assert comes_true(lambda: len(workers(program)) == 3)
    os.remove(index_path)
    program.process.send_signal(signal.SIGHUP)
    assert program.line().startswith("server.py: the old index stays: no index at ")
    assert program.get(RECOMMEND + "?id=603")[0] == 200
    assert program.stop() == (0, b"", b"")


def test_the_counts_of_all_workers_are_told_together(program):
    for _ in range(10):
        program.get("/healthz")
    told = program.text("/metrics")
    line = 'movies_http_requests_total{method="GET",route="/healthz",status="200"} 10.0'
    assert line in told.splitlines()


def test_a_text_embedded_by_the_other_process_is_the_same(sample, minilm, tmp_path):
    made_by = Index(sample.index).features
    with EmbeddingProcess(str(tmp_path), minilm) as process:
        texts = Texts(process.address, made_by)
        texts.load()
        there = texts("a man meets a ghost")
        with pytest.raises(BertError, match="is not the checkpoint"):
            texts.for_index(made_by._replace(checkpoint_sha256="0" * 64))
        assert texts.for_index(made_by) is texts
        texts("the old one still answers")
    here = TextEmbedder(made_by, minilm)("a man meets a ghost")
    assert there.token_ids.tolist() == here.token_ids.tolist()
    np.testing.assert_allclose(there.layers, here.layers, rtol=0, atol=1e-5)


def test_the_process_that_embeds_is_started_again(tmp_path, index_path, capfd):
    with EmbeddingProcess(str(tmp_path), str(tmp_path / "none")) as process:
        texts = Texts(process.address, Index(index_path).features)
        with pytest.raises(BertError, match="text queries need the checkpoint"):
            texts("x")
        first = process._process.pid
        os.kill(first, signal.SIGKILL)
        assert comes_true(lambda: process._process.pid != first)
        with pytest.raises(BertError, match="text queries need the checkpoint"):
            texts("x")
    assert "is started again" in capfd.readouterr().err
