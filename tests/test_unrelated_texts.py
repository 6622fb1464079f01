"""Texts about nothing in the catalogue are told, and real descriptions are not."""

import os
import shutil

import h5py
import numpy as np
import pytest

from benchmarks.unrelated import TEXTS, descriptions, main, share_told
from recommender.index import Index
from recommender.recommender import Recommender
from recommender.scale import scales_of_texts
from recommender.words import sparse_rows
from tests.served import ROOT

INVOICE = "Invoice number 20417: please transfer 1,250.00 euros within 30 days"
QUERIES = os.path.join(ROOT, "data", "sample_queries.csv")


def test_texts_have_a_scale_of_their_numbers_where_words_are_joined():
    # By words the text has 0.8 with the second film, by its numbers, taken at length 1, only 0.5.
    rows = np.array([[1.0, 0.0], [0.0, 0.5]], np.float32)
    words = sparse_rows([(np.array([], np.int32), np.array([])),
                         (np.array([0], np.int32), np.array([1.0]))], 1)
    text = np.array([0.0, 0.6, 0.5], np.float32)
    scales = scales_of_texts(rows, words, [text], [0])
    assert scales["texts"].nearest.max() == pytest.approx(0.8)
    assert scales["texts_by_bert"].nearest.max() == pytest.approx(0.5)
    assert list(scales_of_texts(rows, None, [text[:2]], [0])) == ["texts"]
    assert list(scales_of_texts(rows[:, :0], words, [text[2:]], [0])) == ["texts"]


def test_most_texts_about_nothing_are_told_and_no_description(sample, minilm):
    recommender = Recommender.open(sample[1], minilm)
    assert share_told(recommender, TEXTS, "best") >= 0.75
    assert share_told(recommender, descriptions(QUERIES), "best") == 0


def test_the_note_says_by_which_part_of_a_recipe_nothing_is_near(sample, minilm):
    recommender = Recommender.open(sample[1], minilm)
    wishes = recommender.wishes(overview=INVOICE, recipe="best")
    assert recommender.notes(wishes, recommender.recommend(wishes)) == [
        "nothing near was found: 98 of 100 short texts have a nearer film (by meaning alone)"]


def test_an_index_without_that_scale_says_nothing(sample, minilm, tmp_path):
    path = str(tmp_path / "index.h5")
    shutil.copy(sample[1], path)
    with h5py.File(path, "r+") as file:
        del file["recipes/best/scale/texts_by_bert"]
    recommender = Recommender(Index(path), bert_dir=minilm)
    wishes = recommender.wishes(overview=INVOICE, recipe="best")
    results = recommender.recommend(wishes)
    assert results[0].nearness is not None
    assert [note for note in recommender.notes(wishes, results) if "near" in note] == []


def test_the_benchmark_prints_the_shares_of_every_recipe(sample, minilm, capsys):
    main(["--index", sample[1], "--queries", QUERIES])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert lines[3] == "best, {}: 0.000 of 40 texts".format(QUERIES)
