"""Completion: the film that a beginning of a title means, and titles for what was typed."""

import pytest

from recommender.index import Index
from serving.completion import Titles
from tests.worlds import row, write_index

TITLES = ["Interstellar", "Love", "Lovers Rock", "Robots", "Snowpiercer",
          "The Shawshank Redemption", "Shaw Hall", "Dr. Strangelove", "The Wizard of Oz",
          "The World of Apu", "Sea of Green", "The Wrath of Khan", "Speed of Light",
          "All Quiet on the Western Front", "Wall Street", "The Silence of the Lambs",
          "The Lord of the Rings: The Return of the King"]


@pytest.fixture()
def titles(tmp_path):
    """The titles of a small index, whose overviews speak of snow."""
    return Titles(Index(write_index(tmp_path, [
        row(at, title, overview="Of space and snow." if at == 1 else "Of film {}.".format(at))
        for at, title in enumerate(TITLES, 1)], recipes=("best",))))


@pytest.mark.parametrize("typed, title", [
    ("interstel", "Interstellar"), ("INTÉRSTEL", "Interstellar"), ("int", None), ("shawsh",
    "The Shawshank Redemption"), ("the shawshank red", "The Shawshank Redemption"), ("shaw", None),
    ("shawshank", None), ("robot", None), ("lovers", None), ("love", "Love"), ("strange", None),
    ("snowp", "Snowpiercer"), ("snow", None)])
def test_a_beginning_that_ends_inside_a_word_means_the_only_film_that_begins_so(
        titles, typed, title):
    found = titles.meant(typed)
    assert (found if found is None else TITLES[found]) == title


@pytest.mark.parametrize("typed, offered", [
    ("wizrd of ozz", ["The Wizard of Oz"]), ("wolf of the streets", []), ("the war of kong", []),
    ("wolf of wall street", ["Wall Street"]), ("silent lambs", ["The Silence of the Lambs"]),
    ("shawshenk", ["The Shawshank Redemption"]), ("interstelar", ["Interstellar"]),
    ("lord of the ring rethurn of king", ["The Lord of the Rings: The Return of the King"]),
    ("a quiet man who is on the front of the western war loses all that he loves", [])])
def test_near_titles_are_near_as_a_whole_or_in_words_that_are_rare(titles, typed, offered):
    assert [TITLES[found] for found in titles.complete(typed, 3)] == offered
