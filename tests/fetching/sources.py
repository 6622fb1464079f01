"""Checkpoints and archives to fetch."""

import gzip
import io
import json
import tarfile
import zipfile

import numpy as np
from safetensors.numpy import save_file

from fetching.datasets import DATA_SETS

CONFIG = {"vocab_size": 30, "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2,
          "intermediate_size": 16, "max_position_embeddings": 12, "type_vocab_size": 2,
          "hidden_act": "gelu"}
VOCABULARY = "\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *"abcdefghijklmnopqrstuvwxyz"]) + "\n"
GOOGLE = {
    "bert_config.json": json.dumps(CONFIG).encode(), "vocab.txt": VOCABULARY.encode(),
    "bert_model.ckpt.meta": b"graph", "bert_model.ckpt.index": b"index",
    "bert_model.ckpt.data-00000-of-00001": np.random.RandomState(0).bytes(20000)}
MOVIES = {name: name.encode() for name in DATA_SETS["movies"].files}


def zipped(files, folder="", method="ZIP_DEFLATED"):
    """The bytes of a zip archive of `files`, name to content."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", getattr(zipfile, method)) as archive:
        for name, content in files.items():
            archive.writestr(folder + name, content)
    return buffer.getvalue()


def tarred(files, folder="", mode="w:gz", **types):
    """The bytes of a tar archive of `files`; `types` are members of other kinds by name."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(folder + name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        for name, kind in types.items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "vocab.txt"
            archive.addfile(member)
    return buffer.getvalue()


def says_size(content, n_bytes):
    """A gzipped tar archive whose first header, with its checksum, says another size."""
    plain = bytearray(gzip.decompress(content))
    header = tarfile.TarInfo.frombuf(bytes(plain[:512]), "utf-8", "strict")
    header.size = n_bytes
    plain[:512] = header.tobuf(tarfile.GNU_FORMAT)
    return gzip.compress(bytes(plain))


def files_of(folder):
    """Relative path to content of everything below `folder` but its lock."""
    return {str(path.relative_to(folder)): path.read_bytes()
            for path in folder.rglob("*") if path.is_file() and path.name != ".lock"}


def tensors_of(config, head=True, old_names=False):
    """Random tensors as transformers saves a BertModel: kernels are (out, in)."""
    H, W = config["hidden_size"], config["intermediate_size"]
    shapes = {"embeddings.word_embeddings.weight": (config["vocab_size"], H),
              "embeddings.position_embeddings.weight": (config["max_position_embeddings"], H),
              "embeddings.token_type_embeddings.weight": (config["type_vocab_size"], H),
              "pooler.dense": (H, H)}
    norms = ["embeddings.LayerNorm"]
    for n in range(config["num_hidden_layers"]):
        layer = f"encoder.layer.{n}."
        for part in ("query", "key", "value"):
            shapes[layer + "attention.self." + part] = (H, H)
        shapes[layer + "attention.output.dense"] = (H, H)
        shapes[layer + "intermediate.dense"] = (W, H)
        shapes[layer + "output.dense"] = (H, W)
        norms += [layer + "attention.output.LayerNorm", layer + "output.LayerNorm"]
    random = np.random.RandomState(1)
    tensors = {}
    for name, shape in shapes.items():
        if name.endswith("weight"):
            tensors[name] = random.rand(*shape)
        else:
            tensors[name + ".weight"], tensors[name + ".bias"] = (
                random.rand(*shape), random.rand(shape[0]))
    for name in norms:
        for part in ("gamma", "beta") if old_names else ("weight", "bias"):
            tensors[f"{name}.{part}"] = random.rand(H)
    tensors = {("bert." if head else "") + name: value.astype(np.float32)
               for name, value in tensors.items()}
    tensors["embeddings.position_ids"] = np.arange(12, dtype=np.int64)[None]
    return tensors


def tokenizer_json(lowercase=True, **model):
    """The tokenizer.json of VOCABULARY, as the tokenizers library writes it."""
    pieces = VOCABULARY.split()
    return {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [{"id": n, "content": pieces[n], "special": True} for n in range(4)],
        "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True,
                       "strip_accents": None, "lowercase": lowercase},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                  "vocab": {piece: n for n, piece in enumerate(pieces)}, **model}}


def hugging_face_folder(path, tensors, **config):
    path.mkdir()
    save_file(tensors, str(path / "model.safetensors"))
    (path / "config.json").write_text(json.dumps(dict(CONFIG, model_type="bert", **config)))
    (path / "vocab.txt").write_text(VOCABULARY)
    return path
