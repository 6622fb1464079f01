"""Fetch the data sets that Kaggle hosts into the data folder."""

import json
import os
from typing import List, NamedTuple, Optional, Sequence, Tuple

from fetching import FetchError
from fetching.archives import Source, best_folder, downloaded, open_source
from recommender.cli import note
from recommender.storage.files import PART, need_room, publish, scratch_folder
from recommender.storage.locks import one_writer

KAGGLE_PAGE = "https://www.kaggle.com/datasets/{}"
KAGGLE_URL = "https://www.kaggle.com/api/v1/datasets/download/{}"
KAGGLE_JSON = os.path.join("~", ".kaggle", "kaggle.json")  # Kaggle's own place for its token


class DataSet(NamedTuple):
    """A data set.

    Attributes
    ----------
    slug : str
        Owner and name at Kaggle.
    files : tuple of str
        The catalogue first, then all else.
    size : str
        What a download takes, as a user reads it.
    again : str
        How to get a newer one, or "" where there is none.
    """

    slug: str
    files: Tuple[str, ...]
    size: str
    again: str = ""

    @property
    def page(self) -> str:
        """Address of the data set for people."""
        return KAGGLE_PAGE.format(self.slug)


DATA_SETS = {
    "movies": DataSet(
        "rounakbanik/the-movies-dataset",
        ("movies_metadata.csv", "keywords.csv", "links.csv", "ratings.csv", "credits.csv",
         "links_small.csv", "ratings_small.csv"), "0.2 GB to download and 0.9 GB unpacked"),
    "tmdb": DataSet(
        "asaniczka/tmdb-movies-dataset-2023-930k-movies", ("TMDB_movie_dataset_v11.csv",),
        "over a million films", "; remove it first to fetch today's"),
}


def get_data(data: str, data_dir: str) -> str:
    """Put the files of a data set into a folder; files that are there are left alone.

    Parameters
    ----------
    data : str
        A name of DATA_SETS for Kaggle's archive, or the path of the archive or of a folder with
        its files.
    data_dir : str
        Folder for the files, made if it does not exist.

    Returns
    -------
    str
        Sentence for the user that says what was done.

    Raises
    ------
    FetchError
        If the data cannot be downloaded, or are no such data set.
    RecommenderError
        If another process is writing into `data_dir`.
    OSError
        If `data_dir` has too little room or cannot be written.
    """
    by_hand = None if data in DATA_SETS else open_source(data)
    data_set = DATA_SETS[data] if by_hand is None else _data_set_of(by_hand)
    if _is_complete(data_set, data_dir):
        return _already_there(data_set, data_dir)
    os.makedirs(data_dir, exist_ok=True)
    with one_writer(data_dir, "--data_dir"):
        if _is_complete(data_set, data_dir):  # by a process that held the lock just before
            return _already_there(data_set, data_dir)
        new = _download(data_set, data_dir) if by_hand is None else place_files(
            by_hand, data_dir, data_set, data_set.files[:1])
    return "{} now holds {}".format(data_dir, ", ".join(new) or "nothing new")


def _data_set_of(source: Source) -> DataSet:
    """Return the data set of which `source` holds the catalogue. Raises FetchError if of none."""
    for data_set in DATA_SETS.values():
        if data_set.files[0] in best_folder(source.names, data_set.files):
            return data_set
    raise FetchError("{} has no {}: get the archive from {}".format(
        source.path, " or ".join(each.files[0] for each in DATA_SETS.values()),
        " or ".join(each.page for each in DATA_SETS.values())))


def _is_complete(data_set: DataSet, data_dir: str) -> bool:
    return all(os.path.lexists(os.path.join(data_dir, name)) for name in data_set.files)


def _already_there(data_set: DataSet, data_dir: str) -> str:
    return "{} in {} is already there, left as it is{}".format(
        data_set.files[0], data_dir, data_set.again)


def _download(data_set: DataSet, data_dir: str) -> List[str]:
    """Download a data set into `data_dir`; return the names of the new files."""
    auth, url = kaggle_credentials(), KAGGLE_URL.format(data_set.slug)
    note("{} to {}, {}{}".format(url, data_dir, data_set.size,
                                 "" if auth else ", without Kaggle credentials"))
    by_hand = "download {} by hand and unpack it into {}/".format(data_set.page, data_dir)
    part = os.path.join(data_dir, data_set.slug.partition("/")[2] + ".zip" + PART)
    with downloaded(url, part, by_hand, auth) as archive:
        return place_files(archive, data_dir, data_set, data_set.files)


def place_files(source: Source, data_dir: str, data_set: DataSet,
                needed: Sequence[str]) -> List[str]:
    """Copy a data set's files from `source` into `data_dir`; return the names copied.

    Files that `data_dir` holds are left alone. The caller must hold its lock. Raises FetchError
    if `source` lacks one of `needed`.
    """
    found = best_folder(source.names, data_set.files)
    missing = [name for name in data_set.files if name not in found]
    for name in missing:
        if name in needed:
            raise FetchError("{} has no {}: get the archive from {}".format(
                source.path, name, data_set.page))
    if missing:
        note("{} has no {}".format(source.path, ", ".join(missing)))
    new = [name for name in found if not os.path.lexists(os.path.join(data_dir, name))]
    need_room(data_dir, sum(source.size(found[name]) for name in new))
    with scratch_folder(os.path.join(data_dir, "movies")) as room:
        for name in new:
            source.copy(found[name], os.path.join(room, name))
        for name in new:
            publish(os.path.join(room, name), os.path.join(data_dir, name))
    return new


def kaggle_credentials() -> Optional[Tuple[str, str]]:
    """Return user and key, from the environment or from kaggle.json; None if there are none.

    Raises FetchError if kaggle.json is not a Kaggle token.
    """
    user, key = os.environ.get("KAGGLE_USERNAME"), os.environ.get("KAGGLE_KEY")
    if user and key:
        return user, key
    path = os.path.expanduser(KAGGLE_JSON)
    try:
        with open(path, encoding="utf-8") as file:
            token = json.load(file)
        return str(token["username"]), str(token["key"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise FetchError("{} is not a Kaggle token (a JSON object with username and key): make "
                         "a new one at https://www.kaggle.com/settings".format(path))
