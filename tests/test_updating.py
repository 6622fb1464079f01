"""An index that is updated: what it answers, what it keeps, what it refuses."""

import errno
import json
import os
from pathlib import Path
from typing import Any, Dict, List

import h5py
import numpy as np
import pytest

from recommender.building import build_index
from recommender.catalogue import read_catalogue
from recommender.errors import RecommenderError
from recommender.index import Index
from recommender.recommender import Recommender
from recommender.storage.feature_store import FeatureReader, overview_digest
from recommender.storage.h5py_version import as_texts
from recommender.topics.topic_file import StoredTopics
from recommender.topics.topic_tree import Topic, TopicTree
from recommender.updating import update_index
from tests.worlds import (
    SETTINGS,
    overviews_of,
    random_layers,
    row,
    write_csv,
    write_features,
    write_index,
)

FILMS = [row(n, "Film {}".format(n)) for n in range(1, 61)]
NEW = [row(n, "Newcomer {}".format(n)) for n in range(101, 107)]
# Three films left, two are told otherwise, and the catalogue is in another order.
AFTER = [*FILMS[40:57], *NEW[:3], *FILMS[2:40], *NEW[3:]]
for place in (0, 25):
    AFTER[place] = {**AFTER[place], "overview": "Another story, told anew."}


class World:
    """A folder with a catalogue, features and an index, and what becomes of them."""

    def __init__(self, folder: Any, films: Any = FILMS, **options: Any):
        self.folder, self.options = folder, options
        self.path = write_index(folder, films, **options)
        self.features = str(folder / "features")

    def extract(self, rows: List[Dict[str, Any]]) -> None:
        """Write the catalogue of `rows`, and add the features that it lacks."""
        self.catalogue = read_catalogue(write_csv(self.folder / "movies.csv", rows))
        overviews, digests = overviews_of(self.catalogue), FeatureReader(self.features).digests()
        fresh = [cells["id"] for cells in rows if cells["id"] not in digests
                 or cells["overview"] != row(cells["id"], cells["title"])["overview"]]
        write_features(self.features, {
            n: random_layers(3, overview_digest(overviews[n])) for n in fresh if n in overviews},
            overviews=overviews)

    def update(self, rows: List[Dict[str, Any]], **options: Any) -> Any:
        """Bring the index up to a catalogue of `rows`; return the report."""
        self.extract(rows)
        return update_index(self.catalogue, FeatureReader(self.features), self.path, **options)

    def whole(self) -> Index:
        """Return an index of the present catalogue and features, built from nothing."""
        path = str(self.folder / "whole.h5")
        build_index(self.catalogue, FeatureReader(self.features), path, **self.options)
        return Index(path)


def contents(path: str, group: str = "/") -> Dict[str, Any]:
    """All values below a group of an index, by name."""
    found = {}

    def note(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            values = as_texts(item) if item.dtype == object else item
            found[name] = values[()].tolist()

    with h5py.File(path, "r") as file:
        file[group].visititems(note)
    return found


def test_an_updated_index_by_mean4_is_that_of_a_whole_build(tmp_path):
    world = World(tmp_path, recipes=("mean4",))
    report = world.update(AFTER)
    assert (report.n_new, report.n_changed, report.n_removed) == (6, 2, 5)
    updated, whole = Index(world.path), world.whole()
    assert updated.ids.tolist() == [cells["id"] for cells in AFTER]
    ours, theirs = contents(updated.path), contents(whole.path)
    for name in ("recipes/mean4/mean_when_built", "recipes/mean4/scale/films"):
        ours.pop(name), theirs.pop(name, None)
    assert ours == theirs
    assert updated.made_by()["digest"] == whole.made_by()["digest"]


@pytest.mark.parametrize("recipe", ["mean4", "best", "tfidf", "whitened", "idf", "sif"])
def test_films_that_come_are_placed_by_what_was_learnt(tmp_path, recipe):
    world = World(tmp_path, recipes=(recipe,))
    before = Index(world.path)
    learnt = contents(world.path, "recipes/{}/learnt".format(recipe)) if recipe != "mean4" else {}
    vectors = {n: before.space().all_rows()[0][at] for n, at in before.row_by_id.items()}
    world.update(AFTER)
    after = Index(world.path)
    now = contents(world.path, "recipes/" + recipe)
    of_words = {"best": "2/", "tfidf": "0/"}.get(recipe, "none")
    for name, values in learnt.items():
        if not name.startswith(of_words) or name.endswith("common"):
            assert now["learnt/" + name] == values
    changed = {AFTER[0]["id"], AFTER[25]["id"]}
    for movie_id, at in after.row_by_id.items():
        if movie_id in vectors and movie_id not in changed:
            np.testing.assert_array_equal(after.space().all_rows()[0][at], vectors[movie_id])
        else:
            assert np.linalg.norm(after.space().embedding(at)) == pytest.approx(1, abs=1e-6)


def words_of(index: Index, recipe: str) -> Dict[str, Any]:
    """The words of an index by a recipe, of which those that were learnt come last."""
    at = {"best": 2, "tfidf": 0}[recipe]
    return {**contents(index.path, "recipes/{}/words".format(recipe)),
            **contents(index.path, "recipes/{}/learnt/{}".format(recipe, at))}


@pytest.mark.parametrize("recipe", ["best", "tfidf"])
def test_words_have_the_weights_of_a_whole_build_after_each_of_two_updates(tmp_path, recipe):
    world = World(tmp_path, recipes=("mean4", recipe), n_neighbours=20)
    ship = row(200, "Zyzzyva", overview="A zyzzyva eats the palace of film 7.")
    for rows in ([*AFTER, ship], [ship, *AFTER[4:], *FILMS[:2]], AFTER):
        world.update(rows)
        updated, whole = Index(world.path), world.whole()
        ours, theirs = words_of(updated, recipe), words_of(whole, recipe)
        for name in ("data", "text_data"):
            np.testing.assert_allclose(ours.pop(name, 0), theirs.pop(name, 0), atol=1e-6)
        assert ours == theirs  # the same words in the same order, with the same frequencies
        np.testing.assert_array_equal(updated.space("mean4").all_rows()[0],
                                      whole.space("mean4").all_rows()[0])
        space = updated.space(recipe)
        for at in range(len(updated)):
            rows_near, cosines = space.nearest(space.embedding(at), 20, [at])
            stored = space.neighbours()[1][at][space.neighbours()[0][at] != at]
            assert len(stored) >= 15
            np.testing.assert_allclose(stored, cosines[:len(stored)], atol=1e-6)


def test_texts_by_words_are_answered_as_by_a_whole_build(tmp_path):
    world = World(tmp_path, recipes=("tfidf",))
    world.update([*AFTER, row(200, "Zyzzyva", overview="A zyzzyva eats the palace of film 7.")])
    for text in ("film 7 of the palace", "a zyzzyva, told anew", "58 another story"):
        ours, theirs = ([(each.movie["id"], pytest.approx(each.score, abs=1e-6)) for each in
                         Recommender(index).similar(overview=text, k=60)]
                        for index in (Index(world.path), world.whole()))
        assert ours == theirs


def test_a_word_of_films_that_left_is_a_word_of_no_film(tmp_path):
    world = World(tmp_path, recipes=("tfidf",))
    zyzzyva = row(200, "Zyzzyva", overview="A zyzzyva eats the palace.")
    world.update([*FILMS, zyzzyva])
    assert Index(world.path).space().of_no_film("film 7, a zyzzyva")[0] == ()
    world.update(FILMS)
    assert Index(world.path).space().of_no_film("film 7, a zyzzyva")[0] == ("zyzzyva",)


def test_an_index_may_lose_its_last_word_and_get_one_again(tmp_path):
    alike = [row(n, "A", overview="It is A ({}).".format(n % 10)) for n in range(1, 31)]
    world = World(tmp_path, alike, recipes=("best",), n_neighbours=10)
    with_words = [*alike, row(50, "B", overview="Ships sail.")]
    for rows, words in ((with_words, ["sail", "ships"]), (alike, []),
                        (with_words, ["sail", "ships"])):
        world.update(rows)
        assert words_of(Index(world.path), "best")["vocabulary"] == words


def test_best_ranks_as_a_whole_build_does_but_for_genres_and_means(tmp_path):
    world = World(tmp_path, recipes=("best",), n_neighbours=20)
    world.update(AFTER)
    whole, apart = world.whole(), []
    for movie_id in (AFTER[0]["id"], 103, 30, 55):
        ours, theirs = ({each.movie["id"]: each.score for each in Recommender(index).similar(
            id=movie_id, k=60)} for index in (Index(world.path), whole))
        apart += [abs(ours[each] - theirs[each]) for each in theirs]
    assert max(apart) < 1e-6


def test_a_word_that_no_film_had_finds_the_film_that_brought_it(tmp_path):
    world = World(tmp_path, recipes=("tfidf",))
    world.update([*FILMS, row(200, "Zyzzyva", overview="A zyzzyva eats the palace.")])
    found = Recommender(Index(world.path)).similar(overview="a zyzzyva", k=1)
    assert [result.movie["id"] for result in found] == [200]


def test_a_word_that_was_dropped_as_common_stays_dropped(tmp_path):
    world = World(tmp_path, recipes=("tfidf",))  # every overview begins with "What happens in"
    world.update([*FILMS, *NEW])
    words = contents(world.path, "recipes/tfidf/learnt")["0/vocabulary"]
    assert "happens" not in words
    assert "101" in words


def test_a_genre_that_no_film_had_gets_the_column_and_the_weight_of_a_whole_build(tmp_path):
    world = World(tmp_path, recipes=("mean4", "best"), n_neighbours=20, with_map=True)
    opera = [{**cells, "genres": "[{'id': 1, 'name': 'Opera'}]"} for cells in NEW[:2]]
    world.update([*opera, *FILMS[1:]])
    updated, whole = Index(world.path), world.whole()
    ours, theirs = (contents(index.path, "recipes/best/learnt/1") for index in (updated, whole))
    assert ours["genres"] == theirs["genres"] == ["Drama", "Opera"]
    assert ours["idf"][1] == theirs["idf"][1] == np.log(62 / 3)
    mine, wanted = (index.space("best").rows(np.arange(61))[0] for index in (updated, whole))
    assert mine.shape == wanted.shape
    np.testing.assert_array_equal(mine[:, -1], wanted[:, -1])
    assert (mine[:2, -1] > 0.3).all() and not mine[2:, -1].any()
    assert updated.space("best").mean_when_built()[-1] == 0
    _, cosines = updated.space("best").neighbours()
    exact = updated.space("best").nearest(updated.space("best").embedding(0), 20, [0])
    np.testing.assert_array_equal(cosines[0], exact[1])
    world.update([*opera, NEW[2], *FILMS[1:]])
    assert contents(world.path, "recipes/best/learnt/1") == ours


def test_a_second_update_adds_to_the_first_and_one_without_a_change_changes_nothing(tmp_path):
    world = World(tmp_path, recipes=("mean4", "best"), n_neighbours=20, with_map=True)
    built = Index(world.path).made_by()["built"]
    world.update([*FILMS, NEW[0]])
    world.update([*FILMS[1:], NEW[0]])
    before = contents(world.path)
    report = world.update([*FILMS[1:], NEW[0]])
    assert (report.n_new, report.n_changed, report.n_removed) == (0, 0, 0)
    assert contents(world.path) == before
    history = Index(world.path).history
    assert (history.whole_build, history.films_updated) == (built, 2)


def test_columns_twins_and_films_left_out_are_those_of_the_new_catalogue(tmp_path):
    world = World(tmp_path, recipes=("mean4",))
    twin = row(300, "Film 7", overview=FILMS[6]["overview"])
    world.extract([*FILMS, twin])
    rows = [*FILMS[:58], {**FILMS[58], "vote_count": "77", "adult": "True"},
            row(301, "Silent", overview=""), row(302, "Unread"), twin]
    world.catalogue = read_catalogue(write_csv(tmp_path / "movies.csv", rows))
    report = update_index(world.catalogue, FeatureReader(world.features), world.path)
    index = Index(world.path)
    at = index.row_of_id(59)
    assert (index.column("vote_count")[at], index.column("adult")[at]) == (77, True)
    assert index.twins.with_theirs([index.row_of_id(7)]) == [
        index.row_of_id(7), index.row_of_id(300)]
    assert [index.left_out.reason(index.left_out.of_id(n)[0]) for n in (301, 302)] == [
        "no_overview", "not_in_index"]
    assert (report.n_removed, report.build.without_features) == (1, 1)
    ours, theirs = contents(world.path), contents(world.whole().path)
    assert ours["weighted_rating"] == theirs["weighted_rating"]


def test_only_features_of_films_that_came_are_read(tmp_path):
    world = World(tmp_path, recipes=("mean4",))
    old, = (tmp_path / "features" / "shards").iterdir()
    world.extract([*FILMS, NEW[0]])
    with open(str(old), "r+b") as file:  # a value of the first film
        file.seek(2500)
        byte = file.read(1)
        file.seek(2500)
        file.write(bytes([byte[0] ^ 1]))
    with pytest.raises(RecommenderError, match="checksum"):
        world.whole()
    report = update_index(world.catalogue, FeatureReader(world.features), world.path)
    assert report.n_new == 1


def test_the_map_keeps_its_points_and_new_films_come_near_their_nearest(tmp_path):
    world = World(tmp_path, recipes=("best",), with_map=True)
    before = Index(world.path)
    points = dict(zip(before.ids.tolist(), before.space().map().tolist()))
    regions = before.space().regions()
    alike = row(400, "Film 9", overview=FILMS[8]["overview"])
    world.update([NEW[0], *FILMS[3:], alike])
    after = Index(world.path)
    now = dict(zip(after.ids.tolist(), after.space().map().tolist()))
    assert {n: now[n] for n in points if n in now} == {n: points[n] for n in points if n in now}
    assert after.space().regions() == regions
    assert all(0 <= value <= 1 for value in (*now[101], *now[400]))
    assert len(now) == 59


def topics_of(ids: np.ndarray) -> StoredTopics:
    of_films = np.full((len(ids), 3), -1, np.int32)
    of_films[:, 0] = np.arange(len(ids)) % 2
    topics = [Topic(n, 0, -1, "topic {}".format(n), ("a", "b"), (1, 2), len(ids) // 2)
              for n in range(2)]
    return StoredTopics("topics.h5", ids, TopicTree(topics, of_films))


def test_films_keep_their_topics_and_new_ones_have_none(tmp_path):
    world = World(tmp_path, recipes=("mean4",), with_map=True,
                  topics=topics_of(np.arange(1, 61)))
    before = Index(world.path)
    world.update([NEW[0], *FILMS[10:]])
    after = Index(world.path)
    assert after.topics().names(0) == []
    assert after.topics().names(1) == before.topics().names(10) != []
    assert [topic.n_films for topic in after.topics().topics] == [25, 25]
    other = topics_of(np.array([101, 11]))
    update_index(world.catalogue, FeatureReader(world.features), world.path, topics=other)
    assert Index(world.path).topics().names(0) == ["topic 0"]
    assert [len(of_level) for of_level in Index(world.path).space().regions().values()][0] == 2


def test_many_small_updates_make_a_whole_build_due(tmp_path):
    world = World(tmp_path, recipes=("mean4",))
    dues = [world.update(FILMS[n:]).due for n in range(1, 7)]
    assert ["came, changed or left" in due for due in dues] == [False] * 5 + [True]
    assert "6 films of 54 came, changed or left since " in dues[-1]


def test_films_unlike_all_others_make_a_whole_build_due(tmp_path):
    world = World(tmp_path, recipes=("mean4",))
    ships = [row(n, "Ship {}".format(n)) for n in range(500, 503)]
    world.extract([*FILMS, *ships])
    write_features(world.features, {n: np.full((4, 3, 8), 1, np.float32) for n in (500, 501, 502)},
                   overviews=overviews_of(world.catalogue))
    due = update_index(world.catalogue, FeatureReader(world.features), world.path).due
    assert due.startswith("the mean of all films by mean4 moved by 0.0")


def test_a_store_of_other_settings_is_refused_in_words(tmp_path):
    world = World(tmp_path, recipes=("mean4",))
    other = write_features(tmp_path / "other", {1: random_layers(3, 1)},
                           SETTINGS._replace(checkpoint="another"),
                           {1: FILMS[0]["overview"]})
    catalogue = read_catalogue(str(tmp_path / "movies.csv"))
    before = contents(world.path)
    with pytest.raises(RecommenderError, match="with checkpoint tiny, and .* holds checkpoint "
                                               "another: build the index without --update"):
        update_index(catalogue, FeatureReader(other), world.path)
    assert contents(world.path) == before
    assert os.listdir(str(tmp_path)) and not list(tmp_path.glob("*.part"))


def test_a_film_whose_features_are_lost_leaves_the_index(tmp_path):
    world = World(tmp_path, recipes=("mean4",))
    rows = [{**FILMS[0], "overview": "Never extracted."}, *FILMS[1:]]
    world.catalogue = read_catalogue(write_csv(tmp_path / "movies.csv", rows))
    report = update_index(world.catalogue, FeatureReader(world.features), world.path)
    assert (report.n_removed, report.build.of_other_overviews) == (1, 1)
    assert 1 not in Index(world.path).ids


def test_a_disk_that_is_full_leaves_the_old_index(tmp_path, monkeypatch):
    world = World(tmp_path, recipes=("mean4",))
    world.extract(AFTER)
    before = Path(world.path).read_bytes()

    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("recommender.storage.disk.Disk.put", fail)
    with pytest.raises(OSError, match="No space left"):
        update_index(world.catalogue, FeatureReader(world.features), world.path)
    assert Path(world.path).read_bytes() == before
    assert not list(tmp_path.glob("*.part"))


def test_files_beside_the_index_that_are_not_made_anew_are_told(tmp_path):
    world = World(tmp_path, recipes=("mean4",))
    name = "index.h5.other-" + "0" * 32
    (tmp_path / name).write_bytes(b"x")
    with h5py.File(world.path, "r+") as file:
        file.attrs["companions"] = json.dumps({"other": [name, 1]})
    assert world.update(AFTER).dropped == ["other"]
    assert Index(world.path).companions == {}
    assert not (tmp_path / name).exists()


def test_an_index_of_many_films_is_updated_as_a_small_one(tmp_path, monkeypatch):
    monkeypatch.setattr("recommender.title_tables.MANY", 1)
    world = World(tmp_path, recipes=("mean4",))
    report = world.update(AFTER)
    assert (report.n_new, report.n_changed, report.n_removed) == (6, 2, 5)
    ours, theirs = contents(world.path), contents(world.whole().path)
    assert "texts/title/bytes" in ours
    assert {name: ours[name] for name in theirs if "scale" not in name} == {
        name: values for name, values in theirs.items() if "scale" not in name}
