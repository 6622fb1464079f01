"""The file of links in a feature folder, `features.h5`: any HDF5 tool finds every film by its id.

It is never changed but written anew, sealed with its checksum, so it may lag behind the shards,
which are the truth: while a run goes on it is written whenever the films that it lacks are a
quarter of those that it holds, and at the end of the run. So all of a run's writing takes at most
five times as long as writing the last one, however many shards there are.
"""

from typing import Dict, Tuple

from recommender.storage.files import new_file
from recommender.storage.hdf5 import NewFile, PlainFile
from recommender.storage.shards import Settings, is_shard_name, read_settings, write_format

LINKS = "features.h5"  # name of the file, in the feature folder
_REMEDY = "remove it and run extract_features.py again, which writes it anew"
# Films without a link, for each film with one, from which on the file is written anew: more would
# show films later, less would write a million links more than five times.
_LAG = 0.25


def are_due(n_linked: int, n_missing: int) -> bool:
    """Return True if a file of `n_linked` links that lacks `n_missing` films is to be written.

    >>> are_due(0, 1), are_due(1000, 249), are_due(1000, 250)
    (True, False, True)
    """
    return n_missing > 0 and n_missing >= _LAG * n_linked


def read_settings_of_links(path: str) -> Settings:
    """Return the settings of a features.h5; its links are not looked at."""
    with PlainFile(path, _REMEDY, sealed=True) as links:
        return read_settings(links)


def read_links(path: str) -> Tuple[Settings, Dict[int, str]]:
    """Return the settings of a features.h5, and the name of each movie's shard by id.

    Raises RecommenderError if it holds anything but links to the movies in the shards beside it.
    """
    with PlainFile(path, _REMEDY, sealed=True) as links:
        settings = read_settings(links)
        shards: Dict[int, str] = {}
        names: Dict[str, str] = {}  # by path; so that a million films share their shards' names

        def take(name: str, file: str, movie: str) -> None:
            folder, _, shard = file.rpartition("/")
            if folder != "shards" or not is_shard_name(shard) or movie != "/movies/" + name:
                raise links.refuse("{} is no link to a shard beside it but to {} in {}".format(
                    name, movie, file))
            shards[int(name)] = names.setdefault(file, shard)

        links.for_each_external_link(take)
        return settings, shards


def write_links(path: str, settings: Settings, shards: Dict[int, str]) -> None:
    """Write features.h5 with a link for each movie to its shard, given by name.

    Uses HDF5's own function: h5py's short form of it takes three times as long.
    """
    with new_file(path) as part, NewFile(part, sealed=True) as file:
        write_format(file, settings)
        links = file.id.links
        for movie_id, shard in shards.items():
            links.create_external(b"%d" % movie_id, b"shards/" + shard.encode(),
                                  b"/movies/%d" % movie_id)
