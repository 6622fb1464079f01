"""The films of the map beyond those of a first look, in tiles."""

import json

import numpy as np
import pytest

from recommender.errors import NothingFound
from recommender.index import Index
from serving import map_data, map_tiles
from serving.app import create_app
from serving.library import Library
from serving.map_tiles import DEEPEST, Tiles, tiles_of
from tests.served import FakeTexts
from tests.test_map_data import numbers
from tests.worlds import row, write_index

N, SHOWN, FULL = 90, 20, 3


@pytest.fixture()
def served(tmp_path, monkeypatch):
    """Ninety films, of which twenty are shown at first, in tiles of up to three."""
    monkeypatch.setattr(map_data, "MOST", SHOWN)
    monkeypatch.setattr(map_tiles, "FULL", FULL)
    rows = [row(n, "Film {}".format(n), vote_count=str(n * 37 % 101), adult=str(n == 5), genres=(
        "[{'id': 1, 'name': 'Comedy'}]" if n % 3 else "[]")) for n in range(1, N + 1)]
    path = write_index(tmp_path, rows, with_map=True, recipes=("mean4", "best"))
    return Library(Index(path), FakeTexts())


def whole_tree(tiles):
    """The rows of all tiles by (z, x, y), below each only where it is full."""
    found, front = {}, [(1, x, y) for x in (0, 1) for y in (0, 1)]
    while front:
        tile = front.pop()
        z, x, y = tile
        found[tile] = tiles.rows(*tile)
        if len(found[tile]) == FULL and z < DEEPEST:
            front += [(z + 1, 2 * x + right, 2 * y + below) for right in (0, 1)
                      for below in (0, 1)]
    return found


@pytest.mark.parametrize("recipe", ["mean4", "best"])
def test_every_film_beyond_the_first_is_in_one_tile_of_its_place(served, recipe):
    index = served.now.index
    tree = whole_tree(tiles_of(served.now, recipe))
    assert sorted(np.concatenate(list(tree.values())).tolist()) == sorted(
        map_data.unmarked(index)[SHOWN:].tolist())
    assert index.row_of_id(5) not in np.concatenate(list(tree.values()))  # marked as adult
    places = index.space(recipe).map()
    for (z, x, y), rows in tree.items():
        assert (np.rint(places[rows] * 65535).astype(int) >> (16 - z) == [x, y]).all()


def test_a_tile_is_bounded_and_holds_more_votes_than_those_below_it(served):
    votes, tree = served.now.index.column("vote_count"), whole_tree(tiles_of(served.now, "best"))
    assert max(z for z, _, _ in tree) > 2
    for (z, x, y), rows in tree.items():
        assert len(rows) <= FULL
        assert (np.diff(votes[rows]) <= 0).all()
        above = tree.get((z - 1, x // 2, y // 2))
        if above is not None and len(rows):
            assert votes[rows].max() <= votes[above].min()


def test_more_films_at_one_place_than_a_tile_holds_are_in_the_deepest(served, monkeypatch):
    monkeypatch.setattr(map_tiles, "places_of", lambda index, rows, recipe: np.full(
        (len(rows), 2), 40000))
    tiles = Tiles(served.now.index, "best")
    n_beyond = N - 1 - SHOWN
    sizes = [len(tiles.rows(z, 40000 >> (16 - z), 40000 >> (16 - z))) for z in range(1, 17)]
    assert sizes[:15] == [FULL] * 15 and sum(sizes) == n_beyond
    monkeypatch.setattr(map_tiles, "FULL", 2)
    tiles = Tiles(served.now.index, "best")
    assert len(tiles.rows(16, 40000, 40000)) == n_beyond - 2 * 15
    assert not json.loads(tiles.film_bytes(16, 40000, 40000).partition(b"\n")[0].decode())["deeper"]


def test_the_page_gets_a_tile_as_bytes_and_which_of_its_films_pass(served):
    client, index = create_app(served).test_client(), served.now.index
    head = json.loads(client.get("/map/films").data.partition(b"\n")[0].decode())
    assert (head["n"], head["beyond"]) == (SHOWN, N - 1 - SHOWN)
    tiles = tiles_of(served.now, "best")
    rows = tiles.rows(1, 0, 0)
    answer = client.get("/map/tiles/1/0/0/films?recipe=best", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert client.get("/map/tiles/1/0/0/films?recipe=best", headers={
        "If-None-Match": answer.headers["ETag"]}).status_code == 304
    head, _, data = client.get("/map/tiles/1/0/0/films?recipe=best").data.partition(b"\n")
    n = len(rows)
    assert json.loads(head.decode()) == {"n": n, "deeper": n == FULL}
    assert numbers(data, n, 2) == index.column("year")[rows].tolist()
    places = np.rint(index.space("best").map()[rows] * 65535)
    assert numbers(data[6 * n:], n, 2) == places[:, 0].tolist()
    assert numbers(data[8 * n:], n, 2) == places[:, 1].tolist()
    assert numbers(data[10 * n:], n, 8) == index.ids[rows].tolist()
    assert data[18 * n:].decode().split("\n") == index.column("title")[rows].tolist()
    bits = client.get("/map/tiles/1/0/0/passing?recipe=best&genres=Comedy").data
    assert np.unpackbits(np.frombuffer(bits, np.uint8))[:n].tolist() == [
        int(each % 3 != 0) for each in index.ids[rows]]


def test_the_tile_of_a_film_is_told(served):
    client, index = create_app(served).test_client(), served.now.index
    for tile, rows in whole_tree(tiles_of(served.now, "best")).items():
        for movie_id in index.ids[rows].tolist():
            assert client.get("/map/tiles/of/{}?recipe=best".format(movie_id)).get_json() == {
                "tile": "/".join(map(str, tile))}
    first = index.ids[map_data.on_map(index)].tolist()
    for movie_id in (first[0], 5, 10 ** 6, 2 ** 70):  # the second is marked as adult
        assert client.get("/map/tiles/of/{}".format(movie_id)).get_json() == {"tile": None}


@pytest.mark.parametrize("path", ["0/0/0", "17/0/0", "1/2/0", "3/0/8", "1/-1/0"])
def test_a_tile_that_is_not_there_is_said_to_be_so(served, path):
    client = create_app(served).test_client()
    assert client.get("/map/tiles/{}/films".format(path)).status_code == 404
    assert client.get("/map/tiles/1/0/0/films?recipe=none").status_code == 404


def test_a_map_that_is_shown_whole_has_empty_tiles(tmp_path):
    path = write_index(tmp_path, [row(n, "Film {}".format(n)) for n in range(1, 6)], with_map=True)
    client = create_app(Library(Index(path), FakeTexts())).test_client()
    assert b"beyond" not in client.get("/map/films").data.partition(b"\n")[0]
    assert json.loads(client.get("/map/tiles/1/0/0/films").data.partition(b"\n")[0].decode()) == {
        "n": 0, "deeper": False}
    without = Library(Index(write_index(tmp_path, [row(1, "Alone")])), FakeTexts())
    with pytest.raises(NothingFound, match="has no map"):
        tiles_of(without.now)
