"""Compaction of a feature folder: what stays, what goes, and a kill at each of its steps."""

import errno
import os
import shutil
from pathlib import Path
from typing import Any, Callable, Dict

import h5py
import numpy as np
import pytest

from recommender.errors import RecommenderError
from recommender.storage import compaction
from recommender.storage.compaction import compact
from recommender.storage.feature_store import FeatureReader, overview_digest
from recommender.storage.locks import one_writer
from recommender.storage.shards import Shard, file_digest, shard_paths
from tests.worlds import SETTINGS, only_line, random_layers, row, write_csv, write_features

# Four shards: one of films that stay, one with a film that left, one of older versions and films
# that left alone, one with a newer version.
SHARDS = ({1: "a", 2: "b"}, {3: "c", 4: "d", 90: "gone"}, {5: "old", 91: "gone"}, {5: "e", 6: "f"})
STAYING = {1: "a", 2: "b", 3: "c", 4: "d", 5: "e", 6: "f"}
DIGESTS = {movie_id: overview_digest(overview) for movie_id, overview in STAYING.items()}


def layers_of(movie_id: int, overview: str) -> np.ndarray:
    return random_layers(3, movie_id * 100 + len(overview) + ord(overview[0]))


@pytest.fixture
def folder(request: Any, tmp_path: Any) -> str:
    settings = SETTINGS._replace(pooled=getattr(request, "param", False))
    for films in SHARDS:
        write_features(tmp_path / "features", {
            movie_id: layers_of(movie_id, overview) for movie_id, overview in films.items()},
            settings, films)
    return str(tmp_path / "features")


def contents(folder: str) -> Dict[int, Any]:
    """Digest and values of each film, as a reader sees them."""
    return {movie.movie_id: (movie.digest, movie.layers.tolist(), movie.token_ids.tolist())
            for movie in FeatureReader(folder).movies()}


def check(folder: str, before: Dict[int, Any]) -> None:
    """Each film that stays is there as it was, and features.h5 leads to it, and to nothing that is
    not there."""
    now = contents(folder)
    assert {movie_id: now.get(movie_id) for movie_id in STAYING} == {
        movie_id: before[movie_id] for movie_id in STAYING}
    with h5py.File(os.path.join(folder, "features.h5"), "r") as links:
        assert set(STAYING) <= {int(name) for name in links} <= set(now)
        for name in links:
            assert links[name].shape[0] == len(SETTINGS.layers)


@pytest.mark.parametrize("folder", [False, True], ids=["full", "pooled"], indirect=True)
def test_what_is_of_no_use_goes_and_all_else_stays_as_it_was(folder):
    before, disk = contents(folder), sum(map(os.path.getsize, shard_paths(folder)))
    first, _, _, last = shard_paths(folder)
    done = compact(folder, DIGESTS)
    assert (done.n_films, done.n_left, done.n_older, done.n_shards) == (6, 2, 1, 2)
    check(folder, before)
    assert set(contents(folder)) == set(STAYING)
    assert disk - sum(map(os.path.getsize, shard_paths(folder))) == done.n_bytes > 0
    assert {first, last} < set(shard_paths(folder))
    assert len(shard_paths(folder)) == 3
    again = compact(folder, DIGESTS)
    assert (again.n_shards, again.n_bytes) == (0, 0)


def test_copies_say_what_computed_them_and_are_closed_at_the_size_asked_for(tmp_path):
    folder = write_features(tmp_path, {n: layers_of(n, "a") for n in (1, 2, 3, 90)},
                            overviews=dict.fromkeys((1, 2, 3), "a"))
    path, = shard_paths(folder)
    with h5py.File(path, "r+") as file:
        file.attrs["computed_by"] = np.bytes_(b"TensorFlow 0")
    os.rename(path, path[:-35] + file_digest(path) + ".h5")
    compact(folder, {n: overview_digest("a") for n in (1, 2, 3)}, max_shard_bytes=1)
    assert len(shard_paths(folder)) == 3
    for path in shard_paths(folder):
        with Shard(path) as shard:
            assert shard.computed_by == "TensorFlow 0"


def in_child(work: Callable[[], Any]) -> int:
    """Run `work` in a forked process; its exit code, 9 where it was killed."""
    pid = os.fork()
    if not pid:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return os.WEXITSTATUS(os.waitpid(pid, 0)[1])


def killed_before(step: int, work: Callable[[], Any]) -> int:
    """Run `work` in a process that ends at once before its n-th change of the disk."""
    def run() -> None:
        steps = 0

        def wrapped(change: Callable[..., Any]) -> Callable[..., Any]:
            def call(*args: Any, **options: Any) -> Any:
                nonlocal steps
                if steps == step:
                    os._exit(9)
                steps += 1
                return change(*args, **options)
            return call

        for name in ("replace", "remove", "fsync"):
            setattr(os, name, wrapped(getattr(os, name)))
        work()

    return in_child(run)


def test_a_kill_at_any_step_loses_nothing_and_the_next_run_goes_on(folder, tmp_path):
    before = contents(folder)
    step, code = 0, 9
    while code == 9:
        at = shutil.copytree(folder, str(tmp_path / "killed{}".format(step)))
        code = killed_before(step, lambda: compact(at, DIGESTS))  # noqa: B023
        check(at, before)
        compact(at, DIGESTS)
        check(at, before)
        assert set(contents(at)) == set(STAYING)
        held = []
        for path in shard_paths(at):
            with Shard(path) as shard:
                held += shard.ids
        assert sorted(held) == sorted(STAYING)
        assert not [name for name in os.listdir(os.path.join(at, "shards"))
                    if name.endswith(".part")]
        shutil.rmtree(at)
        step += 1
    assert code == 0
    assert step > 8


@pytest.mark.parametrize("is_noticed", [True, False])
def test_a_full_disk_loses_nothing(folder, monkeypatch, is_noticed):
    before, shards = contents(folder), shard_paths(folder)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device", folder)

    if is_noticed:
        monkeypatch.setattr(compaction, "need_room", full)
    else:
        monkeypatch.setattr("recommender.storage.disk.Disk.put", full)
    with pytest.raises(OSError, match="No space left"):
        compact(folder, DIGESTS)
    monkeypatch.undo()
    check(folder, before)
    # What holds nothing of use needs no room to go.
    assert set(shard_paths(folder)) >= {shards[0], shards[1], shards[3]}
    assert not [name for name in os.listdir(os.path.join(folder, "shards"))
                if name.endswith(".part")]
    compact(folder, DIGESTS)
    check(folder, before)


def test_a_damaged_shard_is_not_touched(folder):
    damaged = shard_paths(folder)[1]
    content = bytearray(Path(damaged).read_bytes())
    with h5py.File(damaged, "r") as file:
        content[file["movies/90"].id.get_offset()] ^= 1
    Path(damaged).write_bytes(content)
    done = compact(folder, DIGESTS)
    assert done.damaged == [damaged]
    assert Path(damaged).read_bytes() == content
    assert (done.n_left, done.n_shards) == (1, 1)


def test_a_film_whose_overview_changed_stays_until_it_is_extracted_anew(folder):
    done = compact(folder, {**DIGESTS, 6: overview_digest("another")})
    assert done.n_outdated == 1
    assert 6 in contents(folder)


def test_a_catalogue_of_other_films_is_refused(folder):
    shards = shard_paths(folder)
    with pytest.raises(RecommenderError, match="only 2 of the 8 films of .* is --input_file the"):
        compact(folder, {1: 0, 2: 0, 77: 0})
    assert shard_paths(folder) == shards


def test_a_folder_that_is_being_written_is_refused(folder):
    with one_writer(folder), pytest.raises(RecommenderError, match="is being written by process"):
        compact(folder, DIGESTS)


def test_the_program_says_what_it_gave_back_and_what_it_left(folder, run_program, tmp_path):
    csv = write_csv(tmp_path / "movies.csv", [
        row(movie_id, "Film {}".format(movie_id), overview=overview)
        for movie_id, overview in {**STAYING, 6: "another"}.items()])
    (tmp_path / "features" / "shards" / "00009-x.h5.bad").write_bytes(b"bad")
    result = run_program("extract_features.py", "--compact", "--input_file", csv, "--output_dir",
                         folder)
    assert result.returncode == 0, result.stderr
    assert only_line(result.stdout) == (
        "{}: 0 MB of disk given back by rewriting 2 shards; 2 films that left and 1 older versions "
        "are gone, 6 films stay".format(folder))
    assert result.stderr.splitlines()[1:] == [
        "1 films stay with features of another overview than the catalogue's: extract first, then "
        "--compact drops these",
        "{} was set aside as damaged: remove it if you do not need it".format(
            os.path.join(folder, "shards", "00009-x.h5.bad"))]


def test_the_program_needs_a_catalogue_to_compact(run_program, tmp_path):
    result = run_program("extract_features.py", "--compact", "--output_dir", tmp_path)
    assert result.returncode == 2
    assert "--input_file is missing" in result.stderr
