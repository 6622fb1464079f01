"""The measure of a million made-up films, with a few."""

import pytest

from benchmarks.scale import million
from benchmarks.scale.million import mistyped
from recommender import title_tables
from recommender.catalogue import read_catalogue
from recommender.index import Index
from tests.conftest import ROOT
from tests.worlds import overviews_of, random_layers, write_features

SAMPLE = ROOT + "/data/sample_movies.csv"


@pytest.fixture()
def features(tmp_path):
    """Features of the sample's films, which are made up, too."""
    catalogue = read_catalogue(SAMPLE)
    return write_features(tmp_path / "features", {
        movie.id: random_layers(3, movie.id) for movie in catalogue.movies[:60]},
        overviews=overviews_of(catalogue))


def test_a_catalogue_of_any_size_is_built_served_and_measured(tmp_path, features, capfd):
    flags = ["--films", "30", "--data_dir", str(tmp_path), "--features", features,
             "--sample", SAMPLE]
    assert million.main(flags) == 0
    printed = capfd.readouterr().out
    for measure in ("| build |", "| memory of its own at the most |", "/healthz", "title query",
                    "completion, 95th percentile", "mistyped", "memory of the server's own"):
        assert measure in printed
    assert len(Index(str(tmp_path / "30 made-up films" / "index.h5"))) == 30
    assert not title_tables.is_packed(30)


def test_a_mistyped_title_has_two_letters_swapped():
    class Draw:
        def randrange(self, n):
            return n - 1

    assert mistyped("heat", Draw()) == "heta"
    assert mistyped("a", Draw()) == "a"
