"""The measurement of updates, in a short form, and the films that it makes up."""

import numpy as np
import pytest

from benchmarks.scale import updates
from benchmarks.scale.made_up import Maker
from recommender.catalogue import read_catalogue
from recommender.storage.feature_store import FeatureReader
from tests.worlds import overviews_of, random_layers, row, write_csv, write_features


@pytest.fixture
def maker(tmp_path):
    catalogue = read_catalogue(write_csv(tmp_path / "movies.csv", [
        row(n, "Film {}".format(n), overview="A {0} man runs. Storm {1} comes. She has {2}.".format(
            n, n // 2, n // 3)) for n in range(1, 41)]))
    features = write_features(tmp_path / "features", {
        n: random_layers(3, n) for n in range(1, 41)}, overviews=overviews_of(catalogue))
    return Maker(catalogue.movies, FeatureReader(features))


def test_an_update_computes_what_changed_and_answers_by_mean4_as_a_whole_build(
        maker, tmp_path, monkeypatch):
    monkeypatch.setattr(updates, "_QUERIES", 50)
    (tmp_path / "measured").mkdir()
    lines = updates.measure(str(tmp_path / "measured"), maker, 600, 15, 1)
    # 6 of 600 are new, 2 changed, 1 left.
    assert lines[0] == "films that an extraction would compute: 8 of 605"
    assert lines[1] == ("mean4: the same ten films for 100.0% of 50 queries, 10.00 of ten on "
                        "average, scores within 0.0e+00")
    assert lines[2].startswith("best: the same ten films for ")
    assert lines[3].startswith("mean4: the median list holds 15 of 15 neighbours, the shortest 1")
    assert lines[5].startswith("time of the update / of a whole build (15 neighbours, no map): ")


def test_a_made_up_film_follows_from_its_number_and_version(maker):
    film = maker.film(7)
    assert film == maker.film(7)
    assert maker.film(7, version=1).movie.overview != film.movie.overview
    sentences = [sentence for n in range(1, 200) for sentence in
                 maker.film(n).movie.overview.split(". ")]
    assert len(set(sentences)) < len(sentences) / 2  # they are those of 40 films


def test_made_up_films_differ_from_each_other_as_much_as_real_ones(maker):
    made = np.array([maker.layers(maker.film(n))[:, 0] for n in range(1, 2000)])
    real = np.array([maker.layers(maker.film(n)._replace(sources=(n % 40,)))[:, 0]
                     for n in range(40)])
    assert made.var(axis=0).mean() == pytest.approx(real.var(axis=0).mean(), rel=0.15)
    np.testing.assert_allclose(made.mean(axis=0), real.mean(axis=0), atol=0.15)
