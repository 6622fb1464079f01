"""Interchange between TensorFlow 1.15 and 2.15: what one wrote, the other reads and continues.

tests/written/tensorflow1 and tensorflow2 were written under each of the two: a checkpoint, a
catalogue, its features and its index. With UPDATE_WRITTEN=1 in the environment, the tests write
that of the TensorFlow that they run under anew, and the values of the sample that are kept in
tests/sample_values.npz.
"""

import os
import shutil

import numpy as np
import pytest

from bert.checkpoint import open_checkpoint
from bert.embedder import Embedder
from bert.tensorflow_version import IS_1, computed_by
from recommender.index import Index
from recommender.recommender import Recommender
from recommender.storage.feature_store import FeatureReader, take_stock
from tests.reference import random_checkpoint
from tests.worlds import row, write_csv

WRITTEN = os.path.join(os.path.dirname(__file__), "written")
MINE, OTHER = ("tensorflow1", "tensorflow2") if IS_1 else ("tensorflow2", "tensorflow1")
SAMPLE_VALUES = os.path.join(os.path.dirname(__file__), "sample_values.npz")
UPDATE = "UPDATE_WRITTEN" in os.environ
TOLERANCE = 1e-5
_COLUMNS = 32  # numbers of each row of the sample's index that are kept
_EACH = 5  # the list of each fifth film is kept

TEXTS = ["a man meets a woman .", "a woman", "a man , a woman , a man .", "mans meets a man",
         "a woman meets mans .", "mans , mans , a woman ."]
FILMS = [row(n, "Film {}".format(n), overview=text) for n, text in enumerate(TEXTS, 1)]
MORE = row(7, "Film 7", overview="a . a , a man")


def build(run_program, folder, films=FILMS):
    """Extract and index `films` in `folder`, which holds a checkpoint; what extraction says."""
    write_csv(os.path.join(folder, "movies.csv"), films)
    said = []
    for program, flags in (
            ("extract_features.py", ["--bert_dir", "checkpoint", "--output_dir", "features",
                                     "--layers", "-1,-2", "--max_seq_length", "64"]),
            ("build_index.py", ["--features", "features", "--output", "index.h5", "--recipe",
                                "best"])):
        done = run_program(program, "--input_file", "movies.csv", *flags, cwd=str(folder))
        assert done.returncode == 0, done.stderr
        said.append(done.stderr)
    return said[0]


@pytest.fixture(scope="module", params=[MINE, OTHER])
def written(request, tmp_path_factory, run_program):
    """A copy of what one TensorFlow wrote."""
    folder = tmp_path_factory.mktemp("written") / request.param
    if UPDATE and request.param == MINE:
        random_checkpoint(folder / "checkpoint")
        build(run_program, folder)
        shutil.rmtree(os.path.join(WRITTEN, MINE), ignore_errors=True)
        shutil.copytree(str(folder), os.path.join(WRITTEN, MINE),
                        ignore=shutil.ignore_patterns("*.meta", ".lock"))
    else:
        shutil.copytree(os.path.join(WRITTEN, request.param), str(folder))
    return folder


def test_a_checkpoint_of_either_gives_the_features_of_either(written):
    checkpoint = open_checkpoint(str(written / "checkpoint"))
    found = Embedder(checkpoint, [-1, -2], 64, True).features(TEXTS)
    kept = {movie.movie_id: movie for movie in FeatureReader(str(written / "features")).movies()}
    assert sorted(kept) == list(range(1, len(TEXTS) + 1))
    for movie_id, ours in enumerate(found, 1):
        np.testing.assert_array_equal(kept[movie_id].token_ids, ours.token_ids)
        np.testing.assert_allclose(kept[movie_id].layers, ours.layers, rtol=0, atol=TOLERANCE)


def test_an_index_of_either_answers_as_one_that_is_built_here(written, tmp_path, run_program):
    shutil.copytree(str(written / "checkpoint"), str(tmp_path / "checkpoint"))
    build(run_program, tmp_path)
    theirs, ours = (Recommender.open(str(folder / "index.h5")) for folder in (written, tmp_path))
    for movie_id in range(1, len(TEXTS) + 1):
        lists = [[(film.movie["id"], film.score) for film in recommender.similar(id=movie_id)]
                 for recommender in (theirs, ours)]
        assert [found for found, _ in lists[0]] == [found for found, _ in lists[1]]
        np.testing.assert_allclose([score for _, score in lists[0]],
                                   [score for _, score in lists[1]], rtol=0, atol=TOLERANCE)


def test_features_that_one_began_the_other_continues_and_says_so(written, tmp_path, run_program):
    folder = tmp_path / "begun"
    shutil.copytree(str(written), str(folder))
    begun_by, = take_stock(str(folder / "features")).computed_by
    assert begun_by.startswith("TensorFlow 1.15" if written.name == "tensorflow1"
                               else "TensorFlow 2.15")
    said = build(run_program, folder, FILMS + [MORE])
    assert "6 of 7 films are in features already" in said
    line = "features holds films computed by {}; the others will be computed by {}".format(
        begun_by, computed_by("float32"))
    assert (line in said.splitlines()) == (written.name == OTHER)
    stock = take_stock(str(folder / "features"))
    assert stock.computed_by == {begun_by, computed_by("float32")}
    assert len(stock.digests) == len(Index(str(folder / "index.h5"))) == 7


def sample_values(index):
    """Return numbers of each row, and lists of films with scores, of each recipe."""
    recommender = Recommender(index)
    for name in index.recipes:
        rows, _ = index.space(name).all_rows()
        places = np.random.RandomState(0).permutation(rows.shape[1])[:_COLUMNS]
        lists = [recommender.similar(id=int(movie_id), recipe=name)
                 for movie_id in index.ids[::_EACH]]
        yield name, {"rows": np.array(rows[:, places]),
                     "lists": [[film.movie["id"] for film in films] for films in lists],
                     "scores": np.float32([[film.score for film in films] for films in lists])}


def test_the_samples_rows_and_rankings_are_those_of_tensorflow_1(sample):
    found = {name + "_" + kind: np.asarray(values)
             for name, each in sample_values(Index(sample.index)) for kind, values in each.items()}
    if UPDATE and IS_1:
        np.savez_compressed(SAMPLE_VALUES, **found)
    with np.load(SAMPLE_VALUES) as kept:
        assert sorted(kept.files) == sorted(found)
        for name in ("mean4", "best"):
            for kind in ("rows", "scores"):
                np.testing.assert_allclose(found[name + "_" + kind], kept[name + "_" + kind],
                                           rtol=0, atol=TOLERANCE)
            same = found[name + "_lists"] == kept[name + "_lists"]
            # Elsewhere two films may have the same score but for rounding.
            ties = np.abs(np.diff(kept[name + "_scores"], axis=1)) < 2 * TOLERANCE
            is_tied = np.pad(ties, ((0, 0), (1, 0)), "constant") | np.pad(
                ties, ((0, 0), (0, 1)), "constant", constant_values=True)
            assert np.all(same | is_tied)
