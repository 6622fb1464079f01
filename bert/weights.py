"""Load Google's weights into the variables of the encoder's graph.

No product of the graph is wide, so a matrix of the checkpoint becomes several variables here, each
with some of its columns: H, the hidden size, is cut into pieces of whole heads, and the width of
the intermediate layer into blocks that are no wider than a piece.
"""

import math
from typing import Callable, Dict, List, NamedTuple, Tuple

import tensorflow.compat.v1 as tf

from bert.checkpoint import Checkpoint, Config
from bert.errors import BertError
from bert.variables import check_variables, google_variables

Tensors = Dict[str, tf.Tensor]

_COLUMNS = 512  # columns of the widest product: TensorFlow is an eighth slower with 3,072
_LOADED_BYTES = 128 << 20  # a run of the session that reads weights ends at so many bytes


class Origin(NamedTuple):
    """The source of the value of one variable.

    Attributes
    ----------
    shape : tuple of int
        Shape of the variable, for one of a layer that of each layer's part.
    sources : list of str
        Names of variables in the checkpoint, after the beginning that is common to all.
    join : callable
        Function from the tensors of `sources` to that of the variable.
    """

    shape: Tuple[int, ...]
    sources: List[str]
    join: Callable[..., tf.Tensor]


class Weights:
    """Weights of a checkpoint, for a graph of its first layers.

    The layers of BERT are alike. So each variable holds its part of all of them, one after the
    other: the graph has few variables, and a loop can pass through the layers.

    Parameters
    ----------
    checkpoint : Checkpoint
    n_layers : int
        Number of layers to load, from the first on.
    whole : bool
        Cut no matrix into pieces: a GPU is the faster the larger a product.
    dtype : tf.DType
        Type of the variables; the checkpoint's is float32.

    Raises
    ------
    BertError
        If they cannot be read or do not fit the checkpoint's config.
    """

    def __init__(self, checkpoint: Checkpoint, n_layers: int, whole: bool = False,
                 dtype: tf.DType = tf.float32):
        self._path, self._n_layers, self._dtype = checkpoint.init_checkpoint, n_layers, dtype
        self._embeddings = embedding_origins(checkpoint.config)
        self._layers = layer_origins(checkpoint.config, whole)
        try:
            available = tf.train.load_checkpoint(self._path).get_variable_to_shape_map()
        except (tf.errors.OpError, ValueError) as error:
            raise self._unreadable(error)
        needed = ["bert/embeddings/" + source
                  for origin in self._embeddings.values() for source in origin.sources]
        for origin in self._layers.values():
            needed += self._in_each_layer(origin.sources[0])
        check_variables(available, needed, checkpoint)

    def add_variables(self) -> Tuple[Tensors, Tensors]:
        """Add the variables to the default graph.

        Returns
        -------
        tuple of dict
            By name, the variables of the embeddings, and those of the layers with the layers as
            their first axis.
        """
        self._loads = {}  # type: Dict[str, List[tf.Operation]]
        embeddings = {}
        for name, origin in self._embeddings.items():
            values = self._restored(["bert/embeddings/" + source for source in origin.sources])
            embeddings[name] = self._variable(origin.shape, origin.join(*values), name)
        layers, stacks = {}, {}  # type: Dict[str, tf.Tensor], Dict[str, tf.Tensor]
        for name, origin in self._layers.items():
            source, = origin.sources
            if source not in stacks:  # variables that are parts of the same share it
                stacks[source] = tf.stack(self._restored(self._in_each_layer(source)))
            layers[name] = self._variable((self._n_layers,) + origin.shape,
                                          origin.join(stacks[source]), source)
        return embeddings, layers

    def load(self, session: tf.Session) -> None:
        """Read the weights into the variables, a few kinds of them at a time.

        TensorFlow reads those of a kind in several threads. Each run of the session costs a pass
        over the graph, and weights that are read but not yet in their variables cost memory.
        Raises BertError if the weights cannot be read.
        """
        n_bytes, loads = 0, []  # type: int, List[tf.Operation]
        for of_a_kind in self._loads.values():
            loads += of_a_kind
            n_bytes += sum(tf.float32.size * load.inputs[0].shape.num_elements()
                           for load in of_a_kind)
            if n_bytes >= _LOADED_BYTES:
                self._run(session, loads)
                n_bytes, loads = 0, []
        if loads:
            self._run(session, loads)

    def _run(self, session: tf.Session, loads: List[tf.Operation]) -> None:
        try:
            session.run(loads)
        except tf.errors.OpError as error:
            raise self._unreadable(error)

    def _in_each_layer(self, source: str) -> List[str]:
        return ["bert/encoder/layer_{}/{}".format(n, source) for n in range(self._n_layers)]

    def _restored(self, names: List[str]) -> List[tf.Tensor]:
        return list(tf.raw_ops.RestoreV2(
            prefix=self._path, tensor_names=names, shape_and_slices=[""] * len(names),
            dtypes=[tf.float32] * len(names)))

    def _variable(self, shape: Tuple[int, ...], value: tf.Tensor, kind: str) -> tf.Tensor:
        """Add a variable that gets `value` when the weights are loaded."""
        variable = tf.raw_ops.VariableV2(shape=shape, dtype=self._dtype)
        self._loads.setdefault(kind, []).append(
            tf.raw_ops.Assign(ref=variable, value=tf.cast(value, self._dtype)).op)
        return tf.identity(variable)

    def _unreadable(self, error: Exception) -> BertError:
        return BertError("{} is not a readable checkpoint ({}): download it again".format(
            self._path, str(error).splitlines()[0]))


def embedding_origins(config: Config) -> Dict[str, Origin]:
    """Return the variables of the embeddings, by name."""
    H = config.hidden_size
    # An overview is one segment: the embedding of token type 0 is added at every position.
    return {
        "words": Origin((config.vocab_size, H), ["word_embeddings"], _whole),
        "positions": Origin((config.max_position_embeddings, H),
                            ["position_embeddings", "token_type_embeddings"],
                            lambda positions, types: positions + types[0]),
        "gamma": Origin((H,), ["LayerNorm/gamma"], _whole),
        "beta": Origin((H,), ["LayerNorm/beta"], _whole)}


def layer_origins(config: Config, whole: bool) -> Dict[str, Origin]:
    """Return the variables of a layer, by name; their sources are stacks of all layers.

    Of a `whole` layer there is one piece and one block.
    """
    first = "bert/encoder/layer_0/"
    shapes = {name[len(first):]: shape for name, shape in google_variables(config).items()
              if name.startswith(first)}
    scale = 1.0 / math.sqrt(config.hidden_size // config.num_attention_heads)
    everything = slice(None)
    found = {}

    def add(name: str, source: str, *parts: slice, factor: float = 1.0) -> None:
        """Add a part of each axis of `source`, multiplied by `factor`."""
        shape = tuple(len(range(n)[part]) for n, part in zip(shapes[source], parts))
        if shape == shapes[source] and factor == 1.0:
            found[name] = Origin(shape, [source], _whole)
        else:
            found[name] = Origin(shape, [source],
                                 lambda stack: stack[(everything, *parts)] * factor)

    def add_dense(name: str, source: str, part: slice, factor: float = 1.0) -> None:
        add(name + "/kernel", source + "/kernel", everything, part, factor=factor)
        add(name + "/bias", source + "/bias", part, factor=factor)

    for n, piece in enumerate(pieces(config, whole)):
        for name in ("query", "key", "value"):
            # The scores' 1 / sqrt(D) is folded into the query.
            add_dense("{}_{}".format(name, n), "attention/self/" + name, piece,
                      scale if name == "query" else 1.0)
        add_dense("attention_{}".format(n), "attention/output/dense", piece)
        add("narrow_{}/bias".format(n), "output/dense/bias", piece)
    for i, block in enumerate(blocks(config, whole)):
        add_dense("block_{}/wide".format(i), "intermediate/dense", block)
        for n, piece in enumerate(pieces(config, whole)):
            add("block_{}/narrow_{}/kernel".format(i, n), "output/dense/kernel", block, piece)
    for name, source in (("attention", "attention/output"), ("output", "output")):
        for part in ("gamma", "beta"):
            add("{}/{}".format(name, part), "{}/LayerNorm/{}".format(source, part), everything)
    return found


def _whole(value: tf.Tensor) -> tf.Tensor:
    return value


def pieces(config: Config, whole: bool = False) -> List[slice]:
    """Return the columns of each piece of H: as few pieces as may be, each of as many heads.

    There is only one if `whole`.

    >>> pieces(Config(30522, 1024, 24, 16, 4096, 512, 2, "gelu"))
    [slice(0, 512, None), slice(512, 1024, None)]
    """
    H, A = config.hidden_size, config.num_attention_heads
    n = next(n for n in range(1, A + 1)
             if A % n == 0 and (whole or H // n <= _COLUMNS or n == A))
    return _cut(H, n)


def blocks(config: Config, whole: bool = False) -> List[slice]:
    """Return the columns of each block of the intermediate layer, none wider than a piece of H.

    There is only one if `whole`.
    """
    if whole:
        return _cut(config.intermediate_size, 1)
    size_of_piece = config.hidden_size // len(pieces(config))
    return _cut(config.intermediate_size, -(-config.intermediate_size // size_of_piece))


def _cut(size: int, n: int) -> List[slice]:
    """Cut `size` columns into `n` parts of nearly the same width."""
    edges = [i * size // n for i in range(n + 1)]
    return [slice(start, end) for start, end in zip(edges, edges[1:])]
