"""The regions of the map and their names."""

import itertools

import h5py
import numpy as np
import pytest

from recommender.index import Index
from recommender.region_names import regions_of
from recommender.regions import LEVELS, read_regions, write_regions
from recommender.storage.hdf5 import NewFile, PlainFile
from tests.worlds import row, write_index

# What the films of four corners of a map are about.
SUBJECTS = {(0.1, 0.1): ["vampire", "coffin"], (0.9, 0.1): ["spaceship", "astronaut"],
            (0.1, 0.9): ["wedding", "bride"], (0.9, 0.9): ["soldier", "trench"]}
WORDS = {corner: set(words) for corner, words in SUBJECTS.items()}
N = 4 * 48  # films; four regions at the coarsest level


@pytest.fixture
def world():
    """Places of N films near the corners, and their overviews."""
    random = np.random.RandomState(0)
    corners = list(itertools.islice(itertools.cycle(SUBJECTS), N))
    points = np.array(corners) + random.uniform(-0.05, 0.05, (N, 2))
    overviews = ["The {0} and its {1} meet Harry, whom Harry never saw, and film{2}.".format(
        *SUBJECTS[corner], "abcdefghijklmnop"[at % 16] * (at + 3))
        for at, corner in enumerate(corners)]
    return points, overviews


def corner_of(x, y):
    return min(SUBJECTS, key=lambda corner: np.hypot(corner[0] - x, corner[1] - y))


def test_a_region_is_named_by_the_words_of_its_own_films(world):
    coarsest = regions_of(*world)[0]
    assert {corner_of(x, y): set(name.split(", ")) for x, y, name in coarsest} == WORDS


def test_a_region_lies_where_a_film_is(world):
    points, overviews = world
    for of_level in regions_of(points, overviews).values():
        for x, y, _ in of_level:
            assert np.hypot(*(points - (x, y)).T).min() < 1e-6


def test_no_word_stands_twice_at_a_level(world):
    regions = regions_of(*world)
    assert list(regions) == list(range(len(LEVELS)))
    for of_level in regions.values():
        words = [word for _, _, name in of_level for word in name.split(", ")]
        assert len(set(words)) == len(words)


def test_stop_words_names_and_words_of_single_films_name_nothing(world):
    names = [name for of_level in regions_of(*world).values() for _, _, name in of_level]
    words = {word for name in names for word in name.split(", ")}
    assert words == set().union(*WORDS.values())


@pytest.mark.parametrize("n_films, names", [(4, set()), (20, {"lighthouse"})])
def test_a_word_names_a_region_if_a_share_of_its_films_have_it(n_films, names):
    points = np.random.RandomState(0).uniform(0, 1, (1200, 2))  # 12 regions of about 100 films
    near = np.hypot(*(points - (0.1, 0.1)).T).argsort()[:n_films]
    overviews = np.full(1200, "He wakes and finally runs.", object)
    overviews[near] = "He finds the lighthouse."
    assert {name for _, _, name in regions_of(points, overviews)[0]} == names


def test_one_good_word_is_a_name():
    overviews = 40 * ["A vampire is old."] + 40 * ["A knight is young."]
    points = np.repeat([[0.1, 0.1], [0.9, 0.9]], 40, axis=0)
    points = points + np.random.RandomState(0).uniform(-0.05, 0.05, points.shape)
    assert sorted(name for _, _, name in regions_of(points, overviews)[0]) == [
        "knight", "vampire"]


def test_overviews_without_a_word_that_names_a_place_have_no_regions():
    points = np.random.RandomState(0).uniform(0, 1, (100, 2))
    assert regions_of(points, 100 * ["He wakes and finally runs."]) == {0: [], 1: [], 2: []}


def test_forms_of_one_word_do_not_stand_beside_each_other():
    overviews = ["A {} in love with {}.".format(*words) for words in 20 * [
        ("vampire", "vampires"), ("vampires", "blood"), ("murderer", "murder"),
        ("murdered", "poison")]]
    points = np.array(20 * [(0.1, 0.1), (0.1, 0.1), (0.9, 0.9), (0.9, 0.9)])
    points = points + np.random.RandomState(0).uniform(-0.05, 0.05, points.shape)
    names = sorted(name for _, _, name in regions_of(points, overviews)[0])
    assert len(names) == 2
    assert names[0].startswith("murder") and names[0].count("murder") == 1
    assert set(names[1].split(", ")) == {"vampires", "blood"}


def test_words_that_have_capitals_keep_them():
    overviews = (40 * ["About the fbi, an old FBI and the FBI mole."]
                 + 40 * ["About a castle, a king."])
    points = np.repeat([[0.1, 0.1], [0.9, 0.9]], 40, axis=0)
    points = points + np.random.RandomState(0).uniform(-0.05, 0.05, points.shape)
    assert sorted(name for _, _, name in regions_of(points, overviews)[0]) == [
        "FBI, mole", "castle, king"]


def test_the_same_map_has_the_same_regions(world):
    assert regions_of(*world) == regions_of(*world)


@pytest.mark.parametrize("n", [0, 1, 2, 30])
def test_a_few_films_have_no_regions(n):
    points = np.random.RandomState(0).uniform(0, 1, (n, 2))
    regions = regions_of(points, n * ["A vampire in a coffin."])
    assert regions[0] == []


def test_what_was_written_is_read(tmp_path):
    regions = {0: [(0.25, 0.5, "vampire, coffin")], 1: [], 2: [(0.5, 0.75, "鬼, дом")]}
    path = str(tmp_path / "some.h5")
    with NewFile(path, with_texts=True) as file:
        write_regions(file.create_group("recipes/best/"), regions)
    file = PlainFile(path, "build it again")
    assert read_regions(file, "recipes/best/") == regions


def build(folder, n_adult):
    """An index with a map of films of two subjects, some of them marked as adult."""
    rows = [row(number, "Film {}".format(number), adult=str(number <= n_adult), overview=(
        "A lurid strip in neon." if number <= n_adult else "A {} near the {}, in the {}.".format(
            *(("spaceship", "planet", "stars") if number % 2 else ("castle", "dragon", "knight")))))
            for number in range(1, 161)]
    return write_index(folder, rows, with_map=True, recipes=("best",))


def test_an_index_with_a_map_keeps_its_regions_which_adult_films_do_not_name(tmp_path):
    names = [name for of_level in Index(build(tmp_path, 60)).space().regions().values()
             for _, _, name in of_level]
    words = {word for name in names for word in name.split(", ")}
    assert words
    assert not words & {"lurid", "strip", "neon"}


def test_an_index_built_before_regions_were_kept_has_none(tmp_path):
    path = build(tmp_path, 0)
    with h5py.File(path, "a") as file:
        del file["recipes/best/regions"]
    assert Index(path).space().regions() == {0: [], 1: [], 2: []}
