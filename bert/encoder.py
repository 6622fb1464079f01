"""BERT for inference: Google's weights in a graph of our own, read from top to bottom.

Letters for shapes: B texts of a batch, T tokens of the longest, N tokens of all of them, H
hidden size, A attention heads, D = H / A. The arithmetic is that of Devlin et al. 2018 (arXiv
1810.04805) and Vaswani et al. 2017 (arXiv 1706.03762, section 3.2) as google-research/bert
computes it; what differs is what is computed and how often memory is passed over. Tokens are
packed: only attention, where a text's tokens meet, sees padding. The 1 / sqrt(D) of the scores is
folded into q's weights, one gather unpacks q, k or v and puts the heads in order, and there is
nothing for training. No product is wide: TensorFlow multiplies by 1,024 rows of 512 columns an
eighth faster than by 3,072 columns, so that q, k and v are not one product and what is as wide as
H or wider is cut into pieces. On one core they are computed one after the other, else at once.
"""

import math
from functools import lru_cache
from typing import Callable, Dict, List, NamedTuple, Sequence, Tuple

import numpy as np
import tensorflow.compat.v1 as tf

from bert.checkpoint import Checkpoint, Config, check_variables, resolve_layers
from bert.errors import BertError

_MASKED = -10000.0  # what Google adds to the score of a token that is only padding
_EPSILON = 1e-12    # of the layer normalisation, as in Google's graph
# What is computed together, so that what is written stays in the cache until it is read: at least
# so many tokens go through the layers, or more where all of their hidden states are so few numbers,
_CHUNK_TOKENS = 320
_CHUNK_NUMBERS = 200000
_COLUMNS = 512  # and no product has more columns.
_LOADED_BYTES = 128 << 20  # of weights that are read before they go into the variables


class Weight(NamedTuple):
    """Where one variable of the graph comes from.

    `sources` are variables of the checkpoint with their shapes; `join` makes the value of
    our variable from their values.
    """

    shape: Tuple
    sources: List[Tuple[str, Tuple]]
    join: Callable[..., np.ndarray]


class Encoder:
    """The graph of one checkpoint, as deep as the layers asked for need it."""

    runs_in_towers = True

    def __init__(self, checkpoint: Checkpoint, layers: Sequence[int]):
        """`layers` count as Google's do, -1 the last. Raises BertError for one that is not
        there, and if the weights do not fit the config."""
        self.checkpoint = checkpoint
        self.layers = resolve_layers(layers, checkpoint.config)
        self._n_pieces = len(_pieces(checkpoint.config))
        self._weights = weights(checkpoint.config, max(self.layers) + 1)
        try:
            self._reader = tf.train.load_checkpoint(checkpoint.init_checkpoint)
        except (tf.errors.OpError, ValueError) as error:
            raise self._unreadable(error)
        needed = [source for weight in self._weights.values() for source in weight.sources]
        check_variables(self._reader.get_variable_to_shape_map(), needed, checkpoint)

    def _unreadable(self, error: Exception) -> BertError:
        return BertError("{} is not a readable checkpoint ({}): download it again".format(
            self.checkpoint.init_checkpoint, str(error).splitlines()[0]))

    def build(self, token_ids: tf.Tensor, lengths: tf.Tensor,
              n_towers: int = 1) -> List[List[tf.Tensor]]:
        """Add the graph for int32 `token_ids` (B, T), of which `lengths` (B,) are real.

        The texts are dealt out to `n_towers` copies of the graph that depend on nothing of each
        other: tower n takes the texts n, n + n_towers and so on. With one core each, they run
        side by side without waiting. Returns for each tower one float32 tensor (N', H) for each
        layer asked for, in that order: the real tokens of the tower's texts, one after the other.
        """
        self._in_turn = n_towers > 1
        self._variables = {
            name: tf.get_variable(name, weight.shape, trainable=False, use_resource=False,
                                  initializer=tf.zeros_initializer())
            for name, weight in self._weights.items()}
        return [self._tower(token_ids[n::n_towers], lengths[n::n_towers])
                for n in range(n_towers)]

    def _tower(self, token_ids: tf.Tensor, lengths: tf.Tensor) -> List[tf.Tensor]:
        """The layers of all texts, a few texts at a time."""
        B, T = tf.unstack(tf.shape(token_ids))
        n_tokens = max(_CHUNK_TOKENS, _CHUNK_NUMBERS // self.checkpoint.config.hidden_size)
        size = tf.maximum(1, n_tokens // tf.maximum(1, T))
        n_chunks = (B + size - 1) // size

        def add_chunk(n: tf.Tensor, *found: tf.TensorArray) -> Tuple:
            chunk = slice(n * size, (n + 1) * size)
            layers = self._hidden_layers(token_ids[chunk], lengths[chunk])
            return (n + 1,) + tuple(
                array.write(n, layer) for array, layer in zip(found, layers))

        found = tuple(
            tf.TensorArray(tf.float32, n_chunks, infer_shape=False,
                           element_shape=[None, self.checkpoint.config.hidden_size])
            for _ in self.layers)
        _, *found = tf.while_loop(lambda n, *_: n < n_chunks, add_chunk, (0,) + found,
                                  parallel_iterations=1, back_prop=False)
        return [array.concat() for array in found]

    def _hidden_layers(self, token_ids: tf.Tensor, lengths: tf.Tensor) -> List[tf.Tensor]:
        w, T = self._variables, tf.shape(token_ids)[1]
        G = self.checkpoint.config.num_attention_heads // self._n_pieces  # heads of a piece

        real = tf.sequence_mask(lengths, T)
        text, position = tf.unstack(tf.cast(tf.where(real), tf.int32), axis=1)  # each (N,)
        ids = tf.gather_nd(token_ids, tf.stack([text, position], axis=1))
        # The row of a token's every head in its packed (N, G) vectors, for each slot of
        # (B, G, T); what stands in a slot of padding is masked, any real row will do.
        packed = tf.cumsum(lengths, exclusive=True)[:, tf.newaxis] + (
            tf.range(T) * tf.cast(real, tf.int32))
        unpack = packed[:, tf.newaxis, :] * G + tf.range(G)[:, tf.newaxis]
        # And the way back: the row of a token's every head in (B, G, T), for each of (N, G).
        pack = (text[:, tf.newaxis] * G + tf.range(G)) * T + position[:, tf.newaxis]
        mask = (1.0 - tf.cast(real[:, tf.newaxis, tf.newaxis, :], tf.float32)) * _MASKED

        x = tf.gather(w["words"], ids) + tf.gather(w["positions"], position)
        x = _normalise(x, w, "embeddings")
        outputs = []
        for layer in range(max(self.layers) + 1):
            name = "layer_{}/".format(layer)
            x = self._attention(x, name, unpack, pack, mask)
            x = self._intermediate(x, name)
            outputs.append(x)
        return [outputs[n] for n in self.layers]

    def _attention(self, x: tf.Tensor, name: str, unpack: tf.Tensor, pack: tf.Tensor,
                   mask: tf.Tensor) -> tf.Tensor:
        """The attention of a layer for `x` (N, H), added to it and normalised."""
        config, w = self.checkpoint.config, self._variables
        D = config.hidden_size // config.num_attention_heads
        contexts = []  # type: List[tf.Tensor]
        for n in range(self._n_pieces):
            done = contexts[-1:]
            for part in ("query", "key", "value"):
                heads = _dense(self._after(done, x), w, "{}{}_{}".format(name, part, n))
                done.append(tf.gather(tf.reshape(heads, [-1, D]), unpack))
            q, k, v = done[-3:]  # each (B, G, T, D)
            attention = tf.nn.softmax(tf.matmul(q, k, transpose_b=True) + mask)
            context = tf.gather(tf.reshape(tf.matmul(attention, v), [-1, D]), pack)  # (N, G, D)
            contexts.append(tf.reshape(context, [-1, config.hidden_size // self._n_pieces]))
        context = tf.concat(contexts, 1)
        sums = []  # type: List[tf.Tensor]
        for n, residual in enumerate(tf.split(x, self._n_pieces, 1)):
            dense = _dense(self._after(sums, context), w, "{}attention_{}".format(name, n))
            sums.append(dense + residual)
        return _normalise(tf.concat(sums, 1), w, name + "attention")

    def _intermediate(self, x: tf.Tensor, name: str) -> tf.Tensor:
        """The intermediate layer for `x` (N, H) and back, added to it and normalised."""
        config, w = self.checkpoint.config, self._variables
        terms = [[residual] for residual in tf.split(x, self._n_pieces, 1)]
        done = []  # type: List[tf.Tensor]
        for block, _ in _blocks(name, config):
            wide = _activate(_dense(self._after(done, x), w, block + "wide"), config.hidden_act)
            for n in range(self._n_pieces):
                kernel = w["{}narrow_{}/kernel".format(block, n)]
                done.append(tf.matmul(self._after(done, wide), kernel))
                terms[n].append(done[-1])
        for n in range(self._n_pieces):
            terms[n][-1] = tf.nn.bias_add(terms[n][-1], w["{}narrow_{}/bias".format(name, n)])
        return _normalise(tf.concat([tf.add_n(term) for term in terms], 1), w, name + "output")

    def _after(self, earlier: List[tf.Tensor], x: tf.Tensor) -> tf.Tensor:
        """`x`, in a tower not before the last of `earlier` is there: it has no core for both."""
        if not self._in_turn:
            return x
        with tf.control_dependencies(earlier[-1:]):
            return tf.identity(x)

    def load(self, session: tf.Session) -> None:
        """Read the weights into the variables of `build`, a few at a time: each run costs a pass
        over the whole graph, and each weight that waits for one its memory."""
        read = lru_cache(maxsize=10)(self._reader.get_tensor)  # pieces share their sources
        values = {}  # type: Dict[tf.Operation, np.ndarray]
        for name, variable in self._variables.items():
            weight = self._weights[name]
            try:
                values[variable.initializer] = weight.join(
                    *[read(source) for source, _ in weight.sources])
            except tf.errors.OpError as error:
                raise self._unreadable(error)
            if sum(value.nbytes for value in values.values()) >= _LOADED_BYTES:
                _initialise(session, values)
                values = {}
        _initialise(session, values)


def _initialise(session: tf.Session, values: Dict[tf.Operation, np.ndarray]) -> None:
    session.run(list(values), {initializer.inputs[1]: value
                               for initializer, value in values.items()})


def weights(config: Config, n_layers: int) -> Dict[str, Weight]:
    """The variables of the graph's first `n_layers` layers, by name."""
    H, W = config.hidden_size, config.intermediate_size
    scale = 1.0 / math.sqrt(H // config.num_attention_heads)
    every = slice(None)
    found = {}

    def same(name: str, source: str, *shape: int) -> None:
        found[name] = Weight(shape, [(source, shape)], lambda value: value)

    def part(name: str, source: str, shape: Tuple, *of: slice, by: float = 1.0) -> None:
        size = tuple(len(range(n)[which]) for n, which in zip(shape, of))
        found[name] = Weight(size, [(source, shape)], lambda value: value[of] * np.float32(by))

    def dense(name: str, source: str, shape: Tuple, columns: slice, by: float = 1.0) -> None:
        part(name + "/kernel", source + "/kernel", shape, every, columns, by=by)
        part(name + "/bias", source + "/bias", shape[1:], columns, by=by)

    def normalisation(name: str, source: str) -> None:
        same(name + "/gamma", source + "/LayerNorm/gamma", H)
        same(name + "/beta", source + "/LayerNorm/beta", H)

    same("words", "bert/embeddings/word_embeddings", config.vocab_size, H)
    # An overview is one segment: the embedding of token type 0 goes to every position.
    found["positions"] = Weight(
        (config.max_position_embeddings, H),
        [("bert/embeddings/position_embeddings", (config.max_position_embeddings, H)),
         ("bert/embeddings/token_type_embeddings", (config.type_vocab_size, H))],
        lambda positions, types: positions + types[0])
    normalisation("embeddings", "bert/embeddings")
    for layer in range(n_layers):
        ours, google = "layer_{}/".format(layer), "bert/encoder/layer_{}/".format(layer)
        for n, columns in enumerate(_pieces(config)):
            for name in ("query", "key", "value"):
                dense("{}{}_{}".format(ours, name, n), google + "attention/self/" + name, (H, H),
                      columns, scale if name == "query" else 1.0)
            dense("{}attention_{}".format(ours, n), google + "attention/output/dense", (H, H),
                  columns)
            part("{}narrow_{}/bias".format(ours, n), google + "output/dense/bias", (H,), columns)
        for block, rows in _blocks(ours, config):
            dense(block + "wide", google + "intermediate/dense", (H, W), rows)
            for n, columns in enumerate(_pieces(config)):
                part("{}narrow_{}/kernel".format(block, n), google + "output/dense/kernel",
                     (W, H), rows, columns)
        normalisation(ours + "attention", google + "attention/output")
        normalisation(ours + "output", google + "output")
    return found


def _pieces(config: Config) -> List[slice]:
    """The columns of each piece of H, as few pieces as may be: each of as many whole heads."""
    H, A = config.hidden_size, config.num_attention_heads
    n = next(n for n in range(1, A + 1) if A % n == 0 and (H // n <= _COLUMNS or n == A))
    return _cut(H, n)


def _blocks(name: str, config: Config) -> List[Tuple[str, slice]]:
    """The blocks in which the intermediate layer is computed: names and columns. None is wider
    than a piece of H."""
    n = -(-config.intermediate_size // (config.hidden_size // len(_pieces(config))))
    return [("{}block_{}/".format(name, i), columns)
            for i, columns in enumerate(_cut(config.intermediate_size, n))]


def _cut(size: int, n: int) -> List[slice]:
    edges = [i * size // n for i in range(n + 1)]
    return [slice(*edges[i:i + 2]) for i in range(n)]


def _dense(x: tf.Tensor, w: Dict[str, tf.Tensor], name: str) -> tf.Tensor:
    return tf.nn.bias_add(tf.matmul(x, w[name + "/kernel"]), w[name + "/bias"])


def _normalise(x: tf.Tensor, w: Dict[str, tf.Tensor], name: str) -> tf.Tensor:
    """Layer normalisation over H (Ba et al. 2016, arXiv 1607.06450)."""
    x -= tf.reduce_mean(x, -1, keepdims=True)
    deviation = tf.rsqrt(tf.reduce_mean(tf.square(x), -1, keepdims=True) + _EPSILON)
    return x * deviation * w[name + "/gamma"] + w[name + "/beta"]


def _activate(x: tf.Tensor, activation: str) -> tf.Tensor:
    if activation == "gelu":
        # Google's tanh form (Hendrycks and Gimpel 2016, arXiv 1606.08415, section 2), with
        # (1 + tanh(a)) / 2 = sigmoid(2a): two passes over memory fewer.
        c = 2.0 * math.sqrt(2.0 / math.pi)
        return x * tf.sigmoid(x * (c + (c * 0.044715) * tf.square(x)))
    return {"relu": tf.nn.relu, "tanh": tf.tanh, "linear": tf.identity}[activation](x)
