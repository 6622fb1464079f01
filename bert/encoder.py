"""BERT for inference: Google's weights in a graph of our own.

Read it from top to bottom, in the order in which data passes. The letters of shapes:

    B  texts of a batch            H  hidden size
    T  tokens of the longest text  D  size of an attention head
    N  tokens of all texts         G  attention heads of a piece of H

The arithmetic is that of Devlin et al. 2018 (arXiv 1810.04805) and Vaswani et al. 2017 (arXiv
1706.03762, section 3.2) as google-research/bert computes it. The differences make it faster:

- Tokens are packed, (N, H): padding exists only in the attention, where the tokens of a text meet.
- A few texts go through all layers before the next ones, so that activations stay in the cache.
- No product is wide: H and the intermediate layer are cut into pieces (`bert.weights`). On a core
  of its own, a tower or a chunk computes them one after the other.
- Only the layers that are needed are computed, and nothing that only training needs.
"""

from typing import Callable, List, NamedTuple, Sequence, Tuple, Union

import tensorflow.compat.v1 as tf

from bert.checkpoint import Checkpoint, resolve_layers
from bert.gelu import dense_gelu, gelu, is_fused
from bert.weights import Tensors, Weights, blocks, pieces

_MASKED = -10000.0  # added to the score of a padding token, as in Google's graph
_EPSILON = 1e-12    # added to the variance in layer normalisation, as in Google's graph
_CHUNK_TOKENS = 320  # minimum tokens per chunk, so that products have enough rows
_CHUNK_NUMBERS = 200000  # numbers per hidden state of a chunk; few enough to stay in the cache


class Encoder:
    """Graph of one checkpoint, as deep as the layers asked for need it.

    Parameters
    ----------
    checkpoint : Checkpoint
        Checkpoint with the weights.
    layers : sequence of int
        Hidden layers to return, as Google counts them: -1 is the last.
    precision : str
        Type of weights and activations: float32, or under TensorFlow 2.15 bfloat16 or float16. Sums
        of the normalisation are float32 in each.

    Raises
    ------
    BertError
        If there is no such layer, or the weights cannot be read or do not fit the config.

    Examples
    --------
    Hidden layers of two texts, of 3 and of 2 tokens::

        encoder = Encoder(open_checkpoint("tmp/all-MiniLM-L6-v2"), [-1, -2])
        with tf.Graph().as_default(), tf.Session() as session:
            (last, second_last), = encoder.build(
                tf.constant([[101, 2158, 102], [101, 102, 0]]), tf.constant([3, 2]))
            encoder.load(session)
            session.run(last)  # (5, 384)
    """

    for_gpu, runs_in_towers = False, True

    def __init__(self, checkpoint: Checkpoint, layers: Sequence[int], precision: str = "float32"):
        self.checkpoint = checkpoint
        self.layers = resolve_layers(layers, checkpoint.config)
        self.dtype = tf.as_dtype(precision)
        self._weights = Weights(checkpoint, max(self.layers) + 1, self.for_gpu, self.dtype)
        self._n_pieces = len(pieces(checkpoint.config, self.for_gpu))
        self._n_blocks = len(blocks(checkpoint.config, self.for_gpu))
        self._in_turn, self._n_at_once, self._fuses_gelu = False, 1, False

    def build(self, token_ids: tf.Tensor, lengths: tf.Tensor, n_towers: int = 1,
              in_loop: bool = False, n_at_once: int = 1) -> List[List[tf.Tensor]]:
        """Add the graph to the default graph.

        The texts are dealt out to `n_towers` independent copies of the graph, which share the
        variables: tower n takes the texts n, n + n_towers and so on. With one core each, they run
        side by side without waiting for each other.

        Parameters
        ----------
        token_ids : tf.Tensor
            int32 (B, T).
        lengths : tf.Tensor
            int32 (B,): tokens of each text that are not padding.
        n_towers : int
            Copies of the graph.
        in_loop : bool
            Let one copy of a layer's nodes compute all layers, in a loop. Such a graph is built
            in a fraction of the time and is as fast for a few texts, but TensorFlow adds up in
            another order: the last digit of a number may be another.
        n_at_once : int
            Chunks of a tower that are computed side by side, each on a core of its own. Like
            towers, but the graph does not grow with them.

        Returns
        -------
        list of list of tf.Tensor
            For each tower one float32 tensor (N, H) for each layer asked for, in that order: the
            tokens of the tower's texts without padding, one text after the other.
        """
        self._in_turn, self._n_at_once = n_towers > 1 or n_at_once > 1, n_at_once
        self._fuses_gelu = self.dtype == tf.float32 and is_fused()
        self._add_variables(in_loop)
        return [self._tower(token_ids[n::n_towers], lengths[n::n_towers])
                for n in range(n_towers)]

    def load(self, session: tf.Session) -> None:
        """Read the weights into the variables of `build`. Raises BertError if they are damaged."""
        self._weights.load(session)

    def _add_variables(self, in_loop: bool = False) -> None:
        """Add the variables, and what cuts each layer's out of them unless a loop does."""
        self._embeddings, self._stacks = self._weights.add_variables()
        self._layers = [] if in_loop else [
            of_layer(n, self._stacks) for n in range(max(self.layers) + 1)]

    def _tower(self, token_ids: tf.Tensor, lengths: tf.Tensor) -> List[tf.Tensor]:
        """Return the layers of all texts, computed a chunk of few texts at a time."""
        H = self.checkpoint.config.hidden_size
        B, T = tf.unstack(tf.shape(token_ids))
        n_tokens = max(_CHUNK_TOKENS, _CHUNK_NUMBERS // H)
        size = tf.maximum(1, n_tokens // tf.maximum(1, T))
        if self._n_at_once > 1:  # chunks of equal size, so that no core waits for another
            size = _ceil(B, self._n_at_once * tf.maximum(1, _ceil(B, self._n_at_once * size)))
        n_chunks = _ceil(B, size)

        def add_chunk(n: tf.Tensor, *found: tf.TensorArray) -> Tuple:
            chunk = slice(n * size, (n + 1) * size)
            layers = self._hidden_layers(token_ids[chunk], lengths[chunk])
            return (n + 1,) + tuple(
                array.write(n, layer) for array, layer in zip(found, layers))

        found = tuple(
            tf.TensorArray(tf.float32, n_chunks, infer_shape=False, element_shape=[None, H])
            for _ in self.layers)
        _, *found = tf.while_loop(lambda n, *_: n < n_chunks, add_chunk, (0,) + found,
                                  parallel_iterations=self._n_at_once, back_prop=False)
        return [array.concat() for array in found]

    def _hidden_layers(self, token_ids: tf.Tensor, lengths: tf.Tensor) -> List[tf.Tensor]:
        """Return the layers of one chunk, each (N, H)."""
        tokens = tokens_of(token_ids, lengths)
        packing = packing_of(tokens, self._n_heads)
        x = self._embed(tokens)

        def add_layer(x: tf.Tensor, w: Tensors) -> tf.Tensor:
            return self._intermediate(self._output(self._attention(x, w, packing), x, w), w)

        if not self._layers:
            return self._loop(add_layer, x)
        outputs = []
        for w in self._layers:
            x = add_layer(x, w)
            outputs.append(x)
        return [tf.cast(outputs[n], tf.float32) for n in self.layers]

    @property
    def _n_heads(self) -> int:
        """The number of attention heads of a piece, G."""
        return self.checkpoint.config.num_attention_heads // self._n_pieces

    def _embed(self, tokens: "Tokens") -> tf.Tensor:
        """Return what goes into the first layer, (N, H)."""
        w = self._embeddings
        x = tf.gather(w["words"], tokens.ids) + tf.gather(w["positions"], tokens.positions)
        return self._drop(_normalise(x, w["gamma"], w["beta"]))

    def _loop(self, add_layer: Callable[[tf.Tensor, Tensors], tf.Tensor],
              x: tf.Tensor) -> List[tf.Tensor]:
        """Return the layers asked for, computed by the nodes of a single call of `add_layer`."""
        first, n_layers = min(self.layers), max(self.layers) + 1

        def body(n: tf.Tensor, *latest: tf.Tensor) -> Tuple:
            return (n + 1,) + latest[1:] + (add_layer(latest[-1], of_layer(n, self._stacks)),)

        _, *latest = tf.while_loop(
            lambda n, *_: n < n_layers, body, (0,) + (x,) * (n_layers - first),
            parallel_iterations=1, back_prop=False)
        return [tf.cast(latest[n - first], tf.float32) for n in self.layers]

    def _attention(self, x: tf.Tensor, w: Tensors, packing: "Packing") -> tf.Tensor:
        """Return the attention of `x` (N, H), what its heads give side by side, (N, H)."""
        config = self.checkpoint.config
        D = config.hidden_size // config.num_attention_heads
        contexts = []  # type: List[tf.Tensor]
        for n in range(self._n_pieces):
            done = contexts[-1:]
            for part in ("query", "key", "value"):
                heads = _dense(self._after(done, x), w, "{}_{}".format(part, n))
                done.append(tf.gather(tf.reshape(heads, [-1, D]), packing.unpack))
            q, k, v = done[-3:]  # each (B, G, T, D)
            mask = tf.cast(packing.mask, self.dtype)
            attention = self._drop(tf.nn.softmax(tf.matmul(q, k, transpose_b=True) + mask))
            context = tf.reshape(tf.matmul(attention, v), [-1, D])
            context = tf.gather(context, packing.pack)  # (N, G, D)
            contexts.append(tf.reshape(context, [-1, config.hidden_size // self._n_pieces]))
        return tf.concat(contexts, 1)

    def _output(self, context: tf.Tensor, x: tf.Tensor, w: Tensors) -> tf.Tensor:
        """Return `x` (N, H) plus its attention, normalised."""
        sums = []  # type: List[tf.Tensor]
        for n, residual in enumerate(tf.split(x, self._n_pieces, 1)):
            dense = _dense(self._after(sums, context), w, "attention_{}".format(n))
            sums.append(self._drop(dense) + residual)
        return _normalise(tf.concat(sums, 1), w["attention/gamma"], w["attention/beta"])

    def _intermediate(self, x: tf.Tensor, w: Tensors) -> tf.Tensor:
        """Return `x` (N, H) plus what the intermediate layer makes of it, normalised."""
        terms = [[residual] for residual in tf.split(x, self._n_pieces, 1)]  # of the sum, by piece
        done = []  # type: List[tf.Tensor]
        for i in range(self._n_blocks):
            block = "block_{}/".format(i)
            wide = self._wide(self._after(done, x), w, block + "wide")
            for n in range(self._n_pieces):
                kernel = w["{}narrow_{}/kernel".format(block, n)]
                done.append(tf.matmul(self._after(done, wide), kernel))
                terms[n].append(done[-1])
        for n in range(self._n_pieces):
            terms[n][-1] = tf.nn.bias_add(terms[n][-1], w["narrow_{}/bias".format(n)])
        return _normalise(tf.concat([self._sum(term) for term in terms], 1), w["output/gamma"],
                          w["output/beta"])

    def _wide(self, x: tf.Tensor, w: Tensors, name: str) -> tf.Tensor:
        """Return a block of the intermediate layer of `x` (N, H), activated."""
        activation = self.checkpoint.config.hidden_act
        if activation == "gelu" and self._fuses_gelu:
            return dense_gelu(x, w[name + "/kernel"], w[name + "/bias"])
        return _activate(_dense(x, w, name), activation)

    def _drop(self, x: tf.Tensor) -> tf.Tensor:
        """Return `x`; training drops some of it here, as BERT does (`bert.trainable`)."""
        return x

    def _sum(self, terms: List[tf.Tensor]) -> tf.Tensor:
        """Return the sum of a residual and the parts of a product, in this order."""
        return tf.add_n(terms)

    def _after(self, earlier: List[tf.Tensor], x: tf.Tensor) -> tf.Tensor:
        """Return `x`; a tower waits for the last of `earlier`, as it has no core for both."""
        if not self._in_turn:
            return x
        with tf.control_dependencies(earlier[-1:]):
            return tf.identity(x)


class Tokens(NamedTuple):
    """Tokens of a chunk without padding.

    Attributes
    ----------
    ids : tf.Tensor
        int32 (N,): id of each token.
    texts, positions : tf.Tensor
        int32 (N,): text of each token, and its place in it.
    rows : tf.Tensor
        int32 (B, T): row of each token among the N. Padding has the row of its text's first token:
        any will do, since it is masked.
    real : tf.Tensor
        bool (B, T): True where there is no padding.
    """

    ids: tf.Tensor
    texts: tf.Tensor
    positions: tf.Tensor
    rows: tf.Tensor
    real: tf.Tensor


class Packing(NamedTuple):
    """The way of packed tokens into the attention and back.

    Attributes
    ----------
    unpack : tf.Tensor
        int32 (B, G, T): row of each token's head among the packed (N * G, D).
    pack : tf.Tensor
        int32 (N, G): row of each token's head among the unpacked (B * G * T, D).
    mask : tf.Tensor
        float32 (B, 1, 1, T): what is added to the scores, so that padding gets no attention.
    """

    unpack: tf.Tensor
    pack: tf.Tensor
    mask: tf.Tensor


def tokens_of(token_ids: tf.Tensor, lengths: tf.Tensor) -> Tokens:
    """Return the tokens of texts (B, T) of `lengths` (B,)."""
    T = tf.shape(token_ids)[1]
    real = tf.sequence_mask(lengths, T)
    texts, positions = tf.unstack(tf.cast(tf.where(real), tf.int32), axis=1)
    ids = tf.gather_nd(token_ids, tf.stack([texts, positions], axis=1))
    rows = tf.cumsum(lengths, exclusive=True)[:, tf.newaxis] + (
        tf.range(T) * tf.cast(real, tf.int32))
    return Tokens(ids, texts, positions, rows, real)


def packing_of(tokens: Tokens, G: int) -> Packing:
    """Return the way of tokens into the attention of `G` heads and back."""
    T = tf.shape(tokens.rows)[1]
    unpack = tokens.rows[:, tf.newaxis, :] * G + tf.range(G)[:, tf.newaxis]
    pack = (tokens.texts[:, tf.newaxis] * G + tf.range(G)) * T + tokens.positions[:, tf.newaxis]
    mask = (1.0 - tf.cast(tokens.real[:, tf.newaxis, tf.newaxis, :], tf.float32)) * _MASKED
    return Packing(unpack, pack, mask)


def _ceil(n: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    """Return how many parts of `size` hold `n`."""
    return (n + size - 1) // size


def of_layer(n: Union[int, tf.Tensor], stacks: Tensors) -> Tensors:
    """Return the weights of layer `n`, as stack[n] does, but with one node for each."""
    begin, end, strides = tf.stack([n]), tf.stack([n + 1]), tf.constant([1])
    return {name: tf.raw_ops.StridedSlice(input=stack, begin=begin, end=end, strides=strides,
                                          shrink_axis_mask=1) for name, stack in stacks.items()}


def _dense(x: tf.Tensor, w: Tensors, name: str) -> tf.Tensor:
    return tf.nn.bias_add(tf.matmul(x, w[name + "/kernel"]), w[name + "/bias"])


def _normalise(x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor) -> tf.Tensor:
    """Apply layer normalisation over H (Ba et al. 2016, arXiv 1607.06450), in float32."""
    dtype = x.dtype
    x, gamma, beta = (tf.cast(values, tf.float32) for values in (x, gamma, beta))
    x -= tf.reduce_mean(x, -1, keepdims=True)
    deviation = tf.rsqrt(tf.reduce_mean(tf.square(x), -1, keepdims=True) + _EPSILON)
    return tf.cast(x * deviation * gamma + beta, dtype)


def _activate(x: tf.Tensor, activation: str) -> tf.Tensor:
    return {"gelu": gelu, "relu": tf.nn.relu, "tanh": tf.tanh, "linear": tf.identity}[activation](x)
