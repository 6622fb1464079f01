"""The original's embeddings: which key stands for which film, and there and back again."""

import pickle

import numpy as np
import pytest

from recommender.catalogue import read_catalogue
from recommender.errors import RecommenderError
from recommender.explain import sources
from recommender.given_embeddings import build_from_embeddings
from recommender.index import Index
from recommender.source import Source
from recommender.storage.pickles import load_embeddings
from tests.worlds import overviews_of, random_layers, row, search, write_csv, write_features

X, Y = np.eye(8)[:2]
ROWS = [row(603, "The Matrix"), row(5, "Hamlet", release_date="1990-12-19"),
        row(6, "Hamlet", release_date="1996-12-25"), row(7, "Heat"), row(300, "300"),
        row(8, "Amélie")]


@pytest.fixture
def catalogue(tmp_path):
    return read_catalogue(write_csv(tmp_path / "movies.csv", ROWS))


def built(catalogue, embeddings, path):
    n_movies, unmapped = build_from_embeddings(catalogue, embeddings, "emb.pickle", str(path))
    index = Index(str(path))
    assert len(index) == n_movies
    return index, unmapped


def test_titles_are_found_as_written_or_else_however_spelt(catalogue, tmp_path):
    index, unmapped = built(catalogue, {"matrix, the": X, "Heat": 2 * Y, "amelie": X + Y},
                            tmp_path / "index.h5")
    assert index.ids.tolist() == [603, 7, 8]
    assert unmapped == []
    np.testing.assert_allclose([index.space().embedding(at) for at in range(3)],
                               [X, Y, (X + Y) / 2 ** 0.5], atol=1e-6)


def test_titles_that_stand_for_no_film_or_for_several_are_listed(catalogue, tmp_path):
    index, unmapped = built(catalogue, {"Heat": X, "Hamlet": X, "Heap": X, "HEAT": Y},
                            tmp_path / "index.h5")
    assert index.ids.tolist() == [7]
    assert unmapped == [("Hamlet", "2 films have that title"), ("Heap", "no such film"),
                        ("HEAT", "its film has a vector already")]


@pytest.mark.parametrize("keys", [[603, 6, 77], ["603", "6", "77"]])
def test_numbers_are_ids(catalogue, tmp_path, keys):
    index, unmapped = built(catalogue, dict.fromkeys(keys, X), tmp_path / "index.h5")
    assert index.ids.tolist() == [603, 6]
    assert unmapped == [("77", "no such film")]


def test_a_number_among_titles_is_a_title(catalogue, tmp_path):
    index, _ = built(catalogue, {"300": X, "Heat": Y}, tmp_path / "index.h5")
    assert index.ids.tolist() == [7, 300]


@pytest.mark.parametrize("value, what", [
    (np.zeros(8), "no vector"), (np.full(8, np.nan), "no vector"), ("words", "no vector"),
    (None, "no vector"), (np.ones(7), "has 7 numbers, those before it 8")])
def test_a_value_that_is_no_vector_is_told_by_title(catalogue, tmp_path, value, what):
    with pytest.raises(RecommenderError, match="'Heat' in emb.pickle.*{}".format(what)):
        built(catalogue, {"The Matrix": X, "Heat": value}, tmp_path / "index.h5")


def test_a_dict_of_other_films_is_told(catalogue, tmp_path):
    with pytest.raises(RecommenderError, match="1 of the 1 keys of emb.pickle stand for no film"):
        built(catalogue, {"Heap": X}, tmp_path / "index.h5")


def test_given_embeddings_answer_for_films_and_not_for_texts(catalogue, tmp_path):
    index, _ = built(catalogue, {"Heat": X, "The Matrix": X + Y, "Amélie": Y},
                     tmp_path / "index.h5")
    row_of_heat = index.row_of_id(7)
    found = search(index, index.space().embedding(row_of_heat), 1, without=[row_of_heat])
    assert [result.movie["title"] for result in found] == ["The Matrix"]
    assert not index.space().recipe.uses_bert
    with pytest.raises(RecommenderError, match="it answers for films"):
        index.space().embed(Source("A heist in Los Angeles"))
    with pytest.raises(RecommenderError, match="nothing is known of their words"):
        sources(index, index.space(), [0], None)


@pytest.fixture
def build(run_program, catalogue, tmp_path):
    """Runs build_index.py on the catalogue, with features of all its films."""
    features = write_features(tmp_path / "features", {
        movie.id: random_layers(3, movie.id) for movie in catalogue.movies},
        overviews=overviews_of(catalogue))

    def run(*args):
        return run_program("build_index.py", "--input_file", catalogue.path, "--features",
                           features, *args)
    return run


def test_there_and_back_again_is_the_same_index(build, tmp_path):
    first = build("--output", tmp_path / "a.h5", "--to_pickle", tmp_path / "emb.pickle")
    assert first.returncode == 0, first.stderr
    embeddings = load_embeddings(str(tmp_path / "emb.pickle"))
    assert sorted(embeddings) == sorted(cells["id"] for cells in ROWS)
    again = build("--output", tmp_path / "b.h5", "--from_pickle", tmp_path / "emb.pickle")
    assert (again.returncode, again.stdout) == (0, "")
    one, other = Index(str(tmp_path / "a.h5")), Index(str(tmp_path / "b.h5"))
    for at in range(len(ROWS)):
        np.testing.assert_allclose(other.space().embedding(at), one.space().embedding(at),
                                   atol=1e-7)


def test_the_program_lists_what_it_could_not_map(build, tmp_path):
    (tmp_path / "emb.pickle").write_bytes(pickle.dumps({"Heat": X, "Hamlet": X, "Heap": X}))
    result = build("--output", tmp_path / "index.h5", "--from_pickle", tmp_path / "emb.pickle")
    assert result.returncode == 0
    assert result.stdout.splitlines() == ["Hamlet: 2 films have that title", "Heap: no such film"]
    assert "1 films with embeddings of" in result.stderr
    assert "2 of its keys stand for no film or for several, as listed" in result.stderr


@pytest.mark.parametrize("args, what", [
    (["--from_pickle", "emb.pickle", "--recipe", "last"], "--recipe goes with --features"),
    (["--from_pickle", "emb.pickle", "--layers", "-1"], "--layers goes with --features"),
    (["--to_pickle", "emb.pickle", "--recipe", "hybrid"], "the recipes of BERT alone")])
def test_flags_that_do_not_go_together_are_wrong_usage(build, args, what):
    result = build(*args)
    assert (result.returncode, result.stdout) == (2, "")
    assert what in result.stderr


def test_a_title_may_have_its_year_behind_it(catalogue, tmp_path):
    index, unmapped = built(catalogue, {"Hamlet (1996)": X, "Matrix, The (1999)": Y,
                                        "Heat (1999)": X + Y, "Heat (1886)": X},
                            tmp_path / "index.h5")
    assert index.ids.tolist() == [603, 6, 7]
    assert unmapped == [("Heat (1886)", "no such film")]


def test_a_dict_of_which_most_keys_fit_nothing_is_refused(catalogue, tmp_path):
    with pytest.raises(RecommenderError, match="3 of the 5 keys of emb.pickle stand for no film"):
        built(catalogue, dict.fromkeys((0, 1, 2, 5, 6), X), tmp_path / "index.h5")
    assert not (tmp_path / "index.h5").exists()
