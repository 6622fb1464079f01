"""Generated requests to a server: each is answered, with no 5xx but 503, and memory stays flat."""

import json
import socket
import subprocess
import sys
from typing import Any, Callable, List, NamedTuple, Optional, Sequence
from urllib.parse import quote

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.served import Program
from torture.table import Row
from torture.worlds import SEED, make_world, program, temporary_folder

N_MOVIES = 50
_WARM = 0.2  # share of the requests after which memory is compared: caches are full by then
_GROWTH = 16 << 20  # bytes allowed on top: TensorFlow allocates for text lengths that are new
_BAD_BYTES = ["%ff", "%00", "%ed%a0%80", "%", "%zz", "\xff", "\t"]


class Request(NamedTuple):
    """Bytes to send, and the kind of answer to expect."""

    sent: bytes
    whole: bool  # a complete request, which must be answered
    has_body: bool  # the answer has a body: the one to HEAD has none


def _escaped(text: st.SearchStrategy) -> st.SearchStrategy:
    return text.map(lambda value: quote(value.encode("utf-8", "surrogatepass"), safe=""))


_TEXT = st.one_of(st.text(max_size=40), st.sampled_from(
    ["a man meets a woman", "Film 7", "film", "<script>alert(1)</script>", "' or 1=1 --", "\0",
     "\ud800", "{{7*7}}", "../../etc/passwd", "x" * 1001, "x" * 10001, "a man , " * 400]))
_NUMBER = st.one_of(st.integers(-10, N_MOVIES + 10), st.integers(), st.sampled_from(
    [2 ** 31, 2 ** 63 - 1, 2 ** 63, 10 ** 4000]))
_VALUE = st.one_of(_escaped(_TEXT), _NUMBER.map(str), st.sampled_from(_BAD_BYTES))
_NAME = st.one_of(st.sampled_from(["title", "id", "k", "q", "year", "not", "not_id", "diverse",
                                   "explain", "genres", "same_genre", "year_to"]), _escaped(_TEXT))
_QUERY = st.one_of(
    st.lists(st.tuples(_NAME, _VALUE), max_size=4).map(
        lambda pairs: "&".join("=".join(pair) for pair in pairs)),
    st.sampled_from(["title=Film%207", "id=7&k=5", "q=fil", "id=7&k=1000", "title=flim", "&&==&",
                     "id=7&id=7", "id=7&not_id=7", "min_votes=0&diverse=1", "genres=,",
                     "id=7&explain=true&k=51", "id=7&" + "not=Film%208&" * 21]))
_GOOD_PATH = st.one_of(
    st.builds("/api/v1/recommend?id={}&k={}".format, st.integers(1, N_MOVIES),
              st.integers(1, N_MOVIES)),
    st.builds("/api/v1/recommend?title=film%20{}".format, st.integers(1, N_MOVIES)),
    st.builds("/api/v1/recommend?id={}&id=50&title=film%20{}&not_id=48&not=Film%2049&diverse={}"
              .format, st.integers(1, 20), st.integers(20, 40), st.floats(0, 1).map("{:f}".format)),
    st.builds("/api/v1/recommend?id={}&explain=true&k={}".format, st.integers(1, N_MOVIES),
              st.integers(1, 50)),
    st.builds("/api/v1/movies/{}".format, st.integers(1, N_MOVIES)),
    st.builds("/api/v1/movies?q={}".format, st.sampled_from(["f", "fil", "1", "flim", "film%204"])),
    st.sampled_from(["/healthz", "/metrics", "/api", "/api/v1/openapi.json"]))
_PATH = st.one_of(
    st.sampled_from(["/api/v1/recommend", "/api/v1/recommend", "/api/v1/movies"]),
    st.sampled_from(["/api/v1/movies/7", "/healthz", "/", "/api/v1", "//", "/./../x", "*"]),
    _VALUE.map(lambda value: "/api/v1/movies/" + value), _VALUE.map(lambda value: "/" + value))
_METHOD = st.sampled_from(["GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE", "TRACE", "X"])
_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.floats(), _NUMBER, _TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=3),
                            st.dictionaries(_TEXT, inner, max_size=3)), max_leaves=6)
_OVERVIEW = st.lists(st.sampled_from(["a", "man", "meets", "woman", ","]), min_size=1,
                     max_size=400).map(" ".join)
_FILMS = st.integers(1, 20)
_GOOD_BODY = st.fixed_dictionaries(
    {"overview": st.one_of(_OVERVIEW, st.lists(_OVERVIEW, min_size=1, max_size=3)),
     "k": st.integers(1, 20)},
    optional={"id": st.one_of(_FILMS, st.lists(_FILMS, min_size=1, max_size=5)),
              "title": _FILMS.map("Film {}".format), "not_id": st.integers(21, 50),
              "diverse": st.floats(0, 1), "explain": st.booleans(), "min_votes": _FILMS})
_FIELDS = st.fixed_dictionaries(
    {"overview": st.one_of(_OVERVIEW, _TEXT, _JSON)},
    optional={"k": st.one_of(_NUMBER, _JSON), "x": _JSON, "id": st.one_of(_NUMBER, _JSON),
              "title": st.one_of(_TEXT, _JSON), "not": st.one_of(_TEXT, _JSON),
              "diverse": st.one_of(st.floats(), _JSON), "explain": st.one_of(st.booleans(), _JSON),
              "genres": st.one_of(_TEXT, _JSON), "year_from": st.one_of(_NUMBER, _JSON)})
_BODY = st.one_of(
    st.one_of(_FIELDS, _JSON).map(lambda value: json.dumps(value).encode()),
    st.binary(max_size=200),
    st.sampled_from([b"", b"[" * 50000, b'{"overview":"a","overview":"b"}', b'{"overview":"\xff"}',
                     b'{"overview":"a","k":' + b"9" * 5000 + b"}", b"x" * 70000, b"x" * 2000000]))
_TYPE = st.sampled_from(["application/json"] * 6 + ["text/html", "application/json; charset=x",
                                                    "application/x-www-form-urlencoded", "\xff"])
_HEADERS = st.lists(max_size=1, elements=st.sampled_from(
    ["Host: \xff", "Host: a b", "Host: [::1", "Content-Encoding: gzip", "X-Forwarded-For: 1.2.3.4",
     "Transfer-Encoding: gzip", "Range: bytes=0-1", "If-None-Match: *", "If-None-Match: \"",
     "X-Request-ID: \xff\x01", "X-Request-ID: " + "x" * 60000, "Accept: text/html",
     "Expect: 100-continue", "Cookie: " + "x" * 5000, "X" * 70000 + ": 1", "no colon", "X : y"]))


@st.composite
def requests(draw: Callable[[st.SearchStrategy], Any]) -> Request:
    """Draw a request of one of six kinds, of which the first two are valid."""
    kind = draw(st.sampled_from(["film", "text", "odd film", "odd text", "odd", "rubbish"]))
    if kind == "film":
        return _request("GET", draw(_GOOD_PATH))
    if kind == "text":
        return _request("POST", "/api/v1/recommend", [], json.dumps(draw(_GOOD_BODY)).encode())
    if kind == "odd film":
        return _request("GET", draw(_PATH) + "?" + draw(_QUERY), draw(_HEADERS))
    if kind == "odd text":
        return _request("POST", "/api/v1/recommend", draw(_HEADERS), draw(_BODY), draw(_TYPE),
                        draw(st.sampled_from(["length", "chunks", "short"])))
    if kind == "odd":
        return _request(draw(_METHOD), draw(_PATH), draw(_HEADERS), draw(_BODY))
    return Request(draw(st.binary(max_size=300)), whole=False, has_body=True)


def _request(method: str, address: str, headers: Sequence[str] = (), body: bytes = b"",
             content_type: str = "application/json", framing: str = "length") -> Request:
    """Return a request whose body is framed by "length", by "chunks", or "short" of its length."""
    lines = ["{} {} HTTP/1.1".format(method, address), "Connection: close", *headers]
    if body:
        lines.append("Content-Type: " + content_type)
        if framing == "chunks":
            lines.append("Transfer-Encoding: chunked")
            body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (
                body[:10], body[10:]) if part) + b"0\r\n\r\n"
        else:
            lines.append("Content-Length: {}".format(len(body) + (framing == "short")))
    head = "\r\n".join(lines + ["", ""]).encode("latin-1", "replace")
    return Request(head + body, not body or framing != "short", method != "HEAD")


def run(short: bool) -> List[Row]:
    n_requests = 300 if short else 5000
    with temporary_folder() as folder:
        world = make_world(folder, N_MOVIES)
        for command in (world.extraction(world.features), world.indexing(world.index)):
            subprocess.run(command, stderr=subprocess.PIPE, check=True)
        log = folder + "/access.log"
        # One malloc arena: with one for each thread, memory grows until all threads were busy.
        server = Program(["env", "MALLOC_ARENA_MAX=1"] + program(
            "server.py", "--index", world.index, "--features", world.features, "--bert_dir",
            world.bert_dir, "--port", "0", "--access_log", log))
        try:
            return _ask(server, n_requests) + [_lines_of(log)]
        finally:
            server.end()


def _lines_of(log: str) -> Row:
    """Count the lines of an access log, and those that are no JSON object."""
    with open(log, "rb") as file:
        lines = file.read().splitlines()
    broken = [line for line in lines if not line.startswith(b'{"time": "')
              or not line.endswith(b"}") or not json.loads(line.decode("ascii"))]
    return Row("lines of its access log, each JSON by itself", len(lines), len(broken))


def _ask(server: Program, n_requests: int) -> List[Row]:
    """Send generated requests; count wrong answers, and compare the server's memory."""
    lost = []  # type: List[str]
    memory = []  # type: List[int]

    # No shrinking: a failing request is printed as it was sent, and the next one is tried.
    @seed(SEED)
    @settings(max_examples=n_requests, database=None, deadline=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))
    @given(requests())
    def try_one(request: Request) -> None:
        wrong = what_is_wrong(request, answer_to(server.port, request))
        if wrong:
            lost.append(wrong)
            print("{}: {!r}".format(wrong, request.sent[:2000]), file=sys.stderr)
        memory.append(own_bytes(server.pid))

    # Load the graph first, as it is no growth.
    answer_to(server.port, _request("POST", "/api/v1/recommend", [], b'{"overview": "a man"}'))
    try_one()
    growth = max(memory[int(_WARM * len(memory)):]) - memory[int(_WARM * len(memory))]
    code, _, said = server.stop()
    if code or said:
        lost.append("it ended with {} and said {}".format(code, said.decode()))
        print(lost[-1], file=sys.stderr)
    return [Row("generated requests to a running server", len(memory), len(lost)),
            Row("memory of the server above {:.0f} MB, where it was after {:.0%} of them, by more "
                "than {} MB".format(memory[int(_WARM * len(memory))] / 2 ** 20, _WARM,
                                    _GROWTH >> 20), 1, int(growth > _GROWTH))]


def answer_to(port: int, request: Request) -> bytes:
    """Return all bytes that the server sends; b"" at once for a request that is not whole."""
    with socket.create_connection(("127.0.0.1", port), 60) as connection:
        try:
            connection.sendall(request.sent)
            return connection.makefile("rb").read() if request.whole else b""
        except ConnectionError as error:
            return "{}".format(error).encode()


def what_is_wrong(request: Request, answer: bytes) -> Optional[str]:
    """Return why an answer is wrong, or None."""
    if not request.whole:
        return None
    head, _, body = answer.rpartition(b"HTTP/1.")[2].partition(b"\r\n\r\n")
    words = head.split()
    if len(words) < 2 or not words[1].isdigit():
        return "no answer but {!r}".format(answer[:200])
    status = int(words[1])
    if status >= 500 and status != 503:
        return "status {}: {!r}".format(status, body[:200])
    if b"\r\nX-Request-Id: " not in head:
        return "no id: {!r}".format(head)
    if request.has_body and status not in (204, 304):
        if status == 200 and b"Content-Type: application/json" not in head:
            return None  # a page, a script or a style sheet
        if b"application/json; charset=utf-8" not in head:
            return "not JSON by its type: {!r}".format(head)
        try:
            parsed = json.loads(body.decode("utf-8"))
        except ValueError:
            return "not JSON: {!r}".format(body[:200])
        if (status >= 400) != (list(parsed) == ["error"]):
            return "status {} and {!r}".format(status, body[:200])
    return None


def own_bytes(pid: int) -> int:
    """Return the resident bytes of a process without pages of files, which explanations map."""
    with open("/proc/{}/statm".format(pid)) as file:
        _, resident, of_files, *_ = map(int, file.read().split())
    return (resident - of_files) * 4096
