"""Make a checkpoint folder from files in Google's or in Hugging Face's layout."""

import json
import os
import posixpath
from typing import Dict, List, Sequence

from bert import quiet
from bert.checkpoint import CONFIG, ENDING, VOCABULARY, WEIGHTS, open_checkpoint
from bert.errors import BertError
from bert.other_layouts import (
    HUGGING_FACE_CONFIG,
    SAFETENSORS,
    TOKENIZER,
    TOKENIZER_CONFIG,
    other_model,
    other_vocabulary,
    other_weights,
    read_object,
    read_tokenizer,
    refuse_other_models,
    told_case,
)
from fetching import FetchError
from fetching.archives import Source, best_folder
from recommender.cli import note
from recommender.storage.files import need_room, new_folder, scratch_folder

_HUGGING_FACE_FILES = (HUGGING_FACE_CONFIG, CONFIG, VOCABULARY, TOKENIZER, TOKENIZER_CONFIG,
                       SAFETENSORS)


def install(source: Source, target: str, needs_graph: bool = False) -> None:
    """Make the checkpoint folder `target` from `source`, complete or not at all.

    Parameters
    ----------
    source : Folder, Archive or TarArchive
        Files in Google's or in Hugging Face's layout, possibly in a sub folder.
    target : str
        Path of the checkpoint folder, which must not exist.
    needs_graph : bool
        True if the source must hold the file .meta of a checkpoint in Google's layout, which is
        never read: Google's larger archives hold it.

    Raises
    ------
    FetchError
        If files are missing, do not fit each other or are of a model that is not BERT.
    OSError
        If the disk has too little room or cannot be written.
    """
    with scratch_folder(target) as room, new_folder(target) as ready:
        try:
            google = _google_files(source.names)
            missing = _missing(google, needs_graph)
            if missing:
                _convert(source, google, missing, room, ready)
            else:
                need_room(ready, sum(source.size(path) for path in google.values()))
                for file, path in google.items():
                    source.copy(path, os.path.join(ready, file))
            open_checkpoint(ready)
        except (BertError, FetchError) as error:
            # The temporary folders are gone when the message is read.
            raise FetchError("{}: {}".format(source.path, str(error).replace(
                ready + os.sep, "").replace(room + os.sep, "")))


def _google_files(names: Sequence[str]) -> Dict[str, str]:
    """Return the files of the checkpoint in Google's layout among `names`: their paths by name.

    Raises FetchError if the folder holds several weights and none is called bert_model.ckpt.
    """
    weights = {posixpath.basename(name) for name in names if ENDING.search(name)}
    # Names with a dot in front are notes that macOS packs beside each file.
    found = best_folder(names, [CONFIG, VOCABULARY, TOKENIZER_CONFIG,
                                *(name for name in weights if not name.startswith("."))])
    there = sorted({ENDING.sub("", file) for file in found if ENDING.search(file)})
    taken = WEIGHTS if WEIGHTS in there else "".join(there[:1])
    if taken != WEIGHTS and len(there) > 1:
        raise FetchError("it holds the weights {}: give a folder with one of them".format(
            ", ".join(there)))
    return {file: path for file, path in found.items()
            if not ENDING.search(file) or ENDING.sub("", file) == taken}


def _missing(google: Dict[str, str], needs_graph: bool) -> List[str]:
    """Return the names of the files that a checkpoint in Google's layout lacks."""
    weights = [file for file in google if ENDING.search(file)]
    name = ENDING.sub("", weights[0]) if weights else WEIGHTS
    shards = [int(file[-5:]) for file in weights if ".data-" in file] or [1]
    needed = [CONFIG, VOCABULARY, name + ".index"] + ["{}.data-{:05d}-of-{:05d}".format(
        name, n, shards[0]) for n in range(shards[0])]
    return [file for file in needed + [name + ".meta"] * needs_graph if file not in google]


def _convert(source: Source, google: Dict[str, str], missing: Sequence[str], room: str,
             ready: str) -> None:
    """Convert a checkpoint in Hugging Face's layout into the folder `ready`.

    Raises FetchError that says what is there instead if there is none.
    """
    found = best_folder(source.names, _HUGGING_FACE_FILES)
    # Files of 2019 and before call it by Google's name.
    config = found.get(HUGGING_FACE_CONFIG) or found.get(CONFIG)
    is_google = CONFIG in google and any(ENDING.search(file) for file in google)
    if config is None or is_google or not (
            HUGGING_FACE_CONFIG in found or SAFETENSORS in found):
        raise FetchError(_what_is_there(source, google, missing, is_google))
    config_file = source.local(config, room)
    refuse_other_models(config_file)
    if SAFETENSORS not in found:
        raise FetchError(other_weights(source.names) or _are_missing([SAFETENSORS]))
    tokenizer = read_tokenizer(source.local(found[TOKENIZER], room)) if TOKENIZER in found else None
    if VOCABULARY in found:
        vocabulary = source.local(found[VOCABULARY], room)
    elif tokenizer:
        vocabulary = os.path.join(room, VOCABULARY)
        # Half a character, which JSON can hold, is refused when the vocabulary is read.
        with open(vocabulary, "w", encoding="utf-8", errors="surrogatepass", newline="\n") as file:
            file.write("".join(piece + "\n" for piece in tokenizer.pieces))
    else:
        other = other_vocabulary(source.names)
        raise FetchError("its vocabulary is {}, not the word pieces of a BERT (vocab.txt or "
                         "tokenizer.json): take a BERT".format(other) if other
                         else _are_missing([VOCABULARY]))
    quiet.silence()
    # Late, because it imports TensorFlow, which takes seconds and only a conversion needs.
    from bert.converting import convert

    note("converting {} to Google's layout".format(SAFETENSORS))
    differences = convert(config_file, vocabulary, source.local(found[SAFETENSORS], room), ready)
    for difference in differences + (tokenizer.differences if tokenizer else []):
        note(difference)
    case = os.path.join(ready, TOKENIZER_CONFIG)
    if TOKENIZER_CONFIG in found:
        source.copy(found[TOKENIZER_CONFIG], case)
    if tokenizer and told_case(case) is None:
        told = read_object(case) if os.path.exists(case) else {}
        with open(case, "w", encoding="utf-8") as file:
            json.dump({**told, "do_lower_case": tokenizer.lower_case}, file, indent=2)
            file.write("\n")


def _what_is_there(source: Source, google: Dict[str, str], missing: Sequence[str],
                   is_google: bool) -> str:
    """Return the message for a source that is complete in neither layout."""
    other = "" if CONFIG in google else other_model(source.names)
    if not other and not is_google:
        other = other_weights(source.names)
    if other:
        return other
    if any(ENDING.search(file) for file in google) or CONFIG in google:
        return _are_missing(missing)
    return ("no checkpoint in it: Google's layout ({}, {}, {}.*) or Hugging Face's ({}, {} or {}, "
            "{}) is needed".format(CONFIG, VOCABULARY, WEIGHTS, HUGGING_FACE_CONFIG, VOCABULARY,
                                   TOKENIZER, SAFETENSORS))


def _are_missing(names: Sequence[str]) -> str:
    return "{} is missing: get the complete checkpoint".format(", ".join(names[:4]))
