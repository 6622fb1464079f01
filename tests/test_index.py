"""The index: rows that are the mean of the stored features, replaced whole, searched exactly."""

import os
import re
import warnings
from pathlib import Path

import h5py
import numpy as np
import pytest

from recommender.building import build_index
from recommender.catalogue import read_catalogue
from recommender.columns import weighted_ratings
from recommender.errors import NothingFound, RecommenderError
from recommender.index import Index
from recommender.storage.feature_store import FeatureReader
from tests.worlds import (
    SETTINGS,
    open_index,
    overviews_of,
    random_layers,
    row,
    search,
    write_csv,
    write_features,
    write_index,
)

MATRIX = [row(603, "The Matrix", vote_count="9079", original_title="The Matrix"),
          row(604, "The Matrix Reloaded", release_date="2003-05-15"),
          row(5, "Hamlet", release_date="1990-12-19", vote_count="10"),
          row(6, "Hamlet", release_date="1996-12-25", vote_count="90"),
          row(128, "Princess Mononoke", original_title="もののけ姫", release_date="")]


def along(*vectors):
    """Features by movie id, 1 and up, whose embeddings point along `vectors`."""
    return {movie_id: np.tile(np.array(vector, np.float32), (4, 3, 1))
            for movie_id, vector in enumerate(vectors, 1)}


def films(n):
    return [row(movie_id, "Film {}".format(movie_id)) for movie_id in range(1, n + 1)]


def ids_of(results):
    return [result.movie["id"] for result in results]


def parts(tmp_path, rows, features, settings=SETTINGS):
    catalogue = read_catalogue(write_csv(tmp_path / "movies.csv", rows))
    folder = write_features(tmp_path / "features", features, settings, overviews_of(catalogue))
    return catalogue, FeatureReader(folder)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_a_row_is_the_mean_over_layers_and_tokens_of_the_stored_features(tmp_path, dtype):
    settings = SETTINGS._replace(dtype=dtype, hidden_size=64)
    features = {movie_id: random_layers(n_tokens, movie_id, settings)
                for movie_id, n_tokens in ((603, 256), (604, 3), (5, 40), (6, 71), (128, 2))}
    catalogue, reader = parts(tmp_path, MATRIX, features, settings)
    build_index(catalogue, reader, str(tmp_path / "index.h5"), ["mean4"])
    with h5py.File(str(tmp_path / "index.h5"), "r") as index, \
            h5py.File(str(tmp_path / "features" / "features.h5"), "r") as stored:
        assert index["ids"][:].tolist() == [603, 604, 5, 6, 128]
        for movie_id, embedding in zip(index["ids"][:], index["recipes/mean4/embeddings"][:]):
            mean = stored[str(movie_id)][:].astype(np.float64).mean(axis=(0, 1))
            np.testing.assert_allclose(embedding, mean / np.linalg.norm(mean), atol=1e-6)


def test_embeddings_are_contiguous_float32_rows_of_length_1(tmp_path):
    with h5py.File(write_index(tmp_path, MATRIX), "r") as file:
        embeddings = file["recipes/mean4/embeddings"]
        assert embeddings.chunks is None
        assert (embeddings.dtype, embeddings.shape) == (np.float32, (5, 8))
        assert file["ids"].dtype == np.int64
        np.testing.assert_allclose(np.linalg.norm(embeddings[:], axis=1), 1, atol=1e-6)


def test_root_attributes_say_which_features_checkpoint_and_recipe_made_it(tmp_path):
    path = write_index(tmp_path, MATRIX)
    with h5py.File(path, "r") as file:
        attributes = dict(file.attrs)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", attributes.pop("built"))
    assert re.fullmatch("[0-9a-f]{32}", attributes.pop("digest"))
    assert attributes.pop("layers").tolist() == [-1, -2, -3, -4]
    assert attributes == {
        "features": "features", "format_version": 3,
        "max_seq_length": 256, "do_lower_case": True,
        "hidden_size": 8, "dtype": "float32", "pooled": False, "checkpoint": "tiny",
        "checkpoint_sha256": "ab" * 32, "catalogue": "movies.csv",
        "recipes": '[["mean4", [{"kind": "mean", "weight": 1.0, "layers": [-1, -2, -3, -4]}]]]',
        "catalogue_sha256": read_catalogue(str(tmp_path / "movies.csv")).sha256}
    assert Index(path).features == SETTINGS


def test_two_films_with_one_title_have_rows_of_their_own(tmp_path):
    index = open_index(tmp_path, MATRIX)
    one, other = index.rows_of_title("Hamlet")
    assert {int(index.ids[one]), int(index.ids[other])} == {5, 6}
    assert np.abs(index.space().embedding(one) - index.space().embedding(other)).max() > 0.01


def test_a_result_shows_the_film_as_the_catalogue_has_it(tmp_path):
    index = open_index(tmp_path, [row(
        128, "Princess Mononoke", original_title="もののけ姫", original_language="ja",
        genres="[{'id': 12, 'name': 'Adventure'}, {'id': 16, 'name': 'Animation'}]",
        overview="A prince goes west.", release_date="1997-07-12", vote_average="8.2",
        vote_count="2041", imdb_id="tt0119698")])
    movie = index.movie(0)
    assert movie.pop("weighted_rating") == pytest.approx(8.2, abs=0.01)
    assert movie == {
        "id": 128, "title": "Princess Mononoke", "original_title": "もののけ姫", "year": 1997,
        "genres": ["Adventure", "Animation"], "language": "ja", "imdb_id": "tt0119698",
        "overview": "A prince goes west.", "vote_average": 8.2, "vote_count": 2041}


def test_megabytes_of_overviews_leave_every_column_whole(tmp_path):
    rows = [row(n, "Film {}".format(n), overview="{} ".format(n) + "x" * 2000)
            for n in range(1, 4001)]
    index = open_index(tmp_path, rows, {n: random_layers(1, n) for n in range(1, 4001)})
    assert index.column("overview").tolist() == [cells["overview"] for cells in rows]
    assert set(index.column("year")) == {1999}


def test_an_unknown_year_and_no_genres_are_none_and_empty(tmp_path):
    movie = open_index(tmp_path, [row(1, "One", release_date="", genres="[]")]).movie(0)
    assert movie["year"] is None
    assert movie["genres"] == []


def test_movies_that_are_only_on_one_side_are_counted(tmp_path):
    features = {movie_id: random_layers(3, movie_id) for movie_id in (6, 603, 77, 78, 79)}
    catalogue, reader = parts(tmp_path, MATRIX, features)
    report = build_index(catalogue, reader, str(tmp_path / "index.h5"), ["mean4"])
    assert report == (("mean4",), {}, 2, 3, 3, 0)
    assert Index(str(tmp_path / "index.h5")).ids.tolist() == [603, 6]


def test_nothing_in_common_is_an_error(tmp_path):
    catalogue, reader = parts(tmp_path, MATRIX, {77: random_layers(3, 77)})
    with pytest.raises(RecommenderError, match="no overview in common"):
        build_index(catalogue, reader, str(tmp_path / "index.h5"), ["mean4"])


@pytest.mark.parametrize("poison", ["nan", "infinite", "opposed", "zero"])
def test_features_that_are_no_numbers_are_refused_by_movie_id(tmp_path, poison):
    layers = random_layers(3, 604)
    if poison == "zero":
        layers[:] = 0
    else:
        layers[1, 2, 3] = np.nan if poison == "nan" else np.inf
        layers[2, 2, 3] = -np.inf if poison == "opposed" else 0
    catalogue, reader = parts(tmp_path, MATRIX, {603: random_layers(3, 603), 604: layers})
    with warnings.catch_warnings(), pytest.raises(RecommenderError, match="movie 604 "):
        warnings.simplefilter("error")  # a warning of NumPy would be more lines than one
        build_index(catalogue, reader, str(tmp_path / "index.h5"), ["mean4"])
    assert not os.path.exists(str(tmp_path / "index.h5"))


def test_an_old_index_stays_when_building_fails(tmp_path, monkeypatch):
    path = write_index(tmp_path, MATRIX)
    before = Path(path).read_bytes()
    bad = {603: np.full((4, 3, 8), np.nan, np.float32)}
    catalogue, reader = parts(tmp_path / "features", MATRIX, bad)
    with pytest.raises(RecommenderError):
        build_index(catalogue, reader, path, ["mean4"])
    assert Path(path).read_bytes() == before

    def full_disk(fd):
        raise OSError(28, "No space left on device")

    reader = FeatureReader(str(tmp_path / "features"))
    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space left"):
        build_index(catalogue, reader, path, ["mean4"])
    assert Path(path).read_bytes() == before
    assert ids_of(search(Index(path), np.ones(8), 5))


def test_an_open_index_goes_on_while_it_is_replaced(tmp_path):
    index = open_index(tmp_path, films(3), along([1] * 8, [2, 1] * 4, [-1] * 8))
    before = index.space().embedding(1).copy()
    catalogue, reader = parts(tmp_path / "features", films(3), along(*np.eye(8)[:3]))
    build_index(catalogue, reader, index.path, ["mean4"])
    np.testing.assert_array_equal(index.space().embedding(1), before)
    np.testing.assert_array_equal(Index(index.path).space().embedding(1), np.eye(8)[1])


def test_an_index_goes_into_a_folder_that_is_not_there_yet(tmp_path):
    catalogue, reader = parts(tmp_path, films(1), along([1] * 8))
    build_index(catalogue, reader, str(tmp_path / "a" / "b" / "index.h5"), ["mean4"])
    assert os.listdir(str(tmp_path / "a" / "b")) == ["index.h5"]


def test_the_weighted_rating_is_what_one_works_out_by_hand(tmp_path):
    # Votes 10, 20, ..., 110: the 70th percentile is at place 7 of 0..10, m = 80. C = 5.
    rows = [row(i, "Film {}".format(i), vote_count=str(10 * i), vote_average=str(average))
            for i, average in enumerate([0, 10, 5, 5, 5, 5, 5, 5, 5, 5, 5], 1)]
    movies = read_catalogue(write_csv(tmp_path / "movies.csv", rows)).movies
    ratings = weighted_ratings(movies)
    assert ratings.dtype == np.float32
    assert ratings[0] == pytest.approx(80 / 90 * 5, abs=1e-6)           # 10 votes of 0
    assert ratings[1] == pytest.approx((20 * 10 + 80 * 5) / 100, abs=1e-6)  # 20 votes of 10
    assert ratings[10] == pytest.approx(5, abs=1e-6)


def test_the_rating_is_weighted_by_the_whole_catalogue_not_by_films_with_features(tmp_path):
    rows = [row(1, "One", vote_average="2"), row(2, "Two", vote_average="8")]
    index = open_index(tmp_path, rows, {1: random_layers(3, 1)})
    # 100 votes of 2, m = 100 and C = 5.
    assert index.movie(0)["weighted_rating"] == 3.5


def test_films_without_votes_have_the_mean_rating(tmp_path):
    rows = [row(1, "One", vote_count="0", vote_average="9"),
            row(2, "Two", vote_count="0", vote_average="3")]
    movies = read_catalogue(write_csv(tmp_path / "movies.csv", rows)).movies
    np.testing.assert_allclose(weighted_ratings(movies), [6, 6])


def test_search_gives_the_nearest_first_with_their_cosines(tmp_path):
    x, y = np.eye(8)[:2]
    index = open_index(tmp_path, films(4), along(-x, x + y, y, 5 * x))
    results = search(index, 3 * x, 4)
    assert ids_of(results) == [4, 2, 3, 1]
    assert [result.rank for result in results] == [1, 2, 3, 4]
    np.testing.assert_allclose([result.score for result in results], [1, 0.5 ** 0.5, 0, -1],
                               atol=1e-6)


def test_the_film_asked_for_is_not_in_its_own_list(tmp_path):
    index = open_index(tmp_path, films(30))
    for asked in range(30):
        found = ids_of(search(index, index.space().embedding(asked), 30, without=[asked]))
        assert sorted([*found, int(index.ids[asked])]) == list(range(1, 31))


def test_more_films_than_there_are_gives_all_there_are(tmp_path):
    index = open_index(tmp_path, films(3))
    assert len(search(index, np.ones(8), 1000)) == 3
    assert len(search(index, np.ones(8), 3, without=[0, 0])) == 2
    assert search(index, np.ones(8), 5, without=[0, 1, 2]) == []


def test_an_index_of_one_film_has_nothing_to_recommend_for_it(tmp_path):
    index = open_index(tmp_path, films(1))
    assert search(index, index.space().embedding(0), 10, without=[0]) == []


def test_ten_runs_give_the_same_ten(tmp_path):
    path = write_index(tmp_path, films(200))
    runs = [[(result.movie["id"], result.score)
             for result in search(index, index.space().embedding(7), 10, without=[7])]
            for index in (Index(path) for _ in range(10))]
    assert len(runs[0]) == 10
    assert runs == [runs[0]] * 10


@pytest.mark.parametrize("n", [7, 33, 101])
def test_films_equally_near_come_in_the_order_of_the_catalogue(tmp_path, n):
    # 384 wide, as MiniLM: there a matrix product sums some rows in another order than others.
    settings = SETTINGS._replace(hidden_size=384)
    same = random_layers(3, 1, settings)
    catalogue, reader = parts(tmp_path, films(n), dict.fromkeys(range(1, n + 1), same), settings)
    build_index(catalogue, reader, str(tmp_path / "index.h5"), ["mean4"])
    index = Index(str(tmp_path / "index.h5"))
    for seed in range(5):
        query = np.random.RandomState(seed).standard_normal(384)
        results = search(index, query, 5)
        assert ids_of(results) == [1, 2, 3, 4, 5]
        assert len({result.score for result in results}) == 1


def test_search_agrees_with_a_plain_sort_of_cosines(tmp_path):
    index = open_index(tmp_path, films(150))
    embeddings = np.array([index.space().embedding(at) for at in range(150)], np.float64)
    for seed in range(20):
        query = np.random.RandomState(seed).standard_normal(8)
        results = search(index, query, 10)
        cosines = embeddings @ (query / np.linalg.norm(query))
        assert ids_of(results) == (np.argsort(-cosines)[:10] + 1).tolist()
        np.testing.assert_allclose([result.score for result in results],
                                   np.sort(cosines)[::-1][:10], atol=1e-6)


def test_an_id_finds_its_row_and_another_does_not(tmp_path):
    index = open_index(tmp_path, MATRIX)
    assert index.row_of_id(5) == 2
    with pytest.raises(NothingFound, match="no movie with id 7 "):
        index.row_of_id(7)


def refusal(path):
    with pytest.raises(RecommenderError) as caught:
        Index(str(path))
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "build_index.py" in str(caught.value)
    return str(caught.value)


def test_an_index_that_is_not_there_is_told_with_its_remedy(tmp_path):
    assert "no index at" in refusal(tmp_path / "index.h5")
    assert "no index at" in refusal(tmp_path)


@pytest.mark.parametrize("content", [b"", b"id,title\n", b"\x89HDF\r\n\x1a\n"])
def test_what_is_no_hdf5_file_is_refused(tmp_path, content):
    (tmp_path / "index.h5").write_bytes(content)
    assert "not a whole HDF5 file" in refusal(tmp_path / "index.h5")


def test_an_index_that_was_cut_off_is_refused(tmp_path):
    path = write_index(tmp_path, MATRIX)
    content = Path(path).read_bytes()
    Path(path).write_bytes(content[:len(content) // 2])
    assert "not a whole HDF5 file" in refusal(path)


def test_hdf5_files_that_are_no_index_are_refused(tmp_path):
    with h5py.File(str(tmp_path / "other.h5"), "w") as file:
        file["ids"] = [1]
    assert "not an index of format 3" in refusal(tmp_path / "other.h5")
    write_features(tmp_path, {1: random_layers(3, 1)})
    assert "not an index of format 3" in refusal(tmp_path / "features.h5")


def test_an_index_of_another_format_is_refused(tmp_path):
    path = write_index(tmp_path, MATRIX)
    with h5py.File(path, "r+") as file:
        file.attrs["format_version"] = 1
    assert "not an index of format 3" in refusal(path)


def test_embeddings_that_are_not_numbers_are_told_when_they_would_be_compared(tmp_path):
    path = write_index(tmp_path, [row(n, "Film {}".format(n)) for n in range(1, 5)])
    with h5py.File(path, "r+") as file:
        file["recipes/mean4/embeddings"][2] = np.nan
    index = Index(path)
    with pytest.raises(RecommenderError, match="embedding in row 2 is not numbers"):
        index.space().nearest(index.space().embedding(0), 2)


def test_embeddings_that_are_chunked_are_refused(tmp_path):
    path = write_index(tmp_path, MATRIX)
    with h5py.File(path, "r+") as file:
        embeddings = file["recipes/mean4/embeddings"][:]
        del file["recipes/mean4/embeddings"]
        file.create_dataset("recipes/mean4/embeddings", data=embeddings, chunks=(2, 8))
    assert "embeddings is not stored in the file in one piece" in refusal(path)
