"""Embeddings as float16: what is stored, what it answers, what an update keeps."""

import re
from typing import Any, List

import h5py
import numpy as np
import pytest

import build_index
from benchmarks.scale import halves, search
from recommender import ann_building
from recommender.catalogue import read_catalogue
from recommender.errors import RecommenderError
from recommender.given_embeddings import build_from_embeddings, save_embeddings
from recommender.halves import HALF_VERSION, in_float32, rows_times, stored_as, times_rows
from recommender.index import Index
from recommender.many import similar_many
from recommender.ranking import nearest_rows
from recommender.recommender import Recommender, Results
from recommender.storage.feature_store import FeatureReader
from recommender.storage.pickles import load_embeddings
from recommender.text_places import place_text
from recommender.updating import update_index
from serving.app import create_app
from serving.library import Library
from tests.served import FakeTexts
from tests.worlds import SETTINGS, random_layers, row, write_csv, write_features, write_index

FILMS = [row(n, "Film {}".format(n), release_date="{}-01-01".format(1950 + n))
         for n in range(1, 61)]
BOTH = ("mean4", "best")


def indexes(folder: Any, **options: Any) -> List[Index]:
    """The same films in float32 and in float16."""
    found = []
    for dtype in ("float32", "float16"):
        (folder / dtype).mkdir()
        found.append(Index(write_index(folder / dtype, FILMS, recipes=BOTH, dtype=dtype,
                                       **options)))
    return found


def scores(results: Results) -> List[Any]:
    """Ids and scores, to be compared."""
    return [(each.movie["id"], pytest.approx(each.score, abs=1e-3)) for each in results]


def test_every_float16_becomes_its_float32():
    numbers = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    finite = numbers[np.isfinite(numbers)].reshape(-1, 64)
    np.testing.assert_array_equal(in_float32(finite), finite.astype(np.float32))
    assert (np.abs(in_float32(numbers[~np.isfinite(numbers)])) >= 65536).all()


def test_products_in_blocks_are_those_of_all_rows_at_once():
    draw = np.random.RandomState(0)
    dense = draw.standard_normal((1300, 24)).astype(np.float16)
    vectors = draw.standard_normal((5, 24)).astype(np.float32)
    whole = dense.astype(np.float32)
    np.testing.assert_allclose(times_rows(vectors, dense), vectors @ whole.T, atol=1e-5)
    np.testing.assert_allclose(rows_times(dense, vectors[0]), whole @ vectors[0], atol=1e-5)
    assert times_rows(vectors, dense).dtype == rows_times(dense, vectors[0]).dtype == np.float32


def test_rows_of_the_dtype_that_is_asked_for_are_not_copied():
    dense = np.ones((3, 2), np.float32)
    assert stored_as(dense, "float32") is dense
    assert in_float32(dense) is dense


def test_a_row_that_is_not_numbers_is_refused_where_it_comes_near():
    dense = np.eye(6, dtype=np.float16)
    dense[2, 0] = np.nan
    with pytest.raises(RecommenderError, match="row 2 is not numbers"):
        nearest_rows(dense, None, np.eye(6, dtype=np.float32)[0], 2, np.ones(6, bool))


def test_embeddings_take_half_the_disk_and_have_a_version_of_their_own(tmp_path):
    whole, half = indexes(tmp_path)
    for index, dtype, version in ((whole, np.float32, 3), (half, np.float16, HALF_VERSION)):
        with h5py.File(index.path, "r") as file:
            assert file["recipes/best/embeddings"].dtype == dtype
            assert file["recipes/best/words/data"].dtype == np.float32
            assert file.attrs["format_version"] == version
            assert file.attrs["dtype"] == SETTINGS.dtype  # that of the features
    np.testing.assert_array_equal(half.space().rows(np.arange(60))[0], in_float32(
        whole.space().rows(np.arange(60))[0].astype(np.float16)))


def test_films_filters_and_many_queries_are_answered_as_by_float32(tmp_path):
    (one, other) = (Recommender(index) for index in indexes(tmp_path))
    for recipe in BOTH:
        for asked in ({"id": 7}, {"id": [7, 9], "unlike_id": 3}, {"id": 5, "year_from": 1980},
                      {"id": 5, "diverse": 0.5}):
            whole, half = (each.similar(recipe=recipe, k=60, **asked) for each in (one, other))
            assert scores(half) and sorted(scores(half), key=lambda pair: pair[0]) == sorted(
                [(each.movie["id"], each.score) for each in whole])
        alone = [other.similar(id=n, recipe=recipe) for n in (1, 2, 3)]
        together = similar_many(other, [1, 2, 3], recipe=recipe)
        assert [[(each.movie["id"], each.score) for each in films] for films in together] == [
            [(each.movie["id"], each.score) for each in films] for films in alone]


def test_stored_neighbours_are_those_of_the_stored_numbers(tmp_path):
    _, half = indexes(tmp_path, n_neighbours=10)
    space = half.space("best")
    for at in (0, 30):
        near, cosines = space.nearest(space.embedding(at), 10, [at])
        stored = space.neighbours()
        assert (stored[0][at].tolist(), stored[1][at].tolist()) == (
            near.tolist(), cosines.tolist())


def test_the_server_and_the_map_answer_from_float16(tmp_path):
    path = write_index(tmp_path, FILMS, recipes=BOTH, with_map=True, n_neighbours=5,
                       dtype="float16")
    client = create_app(Library(Index(path), FakeTexts())).test_client()
    assert len(client.get("/api/v1/map").get_json()["id"]) == 60
    found = client.post("/api/v1/recommend", json={"id": 4, "recipe": "mean4", "k": 20}).get_json()
    assert len(found["results"]) == 20
    assert place_text(Recommender(Index(path), FakeTexts()), "film 9", "best").place


def test_approximate_search_is_of_the_stored_numbers(tmp_path, monkeypatch):
    monkeypatch.setattr(ann_building, "FEWEST", 1000)
    monkeypatch.setattr("recommender.candidates._LEAST", 40)
    films = [row(n, "Film {}".format(n)) for n in range(1, 1202)]
    path = write_index(tmp_path, films, {n: random_layers(1, n) for n in range(1, 1202)},
                       recipes=BOTH, ann="hnsw", dtype="float16")
    for name in BOTH:
        space, everything = Index(path).space(name), np.ones(1201, bool)
        assert space.candidates.recall >= 0.9
        vector = space.embedding(3)
        found = space.nearest_candidates(vector, 10, everything)
        exact = nearest_rows(*space.all_rows(), vector, 10, everything)
        assert found is None or len(np.intersect1d(found[1], exact[1])) >= 9
    assert Index(path).space("mean4").nearest_candidates(
        Index(path).space("mean4").embedding(3), 10, np.ones(1201, bool)) is not None


def test_an_update_keeps_the_dtype_and_refuses_another(tmp_path):
    path = write_index(tmp_path, FILMS, recipes=BOTH, n_neighbours=20, with_map=True,
                       dtype="float16")
    before = Index(path).space().rows(np.arange(60))[0]
    catalogue = read_catalogue(write_csv(tmp_path / "movies.csv", [
        *FILMS[3:], row(99, "Newcomer", genres="[{'id': 1, 'name': 'Opera'}]")]))
    write_features(tmp_path / "features", {99: random_layers(3, 99)},
                   overviews={99: catalogue.movies[-1].overview})
    features = FeatureReader(str(tmp_path / "features"))
    with pytest.raises(RecommenderError, match="holds embeddings in float16, not float32: build it "
                                               "with --dtype and without --update"):
        update_index(catalogue, features, path, dtype="float32")
    update_index(catalogue, features, path)
    index = Index(path)
    assert index.space().dtype == "float16"
    np.testing.assert_array_equal(index.space().rows(np.arange(57))[0], before[3:])
    for name in BOTH:
        space = index.space(name)
        near, cosines = space.nearest(space.embedding(57), 20, [57])
        assert space.neighbours()[1][57].tolist() == cosines.tolist()
    assert update_index(catalogue, features, path, dtype="float16").n_new == 0


def test_the_program_takes_the_dtype_and_says_which_an_index_has(tmp_path):
    write_index(tmp_path, FILMS)
    flags = ["--input_file", tmp_path / "movies.csv", "--features", tmp_path / "features",
             "--recipe", "mean4", "--output", tmp_path / "index.h5"]
    assert build_index.main(list(map(str, [*flags, "--dtype", "float16"]))) == 0
    assert Index(str(tmp_path / "index.h5")).space().dtype == "float16"
    assert build_index.main(list(map(str, [*flags, "--update"]))) == 0
    assert Index(str(tmp_path / "index.h5")).space().dtype == "float16"
    with pytest.raises(RecommenderError, match="holds embeddings in float16, not float32"):
        build_index.main(list(map(str, [*flags, "--update", "--dtype", "float32"])))


def test_the_measurement_prints_its_lines(sample, monkeypatch):
    monkeypatch.setattr(search, "SAMPLE_INDEX", sample.index)
    lines = [*halves.answers("data/sample_movies.csv", sample.features),
             halves.queries("best", 2000)]
    assert float(re.findall(r"takes (\S+) of the bytes", lines[0])[0]) < 0.8
    assert all(float(re.findall(r"differ by (\S+) at", line)[0]) < 1e-3 for line in lines[1:3])
    assert lines[3].endswith("the embeddings 0.50 of the bytes")


def test_given_embeddings_are_stored_and_given_back(tmp_path):
    catalogue = read_catalogue(write_csv(tmp_path / "movies.csv", FILMS))
    given = {n: np.random.RandomState(n).standard_normal(12) for n in range(1, 61)}
    path = str(tmp_path / "given.h5")
    build_from_embeddings(catalogue, given, "given.pickle", path, dtype="float16")
    assert Index(path).space().dtype == "float16"
    save_embeddings(str(tmp_path / "back.pickle"), Index(path))
    back = load_embeddings(str(tmp_path / "back.pickle"))
    assert back[7].dtype == np.float32
    np.testing.assert_allclose(back[7], given[7] / np.linalg.norm(given[7]), atol=1e-3)
