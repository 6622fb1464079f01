"""A host of images on this machine: some come, one is missing, one never comes."""

import base64
import contextlib
import http.server
import threading
from typing import Iterator, List, NamedTuple

# A red square of 2 by 2 pixels.
_PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAEElEQVR4nGP4z8AARAwQCgAf7gP9i18U1AAAAABJRU5E"
    "rkJggg==")

Images = NamedTuple("Images", [("address", str), ("asked", List[str]), ("referrers", List[str])])


@contextlib.contextmanager
def image_server() -> Iterator[Images]:
    """Serve images until the block ends; yields its address, and paths and referrers of requests.

    A path with "gone" in it is answered by 404, one with "slow" when the block ends.
    """
    asked: List[str] = []
    referrers: List[str] = []
    is_over = threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            referrers.extend(self.headers.get_all("Referer", []))
            if "slow" in self.path:
                is_over.wait()
                return
            if "gone" in self.path:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Type", "image/png")
            self.send_header("Content-Length", str(len(_PNG)))
            self.end_headers()
            self.wfile.write(_PNG)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = False
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield Images("http://127.0.0.1:{}".format(server.server_port), asked,
                         referrers)
        finally:
            is_over.set()
            server.shutdown()
            thread.join()
