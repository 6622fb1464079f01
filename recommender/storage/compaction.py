"""Compact a feature folder: rewrite shards that hold films that left, or older versions of films.

The films of such shards that are still of use are copied into new shards. A new shard is complete
and synced, and features.h5 leads to it, before the old ones are removed; a film that two shards
hold counts once, as its later version. So a kill at any instant loses nothing, and the next
compaction or extraction goes on from what it finds.
"""

import os
from typing import Any, Callable, Container, Dict, List, Mapping, NamedTuple, Tuple

from recommender.errors import RecommenderError
from recommender.storage.feature_store import MAX_SHARD_BYTES, FeatureReader, FeatureWriter
from recommender.storage.files import need_room, sync
from recommender.storage.hdf5 import DamagedFile
from recommender.storage.shards import Shard, check_digest, shard_paths

# Share of the films of a folder that must stay: fewer would do if the catalogue were the wrong
# one, and their features take hours to compute.
_LEAST_STAYING = 0.5

OnCopied = Callable[[int, int], Any]


class Compaction(NamedTuple):
    """Counts of what a compaction did.

    Attributes
    ----------
    n_films : int
        Films that the folder holds now.
    n_left : int
        Films that were dropped, as the catalogue has them no more.
    n_older : int
        Versions of films that were dropped, as a later shard holds the film, too.
    n_shards : int
        Old shards that were removed.
    n_bytes : int
        Bytes of disk that were given back.
    n_outdated : int
        Films that stay though their overview changed, since no newer features are there yet.
    damaged : list of str
        Paths of shards that were not touched since they do not have the checksum in their name.
    set_aside : list of str
        Paths of files in the folder that were set aside as damaged, now or before.
    """

    n_films: int
    n_left: int
    n_older: int
    n_shards: int
    n_bytes: int
    n_outdated: int
    damaged: List[str]
    set_aside: List[str]


class _Old(NamedTuple):
    """A shard to be removed: its films that stay, those that left, and its older versions."""

    path: str
    staying: List[int]
    left: List[int]
    n_older: int
    computed_by: str

    @property
    def n_bytes(self) -> int:
        """Bytes of the films that stay, about."""
        n = len(self.staying) + len(self.left) + self.n_older
        return os.path.getsize(self.path) * len(self.staying) // n


def compact(folder: str, digests: Mapping[int, int], max_shard_bytes: int = MAX_SHARD_BYTES,
            on_copied: OnCopied = lambda n, total: None) -> Compaction:
    """Rewrite the shards of `folder` that hold films that left or older versions of films.

    Parameters
    ----------
    folder : str
    digests : dict of int to int
        By the ids of the films that stay, the digests of their overviews.
    max_shard_bytes : int
        Bytes after which a new shard is closed.
    on_copied : callable
        Called with the number of films that were just copied, and of all that are to be.

    Returns
    -------
    Compaction

    Raises
    ------
    RecommenderError
        If `folder` holds no features, another process writes into it, or most of its films are
        not in the catalogue.
    OSError
        If the disk does not take a new shard; nothing is lost then.
    """
    before = _disk_of(folder)
    with FeatureWriter(folder, FeatureReader(folder).settings, max_shard_bytes) as writer:
        held = writer.stock.shards
        n_staying = sum(movie_id in digests for movie_id in held)
        if n_staying < _LEAST_STAYING * len(held):
            raise RecommenderError(
                "only {:,} of the {:,} films of {} are in the catalogue: is --input_file the right "
                "one? If it is, extract into another --output_dir and remove this one".format(
                    n_staying, len(held), folder))
        done, damaged = _rewrite(writer, _plan(folder, held, digests), max_shard_bytes,
                                 on_copied)
        n_outdated = sum(digests.get(each, digest) != digest
                         for each, digest in writer.stock.digests.items())
    return Compaction(len(held), sum(len(old.left) for old in done),
                      sum(old.n_older for old in done), len(done), before - _disk_of(folder),
                      n_outdated, damaged, sorted(
                          os.path.join(at, name) for at in (folder, os.path.join(folder, "shards"))
                          for name in os.listdir(at) if name.endswith(".bad")))


def _disk_of(folder: str) -> int:
    """Return the bytes of the shards of a folder."""
    return sum(os.path.getsize(path) for path in shard_paths(folder))


def _plan(folder: str, held: Dict[int, str], catalogue_ids: Container[int]) -> List[_Old]:
    """Return the shards to be removed, those that hold nothing of use first: they make room."""
    plan = []
    for path in shard_paths(folder):
        with Shard(path) as shard:
            newest = [each for each in shard.ids if held.get(each) == os.path.basename(path)]
            staying = [each for each in newest if each in catalogue_ids]
            if len(staying) < len(shard.ids):
                plan.append(_Old(path, staying, [each for each in newest
                                                 if each not in catalogue_ids],
                                 len(shard.ids) - len(newest), shard.computed_by))
    return sorted(plan, key=lambda old: (bool(old.staying), old.computed_by))


def _rewrite(writer: FeatureWriter, plan: List[_Old], max_shard_bytes: int,
             on_copied: OnCopied) -> Tuple[List[_Old], List[str]]:
    """Copy what stays, remove the old shards; return these, and the paths of damaged ones."""
    done: List[_Old] = []
    damaged: List[str] = []
    group: List[_Old] = []  # copied, or being copied, into shards that are not complete yet
    n_staying = sum(len(old.staying) for old in plan)
    for old in plan:
        if group and (old.computed_by != group[-1].computed_by
                      or sum(each.n_bytes for each in group) >= max_shard_bytes):
            done += _remove(writer, group)
            group = []
        try:
            check_digest(old.path)
        except DamagedFile:
            damaged.append(old.path)
            continue
        if old.staying:
            need_room(os.path.dirname(old.path), old.n_bytes)
            writer.computed_by = old.computed_by
            _copy(writer, old)
            on_copied(len(old.staying), n_staying)
        group.append(old)
    return done + _remove(writer, group), damaged


def _copy(writer: FeatureWriter, old: _Old) -> None:
    staying = set(old.staying)
    with Shard(old.path) as shard:
        for movie in shard.movies():
            if movie.movie_id in staying:
                writer.add(*movie)


def _remove(writer: FeatureWriter, group: List[_Old]) -> List[_Old]:
    """Complete the new shards, let features.h5 lead to them alone, and remove the old ones."""
    if group:
        writer.flush()
        writer.forget(movie_id for old in group for movie_id in old.left)
        for old in group:
            os.remove(old.path)
        sync(os.path.dirname(group[0].path))
    return group
