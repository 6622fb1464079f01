"""The variables of Google's BertModel: their names and shapes, and whether weights have them."""

from typing import Dict, Iterable, Sequence, Tuple

from bert.checkpoint import Checkpoint, Config
from bert.errors import BertError


def google_variables(config: Config) -> Dict[str, Tuple[int, ...]]:
    """Return the shapes of the variables of google-research/bert's BertModel, by name.

    >>> google_variables(Config(30522, 384, 6, 12, 1536, 512, 2, "gelu"))[
    ...     "bert/encoder/layer_0/intermediate/dense/kernel"]
    (384, 1536)
    """
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


def check_variables(available: Dict[str, Sequence[int]], needed: Iterable[str],
                    checkpoint: Checkpoint) -> None:
    """Check that the weights fit the config.

    Parameters
    ----------
    available : dict of str to sequence of int
        Shapes of the variables in the checkpoint's weights, by name.
    needed : iterable of str
        Names of the variables that the graph needs.
    checkpoint : Checkpoint
        Checkpoint of both.

    Raises
    ------
    BertError
        If a variable is missing or has another shape; it names the first such variable.
    """
    shapes = google_variables(checkpoint.config)
    for name in needed:
        if name not in available:
            raise BertError("{} has no variable {}, which {} asks for: they are of different "
                            "checkpoints".format(checkpoint.init_checkpoint, name,
                                                 checkpoint.config_file))
        if tuple(available[name]) != shapes[name]:
            raise BertError("{}: variable {} has shape {}, but {} asks for {}: they are of "
                            "different checkpoints".format(
                                checkpoint.init_checkpoint, name, list(available[name]),
                                checkpoint.config_file, list(shapes[name])))
