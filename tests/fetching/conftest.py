"""A server to download from, and download.py run in this process."""

import hashlib
import http.server
import re
import threading
from typing import Dict

import pytest

import download
from bert.errors import BertError
from fetching import FetchError
from recommender import cli
from recommender.errors import RecommenderError


class Server(http.server.ThreadingHTTPServer):
    """A server that sends `body` for every address and keeps what was asked for and sent."""

    body = b""
    bodies: Dict[str, bytes] = {}  # by the last part of an address, in place of `body`
    status = 200
    content_type = "application/zip"
    ranges = True
    cut_at = None  # bytes of the whole after which the connection is closed

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests, self.sent, self.paths = [], [], []
        self.may_close = threading.Event()  # cleared, it keeps a connection that sends nothing more
        self.may_close.set()
        self.url = f"http://127.0.0.1:{self.server_address[1]}/file.zip"


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        """Keep the test's output clean."""

    def do_GET(self):  # noqa: N802, the name is the standard library's
        server = self.server
        body = server.bodies.get(self.path.rpartition("/")[2], server.body)
        server.requests.append(dict(self.headers))
        server.paths.append(self.path)
        etag = '"{}"'.format(hashlib.sha256(body).hexdigest())
        wanted = re.match(r"bytes=(\d+)-$", self.headers.get("Range", ""))
        start = 0
        if wanted and server.ranges and self.headers.get("If-Range") == etag:
            start = int(wanted.group(1))
        self.send_response(206 if start else server.status)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}"
                                              f"/{len(body)}")
        self.send_header("Content-Type", server.content_type)
        self.send_header("Content-Length", str(len(body) - start))
        self.send_header("ETag", etag)
        self.end_headers()
        part = body[start:server.cut_at]
        server.sent.append(len(part))
        self.wfile.write(part)
        server.may_close.wait(60)
        self.close_connection = True


@pytest.fixture
def server(monkeypatch):
    with Server() as running:
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setattr("fetching.published.ADDRESS", running.url + "?{}/{}")
        monkeypatch.setattr("fetching.datasets.KAGGLE_URL", running.url + "?{}")
        yield running
        running.shutdown()


@pytest.fixture(autouse=True)
def _alone(monkeypatch, tmp_path):
    """No credentials, proxies or pauses of this machine reach a test."""
    for name in ("KAGGLE_USERNAME", "KAGGLE_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr("fetching.datasets.KAGGLE_JSON", str(tmp_path / "kaggle.json"))
    monkeypatch.setattr("fetching.network.RETRY_PAUSE", 0)


@pytest.fixture
def run(tmp_path, capsys):
    """Run download.py in this process; returns exit code, stdout and the error lines."""
    def run_(*arguments):
        flags = [*arguments, "--tmp_dir", str(tmp_path / "tmp"), "--data_dir",
                 str(tmp_path / "data")]
        with pytest.raises(SystemExit) as left:
            cli.run(lambda: download.main(flags), (BertError, FetchError, RecommenderError))
        code = left.value.code
        out, err = capsys.readouterr()
        errors = [line for line in err.splitlines() if "error:" in line]
        assert len(errors) == (1 if code else 0)
        assert "Traceback" not in err
        return code, out, "".join(errors)
    return run_
