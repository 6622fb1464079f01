"""Find, open and check a checkpoint folder in Google's layout."""

import glob
import json
import os
import re
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

from bert.digests import digest_of
from bert.errors import BertError
from bert.other_layouts import (
    HUGGING_FACE_CONFIG,
    SAFETENSORS,
    TOKENIZER_CONFIG,
    other_model,
    other_weights,
    refuse_other_models,
    told_case,
)

CONFIG = "bert_config.json"
VOCABULARY = "vocab.txt"
WEIGHTS = "bert_model.ckpt"  # beginning of the names of the weights' files
GRAPH = WEIGHTS + ".meta"    # never read here, and missing from Google's small models
RESEARCH = "wwm_uncased_L-24_H-1024_A-16"  # folder of the research's checkpoint
DIGEST = "sha256.json"  # remembers the digest of the checkpoint's files
_CASED_SHARE = 0.01  # share of word pieces with capitals above which a vocabulary is cased
# Names of uncased checkpoints; two of Google's do not say so.
_UNCASED = re.compile(r"uncased|^(multilingual|chinese)_L-", re.IGNORECASE)
ENDING = re.compile(r"\.(index|meta|data-[0-9]{5}-of-[0-9]{5})$")  # of a file of weights
_OBJECTS = b"_CHECKPOINTABLE_OBJECT_GRAPH"  # in the index of a checkpoint of TensorFlow 2 objects
_MOST_PADDING = 128  # entries by which vocab_size may be rounded up for the speed of products
ACTIVATIONS = ("gelu", "relu", "tanh", "linear")  # those that Google's graph knows
ENCODERS = ("bert", "gru")  # what a folder's weights are of; Google's config tells of none
HEAD = "genre_head.json"  # tells that a folder holds a genre model, trained from another checkpoint
SPECIAL_PIECES = ("[UNK]", "[CLS]", "[SEP]")  # word pieces without which no text can be encoded

# The numbers of a config, each with its largest accepted value, far above that of any BERT.
_CONFIG_NUMBERS = {
    "vocab_size": 10 ** 7, "hidden_size": 10 ** 5, "num_hidden_layers": 1000,
    "num_attention_heads": 1000, "intermediate_size": 10 ** 6, "max_position_embeddings": 10 ** 6,
    "type_vocab_size": 1000,
}


class Config(NamedTuple):
    """Part of Google's `bert_config.json` that inference needs.

    `encoder` is "gru" in a folder of `train_genres.py --encoder gru`; there `intermediate_size` is
    the size of a word's embedding.
    """

    vocab_size: int
    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    intermediate_size: int
    max_position_embeddings: int
    type_vocab_size: int
    hidden_act: str
    encoder: str = "bert"


class Checkpoint(NamedTuple):
    """Config, vocabulary and weights that belong together.

    Attributes
    ----------
    name : str
        Name of the checkpoint's folder.
    config : Config
        Sizes of the model.
    config_file, vocab_file : str
        Paths of the config and the vocabulary.
    init_checkpoint : str
        Path of the weights as TensorFlow takes it, without the endings of their files.
    note : str
        What a user should know of it, or "".
    """

    name: str
    config: Config
    config_file: str
    vocab_file: str
    init_checkpoint: str
    note: str = ""

    @property
    def sha256(self) -> str:
        """Hex digest over config, vocabulary and weights, equal for equal checkpoints.

        Reading 1.3 GB takes seconds, so it is remembered in the folder of the weights.
        """
        files = [self.config_file, self.vocab_file, self.init_checkpoint + ".index"] + sorted(
            glob.glob(glob.escape(self.init_checkpoint) + ".data-*"))
        return digest_of(files, os.path.join(os.path.dirname(self.init_checkpoint), DIGEST))


def default_bert_dir(tmp_dir: str = "tmp") -> str:
    """Return the checkpoint folder to take if the user names none.

    It is the research's, or the only one in `tmp_dir` that is no genre model. Raises BertError if
    `tmp_dir` holds none, or several without the research's.
    """
    found = sorted(
        os.path.dirname(path) for path in glob.glob(os.path.join(tmp_dir, "*", CONFIG))
        if not os.path.exists(os.path.join(os.path.dirname(path), HEAD)))
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
    """Return the folder of the checkpoint that an index was made with.

    Parameters
    ----------
    made_by : object
        Settings of the index's features; `made_by.checkpoint` is the folder's name.
    bert_dir : str, optional
        Folder that the user names.
    tmp_dir : str
        Folder in which the checkpoint is looked for otherwise.

    Raises
    ------
    BertError
        If there is no such folder.
    """
    folder = bert_dir or os.path.join(tmp_dir, made_by.checkpoint)
    if not os.path.isdir(folder):
        raise BertError("text queries need the checkpoint {}, which is not at {}: fetch it with "
                        "download.py or name its folder with --bert_dir".format(
                            made_by.checkpoint, folder))
    return folder


def open_checkpoint(bert_dir: Optional[str] = None, bert_config_file: Optional[str] = None,
                    vocab_file: Optional[str] = None,
                    init_checkpoint: Optional[str] = None) -> Checkpoint:
    """Open a checkpoint: read its config and vocabulary and look for its weights.

    Parameters
    ----------
    bert_dir : str, optional
        Folder of the checkpoint. It may be left out if all of the following are given.
    bert_config_file, vocab_file, init_checkpoint : str, optional
        Files that replace those of `bert_dir`; `init_checkpoint` is the path of the weights,
        with or without the ending of one of their files.

    Raises
    ------
    BertError
        If a file is missing or damaged, or if vocabulary and config do not fit each other.
    """
    if bert_dir is not None and os.path.isfile(bert_dir):
        raise BertError("{0} is a file, not a checkpoint folder: `python download.py --model {0}` "
                        "unpacks an archive into tmp/".format(bert_dir))
    if bert_dir is not None and not os.path.isdir(bert_dir):
        raise BertError("no checkpoint folder {}: download.py makes one".format(bert_dir))
    folder = bert_dir or ""
    if folder and not init_checkpoint:
        _refuse_other_layouts(folder)
    config_file = bert_config_file or os.path.join(folder, CONFIG)
    vocab_file = vocab_file or os.path.join(folder, VOCABULARY)
    init_checkpoint = ENDING.sub("", init_checkpoint or _weights_in(folder))
    for path in (config_file, vocab_file, init_checkpoint + ".index"):
        if not os.path.isfile(path):
            raise BertError("checkpoint file {} is missing: download the checkpoint again "
                            "with download.py".format(path))
    if not glob.glob(glob.escape(init_checkpoint) + ".data-*"):
        raise BertError("checkpoint weights {}.data-* are missing: download the checkpoint "
                        "again with download.py".format(init_checkpoint))
    with open(init_checkpoint + ".index", "rb") as file:
        if _OBJECTS in file.read():
            raise BertError("{} is a checkpoint of TensorFlow 2 objects, which Google's graph "
                            "cannot read: take the TensorFlow 1 checkpoint of the model, or save "
                            "it in Hugging Face's layout for download.py".format(init_checkpoint))
    config = read_config(config_file)
    n_tokens = len(read_vocabulary(vocab_file))
    n_padding = config.vocab_size - n_tokens
    is_padded = config.vocab_size % 8 == 0 and 0 < n_padding < _MOST_PADDING
    if n_padding and not is_padded:
        raise BertError("{} has {} entries but {} says vocab_size {}: they are of different "
                        "checkpoints, or one is cut off (lines [unused0], [unused1] and so on fill "
                        "up a vocabulary that is short on purpose)".format(
                            vocab_file, n_tokens, config_file, config.vocab_size))
    name = os.path.basename(os.path.dirname(os.path.abspath(init_checkpoint)))
    note = "{} has {:,} entries and {} says vocab_size {:,}: the rest is taken for padding".format(
        vocab_file, n_tokens, config_file, config.vocab_size) if is_padded else ""
    return Checkpoint(name, config, config_file, vocab_file, init_checkpoint, note)


def takes_lower_case(checkpoint: Checkpoint, asked: Optional[bool] = None) -> bool:
    """Return True for an uncased checkpoint, whose texts are put into lower case.

    Its tokenizer_config.json tells, else its folder's name, else capitals in its vocabulary.
    Raises BertError if `asked` is something else than the checkpoint is.
    """
    is_uncased, because = _case_of(checkpoint)
    if asked not in (None, is_uncased):
        raise BertError("--do_lower_case {}: {} is {}, {}: leave the flag out".format(
            str(asked).lower(), checkpoint.name, "uncased" if is_uncased else "cased", because))
    return is_uncased


def _case_of(checkpoint: Checkpoint) -> Tuple[bool, str]:
    """Return whether a checkpoint is uncased, and the reason, worded for an error."""
    told = told_case(os.path.join(os.path.dirname(checkpoint.vocab_file), TOKENIZER_CONFIG))
    if told is not None:
        return told, "as its {} says".format(TOKENIZER_CONFIG)
    if "cased" in checkpoint.name.lower() or _UNCASED.search(checkpoint.name):
        return bool(_UNCASED.search(checkpoint.name)), "as its name says"
    pieces = read_vocabulary(checkpoint.vocab_file)
    n_cased = sum(piece != piece.lower() for piece in pieces if not piece.startswith("["))
    is_cased = n_cased > _CASED_SHARE * len(pieces)
    return not is_cased, "with{} capitals in its vocabulary".format("" if is_cased else "out")


def _refuse_other_layouts(folder: str) -> None:
    """Raise BertError for a folder that holds a model in another layout than Google's."""
    names = sorted(os.listdir(folder))
    has_index = any(name.endswith(".index") for name in names)
    if CONFIG in names and has_index:
        return
    has_its_config = HUGGING_FACE_CONFIG in names and CONFIG not in names
    try:
        if has_its_config:
            refuse_other_models(os.path.join(folder, HUGGING_FACE_CONFIG))
    except BertError as error:
        raise BertError("{}: {}".format(folder, error))
    other = other_model(names)
    if not other and not has_index and SAFETENSORS not in names:
        other = other_weights(names)
    if other:
        raise BertError("{}: {}".format(folder, other))
    if has_its_config or SAFETENSORS in names:
        raise BertError("{0} is a folder in Hugging Face's layout: `python download.py --model "
                        "{0}` converts it into tmp/".format(folder))


def _weights_in(folder: str) -> str:
    """Return the path of a folder's weights, without the endings of their files.

    They are WEIGHTS, or the only ones, such as model.ckpt-12345. Raises BertError if there are
    several and none is called WEIGHTS.
    """
    usual = os.path.join(folder, WEIGHTS)
    found = sorted(glob.glob(os.path.join(glob.escape(folder), "*.index"))) if folder else []
    if os.path.isfile(usual + ".index") or not found:
        return usual
    if len(found) > 1:
        raise BertError("{} holds the weights {}: say which with --init_checkpoint".format(
            folder, ", ".join(ENDING.sub("", os.path.basename(path)) for path in found)))
    return found[0]


def read_config(path: str) -> Config:
    """Read Google's `bert_config.json`. Raises BertError that names the key that is wrong."""
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
    encoder = values.get("encoder", "bert")
    if encoder not in ENCODERS:
        raise BertError("{}: encoder is {!r}, one of {} is needed".format(
            path, encoder, ", ".join(ENCODERS)))
    return Config(hidden_act=activation, encoder=encoder,
                  **{key: values[key] for key in _CONFIG_NUMBERS})


def read_vocabulary(path: str) -> Dict[str, int]:
    """Read a vocabulary as a dict of word piece to id.

    As in Google's code, lines are stripped and the first of two equal ones counts. Raises
    BertError if the file is not UTF-8 text or lacks a piece that BERT needs.
    """
    vocabulary = {}  # type: Dict[str, int]
    try:
        with open(path, encoding="utf-8", newline="\n") as file:
            for line in file:
                vocabulary.setdefault(line.strip(), len(vocabulary))
    except (UnicodeDecodeError, OSError) as error:
        raise BertError("{} is not a readable vocabulary ({}): take it from the checkpoint "
                        "again".format(path, error))
    for piece in SPECIAL_PIECES:
        if piece not in vocabulary:
            raise BertError("{} has no {}: it is not a BERT vocabulary".format(path, piece))
    return vocabulary


def top_layers(config: Config) -> List[int]:
    """Return the last four hidden layers, the last first, or all where there are fewer."""
    return [-1 - n for n in range(min(4, config.num_hidden_layers))]


def resolve_layers(layers: Sequence[int], config: Config) -> List[int]:
    """Return hidden layers as numbers from 0 on.

    Parameters
    ----------
    layers : sequence of int
        Layers as Google counts them: -1 is the last, 0 the first.
    config : Config
        Config of the checkpoint.

    Raises
    ------
    BertError
        If there is no such layer, or a layer is named twice.

    Examples
    --------
    >>> config = Config(30522, 384, 6, 12, 1536, 512, 2, "gelu")
    >>> resolve_layers([-1, -2, 0], config)
    [5, 4, 0]
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
