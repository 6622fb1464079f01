"""The map's data as the page gets them."""

import gzip
import json
import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from recommender.index import Index
from serving import map_data, packed
from serving.app import create_app
from serving.library import Library
from serving.map_data import film_bytes, place_bytes
from serving.map_tiles import load_map
from tests.served import FILMS, FakeTexts, write_films
from tests.worlds import row, write_index


def numbers(data, n, size):
    """Numbers of `size` bytes from their planes."""
    planes = np.frombuffer(data, np.uint8, n * size).reshape(size, n).astype(np.int64)
    return (planes << 8 * np.arange(size)[:, None]).sum(axis=0).tolist()


def test_the_films_come_as_compact_bytes(client):
    head, _, data = client.get("/map/films").data.partition(b"\n")
    n = len(FILMS)
    assert json.loads(head.decode()) == {"n": n, "genres": ["Drama"], "named": n}
    by_votes = sorted(FILMS, key=lambda film: -film[3])
    assert numbers(data, n, 2) == [film[2] for film in by_votes]
    first, votes, ratings, bits = np.frombuffer(data, np.uint8, 4 * n, 2 * n).reshape(4, n)
    assert not first.any() and (bits == 128).all()
    np.testing.assert_allclose(2 ** (votes / 12), [1 + film[3] for film in by_votes], rtol=0.03)
    assert len(set(ratings)) == 1 and ratings[0] <= 200
    names = client.get("/map/names").data
    assert data[6 * n:] == names
    assert numbers(names, n, 8) == [film[0] for film in by_votes]
    assert names[8 * n:].decode().split("\n") == [film[1] for film in by_votes]


def test_the_names_of_the_films_of_most_votes_come_with_the_points(client, monkeypatch):
    monkeypatch.setattr(map_data, "NAMED", 3)
    head, _, data = client.get("/map/films").data.partition(b"\n")
    assert json.loads(head.decode())["named"] == 3
    first = data[6 * len(FILMS):]
    by_votes = sorted(FILMS, key=lambda film: -film[3])
    assert numbers(first, 3, 8) == [film[0] for film in by_votes[:3]]
    assert first[24:].decode().split("\n") == [film[1] for film in by_votes[:3]]


class Many:
    """45,000 random films: as much of an index as the map's data are made of."""

    has_topics = False

    def __init__(self, n=45000):
        random = np.random.RandomState(0)
        names = ["Drama", "Comedy", "Thriller", "Action", "Romance", "Horror", "Crime", "Adventure",
                 "Family", "Mystery", "War", "Western", "Music", "History", "Science Fiction",
                 "Fantasy", "Animation", "Documentary", "TV Movie", "Foreign"]
        self._has = random.rand(n, len(names)) < 0.12
        self._names = names
        self._columns = {
            "year": random.randint(1920, 2018, n), "adult": np.zeros(n, bool),
            "vote_count": random.lognormal(3, 2, n).astype(int),
            "vote_average": random.normal(6, 1.2, n).clip(0, 10),
            "genres": np.array(["|".join(np.array(names)[has]) for has in self._has], object),
            "title": np.array(["".join(random.choice(list("abcdefghijkl mnoprstu w"), 18))
                               for _ in range(1000)] * (n // 1000), object)}
        self.ids = random.permutation(450000)[:n]
        self._map = random.rand(n, 2)

    def __len__(self):
        return len(self.ids)

    def column(self, name):
        return self._columns[name]

    def best_first(self, name):
        return np.argsort(-self._columns[name], kind="stable")

    def genres(self):
        return self._names, self._has

    def space(self, recipe=None):
        return self

    def map(self):
        return self._map


def test_a_first_look_at_45000_films_takes_half_a_second_at_10_megabits(client):
    """Points and titles can then be drawn: the other names, half a megabyte more,
    come after it."""
    index, zipped = Many(), {"Accept-Encoding": "gzip"}
    sent = [len(gzip.compress(make(index), 6)) for make in (film_bytes, place_bytes)]
    text = client.get("/map").get_data(as_text=True)
    sent.append(len(text.encode()))
    for path in re.findall(r'(?:href|src)="\./(static/.+?)"', text):
        sent.append(len(client.get(path, headers=zipped).data))
    assert sum(sent) * 8 / 10e6 < 0.5


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


def test_a_server_that_is_prepared_compresses_nothing_for_its_first_page(tmp_path, monkeypatch):
    library = Library(Index(write_films(tmp_path)), FakeTexts())
    client = create_app(library).test_client()
    load_map(library.now)
    monkeypatch.setattr(packed.gzip, "compress", lambda *_: pytest.fail("compressed again"))
    for path in ("films", "names", "places?recipe=best", "places?recipe=mean4", "places"):
        answer = client.get("/map/" + path, headers={"Accept-Encoding": "gzip"})
        assert answer.status_code == 200
        assert gzip.decompress(answer.data)


def test_a_body_is_made_once_for_all_who_ask_at_the_same_time():
    bodies, made = packed.PackedBodies(), []
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: bodies.get("a", lambda: made.append(1) or b"x"), range(64)))
    assert made == [1]
    assert [gzip.decompress(body.data) for body in found] == [b"x"]


def test_nothing_is_prepared_where_there_is_no_map(tmp_path):
    library = Library(Index(write_index(tmp_path, [row(1, "Heat"), row(2, "Ronin")])), FakeTexts())
    load_map(library.now)
    answer = create_app(library).test_client().get("/map/places")
    assert answer.status_code == 404


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
