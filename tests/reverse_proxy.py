"""A small reverse proxy: what people put in front of a server, at a path of another site."""

import contextlib
import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "upgrade"}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path, keeps = self.server.path, self.server.keeps_path
        if not self.path.startswith(path + "/"):
            body = b"not the films but another page of the site"
            self.send_response(404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            return
        sent = {name: value for name, value in self.headers.items()
                if name.lower() not in _HOP_BY_HOP}
        before = sent.pop("X-Forwarded-For", None)
        sent["X-Forwarded-For"] = ", ".join(filter(None, (before, self.client_address[0])))
        sent.update(self.server.adds)
        length = int(self.headers.get("Content-Length", 0))
        upstream = http.client.HTTPConnection("127.0.0.1", self.server.upstream, timeout=120)
        with contextlib.closing(upstream):
            upstream.request(self.command, self.path if keeps else self.path[len(path):],
                             self.rfile.read(length) if length else None, sent)
            answer = upstream.getresponse()
            body = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in _HOP_BY_HOP | {"content-length", "server", "date"}:
                self.send_header(name, value)
        if answer.status != 304:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_OPTIONS = do_GET

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def reverse_proxy(port, path="/movies", keeps_path=False, adds=()):
    """The port of a proxy that passes what is below `path` to the server at `port`, without the
    path unless `keeps_path`; `adds` are headers that it sets."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.upstream, server.path = port, path
    server.keeps_path, server.adds = keeps_path, dict(adds)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
