"""Fetch The Movies Dataset into the data folder."""

import json
import os
from typing import List, Optional, Sequence, Tuple

from fetching import FetchError
from fetching.archives import Source, best_folder, downloaded, open_source
from recommender.cli import note
from recommender.storage.files import PART, need_room, publish, scratch_folder
from recommender.storage.locks import one_writer

MOVIES_PAGE = "https://www.kaggle.com/datasets/rounakbanik/the-movies-dataset"
MOVIES_URL = "https://www.kaggle.com/api/v1/datasets/download/rounakbanik/the-movies-dataset"
MOVIES_ARCHIVE = "the-movies-dataset.zip"
MOVIE_FILES = ("movies_metadata.csv", "keywords.csv", "links.csv", "ratings.csv", "credits.csv",
               "links_small.csv", "ratings_small.csv")
KAGGLE_JSON = os.path.join("~", ".kaggle", "kaggle.json")  # Kaggle's own place for its token


def get_data(data: str, data_dir: str) -> str:
    """Put the files of The Movies Dataset into a folder; files that are there are left alone.

    Parameters
    ----------
    data : str
        "movies" for Kaggle's archive, or the path of the archive or of a folder with its files.
    data_dir : str
        Folder for the files, made if it does not exist.

    Returns
    -------
    str
        Sentence for the user that says what was done.

    Raises
    ------
    FetchError
        If the data cannot be downloaded, or is not the data set.
    RecommenderError
        If another process is writing into `data_dir`.
    OSError
        If `data_dir` has too little room or cannot be written.
    """
    if _is_complete(data_dir):
        return _already_there(data_dir)
    os.makedirs(data_dir, exist_ok=True)
    with one_writer(data_dir, "--data_dir"):
        if _is_complete(data_dir):  # by a process that held the lock just before
            return _already_there(data_dir)
        if data == "movies":
            new = _download_movies(data_dir)
        else:
            new = place_movies(open_source(data), data_dir, MOVIE_FILES[:1])
    return "{} now holds {}".format(data_dir, ", ".join(new) or "nothing new")


def _is_complete(data_dir: str) -> bool:
    return all(os.path.lexists(os.path.join(data_dir, name)) for name in MOVIE_FILES)


def _already_there(data_dir: str) -> str:
    return "the movie data in {} is already there, left as it is".format(data_dir)


def _download_movies(data_dir: str) -> List[str]:
    """Download the data set into `data_dir`; return the names of the new files."""
    auth = kaggle_credentials()
    note("{} to {}, 0.2 GB to download and 0.9 GB unpacked{}".format(
        MOVIES_URL, data_dir, "" if auth else ", without Kaggle credentials"))
    by_hand = "download {} by hand and unpack it into {}/".format(MOVIES_PAGE, data_dir)
    part = os.path.join(data_dir, MOVIES_ARCHIVE + PART)
    with downloaded(MOVIES_URL, part, by_hand, auth) as archive:
        return place_movies(archive, data_dir, MOVIE_FILES)


def place_movies(source: Source, data_dir: str, needed: Sequence[str]) -> List[str]:
    """Copy the data set's files from `source` into `data_dir`; return the names copied.

    Files that `data_dir` holds are left alone. The caller must hold its lock. Raises FetchError
    if `source` lacks one of `needed`.
    """
    found = best_folder(source.names, MOVIE_FILES)
    missing = [name for name in MOVIE_FILES if name not in found]
    for name in missing:
        if name in needed:
            raise FetchError("{} has no {}: get the archive from {}".format(
                source.path, name, MOVIES_PAGE))
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
