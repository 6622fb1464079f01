"""Checkpoints that are none for this project, a part of the table of `torture.inputs`."""

import json
from typing import Dict, List

from torture.spoiling import Bad, folder_of, nothing, put, tarred, zipped

_TAKE = "download.py --tmp_dir new --model "
_WITH = "extract_features.py --input_file movies.csv --output_dir new --bert_dir "
_SIZES = {"hidden_size": 8, "num_hidden_layers": 1, "vocab_size": 5, "num_attention_heads": 2,
          "intermediate_size": 8, "max_position_embeddings": 8, "type_vocab_size": 2}
_VOCAB = b"[PAD]\n[UNK]\n[CLS]\n[SEP]\na\n"
_GOOGLE = {"bert_config.json": json.dumps(_SIZES).encode(), "vocab.txt": _VOCAB,
           "bert_model.ckpt.index": b"x", "bert_model.ckpt.data-00000-of-00001": b"x"}
_OBJECTS = dict(_GOOGLE, **{"bert_model.ckpt.index": b"\0_CHECKPOINTABLE_OBJECT_GRAPH\0"})


def _of(weights: str = "model.safetensors", vocabulary: str = "vocab.txt",
        **config: object) -> Dict[str, bytes]:
    """Return the files of a model in Hugging Face's layout."""
    return {"config.json": json.dumps(dict(_SIZES, **config)).encode(), weights: b"x" * 99,
            vocabulary: _VOCAB if vocabulary == "vocab.txt" else b"{}"}


def _both(wrong: str, told: str, files: Dict[str, bytes]) -> List[Bad]:
    """Return rows for a folder that is given to download.py and to --bert_dir."""
    return [Bad("other/", wrong, program + "other", told, 1, folder_of("other", files))
            for program in (_TAKE, _WITH)]


CHECKPOINTS = [
    *_both("is RoBERTa", "it is RoBERTa", _of(vocabulary="merges.txt", model_type="roberta")),
    *_both("is RoBERTa by its architecture", "it is Roberta, not BERT",
           _of(vocabulary="vocab.json", architectures=["RobertaForMaskedLM"])),
    *_both("is ALBERT", "it is ALBERT", _of(vocabulary="spiece.model", model_type="albert")),
    *_both("is XLM-R", "it is XLM-R, not BERT",
           _of("pytorch_model.bin", "sentencepiece.bpe.model", model_type="xlm-roberta")),
    *_both("is DistilBERT", "it is DistilBERT, not BERT", _of(model_type="distilbert")),
    *_both("is ALBERT of Google's", "it is ALBERT, not BERT",
           {"albert_config.json": b"{}", "model.ckpt-best.index": b"x"}),
    *_both("holds pickled weights", "pytorch_model.bin is a pickle",
           _of("pytorch_model.bin", model_type="bert")),
    *_both("holds pickled weights, as of 2019", "write it with transformers and PyTorch",
           {"bert_config.json": _GOOGLE["bert_config.json"], "vocab.txt": _VOCAB,
            "pytorch_model.bin": b"x"}),
    *_both("holds weights of Keras", "tf_model.h5 is a file of Keras",
           _of("tf_model.h5", model_type="bert")),
    *_both("holds a SavedModel", "it is a SavedModel of TensorFlow",
           {"saved_model.pb": b"x", "assets/vocab.txt": _VOCAB}),
    *_both("holds a checkpoint of TensorFlow 2 objects", "a checkpoint of TensorFlow 2 objects",
           _OBJECTS),
    Bad("other/", "is in Hugging Face's layout", _WITH + "other", "download.py --model other` con",
        1, folder_of("other", _of(model_type="bert"))),
    Bad("other/", "has no vocabulary of BERT's", _TAKE + "other", "its vocabulary is merges.txt", 1,
        folder_of("other", _of(vocabulary="merges.txt"))),
    Bad("other/", "has a tokenizer of another kind", _TAKE + "other", "BERT's is WordPiece", 1,
        folder_of("other", _of(vocabulary="tokenizer.json"))),
    Bad("other/", "holds two weights", _TAKE + "other", "a.ckpt, b.ckpt: give a folder with one", 1,
        folder_of("other", {"bert_config.json": b"{}", "a.ckpt.index": b"", "b.ckpt.index": b""})),
    Bad("tiny/", "is an archive", _WITH + "model.zip", "download.py --model model.zip` unpacks", 1,
        zipped("model.zip", _GOOGLE)),
    Bad("model.tgz", "leads out with ../", _TAKE + "model.tgz", "leads out of its folder", 1,
        tarred("model.tgz", {"../vocab.txt": b"x", **_GOOGLE})),
    Bad("model.tgz", "holds a link", _TAKE + "model.tgz", "'vocab.txt', which is a link", 1,
        tarred("model.tgz", {}, link="vocab.txt")),
    Bad("model.tgz", "is cut off", _TAKE + "model.tgz", "only a part of a tar archive", 1,
        tarred("model.tgz", _GOOGLE, lambda content: content[:-9])),
    Bad("model.tgz", "holds a checkpoint of TensorFlow 2 objects", _TAKE + "model.tgz",
        "a checkpoint of TensorFlow 2 objects", 1, tarred("model.tgz", _OBJECTS)),
    Bad("model.safetensors", "is one file", _TAKE + "model.safetensors", "give the folder", 1,
        put("model.safetensors", "x" * 999)),
    Bad("flags", "a checkpoint's name is mistyped", _TAKE + "uncased_L-12_H-786_A-12",
        "near names are uncased_L-12_H-768_A-12", 1, nothing),
    Bad("flags", "no checkpoint of that name", _TAKE + "nothing", "download.py --list` names all",
        1, nothing),
]
