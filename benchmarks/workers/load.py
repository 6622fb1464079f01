"""Load on a server: connections that are kept alive, each asking as soon as it is answered.

An order names groups: `connections`, `addresses` to draw from or `bodies` to POST to
/api/v1/recommend, in which # becomes a number, so that no two are the same, and seconds of `pause`
after an answer; all run for the same `seconds`. The answer has for each group its rate, percentiles
in milliseconds, and the statuses with their number.
"""

import asyncio
import random
import time
from collections import Counter

import numpy as np
from serve import serve

_HEAD = ("{} {} HTTP/1.1\r\nHost: load\r\nContent-Type: application/json\r\n"
         "Content-Length: {}\r\n\r\n")


async def exchange(reader, writer, address, body=b""):
    """Send one request; return the status and the body of its answer."""
    writer.write(_HEAD.format("POST" if body else "GET", address, len(body)).encode() + body)
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
    return int(head.split(None, 2)[1]), await reader.readexactly(length)


async def client(port, group, end, seed, took, statuses):
    draw = random.Random(seed)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while time.perf_counter() < end:
        body = draw.choice(group.get("bodies", ("",))).replace(
            "#", str(draw.randrange(10 ** 6))).encode()
        address = "/api/v1/recommend" if body else draw.choice(group["addresses"])
        begin = time.perf_counter()
        status, _ = await exchange(reader, writer, address, body)
        took.setdefault(status, []).append(time.perf_counter() - begin)
        statuses[status] += 1
        await asyncio.sleep(group.get("pause", 0) if status != 503 else 0.2)
    writer.close()


async def load(port, seconds, groups):
    found, clients, begin = [], [], time.perf_counter()
    for n, group in enumerate(groups):
        took, statuses = {}, Counter()
        found.append((took, statuses))
        clients += [client(port, group, begin + seconds, "{} {}".format(n, one), took, statuses)
                    for one in range(group["connections"])]
    await asyncio.gather(*clients)
    lasted = time.perf_counter() - begin
    return {"groups": [_told(took.get(200, []), statuses, lasted) for took, statuses in found]}


def _told(took, statuses, lasted):
    percentiles = np.percentile(took, [50, 95, 99]) * 1e3 if took else [float("nan")] * 3
    return {"rate": len(took) / lasted, "statuses": statuses,
            **dict(zip(("p50", "p95", "p99"), map(float, percentiles)))}


def run(port, seconds, groups):
    return asyncio.get_event_loop().run_until_complete(load(port, seconds, groups))


if __name__ == "__main__":
    serve(lambda: run)
