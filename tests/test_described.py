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
