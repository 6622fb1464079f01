"""Places of texts on the map."""

import numpy as np
import pytest

from recommender.errors import NothingFound
from recommender.index import Index
from recommender.recommender import Recommender
from recommender.text_places import NEAREST, place_among, place_text
from serving.openapi import MAP_SIZE
from tests.served import FakeTexts, write_films
from tests.worlds import row, write_index

GROUP = [(0.2, 0.3), (0.21, 0.3), (0.2, 0.31), (0.19, 0.3), (0.2, 0.29), (0.2, 0.3)]


def test_films_that_lie_together_place_a_text_in_their_midst():
    found = place_among(np.array(GROUP))
    np.testing.assert_allclose(found.place, (0.2, 0.3), atol=0.01)
    assert found.is_sure
    assert found.agreement > 0.9


def test_films_elsewhere_do_not_draw_it_away():
    found = place_among(np.array([*GROUP, (0.9, 0.9), (0.5, 0.95), (0.8, 0.1), (0.95, 0.5)]))
    np.testing.assert_allclose(found.place, (0.2, 0.3), atol=0.01)
    assert found.is_sure


def test_between_two_groups_it_lies_in_one_of_them():
    found = place_among(np.array([*GROUP, *[(x + 0.5, y) for x, y in GROUP[:5]]]))
    np.testing.assert_allclose(found.place, (0.2, 0.3), atol=0.01)


def test_films_far_apart_give_no_sure_place():
    angles = np.linspace(0, 2 * np.pi, NEAREST, endpoint=False)
    assert not place_among(0.5 + 0.4 * np.stack([np.cos(angles), np.sin(angles)], axis=1)).is_sure


def test_a_text_lies_among_its_nearest_films(tmp_path):
    index = Index(write_films(tmp_path))
    recommender = Recommender(index, FakeTexts())
    found = place_text(recommender, "Some story", "best")
    rows, _ = recommender.nearest(recommender.wishes(overview="Some story", recipe="best"), NEAREST)
    assert found == place_among(index.space("best").map()[rows])


def test_what_has_no_place_is_told(tmp_path):
    (tmp_path / "plain").mkdir()
    plain = Recommender(Index(write_index(tmp_path / "plain", [row(1, "Heat")])), FakeTexts())
    with pytest.raises(NothingFound, match="--map"):
        place_text(plain, "Some story")
    (tmp_path / "adult").mkdir()
    adult = Recommender(Index(write_index(tmp_path / "adult", [row(1, "Heat", adult="True")],
                                          with_map=True)), FakeTexts())
    with pytest.raises(NothingFound, match="no film"):
        place_text(adult, "Some story")


def test_the_api_tells_the_place(client, monkeypatch):
    answer = client.post("/api/v1/map/place", json={"overview": "Some story", "recipe": "best"})
    assert answer.status_code == 200
    body = answer.get_json()
    place = place_among(np.full((3, 2), 0.25))
    monkeypatch.setattr("serving.answers.place_text", lambda *_: place)
    sure = client.post("/api/v1/map/place", json={"overview": "Some story"}).get_json()
    assert sure == {"place": {"x": round(MAP_SIZE / 4), "y": round(MAP_SIZE / 4)},
                    "agreement": 1.0}
    monkeypatch.setattr("serving.answers.place_text", lambda *_: place._replace(agreement=0.2))
    unsure = client.post("/api/v1/map/place", json={"overview": "Some story"}).get_json()
    assert unsure == {"place": None, "agreement": 0.2}
    assert set(body) == set(sure)


@pytest.mark.parametrize("body, status", [
    ({}, 422), ({"overview": " "}, 422), ({"overview": "x", "id": 1}, 422),
    ({"overview": "Some story", "recipe": "nope"}, 404)])
def test_what_cannot_be_placed_is_told(client, body, status):
    answer = client.post("/api/v1/map/place", json=body)
    assert answer.status_code == status
    assert answer.get_json()["error"]
