"""Why a film: every word's share, and that the shares add up to the score."""

import numpy as np
import pytest

from recommender.errors import RecommenderError
from recommender.explain import explain, sources
from recommender.recipes import RECIPES
from recommender.source import Source
from recommender.storage.feature_store import FeatureReader
from tests.test_recipes import build, features_of, films, write_world
from tests.worlds import SETTINGS, row, search


@pytest.fixture
def world(tmp_path):
    return write_world(tmp_path, films())


def spans_of(source):
    """The tokens stand for the first words of the overview, the last word for two of them."""
    if source.token_ids is None:
        return []
    n, found, start = len(source.token_ids), [], 0
    for word in source.overview.split():
        found.append((start, start + len(word)))
        start += len(word) + 1
    words = found[:n - 3]
    return [(0, 0), *words, words[-1] if words else (0, 0), (0, 0)]


def explained(index, reader, asked, found):
    both = sources(index, index.space(), [asked, found], reader)
    return explain(index.space(), *both, *map(spans_of, both))


@pytest.mark.parametrize("name", RECIPES)
def test_the_shares_of_either_side_add_up_to_the_score(world, tmp_path, name):
    index = build(world, tmp_path / "index.h5", name)
    for asked in range(4):
        for result in search(index, index.space().embedding(asked), 5, without=[asked]):
            found = index.row_of_id(result.movie["id"])
            told = explained(index, world[1], asked, found)
            assert told.score == pytest.approx(result.score, abs=1e-5)
            for shares in (told.asked, told.found):
                assert sum(share.share for share in shares) == pytest.approx(result.score,
                                                                             abs=1e-5)


@pytest.mark.parametrize("name", RECIPES)
def test_a_text_is_explained_too(world, tmp_path, name):
    index = build(world, tmp_path / "index.h5", name)
    layers, token_ids = features_of(99)
    asked = Source("a shark at the beach", layers, token_ids)
    nearest, = search(index, index.space().embed(asked), 1)
    score = nearest.score
    found, = sources(index, index.space(), [index.row_of_id(nearest.movie["id"])], world[1])
    told = explain(index.space(), asked, found, spans_of(asked), spans_of(found))
    assert sum(share.share for share in told.asked) == pytest.approx(score, abs=1e-5)
    assert {share.of for share in told.asked} <= {"overview", "marks"}


def test_a_share_is_what_one_works_out_by_hand(tmp_path):
    # Two films of a [CLS], a word and a [SEP]; all four layers alike.
    (tmp_path / "two").mkdir()
    rows = [row(1, "One", overview="shark"), row(2, "Two", overview="boat")]
    world = write_world(tmp_path / "two", rows)
    index = build(world, tmp_path / "index.h5", "mean4")
    one = np.array([[1, 0, 0], [2, 0, 2], [0, 0, 1]], np.float32)  # its mean is (3, 0, 3) / 3
    other = np.array([[0, 3, 0], [3, 0, 0], [0, 0, 0]], np.float32)  # (3, 3, 0) / 3
    asked, found = (Source(overview, np.tile(np.pad(tokens, ((0, 0), (0, 5))), (4, 1, 1)),
                           np.array([101, 7, 102])) for overview, tokens in (
        ("shark", one), ("boat", other)))
    told = explain(index.space(), asked, found, [(0, 0), (0, 5), (0, 0)], [(0, 0), (0, 4), (0, 0)])
    assert told.score == pytest.approx(1 / 2)
    # Lengths are sqrt(2) each; the word (2, 0, 2) / 3 times (1, 1, 0) over 2 is 1 / 3.
    assert [(share.of, share.word, share.start, share.end, pytest.approx(share.share))
            for share in told.asked] == [
        ("overview", "shark", 0, 5, 1 / 3), ("marks", "", 0, 0, 1 / 6)]
    assert [(share.word, pytest.approx(share.share)) for share in told.found] == [
        ("boat", 1 / 2), ("", pytest.approx(0))]


def test_pieces_of_one_word_are_one_share(world, tmp_path):
    index = build(world, tmp_path / "index.h5", "mean4")
    asked, = sources(index, index.space(), [2], world[1])
    told = explained(index, world[1], 2, 5)
    pieces = [share for share in told.asked if share.of == "overview"]
    assert len(asked.token_ids) == 6
    assert len(pieces) == 3  # four tokens between [CLS] and [SEP], two of one word
    assert all(asked.overview[share.start:share.end] == share.word for share in pieces)


def test_words_titles_and_genres_have_shares_of_their_own(tmp_path):
    genres = "[{'id': 18, 'name': 'Drama'}]"
    world = write_world(tmp_path, [
        row(1, "Shark", overview="shark and shark", genres=genres),
        row(2, "Shark II", overview="no such fish", genres=genres),
        row(3, "Other", overview="another story", genres="[]")])
    index = build(world, tmp_path / "index.h5", "best", word_weight=1.0)
    told = explained(index, world[1], 0, 1)
    shares = {}
    for share in told.asked:
        shares.setdefault((share.of, share.word), []).append(share.share)
    once, again = shares["overview", "shark"]
    # The title counts twice what an occurrence in the overview does.
    assert once == pytest.approx(again)
    assert shares["title", "Shark"] == [pytest.approx(2 * once)]
    assert shares["overview", "and"] == [0]
    assert len(shares["genres", "Drama"]) == 1
    assert [share.of for share in told.found if share.share > 0] == ["title", "genres"]


@pytest.mark.parametrize("reader, what", [
    (lambda world: None, "name their folder with --features"),
    (lambda world: FeatureReader(write_world(world, films(), SETTINGS._replace(
        pooled=True))[1].folder), "name their folder with --features"),
    (lambda world: write_world(world, films()[:1])[1], "are no longer there"),
    (lambda world: write_world(world, [{**film, "overview": "another"} for film in films()])[1],
     "are no longer there")])
def test_features_that_were_not_kept_are_told(world, tmp_path, reader, what):
    index = build(world, tmp_path / "index.h5", "last")
    (tmp_path / "other").mkdir()
    with pytest.raises(RecommenderError, match=what):
        sources(index, index.space(), [0, 4], reader(tmp_path / "other"))


def test_pooled_features_cannot_tell_words_apart(tmp_path):
    world = write_world(tmp_path, films(), SETTINGS._replace(pooled=True))
    index = build(world, tmp_path / "index.h5", "mean4")
    with pytest.raises(RecommenderError, match="extract features without --pooled"):
        sources(index, index.space(), [0], world[1])


def test_a_recipe_of_words_needs_no_features(world, tmp_path):
    index = build(world, tmp_path / "index.h5", "tfidf")
    told = explained(index, None, 0, 1)
    ours, theirs = map(index.space().embedding, (0, 1))
    assert told.score == pytest.approx(float(ours @ theirs))


def test_spans_of_another_vocabulary_are_told(world, tmp_path):
    index = build(world, tmp_path / "index.h5", "last")
    asked, found = sources(index, index.space(), [0, 1], world[1])
    with pytest.raises(RecommenderError, match="vocabulary makes 2 word pieces"):
        explain(index.space(), asked, found, [(0, 0), (0, 0)], spans_of(found))
