"""Films of a large catalogue, which are kept on the disk: the same as films in memory."""

import os

import h5py
import numpy as np
import pytest

from recommender import catalogue
from recommender.building import build_index
from recommender.catalogue import FilmsOnDisk, films_at, read_catalogue
from recommender.storage.feature_store import FeatureReader
from tests.conftest import SAMPLE
from tests.worlds import overviews_of, random_layers, row, write_csv, write_features

ROWS = [row(5, "Five", genres="Drama, Crime", vote_average="8.2", vote_count="41", adult="True"),
        row(603, "Матрица", overview="Ein Häcker erwacht \U0001f916.", release_date="1999-03-30"),
        row(7, "Seven", vote_average="11", vote_count="-3"), row(9, "Nine", overview=""),
        row(5, "Five", overview="Another story."), row(7, "Seven", vote_average="11",
                                                       vote_count="-3"), row(8, "Eight")]


@pytest.fixture(params=[1, 2, 4])
def both(request, tmp_path, monkeypatch):
    """The same catalogue read into memory and, from some film on, onto the disk."""
    path = write_csv(tmp_path / "movies.csv", ROWS)
    in_memory = read_catalogue(path)
    monkeypatch.setattr(catalogue, "MANY", request.param)
    return in_memory, read_catalogue(path)


def test_a_large_catalogue_has_the_films_and_the_report_of_a_small_one(both):
    in_memory, on_disk = both
    assert isinstance(in_memory.movies, list) and isinstance(on_disk.movies, FilmsOnDisk)
    assert list(on_disk.movies) == in_memory.movies
    assert on_disk.report() == in_memory.report()
    assert "1 with an id seen before and other values" in on_disk.report()
    assert on_disk.without_overview == in_memory.without_overview


def test_films_on_the_disk_are_a_sequence(both):
    films, on_disk = both[0].movies, both[1].movies
    assert len(on_disk) == len(films) == 4
    assert on_disk[-1] == films[-1] and on_disk[1:] == films[1:] and on_disk[::2] == films[::2]
    for at in (4, -5):
        with pytest.raises(IndexError):
            on_disk[at]
    some = films_at(on_disk, [3, 0])
    assert isinstance(some, FilmsOnDisk) and list(some) == films_at(films, [3, 0])
    assert list(films_at(some, np.array([1]))) == [films[0]]


def test_an_index_of_films_on_the_disk_is_that_of_films_in_memory(tmp_path, monkeypatch):
    path = os.path.join(os.path.dirname(os.path.dirname(__file__)), SAMPLE)
    in_memory = read_catalogue(path)
    features = FeatureReader(write_features(tmp_path / "features", {
        movie.id: random_layers(3, movie.id) for movie in in_memory.movies[::5]},
        overviews=overviews_of(in_memory)))
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")

    def built(read, name):
        path = str(tmp_path / name)
        build_index(read, features, path, ["mean4", "best"], with_map=True)
        found = {}
        with h5py.File(path, "r") as file:
            file.visititems(lambda name, each: found.update(
                {name: each[()]} if isinstance(each, h5py.Dataset) else {}))
            return found, dict(file.attrs)

    values, attributes = built(in_memory, "memory.h5")
    monkeypatch.setattr(catalogue, "MANY", 50)
    on_disk = read_catalogue(path)
    assert isinstance(on_disk.movies, FilmsOnDisk)
    same_values, same_attributes = built(on_disk, "disk.h5")
    np.testing.assert_equal(same_values, values)
    np.testing.assert_equal(same_attributes, attributes)
