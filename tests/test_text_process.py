"""The process that embeds texts: nothing waits for it for ever, and it is kept running."""

import contextlib
import gc
import os
import signal
import socket
import threading
import time
import weakref
from multiprocessing.connection import Client, Connection

import numpy as np
import pytest

from bert.errors import BertError
from recommender.source import Source
from serving import text_keeper, text_process
from serving.batching import Overloaded
from serving.text_keeper import EmbeddingProcess
from serving.text_process import Answers, Texts, is_alive, limit_waits
from tests.test_server_program import comes_true
from tests.worlds import SETTINGS

OTHER = SETTINGS._replace(checkpoint="other")


class SlowEmbedder:
    """Stands in for TextEmbedder; loading and embedding take as long as a test wants."""

    go_on, hangs, loads = threading.Event(), threading.Event(), []

    def __init__(self, made_by, bert_dir, verbose, genre_model=None):
        self.made_by = made_by

    def load(self):
        self.loads.append(self.made_by.checkpoint)
        assert self.go_on.wait(30)
        if self.made_by == OTHER:
            raise BertError("no checkpoint other")

    def __call__(self, text):
        if text == "hang":
            assert self.hangs.wait(30)
        return Source(text, np.zeros((1, 2, 3), np.float32), np.arange(2, dtype=np.int32))


@pytest.fixture()
def address(tmp_path, monkeypatch):
    """The address of a process, here a thread, that embeds texts with SlowEmbedder."""
    monkeypatch.setattr(text_process, "TextEmbedder", SlowEmbedder)
    monkeypatch.setattr(text_process, "_BEAT_SECONDS", 0.05)
    for event in (SlowEmbedder.go_on, SlowEmbedder.hangs):
        event.clear()
    SlowEmbedder.loads.clear()
    path = str(tmp_path / "texts")
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(path)
    listening.listen(5)
    threading.Thread(target=Answers(None, False).accept, args=(listening,), daemon=True).start()
    yield path
    for event in (SlowEmbedder.go_on, SlowEmbedder.hangs):
        event.set()


def test_the_first_text_waits_for_the_loading_however_long_it_takes(address):
    threading.Timer(1.0, SlowEmbedder.go_on.set).start()
    assert Texts(address, SETTINGS, seconds=0.4)("a man").token_ids.tolist() == [0, 1]


def test_a_text_that_takes_too_long_is_refused_and_others_are_answered(address):
    SlowEmbedder.go_on.set()
    texts = Texts(address, SETTINGS, seconds=0.4)
    texts.load()
    begin = time.monotonic()
    with pytest.raises(Overloaded, match=r"within 0\.4 s: ask again"):
        texts("hang")
    assert time.monotonic() - begin < 10
    assert texts("a man").layers.shape == (1, 2, 3)


def test_a_process_that_is_stopped_is_told_from_one_that_works(address, tmp_path):
    assert is_alive(address, 10)  # although it loads nothing
    silent = str(tmp_path / "silent")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(silent)
        listening.listen(1)
        for _ in range(4):  # the last ones find the backlog full
            assert not is_alive(silent, 0.1)
    assert is_alive(silent, 0.1)  # it has ended: whoever waits for its end knows


def test_one_checkpoint_is_loaded_once_and_kept_if_another_fails(address):
    SlowEmbedder.go_on.set()
    texts = Texts(address, SETTINGS)
    texts.load()
    with pytest.raises(BertError, match="no checkpoint other"):
        texts.for_index(OTHER)
    texts("a man")
    with pytest.raises(BertError, match="no checkpoint other"):
        texts.for_index(OTHER)
    assert SlowEmbedder.loads == ["tiny", "other", "other"]


def test_a_told_error_keeps_nothing_that_its_callers_held(address):
    """Without a collection of garbage, which an idle server never comes to."""
    SlowEmbedder.go_on.set()

    def ask(held):
        with contextlib.suppress(BertError):
            Texts(address, OTHER).load()

    gc.disable()
    try:
        held = SlowEmbedder(OTHER, None, False)
        alive = weakref.ref(held)
        ask(held)
        del held
        assert alive() is None
    finally:
        gc.enable()


def test_clients_that_send_nothing_or_nonsense_are_dropped(address):
    SlowEmbedder.go_on.set()
    Client(address).close()
    with Client(address) as connection:
        connection.send("nonsense")
        assert isinstance(connection.recv(), RuntimeError)
    Texts(address, SETTINGS).load()


def test_accepting_goes_on_after_the_system_had_no_descriptor_or_thread(monkeypatch):
    ours, theirs = socket.socketpair()
    limit_waits(theirs, 10)
    tried = []

    class Listening:
        def accept(self):
            tried.append(1)
            if len(tried) == 1:
                raise OSError(24, "Too many open files")
            if len(tried) > 3:
                raise KeyboardInterrupt
            return ours.dup(), ""

    class Thread(threading.Thread):
        def start(self):
            if len(tried) == 2:
                raise RuntimeError("can't start new thread")
            super().start()

    monkeypatch.setattr(text_process.threading, "Thread", Thread)
    with pytest.raises(KeyboardInterrupt):
        Answers(None, False).accept(Listening())
    ours.close()
    with Connection(theirs.detach()) as connection:
        connection.send("ping")
        assert connection.recv() is True


def started(process):
    """The id of the process once it answers."""
    assert comes_true(lambda: process._process is not None and is_alive(process.address, 30))
    return process._process.pid


def test_a_process_that_was_stopped_is_replaced(tmp_path, capfd):
    with EmbeddingProcess(str(tmp_path), seconds=1) as process:
        first = started(process)
        assert comes_true(lambda: process._has_answered)
        os.kill(first, signal.SIGSTOP)
        assert comes_true(lambda: process._process.pid != first)
        assert started(process) != first
    assert "did not answer: it is started again" in capfd.readouterr().err


def test_a_process_that_cannot_be_started_is_tried_again(tmp_path, capfd, monkeypatch):
    monkeypatch.setattr(text_keeper, "_PAUSE", 0.1)
    popen, tried = text_keeper.subprocess.Popen, []

    def refusing(*args, **options):
        tried.append(args)
        if len(tried) == 1:
            raise OSError(11, "Resource temporarily unavailable")
        return popen(*args, **options)

    monkeypatch.setattr(text_keeper.subprocess, "Popen", refusing)
    with EmbeddingProcess(str(tmp_path)) as process:
        assert started(process)
    assert "cannot be started (Resource temporarily unavailable): it is tried again" in (
        capfd.readouterr().err)
