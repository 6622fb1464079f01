"""Read what a folder in another layout than Google's says of its model; needs no TensorFlow."""

import json
import os
import re
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

from bert.errors import BertError

HUGGING_FACE_CONFIG = "config.json"
TOKENIZER = "tokenizer.json"                # the whole tokenizer, its vocabulary included
TOKENIZER_CONFIG = "tokenizer_config.json"  # says whether the checkpoint is cased
SAFETENSORS = "model.safetensors"

# Hugging Face's name of an activation to Google's. Google's gelu is the tanh approximation and
# PyTorch's "gelu" the exact one; cosines of sentence embeddings agree above 0.99999.
GOOGLE_ACTIVATIONS = {"gelu": "gelu", "gelu_new": "gelu", "gelu_pytorch_tanh": "gelu",
                      "relu": "relu", "tanh": "tanh"}
CONFIG_KEYS = (
    "attention_probs_dropout_prob", "hidden_act", "hidden_dropout_prob", "hidden_size",
    "initializer_range", "intermediate_size", "max_position_embeddings",
    "num_attention_heads", "num_hidden_layers", "type_vocab_size", "vocab_size")
EPSILON = 1e-12  # of Google's layer normalisation, which has no setting for it

# Names that people know, by model_type; another model_type stands for itself.
_KNOWN_AS = {
    "albert": "ALBERT", "camembert": "CamemBERT", "deberta": "DeBERTa", "deberta-v2": "DeBERTa",
    "distilbert": "DistilBERT", "electra": "ELECTRA", "modernbert": "ModernBERT",
    "mpnet": "MPNet", "roberta": "RoBERTa", "xlm-roberta": "XLM-R", "xlnet": "XLNet"}
_HEAD = re.compile(r"(LMHeadModel|PreTrainedModel|Model|For[A-Z]\w*)$")  # of an architecture

# Weights that are not read here: the pattern of their names, what they are, and how the
# transformers library loads and saves them, where it needs to be told.
_OTHER_WEIGHTS = (
    (r"^model-\d+-of-\d+\.safetensors$|^model\.safetensors\.index\.json$", "one of several files",
     "", ", max_shard_size='9GB'"),
    (r"^(?!training_args|optimizer|scheduler|rng_state).*\.(bin|pt|pth)(\.index\.json)?$",
     "a pickle, which can run code when it is opened", "", ""),
    (r"(^|_)model\.h5$", "a file of Keras", ", from_tf=True", ""),
    (r"\.msgpack$", "a file of Flax", ", from_flax=True", ""))
_SAVED_MODEL = "saved_model.pb"
_OTHER_CONFIG = re.compile(r"(albert|electra|xlnet)_config\.json")
_OTHER_VOCABULARIES = ("merges.txt", "sentencepiece.bpe.model", "spiece.model", "spm.model")


def read_object(path: str) -> Dict[str, Any]:
    """Read a file that holds a JSON object. Raises BertError if it holds none."""
    name = os.path.basename(path)
    try:
        with open(path, encoding="utf-8") as file:
            values = json.load(file)
    except (OSError, ValueError, RecursionError) as error:
        raise BertError("{} is not JSON ({}): get it again".format(name, error))
    if not isinstance(values, dict):
        raise BertError("{} holds no JSON object: get it again".format(name))
    return values


def refuse_other_models(config_file: str) -> None:
    """Raise BertError if a `config.json` names a model that is not BERT.

    Its model_type tells, else its architectures; a config with neither is not refused here.
    """
    values = read_object(config_file)
    kind, architectures = values.get("model_type"), values.get("architectures")
    if kind is not None:
        if kind == "bert":
            return
        known = _KNOWN_AS.get(str(kind), " ".join(str(kind).split()))
        because = "model_type {!r}".format(kind)
    elif isinstance(architectures, list) and architectures:
        known = _HEAD.sub("", " ".join(str(architectures[0]).split()))
        if known == "Bert":
            return
        because = "architectures {!r}".format(architectures)
    else:
        return
    raise BertError(
        "it is {}, not BERT (its config has {}): Google's graph computes BERT only, so take a "
        "checkpoint with model_type 'bert', or one of `python download.py --list`".format(
            known, because))


def google_config(config_file: str) -> Tuple[Dict[str, Any], List[str]]:
    """Translate Hugging Face's `config.json` to Google's `bert_config.json`.

    Returns
    -------
    values : dict
        Content of `bert_config.json`.
    differences : list of str
        Sentences for the user, one for each setting that Google's graph cannot express and that
        changes the numbers a little.

    Raises
    ------
    BertError
        If `config_file` is not JSON or is not the config of a BERT that Google's graph can compute.
    """
    refuse_other_models(config_file)
    values = read_object(config_file)
    if "hidden_size" not in values or "num_hidden_layers" not in values:
        raise BertError("config.json has no hidden_size or no num_hidden_layers: it is not a "
                        "BERT's")
    positions = values.get("position_embedding_type", "absolute")
    if positions != "absolute":
        raise BertError("config.json has position_embedding_type {!r}: Google's graph has "
                        "'absolute' only".format(positions))
    activation = values.get("hidden_act", "gelu")
    if not isinstance(activation, str) or activation not in GOOGLE_ACTIVATIONS:
        raise BertError("config.json has hidden_act {!r}: one of {} is needed".format(
            activation, ", ".join(sorted(GOOGLE_ACTIVATIONS))))
    differences = []
    if values.get("layer_norm_eps", EPSILON) != EPSILON:
        differences.append("config.json has layer_norm_eps {}, Google's graph has {}: numbers will "
                           "differ a little".format(values["layer_norm_eps"], EPSILON))
    return dict({key: values[key] for key in CONFIG_KEYS if key in values},
                hidden_act=GOOGLE_ACTIVATIONS[activation]), differences


class Tokenizer(NamedTuple):
    """Vocabulary and case that a `tokenizer.json` describes.

    Attributes
    ----------
    pieces : list of str
        Word pieces in the order of their ids: the lines of `vocab.txt`.
    lower_case : bool
        True if text is put into lower case.
    differences : list of str
        Sentences for the user, one for each setting that Google's tokenizer does not have.
    """

    pieces: List[str]
    lower_case: bool
    differences: List[str]


def read_tokenizer(path: str) -> Tokenizer:
    """Read a `tokenizer.json`. Raises BertError if it is not a BERT's."""
    values = read_object(path)
    model = values.get("model")
    # Older files of the library do not name the type of a model.
    kind = model.get("type", "WordPiece") if isinstance(model, dict) else None
    if not isinstance(model, dict) or kind != "WordPiece" or model.get(
            "continuing_subword_prefix", "##") != "##":
        raise BertError("tokenizer.json holds a tokenizer of type {}, BERT's is WordPiece with ##: "
                        "it is of another kind of model".format(kind))
    steps = _normalizers(values.get("normalizer"))
    lower_case = any(step.get("type") == "Lowercase" or step.get("lowercase") is True
                     for step in steps)
    strips = any(step.get("type") == "StripAccents"
                 or step.get("strip_accents") is True
                 or (step.get("type") == "BertNormalizer" and step.get("strip_accents") is None
                     and step.get("lowercase") is True) for step in steps)
    differences = []
    if strips != lower_case:
        differences.append("tokenizer.json {} accents, Google's tokenizer does not where it {} "
                           "capitals: words with accents will be cut otherwise".format(
                               *(("strips", "keeps") if strips else ("keeps", "lowers"))))
    return Tokenizer(_pieces(model.get("vocab"), values.get("added_tokens")), lower_case,
                     differences)


def _normalizers(values: Any) -> List[Dict[str, Any]]:
    """Return the steps of a tokenizer's normalizer, those within sequences included."""
    if not isinstance(values, dict):
        return []
    within = values.get("normalizers")
    if not isinstance(within, list):
        return [values]
    return [step for each in within for step in _normalizers(each)]


def _pieces(vocabulary: Any, added: Any) -> List[str]:
    """Return word pieces in the order of their ids. Raises BertError if there is no such list."""
    by_id: Dict[int, str] = {}
    found = list(vocabulary.items()) if isinstance(vocabulary, dict) else []
    if found and isinstance(added, list):
        found += [(each.get("content"), each.get("id")) for each in added if isinstance(each, dict)]
    for piece, number in found:
        if isinstance(number, int) and isinstance(piece, str) and "\n" not in piece:
            by_id[number] = piece
    n = len({piece.strip() for piece, _ in found if isinstance(piece, str)})
    if not n or sorted(by_id) != list(range(n)):
        raise BertError("the vocabulary in tokenizer.json cannot be written as vocab.txt, a piece "
                        "a line and the ids from 0 on: get vocab.txt of the same model")
    return [by_id[number] for number in range(n)]


def told_case(tokenizer_config: str) -> Optional[bool]:
    """Return do_lower_case of a `tokenizer_config.json`, None if it is not there or says none."""
    try:
        told = read_object(tokenizer_config).get("do_lower_case")
    except BertError:
        return None
    return told if isinstance(told, bool) else None


def other_weights(names: Sequence[str]) -> str:
    """Return the message for the first of the files `names` whose weights are not read here.

    It says what the file is and how to get `model.safetensors`; it is "" if no file is of that
    kind. `names` may be paths, of which the message tells the file's name.

    >>> other_weights(["config.json", "vocab.txt"])
    ''
    """
    here = [os.path.basename(path) for path in names]
    for pattern, what, load, save in _OTHER_WEIGHTS:
        for name in here:
            if re.search(pattern, name):
                return ("{} is {}: take {} from where it came, or write it with transformers and "
                        "PyTorch{}: AutoModel.from_pretrained(FOLDER{}).save_pretrained(NEW, "
                        "safe_serialization=True{}); then download.py --model NEW, with vocab.txt "
                        "copied into it".format(
                            name, what, SAFETENSORS, " (call bert_config.json config.json)"
                            if "bert_config.json" in here else "",
                            load, save))
    return ""


def other_model(names: Sequence[str]) -> str:
    """Return the message for a model among the files `names` that no conversion helps, or "".

    >>> other_model(["albert_base/albert_config.json"])[:22]
    'it is ALBERT, not BERT'
    """
    for path in names:
        name = os.path.basename(path)
        found = _OTHER_CONFIG.fullmatch(name)
        if found:
            return ("it is {}, not BERT (it has {}): Google's graph computes BERT only, so take "
                    "one of `python download.py --list`".format(found[1].upper(), name))
        if name == _SAVED_MODEL:
            return ("it is a SavedModel of TensorFlow ({}), whose graph is not read: take the same "
                    "model's checkpoint in Google's layout, or its {}".format(name, SAFETENSORS))
    return ""


def other_vocabulary(names: Sequence[str]) -> str:
    """Return the name of the first of the files `names` that is a vocabulary but not BERT's."""
    here = [os.path.basename(name) for name in names]
    return next((name for name in here if name in _OTHER_VOCABULARIES), "")
