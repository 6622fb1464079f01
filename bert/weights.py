"""Load Google's weights into the variables of the encoder's graph.

No product of the graph is wide, so a matrix of the checkpoint becomes several variables here, each
with some of its columns: H, the hidden size, is cut into pieces of whole heads, and the width of
the intermediate layer into blocks that are no wider than a piece.
"""

import math
from functools import lru_cache
from typing import Callable, Dict, List, NamedTuple, Tuple

import numpy as np
import tensorflow.compat.v1 as tf

from bert.checkpoint import Checkpoint, Config, check_variables, google_variables
from bert.errors import BertError

Variables = Dict[str, tf.Variable]

_COLUMNS = 512  # columns of the widest product: TensorFlow is an eighth slower with 3,072
_LOADED_BYTES = 128 << 20  # bytes of weights that are read before they go into the variables


class Origin(NamedTuple):
    """The source of the value of one variable.

    Attributes
    ----------
    shape : tuple of int
        Shape of the variable.
    sources : list of str
        Names of variables in the checkpoint.
    join : callable
        Function from the values of `sources` to the value of the variable.
    """

    shape: Tuple[int, ...]
    sources: List[str]
    join: Callable[..., np.ndarray]


class Weights:
    """Weights of a checkpoint, for a graph of its first layers.

    Raises BertError if they cannot be read or do not fit the checkpoint's config.
    """

    def __init__(self, checkpoint: Checkpoint, n_layers: int):
        self._path = checkpoint.init_checkpoint
        self._origins = origins(checkpoint.config, n_layers)
        try:
            self._reader = tf.train.load_checkpoint(self._path)
        except (tf.errors.OpError, ValueError) as error:
            raise self._unreadable(error)
        needed = [source for origin in self._origins.values() for source in origin.sources]
        check_variables(self._reader.get_variable_to_shape_map(), needed, checkpoint)

    def add_variables(self) -> Variables:
        """Add the variables to the default graph; return them by name."""
        return {name: tf.get_variable(name, origin.shape, trainable=False, use_resource=False,
                                      initializer=tf.zeros_initializer())
                for name, origin in self._origins.items()}

    def load(self, session: tf.Session, variables: Variables) -> None:
        """Read the weights into `variables`, a few at a time.

        Each run of the session costs a pass over the whole graph, and each weight that waits for
        it costs memory. Raises BertError if the weights cannot be read.
        """
        read = lru_cache(maxsize=10)(self._reader.get_tensor)  # pieces share their sources
        values = {}  # type: Dict[tf.Operation, np.ndarray]
        for name, variable in variables.items():
            origin = self._origins[name]
            try:
                values[variable.initializer] = origin.join(*map(read, origin.sources))
            except tf.errors.OpError as error:
                raise self._unreadable(error)
            if sum(value.nbytes for value in values.values()) >= _LOADED_BYTES:
                _initialise(session, values)
                values = {}
        _initialise(session, values)

    def _unreadable(self, error: Exception) -> BertError:
        return BertError("{} is not a readable checkpoint ({}): download it again".format(
            self._path, str(error).splitlines()[0]))


def _initialise(session: tf.Session, values: Dict[tf.Operation, np.ndarray]) -> None:
    session.run(list(values), {initializer.inputs[1]: value
                               for initializer, value in values.items()})


def origins(config: Config, n_layers: int) -> Dict[str, Origin]:
    """Return the variables of a graph of `n_layers` layers, in the order of their use, by name."""
    shapes = google_variables(config)
    scale = 1.0 / math.sqrt(config.hidden_size // config.num_attention_heads)
    everything = slice(None)
    found = {}

    def add(name: str, source: str) -> None:
        found[name] = Origin(shapes[source], [source], lambda value: value)

    def add_part(name: str, source: str, *parts: slice, factor: float = 1.0) -> None:
        """Add a part of each axis of `source`, multiplied by `factor`."""
        size = tuple(len(range(n)[part]) for n, part in zip(shapes[source], parts))
        found[name] = Origin(size, [source], lambda value: value[parts] * np.float32(factor))

    def add_dense(name: str, source: str, columns: slice, factor: float = 1.0) -> None:
        add_part(name + "/kernel", source + "/kernel", everything, columns, factor=factor)
        add_part(name + "/bias", source + "/bias", columns, factor=factor)

    def add_normalisation(name: str, source: str) -> None:
        add(name + "/gamma", source + "/LayerNorm/gamma")
        add(name + "/beta", source + "/LayerNorm/beta")

    add("words", "bert/embeddings/word_embeddings")
    # An overview is one segment: the embedding of token type 0 is added at every position.
    positions = "bert/embeddings/position_embeddings"
    found["positions"] = Origin(
        shapes[positions], [positions, "bert/embeddings/token_type_embeddings"],
        lambda positions, types: positions + types[0])
    add_normalisation("embeddings", "bert/embeddings")
    for layer in range(n_layers):
        ours, google = "layer_{}/".format(layer), "bert/encoder/layer_{}/".format(layer)
        for n, columns in enumerate(pieces(config)):
            for name in ("query", "key", "value"):
                # The scores' 1 / sqrt(D) is folded into the query.
                add_dense("{}{}_{}".format(ours, name, n), google + "attention/self/" + name,
                          columns, scale if name == "query" else 1.0)
            add_dense("{}attention_{}".format(ours, n), google + "attention/output/dense", columns)
            add_part("{}narrow_{}/bias".format(ours, n), google + "output/dense/bias", columns)
        for i, block in enumerate(blocks(config)):
            add_dense("{}block_{}/wide".format(ours, i), google + "intermediate/dense", block)
            for n, columns in enumerate(pieces(config)):
                add_part("{}block_{}/narrow_{}/kernel".format(ours, i, n),
                         google + "output/dense/kernel", block, columns)
        add_normalisation(ours + "attention", google + "attention/output")
        add_normalisation(ours + "output", google + "output")
    return found


def pieces(config: Config) -> List[slice]:
    """Return the columns of each piece of H: as few pieces as may be, each of as many heads.

    >>> pieces(Config(30522, 1024, 24, 16, 4096, 512, 2, "gelu"))
    [slice(0, 512, None), slice(512, 1024, None)]
    """
    H, A = config.hidden_size, config.num_attention_heads
    n = next(n for n in range(1, A + 1) if A % n == 0 and (H // n <= _COLUMNS or n == A))
    return _cut(H, n)


def blocks(config: Config) -> List[slice]:
    """Return the columns of each block of the intermediate layer, none wider than a piece of H."""
    size_of_piece = config.hidden_size // len(pieces(config))
    return _cut(config.intermediate_size, -(-config.intermediate_size // size_of_piece))


def _cut(size: int, n: int) -> List[slice]:
    """Cut `size` columns into `n` parts of nearly the same width."""
    edges = [i * size // n for i in range(n + 1)]
    return [slice(start, end) for start, end in zip(edges, edges[1:])]
