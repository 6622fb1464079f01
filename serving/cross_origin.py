"""Let pages of other origins read the API's answers (CORS), those that are named and no others."""

from typing import Collection

from flask import Flask, Response, request

_EXPOSED = "ETag, Retry-After, X-Request-ID"  # headers of an answer that such a page may read
_ALLOWED = "Content-Type, X-Request-ID"  # headers of a request that such a page may send
_SECONDS = "600"  # for which a browser keeps the answer to its preflight request


def allow_origins(app: Flask, prefix: str, origins: Collection[str]) -> None:
    """Add the headers of CORS to answers below `prefix` for requests from `origins`.

    Parameters
    ----------
    app : Flask
    prefix : str
        Beginning of the paths of the API.
    origins : collection of str
        Origins such as https://films.example; none by default.
    """
    if not origins:
        return

    @app.after_request
    def allow(response: Response) -> Response:
        if request.path.startswith(prefix):
            response.vary.add("Origin")  # a cache must not give one origin's answer to another
            origin = request.headers.get("Origin")
            if origin and origin in origins:
                response.headers["Access-Control-Allow-Origin"] = origin
                response.headers["Access-Control-Expose-Headers"] = _EXPOSED
                if request.method == "OPTIONS":
                    response.headers["Access-Control-Allow-Methods"] = "GET, POST"
                    response.headers["Access-Control-Allow-Headers"] = _ALLOWED
                    response.headers["Access-Control-Max-Age"] = _SECONDS
        return response
