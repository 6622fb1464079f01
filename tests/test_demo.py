"""The whole way on the sample catalogue with a real checkpoint, as `make demo` goes it."""

import json

import numpy as np
import pytest

from recommender import Recommender
from recommender.index import Index
from recommender.ranking import unit
from recommender.storage.feature_store import FeatureReader
from tests.conftest import SAMPLE

BY_MEAN4 = "by recipe mean4; --recipe best answers otherwise, --compare shows both\n"


def ten(run_program, index, *query):
    done = run_program("recommend.py", "--index", index, "--json", *query)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["results"]


@pytest.mark.long
def test_ten_of_ten_are_the_same_from_run_to_run(run_program, minilm, sample, tmp_path):
    features, again = tmp_path / "features", tmp_path / "again.h5"
    for program, *flags in (
            ("extract_features.py", "--bert_dir", minilm, "--output_dir", features,
             "--batch_tokens", "300"),
            ("build_index.py", "--features", features, "--output", again, "--recipe", "mean4")):
        done = run_program(program, "--input_file", SAMPLE, *flags)
        assert done.returncode == 0, done.stderr
    for query in (["--title", "The Matrix"], ["--title", "Amelie"],
                  ["--overview", "Two detectives hunt a killer in a rainy city"]):
        first = ten(run_program, sample.index, *query)
        assert len(first) == 10
        assert first == ten(run_program, sample.index, *query)
        assert [r["id"] for r in first] == [r["id"] for r in ten(run_program, again, *query)]


def test_two_films_with_one_title_have_different_embeddings(sample):
    index = Index(sample.index)
    for title in ("The Mummy", "Cinderella", "The Avengers", "Hamlet"):
        one, other = index.rows_of_title(title)[:2]
        assert float(index.space().embedding(one) @ index.space().embedding(other)) < 0.99


def test_a_row_is_the_mean_over_layers_and_tokens(sample):
    index = Index(sample.index)
    n = 0
    for movie_id, layers, token_ids, _ in FeatureReader(sample.features).movies():
        assert layers.shape == (4, len(token_ids), 384)
        mean = layers.astype(np.float64).reshape(-1, 384).mean(axis=0)
        np.testing.assert_allclose(index.space().embedding(index.row_of_id(movie_id)), unit(mean),
                                   rtol=0, atol=1e-6)
        n += 1
    assert n == len(index)


def test_a_films_own_overview_as_text_finds_it_with_cosine_one(sample):
    recommender, index = Recommender.open(sample.index), Index(sample.index)
    for movie_id in (603, 862, 129):
        overview = index.movie(index.row_of_id(movie_id))["overview"]
        first = recommender.similar(overview=overview)[0]
        assert first.movie["id"] == movie_id
        assert first.score == pytest.approx(1.0, abs=1e-5)


def test_the_sequels_are_near(run_program, sample):
    ids = {result["id"] for result in ten(run_program, sample.index, "--id", "603")}
    assert {604, 605} <= ids
    assert 603 not in ids


def test_a_text_query_prints_nothing_of_tensorflow(run_program, sample):
    done = run_program("recommend.py", "--index", sample.index, "--overview", "A heist in Paris")
    assert done.returncode == 0
    assert done.stderr == BY_MEAN4


def test_another_checkpoint_is_refused_for_a_text(run_program, sample, tmp_path):
    from tests.reference import random_checkpoint

    other = random_checkpoint(tmp_path / "other")
    done = run_program("recommend.py", "--index", sample.index, "--overview", "A heist",
                       "--bert_dir", other)
    assert done.returncode == 1
    assert "not the checkpoint that the index was made with" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_filters_hold_for_ten_of_ten(run_program, sample):
    films = ten(run_program, sample[1], "--title", "The Matrix", "--genres", "Science Fiction",
                "--to", "1998", "--min-votes", "500")
    assert len(films) == 10
    assert all("Science Fiction" in film["genres"] and film["year"] <= 1998
               and film["vote_count"] >= 500 for film in films)
    best = ten(run_program, sample[1], "--genres", "Horror,Comedy", "--any-genre")
    assert len({film["id"] for film in best}) == 10
    assert all({"Horror", "Comedy"} & set(film["genres"]) for film in best)


def test_films_and_texts_mix_and_what_is_not_wanted_moves_away(run_program, sample):
    query = ["--title", "Alien", "--overview", "a crew alone in space", "-k", "500"]
    before, after = ([film["id"] for film in ten(run_program, sample[1], *query, *more)]
                     for more in ([], ["--not", "The Terminator"]))
    sequel = 280  # Terminator 2
    assert after.index(sequel) > before.index(sequel)
    assert not {348, 218} & set(after)


def test_every_share_of_a_score_is_told(run_program, minilm, sample):
    films = ten(run_program, sample[1], "--title", "The Matrix (1999)", "--overview",
                "A hacker is chased by machines", "--not", "Cinderella (1950)", "-k", "3",
                "--explain", "--features", sample[0], "--bert_dir", minilm)
    for film in films:
        asked, found = film["why"]["asked"], film["why"]["found"]
        assert len(asked) == 3
        for shares in (sum(asked, []), found):
            assert sum(share["share"] for share in shares) == pytest.approx(film["score"],
                                                                            abs=1e-5)
        words = [share for share in found if share["of"] == "overview"]
        assert [film["overview"][word["start"]:word["end"]] for word in words] == [
            word["word"] for word in words]
        assert "".join("".join(word["word"] for word in words).split()) == "".join(
            film["overview"].split())
        assert [share["word"] for share in asked[1]][:-1] == [
            "A", "hacker", "is", "chased", "by", "machines"]


def test_a_text_that_is_too_long_is_told(run_program, sample):
    done = run_program("recommend.py", "--index", sample[1], "--overview",
                       "shark " * 300, "-k", "1")
    assert done.returncode == 0
    assert done.stderr == BY_MEAN4 + (
        '"shark shark shark shark shark shark shark shark shark shark…" is longer than 256 word '
        "pieces: the rest was not read\n"
        "nothing near was found: 98 of 100 short texts have a nearer film (by mean4)\n")


def test_python_gives_what_the_program_prints(run_program, sample):
    results = Recommender.open(sample[1]).similar(title="Heat", genres=["Crime"], k=10)
    assert [result.to_dict() for result in results] == ten(
        run_program, sample[1], "--title", "Heat", "--genres", "Crime")
