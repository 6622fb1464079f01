"""Write the folder of a genre model: a checkpoint that is taken wherever one is."""

import json
import os
import shutil
from typing import Dict

import numpy as np

from bert.checkpoint import CONFIG, VOCABULARY, WEIGHTS, Checkpoint, Config
from bert.genre_model import HEAD, Head
from bert.other_layouts import TOKENIZER_CONFIG
from bert.training import read_weights, write_weights


def write_encoder(folder: str, source: Checkpoint, config: Config, weights: Dict[str, np.ndarray],
                  do_lower_case: bool) -> Head:
    """Write config, vocabulary and weights of a trained encoder; return its head.

    Parameters
    ----------
    folder : str
        An existing folder.
    source : Checkpoint
        The checkpoint from which it was trained; what was not trained is taken from it.
    config : Config
        That of the trained encoder.
    weights : dict
        Trained variables by name, those of the head among them.
    do_lower_case : bool
        True if its texts are put into lower case.

    Raises
    ------
    OSError, tensorflow.errors.OpError
        If the folder cannot be written.
    """
    kernel, bias = (weights[name] for name in HEAD)
    trained = {name: value for name, value in weights.items()
               if name not in HEAD and name != "global_step"}
    target = os.path.join(folder, CONFIG)
    if config.encoder == "bert":
        shutil.copyfile(source.config_file, target)
        trained = {**read_weights(source.init_checkpoint), **trained}
    else:
        with open(target, "w", encoding="utf-8") as file:
            json.dump(config._asdict(), file, indent=2)
            file.write("\n")
    shutil.copyfile(source.vocab_file, os.path.join(folder, VOCABULARY))
    with open(os.path.join(folder, TOKENIZER_CONFIG), "w", encoding="utf-8") as file:
        json.dump({"do_lower_case": do_lower_case}, file)
    write_weights(trained, os.path.join(folder, WEIGHTS))
    return Head(kernel, bias)
