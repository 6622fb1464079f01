"""Download a file over HTTP, continuing where an earlier run was cut off."""

import json
import os
import re
from typing import Any, Dict, Optional, Tuple

import requests
from requests.adapters import HTTPAdapter
from tqdm import tqdm
from urllib3.util.retry import Retry

from fetching import FetchError
from recommender.cli import BarStream
from recommender.storage.files import PART, need_room, sync, write_text

CHUNK = 1 << 20     # bytes written at a time
TIMEOUT = (10, 60)  # seconds to wait for a connection, and for the next bytes
TRIES = 3           # further attempts after a failed connection or an answer of 5xx
RETRY_PAUSE = 0.5   # seconds before the second attempt, doubled before each further one


def fetch(url: str, part: str, auth: Optional[Tuple[str, str]] = None) -> None:
    """Download `url` to the file `part`, continuing where an earlier run was cut off.

    Beside `part` lies `part`.json with the address, the ETag and the size in bytes. Without an
    ETag, or if the server's file has changed since, the download starts again at byte 0. Whatever
    has arrived when an error ends the download stays in `part`. The caller must hold the lock of
    the folder.

    Parameters
    ----------
    url : str
        Address of the file.
    part : str
        Path of the file to write or to complete, ending in ".part".
    auth : tuple of str, optional
        User and password for HTTP basic authentication.

    Raises
    ------
    FetchError
        If the server cannot be reached, refuses, breaks off or sends a page instead of a file.
    OSError
        If the disk has too little room or cannot be written.
    """
    state = _read_state(part, url)
    have = os.path.getsize(part) if state["etag"] else 0
    if have and have == state["size"]:
        return
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers.update({"Range": "bytes={}-".format(have), "If-Range": state["etag"]})
    try:
        with _session() as session, session.get(
                url, headers=headers, auth=auth, stream=True, timeout=TIMEOUT) as response:
            if have and response.status_code == 416:
                discard(part)
                raise FetchError("{} cannot be continued at byte {}: run the same command again "
                                 "to start at 0".format(url, have))
            _check_answer(response, url)
            _receive(response, url, part, have)
    except requests.exceptions.RequestException as error:
        raise FetchError("{} cannot be downloaded ({}){}".format(
            url, _reason(error), _how_to_continue(part)))


def discard(part: str) -> None:
    """Remove the download `part` and its state, as far as they exist."""
    for path in (part, _state_path(part)):
        if os.path.exists(path):
            os.remove(path)


def _session() -> requests.Session:
    session = requests.Session()
    retry = Retry(total=TRIES, read=0, backoff_factor=RETRY_PAUSE, raise_on_status=False,
                  status_forcelist=(500, 502, 503, 504), respect_retry_after_header=False)
    session.mount("http://", HTTPAdapter(max_retries=retry))
    session.mount("https://", HTTPAdapter(max_retries=retry))
    return session


def _state_path(part: str) -> str:
    return part + ".json"


def _read_state(part: str, url: str) -> Dict[str, Any]:
    """Return the ETag and the full size of the bytes in `part`; None where they are unknown."""
    unknown = {"url": url, "etag": None, "size": None}
    try:
        with open(_state_path(part), encoding="utf-8") as file:
            state = json.load(file)
    except (FileNotFoundError, ValueError, RecursionError):
        return unknown
    fits = (isinstance(state, dict) and set(state) == set(unknown) and state["url"] == url
            and os.path.exists(part))
    return state if fits else unknown


def _check_answer(response: requests.Response, url: str) -> None:
    if response.status_code not in (200, 206):
        raise FetchError("{} answers {} {}".format(
            url, response.status_code, response.reason))
    if response.headers.get("Content-Type", "").startswith("text/html"):
        raise FetchError("{} answers with an HTML page, not with an archive".format(url))


def _receive(response: requests.Response, url: str, part: str, have: int) -> None:
    """Write the body to `part`, after its first `have` bytes if the server continues there."""
    size = None  # type: Optional[int]
    if response.status_code == 206:
        content_range = re.match(r"bytes (\d+)-\d+/(\d+)$",
                                 response.headers.get("Content-Range", ""))
        if not content_range or int(content_range.group(1)) != have:
            discard(part)
            raise FetchError("{} sent another part than was asked for: run the same command "
                             "again to start at 0".format(url))
        size = int(content_range.group(2))
    else:
        have = 0
        length = response.headers.get("Content-Length", "")
        size = int(length) if length.isdigit() else None
    need_room(os.path.dirname(part), (size or 0) - have)
    etag = response.headers.get("ETag", "")
    # A weak ETag does not promise the same bytes, so nothing can be appended to them.
    state = {"url": url, "etag": etag if etag.startswith('"') else None, "size": size}
    with open(part, "ab" if have else "wb") as file:
        write_text(_state_path(part), json.dumps(state))
        bar = tqdm(total=size, initial=have, unit="B", unit_scale=True, disable=None,
                   desc=os.path.basename(part)[:-len(PART)], file=BarStream())
        # Otherwise urllib3 drops the bytes of a chunk that breaks off; sizes are compared below.
        response.raw.enforce_content_length = False
        with bar:
            for chunk in response.iter_content(CHUNK):
                file.write(chunk)
                bar.update(len(chunk))
        arrived = file.tell()
    sync(part)
    if size is not None and arrived != size:
        raise FetchError("{} broke off{}".format(url, _how_to_continue(part)))


def _how_to_continue(part: str) -> str:
    if not os.path.exists(part):
        return ""
    return ": {:,} bytes are in {}, run the same command again to continue".format(
        os.path.getsize(part), part)


def _reason(error: BaseException) -> str:
    """Return the message of the innermost cause, which requests and urllib3 wrap several times."""
    while True:
        inner = getattr(error, "reason", None)
        if not isinstance(inner, BaseException):
            inner = next((each for each in error.args if isinstance(each, BaseException)), None)
        if inner is None:
            return re.sub(r"^<.*?>: ", "", str(error.args[-1] if error.args else error))
        error = inner
