"""A checkpoint folder in Google's layout: found, opened and checked before it is used."""

import glob
import hashlib
import json
import os
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

from bert.errors import BertError

CONFIG = "bert_config.json"
VOCABULARY = "vocab.txt"
WEIGHTS = "bert_model.ckpt"
RESEARCH = "wwm_uncased_L-24_H-1024_A-16"
ACTIVATIONS = ("gelu", "relu", "tanh", "linear")

# Each with the most that is believed, far above any BERT.
_CONFIG_NUMBERS = {
    "vocab_size": 10 ** 7, "hidden_size": 10 ** 5, "num_hidden_layers": 1000,
    "num_attention_heads": 1000, "intermediate_size": 10 ** 6, "max_position_embeddings": 10 ** 6,
    "type_vocab_size": 1000,
}


class Config(NamedTuple):
    """The part of Google's `bert_config.json` that inference needs."""

    vocab_size: int
    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    intermediate_size: int
    max_position_embeddings: int
    type_vocab_size: int
    hidden_act: str


class Checkpoint(NamedTuple):
    """Config, vocabulary and weights that belong together.

    `init_checkpoint` is the prefix that TensorFlow takes for the weights, `name` the
    folder's name.
    """

    name: str
    config: Config
    config_file: str
    vocab_file: str
    init_checkpoint: str

    @property
    def sha256(self) -> str:
        """Hex digest over config, vocabulary and weights: what makes two checkpoints the same."""
        digest = hashlib.sha256()
        shards = sorted(glob.glob(glob.escape(self.init_checkpoint) + ".data-*"))
        for path in [self.config_file, self.vocab_file, self.init_checkpoint + ".index"] + shards:
            digest.update(str(os.path.getsize(path)).encode())
            with open(path, "rb") as file:
                for block in iter(lambda: file.read(1 << 20), b""):
                    digest.update(block)
        return digest.hexdigest()


def default_bert_dir(tmp_dir: str = "tmp") -> str:
    """The checkpoint folder to take when none is named: the research's, or the only one.

    Raises BertError if there is none in `tmp_dir`, or several and none is the research's.
    """
    found = sorted(
        os.path.dirname(path) for path in glob.glob(os.path.join(tmp_dir, "*", CONFIG)))
    research = os.path.join(tmp_dir, RESEARCH)
    if research in found:
        return research
    if len(found) == 1:
        return found[0]
    if found:
        raise BertError("{}/ holds {} checkpoints ({}): say which with --bert_dir".format(
            tmp_dir, len(found), ", ".join(os.path.basename(path) for path in found)))
    raise BertError(
        "no checkpoint in {}/: run `python download.py --model wwm` (the research's, 1.3 GB) "
        "or `python download.py --model minilm` (small, 90 MB)".format(tmp_dir))


def folder_of(made_by: Any, bert_dir: Optional[str] = None, tmp_dir: str = "tmp") -> str:
    """The folder of the checkpoint that `made_by` names: `bert_dir`, else the one of its name in
    `tmp_dir`. Raises BertError if it is not there."""
    folder = bert_dir or os.path.join(tmp_dir, made_by.checkpoint)
    if not os.path.isdir(folder):
        raise BertError("text queries need the checkpoint {}, which is not at {}: fetch it with "
                        "download.py or name its folder with --bert_dir".format(
                            made_by.checkpoint, folder))
    return folder


def open_checkpoint(bert_dir: Optional[str] = None, bert_config_file: Optional[str] = None,
                    vocab_file: Optional[str] = None,
                    init_checkpoint: Optional[str] = None) -> Checkpoint:
    """The checkpoint of `bert_dir`; the three files, where given, stand in for its own.

    Reads config and vocabulary only. Raises BertError when a file is missing, is no
    config, or when vocabulary and config do not fit.
    """
    if bert_dir is not None and not os.path.isdir(bert_dir):
        raise BertError("no checkpoint folder {}: download.py makes one".format(bert_dir))
    folder = bert_dir or ""
    config_file = bert_config_file or os.path.join(folder, CONFIG)
    vocab_file = vocab_file or os.path.join(folder, VOCABULARY)
    init_checkpoint = init_checkpoint or os.path.join(folder, WEIGHTS)
    for path in (config_file, vocab_file, init_checkpoint + ".index"):
        if not os.path.isfile(path):
            raise BertError("checkpoint file {} is missing: download the checkpoint again "
                            "with download.py".format(path))
    if not glob.glob(glob.escape(init_checkpoint) + ".data-*"):
        raise BertError("checkpoint weights {}.data-* are missing: download the checkpoint "
                        "again with download.py".format(init_checkpoint))
    config = read_config(config_file)
    n_tokens = len(read_vocabulary(vocab_file))
    if n_tokens != config.vocab_size:
        raise BertError("{} has {} entries but {} says vocab_size {}: they are of different "
                        "checkpoints, or one is cut off (lines [unused0], [unused1] and so on fill "
                        "up a vocabulary that is short on purpose)".format(
                            vocab_file, n_tokens, config_file, config.vocab_size))
    name = os.path.basename(os.path.dirname(os.path.abspath(init_checkpoint)))
    return Checkpoint(name, config, config_file, vocab_file, init_checkpoint)


def read_config(path: str) -> Config:
    """Google's `bert_config.json`; raises BertError naming the key that is wrong."""
    try:
        with open(path, encoding="utf-8") as file:
            values = json.load(file)  # type: Dict[str, Any]
    except (ValueError, OSError, RecursionError) as error:
        raise BertError("{} is not a readable BERT config ({}): take it from the checkpoint "
                        "again".format(path, error))
    if not isinstance(values, dict):
        raise BertError("{} is not a BERT config: a JSON object is needed".format(path))
    for key, most in _CONFIG_NUMBERS.items():
        value = values.get(key)
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
            raise BertError("{}: {} is {!r}, a whole number from 1 to {} is needed".format(
                path, key, value, most))
    if values["hidden_size"] % values["num_attention_heads"]:
        raise BertError("{}: hidden_size {} is no multiple of num_attention_heads {}".format(
            path, values["hidden_size"], values["num_attention_heads"]))
    activation = values.get("hidden_act", "gelu")
    if activation not in ACTIVATIONS:
        raise BertError("{}: hidden_act is {!r}, one of {} is needed".format(
            path, activation, ", ".join(ACTIVATIONS)))
    return Config(hidden_act=activation, **{key: values[key] for key in _CONFIG_NUMBERS})


def read_vocabulary(path: str) -> Dict[str, int]:
    """Word piece to id, with Google's reading: lines stripped, the first of two equals counts.

    Raises BertError when the file is not UTF-8 text or lacks a piece that BERT needs.
    """
    vocabulary = {}  # type: Dict[str, int]
    try:
        with open(path, encoding="utf-8", newline="\n") as file:
            for line in file:
                vocabulary.setdefault(line.strip(), len(vocabulary))
    except (UnicodeDecodeError, OSError) as error:
        raise BertError("{} is not a readable vocabulary ({}): take it from the checkpoint "
                        "again".format(path, error))
    for piece in ("[UNK]", "[CLS]", "[SEP]"):
        if piece not in vocabulary:
            raise BertError("{} has no {}: it is not a BERT vocabulary".format(path, piece))
    return vocabulary


def resolve_layers(layers: Sequence[int], config: Config) -> List[int]:
    """Layer numbers from 0 for `layers` as Google counts them (-1 is the last).

    Raises BertError for a layer that the checkpoint does not have, or one asked for twice.
    """
    n = config.num_hidden_layers
    wrong = [layer for layer in layers if not -n <= layer < n]
    if wrong or not layers:
        raise BertError("--layers {}: this checkpoint has {} layers, so take from -{} to {}".format(
            ",".join(map(str, layers)), n, n, n - 1))
    resolved = [layer % n for layer in layers]
    if len(set(resolved)) < len(resolved):
        raise BertError("--layers {} names a layer twice".format(",".join(map(str, layers))))
    return resolved


def check_variables(available: Dict[str, Sequence[int]], needed: Sequence[Tuple[str, Tuple]],
                    checkpoint: Checkpoint) -> None:
    """Hold the weights against what the config asks for.

    `available` maps a variable of the checkpoint to its shape. Raises BertError that names
    the first of `needed` that is missing or has another shape.
    """
    for name, shape in needed:
        if name not in available:
            raise BertError("{} has no variable {}, which {} asks for: they are of different "
                            "checkpoints".format(checkpoint.init_checkpoint, name,
                                                 checkpoint.config_file))
        if tuple(available[name]) != shape:
            raise BertError("{}: variable {} has shape {}, but {} asks for {}: they are of "
                            "different checkpoints".format(
                                checkpoint.init_checkpoint, name, list(available[name]),
                                checkpoint.config_file, list(shape)))
