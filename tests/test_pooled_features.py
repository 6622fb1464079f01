"""Pooled features: the mean over tokens of each layer, enough for every recipe of means."""

import csv
import os

import h5py
import numpy as np
import pytest

import extract_features
from recommender.building import build_index
from recommender.catalogue import read_catalogue
from recommender.errors import RecommenderError
from recommender.index import Index
from recommender.recipes import RECIPES, make_recipe
from recommender.source import Source
from recommender.storage import shards
from recommender.storage.feature_store import (
    FeatureReader,
    FeatureWriter,
    feature_bytes,
    overview_digest,
    take_stock,
)
from tests.conftest import ROOT
from tests.reference import random_checkpoint
from tests.worlds import (
    SETTINGS,
    only_line,
    overviews_of,
    random_layers,
    row,
    write_csv,
    write_features,
)

POOLED = SETTINGS._replace(pooled=True)
OF_TOKENS = ("idf", "sif")  # recipes that weigh tokens
OF_MEANS = [name for name in RECIPES if name not in OF_TOKENS]
GENRES = ["[{'id': 18, 'name': 'Drama'}]", "[]", "[{'id': 35, 'name': 'Comedy'}]"]
FILMS = [row(n, "Film {}".format(n), genres=GENRES[n % 3],
             overview="Word{} meets word{} in town.".format(n % 7, n % 5)) for n in range(1, 41)]


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    """A catalogue of forty films, and folders of full and pooled features of the same layers."""
    folder = tmp_path_factory.mktemp("stores")
    catalogue = read_catalogue(write_csv(folder / "movies.csv", FILMS))
    layers = {movie.id: random_layers(3 + movie.id % 9, movie.id) + 0.5
              for movie in catalogue.movies}
    full, pooled = (write_features(folder / name, layers, settings, overviews_of(catalogue))
                    for name, settings in (("full", SETTINGS), ("pooled", POOLED)))
    return catalogue, full, pooled


@pytest.fixture(scope="module")
def extracted(tmp_path_factory, minilm):
    """Films of the sample, with full and pooled features by the small checkpoint."""
    folder = tmp_path_factory.mktemp("extracted")
    with open(os.path.join(ROOT, "data", "sample_movies.csv"), encoding="utf-8") as file:
        films = list(csv.DictReader(file))[::20]
    path = write_csv(folder / "movies.csv", films, list(films[0]))
    flags = ["--bert_dir", minilm, "--input_file", path, "--output_dir"]
    extract_features.main([*flags, str(folder / "full")])
    extract_features.main([*flags, str(folder / "pooled"), "--pooled"])
    return read_catalogue(path), str(folder / "full"), str(folder / "pooled")


def rows_of(index):
    space = index.space()
    return np.array([space.embedding(at) for at in range(len(index))], np.float64)


def scores_of(index, text):
    """The cosines of all films with a text."""
    rows, cosines = index.space().nearest(index.space().embed(text), len(index))
    return cosines[np.argsort(rows)]


def agree(tmp_path, stores, name):
    """Compare the indexes by a recipe of full and of pooled features."""
    catalogue, *folders = stores
    film, path, found = catalogue.movies[0], str(tmp_path / "index.h5"), []
    read = FeatureReader(folders[0]).some([film.id])[film.id]
    text = Source(film.overview, read.layers, read.token_ids)
    for folder in folders:
        build_index(catalogue, FeatureReader(folder), path, [name])
        index = Index(path)
        found.append((rows_of(index), scores_of(index, text)))
    (full, scores), (pooled, scores_again) = found
    np.testing.assert_allclose(pooled @ pooled.T, full @ full.T, rtol=0, atol=1e-6)
    np.testing.assert_allclose(scores_again, scores, rtol=0, atol=1e-6)
    if name != "whitened":  # its axes may turn where the films differ as much along several
        np.testing.assert_allclose(pooled, full, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", OF_MEANS)
def test_an_index_from_pooled_features_is_that_from_full_ones(tmp_path, stores, name):
    agree(tmp_path, stores, name)


@pytest.mark.parametrize("name", OF_MEANS)
def test_the_indexes_agree_on_real_features(tmp_path, extracted, name):
    agree(tmp_path, extracted, name)


@pytest.mark.parametrize("name, layers", [
    ("mean", [-2]), ("centred", [-4, -1]), ("whitened", [-1, -2, -3, -4]), ("best", [-3]),
    ("hybrid", [-2, -3])])
def test_recipes_choose_among_the_layers_that_are_stored(tmp_path, stores, name, layers):
    catalogue, *folders = stores
    found = []
    for folder in folders:
        build_index(catalogue, FeatureReader(folder), str(tmp_path / "index.h5"), [name], layers)
        found.append(rows_of(Index(str(tmp_path / "index.h5"))))
    np.testing.assert_allclose(found[0] @ found[0].T, found[1] @ found[1].T, rtol=0, atol=1e-6)


def test_the_default_recipes_are_all_made(tmp_path, stores):
    catalogue, _, pooled = stores
    report = build_index(catalogue, FeatureReader(pooled), str(tmp_path / "index.h5"))
    assert (report.recipes, report.not_made) == (("mean4", "best"), {})


def test_any_hdf5_tool_finds_a_vector_for_each_layer(tmp_path):
    layers = random_layers(5, 7)
    write_features(tmp_path, {7: layers}, POOLED)
    with h5py.File(str(tmp_path / "features.h5"), "r") as file:
        assert (file.attrs["format_version"], file.attrs["pooled"]) == (4, True)
        assert file["7"].dtype == np.float32
        np.testing.assert_array_equal(
            file["7"][:], layers.mean(axis=1, dtype=np.float64).astype(np.float32))
        np.testing.assert_array_equal(file["7"].attrs["token_ids"], np.arange(5))
    movie, = FeatureReader(str(tmp_path)).movies()
    assert (movie.layers.shape, movie.token_ids.tolist()) == ((4, 1, 8), [0, 1, 2, 3, 4])


@pytest.mark.parametrize("name", OF_TOKENS)
def test_a_recipe_that_weighs_tokens_says_that_it_needs_full_features(name):
    with pytest.raises(RecommenderError, match="needs full features.*without --pooled") as told:
        make_recipe(name, POOLED)
    only_line(str(told.value))


@pytest.mark.parametrize("has_links", [True, False])
def test_pooled_features_of_one_vector_are_told(tmp_path, monkeypatch, has_links):
    with monkeypatch.context() as before:
        before.setattr(shards, "POOLED_VERSION", 2)
        write_features(tmp_path, {1: random_layers(3, 1)}, POOLED)
    reads = [lambda: FeatureWriter(str(tmp_path), POOLED), lambda: take_stock(str(tmp_path))]
    if has_links:
        reads.append(lambda: FeatureReader(str(tmp_path)))
    else:
        os.remove(str(tmp_path / "features.h5"))
    for read in reads:
        with pytest.raises(RecommenderError, match="of an older version, one vector a film: "
                                                   "extract them again with --pooled") as told:
            read()
        only_line(str(told.value))


def test_a_features_h5_is_never_taken_for_an_index(tmp_path):
    for name, settings in (("full", SETTINGS), ("pooled", POOLED)):
        folder = write_features(tmp_path / name, {1: random_layers(3, 1)}, settings)
        with pytest.raises(RecommenderError, match="is not an index of format 3"):
            Index(os.path.join(folder, "features.h5"))


def test_the_disk_that_pooled_features_take_is_foretold_within_a_tenth(tmp_path):
    settings = POOLED._replace(hidden_size=256)
    n_tokens = [20 + seed % 30 for seed in range(40)]
    write_features(tmp_path, {seed: random_layers(n, seed, settings)
                              for seed, n in enumerate(n_tokens)}, settings)
    used = sum(path.stat().st_size for path in (tmp_path / "shards").iterdir())
    assert feature_bytes(sum(n_tokens), 40, settings) == pytest.approx(used, rel=0.1)
    assert used < 40 * (4 * 256 * 4 + 2048)


def test_resume_computes_no_film_twice_whatever_dtype_says(tmp_path, capsys):
    small = random_checkpoint(tmp_path / "small", num_hidden_layers=4, max_position_embeddings=256)
    path = write_csv(tmp_path / "movies.csv", FILMS[:5])
    flags = ["--bert_dir", small, "--input_file", path, "--output_dir", str(tmp_path / "out"),
             "--pooled"]
    assert extract_features.main([*flags, "--limit", "3"]) == 0
    assert "float32" not in capsys.readouterr().err
    assert extract_features.main([*flags, "--dtype", "float16"]) == 0
    told = capsys.readouterr().err
    assert "pooled features are stored as float32, whatever --dtype says" in told
    assert "3 of 5 films are in" in told
    reader = FeatureReader(str(tmp_path / "out"))
    assert sorted(movie.movie_id for movie in reader.movies()) == [1, 2, 3, 4, 5]
    assert reader.settings.dtype == "float32"
    assert reader.digests()[1] == overview_digest(FILMS[0]["overview"])
    assert extract_features.main(["--verify", "--output_dir", str(tmp_path / "out")]) == 0
    with pytest.raises(RecommenderError, match="pooled True, not False"):
        extract_features.main(flags[:-1])


def test_evaluation_leaves_out_what_pooled_features_cannot_make(stores, run_program):
    catalogue, _, pooled = stores
    flags = ["evaluate.py", "--input_file", catalogue.path, "--features", pooled]
    done = run_program(*flags)
    assert done.returncode == 0, done.stderr
    for name in OF_TOKENS:
        assert "recipe {} is left out: the recipe weighs tokens".format(name) in done.stderr
    names = {line.split("  ")[0].strip() for line in done.stdout.splitlines()}
    assert {"mean4", "best"} <= names
    assert not names & set(OF_TOKENS)
    done = run_program(*flags, "--recipes", "best,sif")
    assert done.returncode == 1
    assert "needs full features" in done.stderr.splitlines()[-1]
