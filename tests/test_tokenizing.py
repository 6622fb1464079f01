"""Word pieces against Google's FullTokenizer."""

import csv
import os
import re

import pytest
from absl import flags
from hypothesis import given, settings
from hypothesis import strategies as st

from bert import tokenization
from bert.tokenizing import AGREED, WordPieces
from tests.conftest import ROOT

flags.FLAGS.mark_as_parsed()


@pytest.fixture(scope="module", params=[True, False], ids=["uncased", "cased"])
def both(request, minilm):
    """Our word pieces and Google's, as functions from a text to ids."""
    vocabulary = os.path.join(minilm, "vocab.txt")
    ours = WordPieces(vocabulary, request.param)
    google = tokenization.FullTokenizer(vocabulary, request.param)

    def by_google(text):
        return google.convert_tokens_to_ids(["[CLS]"] + google.tokenize(text) + ["[SEP]"])

    return lambda text: ours.encode([text], 10 ** 6)[0].token_ids.tolist(), by_google


def test_every_sample_overview_has_googles_pieces(both):
    ours, google = both
    with open(os.path.join(ROOT, "data", "sample_movies.csv"), encoding="utf-8") as file:
        overviews = [row["overview"] for row in csv.DictReader(file)]
    assert len(overviews) >= 400
    for overview in overviews:
        assert ours(overview) == google(overview)


@pytest.fixture(scope="module")
def uncased(minilm):
    return WordPieces(os.path.join(minilm, "vocab.txt"), True)


@pytest.mark.parametrize("text", ["👽", "😂😂😉 🤗", "привет мир", "Καλημέρα κόσμε", "สวัสดีชาวโลก",
                                  "안녕하세요", "नमस्ते", "שלום", "!!! ...", "—", ""])
def test_a_text_of_which_no_word_is_known_is_told_from_others(uncased, text):
    assert not uncased.read(text).knows_any
    assert not uncased.knows_any(uncased.encode([text], 256)[0].token_ids)


@pytest.mark.parametrize("text, unknown", [
    ("a man", ()), ("un été à la plage", ()), ("3.14159", ()), ("(sci-fi)", ()), ("I", ()),
    ("a 👽 meets a человек.", ("👽", "человек")), ("xkcd, xkcd", ("xkcd",))])
def test_words_that_are_not_known_are_listed(uncased, text, unknown):
    assert uncased.read(text) == (unknown, text != "xkcd, xkcd")
    assert uncased.knows_any(uncased.encode([text], 256)[0].token_ids) == (text != "xkcd, xkcd")


def test_the_words_of_real_overviews_are_known(uncased):
    with open(os.path.join(ROOT, "data", "sample_movies.csv"), encoding="utf-8") as file:
        overviews = [row["overview"] for row in csv.DictReader(file)]
    assert all(uncased.read(overview).knows_any for overview in overviews)
    assert sum(len(uncased.read(overview).unknown) for overview in overviews) < 10


def test_every_character_that_the_library_gets_is_one_on_which_both_agree(both):
    ours, google = both
    agreed = [chr(code) for code in range(0x3000) if AGREED.fullmatch(chr(code))]
    assert {"e", "é", "Ž", "\u2019", "\u2026"} <= set(agreed)
    for c in agreed:
        for text in (c, "a" + c + "b", "B" + c + " " + c + "Z", c + "."):
            assert ours(text) == google(text), repr(text)


@given(st.text())
@settings(max_examples=400, deadline=None)
def test_random_unicode_has_googles_pieces(both, text):
    ours, google = both
    assert ours(text) == google(text)


@given(st.text(st.characters(max_codepoint=0x2100)))
@settings(max_examples=400, deadline=None)
def test_random_text_near_latin_has_googles_pieces(both, text):
    ours, google = both
    assert ours(text) == google(text)


@pytest.mark.parametrize("text", [
    "", " ", "[CLS] [SEP] [MASK] [UNK]", "\x00\ufffd\u200b", "x" * 200, "x" * 201,
    "Amélie Ῥώμη ΟΔΥΣΣΕΥΣ İstanbul", "千と千尋の神隠し", "e\u0301te\u0301", "a\u00adb",
    "\U0001f3ac film", "fin\u00a0de", "##ing", "[unused1]",
])
def test_odd_text_has_googles_pieces(both, text):
    ours, google = both
    assert ours(text) == google(text)


def test_a_long_text_is_cut_and_says_so(minilm):
    pieces = WordPieces(os.path.join(minilm, "vocab.txt"))
    short, exact, long = pieces.encode(["a", "a " * 6, "a " * 7], max_seq_length=8)
    assert (len(short.token_ids), short.was_cut) == (3, False)
    assert (len(exact.token_ids), exact.was_cut) == (8, False)
    assert (len(long.token_ids), long.was_cut) == (8, True)
    assert long.token_ids[-1] == pieces.vocabulary["[SEP]"]


def test_most_real_text_takes_the_fast_way():
    with open(os.path.join(ROOT, "data", "sample_movies.csv"), encoding="utf-8") as file:
        overviews = [row["overview"] for row in csv.DictReader(file)]
    assert sum(bool(re.fullmatch(AGREED, text)) for text in overviews) > 0.95 * len(overviews)


@pytest.fixture(scope="module")
def pieces(minilm):
    return WordPieces(os.path.join(minilm, "vocab.txt"))


@pytest.mark.parametrize("text, words", [
    ("Dinosaurs, unstoppably!", ["Dinosaurs", ",", "unstoppably", "!"]),
    ("Amélie's café — naïve", ["Amélie", "'", "s", "café", "—", "naïve"]),
    ("日本 go", ["日", "本", "go"]),
    ("caf\u0065\u0301 \u1e9eA", None), ("a\u0000b c\u200dd", None), ("", []), ("   ", [])])
def test_every_piece_knows_its_word(pieces, text, words):
    spans = pieces.word_spans(text, 256)
    assert len(spans) == len(pieces.encode([text], 256)[0].token_ids)
    assert spans[0] == spans[-1] == (0, 0)
    assert all(0 <= start < end <= len(text) for start, end in spans[1:-1])
    if words is not None:
        told = [text[slice(*span)] for span in dict.fromkeys(spans[1:-1])]
        assert told == words


def test_a_text_that_was_cut_has_words_for_its_pieces(pieces):
    assert pieces.word_spans("one two three", 4) == [(0, 0), (0, 3), (4, 7), (0, 0)]


@given(st.text())
@settings(max_examples=200, deadline=None)
def test_any_text_has_a_span_a_piece(pieces, text):
    spans = pieces.word_spans(text, 64)
    assert len(spans) == len(pieces.encode([text], 64)[0].token_ids)
    assert all(0 <= start <= end <= len(text) for start, end in spans)
