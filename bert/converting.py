"""Convert a BERT in Hugging Face's layout to a checkpoint in Google's."""

import json
import os
import re
import shutil
from typing import Any, Dict, Iterable, List, Tuple

import numpy as np
import tensorflow.compat.v1 as tf
from safetensors import SafetensorError, safe_open

from bert.checkpoint import (
    CONFIG,
    VOCABULARY,
    WEIGHTS,
    Config,
    read_config,
)
from bert.errors import BertError
from bert.gpu import cpu_config
from bert.other_layouts import google_config
from bert.variables import google_variables


def convert(config_file: str, vocab_file: str, weights_file: str, target: str) -> List[str]:
    """Write the Google checkpoint of a Hugging Face BERT into a folder.

    Parameters
    ----------
    config_file, vocab_file, weights_file : str
        Paths of `config.json`, `vocab.txt` and `model.safetensors`.
    target : str
        Folder for `bert_config.json`, `vocab.txt` and the files of `bert_model.ckpt`.

    Returns
    -------
    list of str
        Sentences for the user, one for each setting that Google's graph cannot express and that
        changes the numbers a little.

    Raises
    ------
    BertError
        If the model is not a BERT that Google's graph can compute, lacks a weight or is damaged.
    """
    values, differences = google_config(config_file)
    with open(os.path.join(target, CONFIG), "w", encoding="utf-8") as file:
        json.dump(values, file, indent=2, sort_keys=True)
        file.write("\n")
    shutil.copyfile(vocab_file, os.path.join(target, VOCABULARY))
    config = read_config(os.path.join(target, CONFIG))
    write_weights(weights_file, config, os.path.join(target, WEIGHTS))
    return differences


def hugging_face_names(variable: str) -> List[str]:
    """Return the names that Google's `variable` may have in Hugging Face's files.

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
    """Write the tensors of a safetensors file as a TensorFlow checkpoint in float32.

    Kernels are transposed: PyTorch stores (out, in), TensorFlow (in, out). A model without a
    pooler gives a checkpoint without one. Memory: the weights once, and one tensor.

    Parameters
    ----------
    weights_file : str
        Path of `model.safetensors`.
    config : Config
        Sizes that the tensors must have.
    prefix : str
        Path of the checkpoint, without the endings that TensorFlow adds.

    Raises
    ------
    BertError
        If a tensor is missing or has another shape than `config` asks for, if the file is
        damaged, or if the checkpoint cannot be written.
    """
    try:
        with safe_open(weights_file, framework="np") as tensors:
            sources = _match(tensors, config)
            save(((variable, _google_layout(variable, tensors.get_tensor(source)))
                  for variable, source in sources.items()), prefix)
    except SafetensorError as error:
        raise BertError("model.safetensors is not readable ({}): download it again".format(
            " ".join(str(error).split())))
    except tf.errors.OpError as error:
        raise BertError("the checkpoint cannot be written ({}): make room on the disk and run the "
                        "same command again".format(" ".join(error.message.split())))


def save(variables: Iterable[Tuple[str, np.ndarray]], prefix: str) -> None:
    """Write a TensorFlow checkpoint.

    Parameters
    ----------
    variables : iterable of tuple
        Name and float32 values of each variable. One after the other is taken.
    prefix : str
        Path of the checkpoint, without the endings that TensorFlow adds.

    Raises
    ------
    tf.errors.OpError
        If the checkpoint cannot be written.
    """
    with tf.Graph().as_default(), tf.Session(config=cpu_config()) as session:
        for name, value in variables:
            start = tf.placeholder(tf.float32, value.shape)
            made = tf.get_variable(name, initializer=start, use_resource=False)
            session.run(made.initializer, {start: value})
        tf.train.Saver().save(session, prefix, write_state=False)


def _google_layout(variable: str, value: np.ndarray) -> np.ndarray:
    """Return Google's `variable` in float32 from its tensor in Hugging Face's layout."""
    value = value.astype(np.float32)
    return value.T if variable.endswith("/kernel") else value


def _match(tensors: Any, config: Config) -> Dict[str, str]:
    """Map each of Google's variables to its tensor's name in an open safetensors file.

    Raises BertError if a tensor is missing, or has another shape or type than it must have.
    """
    names_there = set(tensors.keys())
    sources = {}
    for variable, shape in google_variables(config).items():
        names = hugging_face_names(variable)
        source = next((name for name in names if name in names_there), None)
        if source is None:
            if variable.startswith("bert/pooler/"):
                continue
            raise BertError("model.safetensors has no tensor {}, which config.json asks for: "
                            "they are of different models, or it is no BERT (it has {})".format(
                                names[0], min(names_there, default="none")))
        tensor = tensors.get_slice(source)
        found = tuple(tensor.get_shape())
        if variable.endswith("/kernel"):
            found = found[::-1]
        if found != shape:
            raise BertError("model.safetensors: {} has shape {}, which does not fit "
                            "config.json: they are of different models".format(
                                source, tensor.get_shape()))
        if tensor.get_dtype() not in ("F16", "F32", "F64"):
            raise BertError("model.safetensors: {} is {}: save the model as float32".format(
                source, tensor.get_dtype()))
        sources[variable] = source
    return sources
