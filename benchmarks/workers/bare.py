"""A bare Flask route that returns a JSON, served as server.py serves.

    python -m benchmarks.workers.bare FILE.json N_WORKERS

`/json` returns the file's value, which Flask writes each time; `/bytes` what it wrote once.
"""

import json
import sys

from flask import Flask, Response


def load():
    app = Flask("bare")
    app.config.update(OBSERVE=lambda seen: None, PROXIES=())
    with open(sys.argv[1], encoding="utf-8") as file:
        value = json.load(file)
    written = json.dumps(value)

    @app.get("/json")
    def as_json():
        return value

    @app.get("/bytes")
    def as_bytes():
        return Response(written, mimetype="application/json")

    return app


if __name__ == "__main__":
    from serving.listening import serve
    from serving.ports import announce, reserve, shares
    from serving.workers import Workers

    app, bound, n_workers = load(), reserve("127.0.0.1", 0), int(sys.argv[2])

    def serve_at(one):
        serve(app, one, bool, is_announced=n_workers > 1)

    if n_workers > 1:
        all_bound = shares(bound, n_workers)
        Workers(all_bound, serve_at, bool).run(lambda: announce(all_bound[0]))
    else:
        serve_at(bound)
