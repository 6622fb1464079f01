"""Posters from another host: the column, the API, the headers and the setting."""

import pytest

from recommender.errors import RecommenderError
from recommender.index import Index
from serving.app import create_app
from serving.library import Library
from serving.posters import TMDB, image_host
from serving.settings import from_environment
from tests.served import FakeTexts
from tests.worlds import row, write_index

HOST = "https://images.example/t"


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    path = write_index(tmp_path_factory.mktemp("posters"), [
        row(1, "Alien", poster_path="/a1B-_.jpg"), row(2, "Brazil", poster_path=""),
        row(3, "Casino", poster_path="//evil.example/x.jpg"), row(4, "Dune", poster_path="")])
    return Library(Index(path), FakeTexts())


def test_an_index_keeps_the_posters_whose_paths_can_be_appended(library):
    assert library.now.index.has_posters
    assert library.now.index.column("poster_path").tolist() == ["/a1B-_.jpg", "", "", ""]


def test_films_have_posters_only_where_they_are_asked_for(library):
    plain, shown = (create_app(library, posters=posters).test_client() for posters in ("", HOST))
    asked = "/api/v1/movies/1"
    assert "poster" not in plain.get(asked).json
    assert shown.get(asked).json["poster"] == HOST + "/a1B-_.jpg"
    assert "poster" not in shown.get("/api/v1/movies/3").json
    films = shown.get("/api/v1/recommend?id=2").json["results"]
    assert {film["id"]: film.get("poster") for film in films}[1] == HOST + "/a1B-_.jpg"
    assert plain.get(asked).headers["ETag"] != shown.get(asked).headers["ETag"]


def test_images_may_come_from_that_host_alone_and_tmdb_is_named(library):
    plain, shown = (create_app(library, posters=posters).test_client() for posters in ("", HOST))
    policies = [client.get("/").headers["Content-Security-Policy"] for client in (plain, shown)]
    assert policies[1] == policies[0].replace("img-src 'self'",
                                              "img-src 'self' https://images.example")
    assert policies[0] != policies[1]
    sentence = "This product uses the TMDB API but is not endorsed or certified by TMDB."
    assert [sentence in client.get("/").text for client in (plain, shown)] == [False, True]


@pytest.mark.parametrize("value, posters", [
    ("", ""), ("0", ""), ("1", TMDB), ("https://images.example/t/", HOST)])
def test_the_environment_sets_the_host(value, posters):
    assert from_environment({"MOVIES_POSTERS": value}).posters == posters


@pytest.mark.parametrize("wrong", ["images.example", "https://a b", "https://a;script-src *",
                                   "ftp://a", "https://a/'", "https://", "http://[::1", "https://...",
                                   "https://:1", "https://a:b:c"])
def test_an_address_that_would_change_the_headers_is_refused(wrong):
    with pytest.raises(ValueError, match="is not an address like"):
        image_host(wrong)
    with pytest.raises(RecommenderError, match="MOVIES_POSTERS"):
        from_environment({"MOVIES_POSTERS": wrong})
