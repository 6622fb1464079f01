"""Texts that describe films in somebody else's words, for evaluate.py --queries."""

import csv

from benchmarks.described import descriptions, is_for_tuning, main
from tests.worlds import row, write_csv

OVERVIEW = ("A sheriff of Amity must act. He hunts a huge shark with Quint and the young Hooper "
            "in a small boat far out at sea.")


def test_descriptions_name_nobody_and_are_the_same_every_time():
    texts = dict(descriptions(578, OVERVIEW))
    assert texts == dict(descriptions(578, OVERVIEW))
    assert texts["whole"] == OVERVIEW
    assert texts["nameless"] == ("A sheriff of must act. He hunts a huge shark with and the young "
                                 "in a small boat far out at sea.")
    assert texts["sentence"] in texts["nameless"] and texts["window"] in texts["nameless"]
    assert 8 <= len(texts["window"].split()) <= 12


def test_only_films_of_the_half_asked_for_that_are_told_twice_are_described(tmp_path):
    tuned, other = (next(n for n in range(1, 99) if is_for_tuning(n) is half)
                    for half in (True, False))
    ours = [row(n, "Jaws", overview=OVERVIEW) for n in (tuned, other, 777)]
    theirs = [row(n, "Jaws", overview="A shark.") for n in (tuned, other)] + [ours[2]]
    main(["--texts", write_csv(tmp_path / "a.csv", ours), "--films",
          write_csv(tmp_path / "b.csv", theirs), "--output", str(tmp_path / "queries.csv")])
    with open(str(tmp_path / "queries.csv"), encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file))
    assert [each["id"] for each in found] == [str(other)] * 3


def test_texts_without_ids_are_of_the_film_with_their_title_and_year(tmp_path, capsys):
    films = [row(1, "Jaws", overview=OVERVIEW, release_date="1975-06-20"),
             row(2, "Heat", overview="A robber.", release_date="1995-12-15"),
             row(3, "Heat", overview="A bodyguard.", release_date="1986-11-27"),
             row(4, "Alien", overview="A crew wakes up.", release_date="1979-05-25")]
    path = str(tmp_path / "others.csv")
    with open(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([
            ("Rank", "Title", "Description", "Year"),
            (1, "JAWS", "It bites in a small boat far out.", 1975),
            (2, "Heat", "He guards a gambler.", 1987),
            (3, "Heat", "It is hot.", 1990),
            (4, "Alien", "A crew wakes up.", 1979)])
    main(["--texts", path, "--films", write_csv(tmp_path / "films.csv", films), "--kinds", "whole",
          "--half", "both", "--own_words", "5", "--output", str(tmp_path / "queries.csv")])
    assert capsys.readouterr().out == (
        "{}: 4 texts, of which 1 are taken, 1 with 5 words in a row of the overview, 1 of no film, "
        "1 the same\n".format(path))
    with open(str(tmp_path / "queries.csv"), encoding="utf-8", newline="") as file:
        assert list(csv.DictReader(file)) == [{"id": "3", "text": "He guards a gambler."}]
