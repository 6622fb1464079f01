"""The map's data as the page gets them."""

import gzip
import json

import numpy as np
import pytest

from tests.served import FILMS


def numbers(data, n, size):
    """Numbers of `size` bytes from their planes."""
    planes = np.frombuffer(data, np.uint8, n * size).reshape(size, n).astype(np.int64)
    return (planes << 8 * np.arange(size)[:, None]).sum(axis=0).tolist()


def test_the_films_come_as_compact_bytes(client):
    head, _, data = client.get("/map/films").data.partition(b"\n")
    n = len(FILMS)
    assert json.loads(head.decode()) == {"n": n, "genres": ["Drama"]}
    by_votes = sorted(FILMS, key=lambda film: -film[3])
    assert numbers(data, n, 2) == [film[2] for film in by_votes]
    first, votes, ratings, bits = np.frombuffer(data, np.uint8, 4 * n, 2 * n).reshape(4, n)
    assert not first.any() and (bits == 128).all()
    np.testing.assert_allclose(2 ** (votes / 12), [1 + film[3] for film in by_votes], rtol=0.03)
    assert len(set(ratings)) == 1 and ratings[0] <= 200
    assert len(data) == 6 * n
    names = client.get("/map/names").data
    assert numbers(names, n, 8) == [film[0] for film in by_votes]
    assert names[8 * n:].decode().split("\n") == [film[1] for film in by_votes]


@pytest.mark.parametrize("recipe", ["mean4", "best"])
def test_the_places_are_those_of_the_api(client, recipe):
    data = client.get("/map/places?recipe=" + recipe).data
    body = client.get("/api/v1/map?recipe=" + recipe).get_json()
    n = len(body["id"])
    assert numbers(data, n, 2) == body["x"]
    assert numbers(data[2 * n:], n, 2) == body["y"]


def test_the_data_are_compressed_once_and_not_sent_again_to_who_has_them(client):
    plain = client.get("/map/films")
    packed = client.get("/map/films", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert packed.headers["Vary"] == "Accept-Encoding"
    again = client.get("/map/films", headers={"If-None-Match": packed.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_the_films_that_filters_let_pass_come_as_bits(client):
    by_votes = sorted(FILMS, key=lambda film: -film[3])
    bits = np.frombuffer(client.get("/map/passing?year_from=2000").data, np.uint8)
    assert np.unpackbits(bits)[:len(FILMS)].tolist() == [film[2] >= 2000 for film in by_votes]


@pytest.mark.parametrize("path, status", [
    ("passing?genres=Nope", 404), ("passing?year_from=x", 400), ("passing?id=1", 400),
    ("places?recipe=nope", 404), ("films?x=1", 400), ("names?x=1", 400)])
def test_what_cannot_be_answered_is_told(client, path, status):
    answer = client.get("/map/" + path)
    assert answer.status_code == status
    assert answer.get_json()["error"]
