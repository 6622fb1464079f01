"""A bidirectional GRU over word pieces: to train, and to extract its states as features.

Letters of shapes: B texts, T tokens of the longest, N tokens of all, E size of a word's embedding,
U units of a direction. Cho et al. 2014 (arXiv 1406.1078), with the reset gate after the product, so
that a step is one product. A token's state is that of both directions and its word's embedding, H =
2 U + E: so a linear model of the words is what the training begins with and adds to.
"""

from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import tensorflow.compat.v1 as tf

from bert.checkpoint import Checkpoint, Config, resolve_layers
from bert.dropout import Dropout
from bert.errors import BertError

_WORDS = "bert/embeddings/word_embeddings"  # the word table, under the name that BERT gives it


def gru_shapes(config: Config) -> Dict[str, Tuple[int, ...]]:
    """Return the shapes of the variables, by name; E is the config's `intermediate_size`."""
    E, U = config.intermediate_size, _units(config)
    return {_WORDS: (config.vocab_size, E), "gru/input/kernel": (E, 6 * U),
            "gru/input/bias": (6 * U,), "gru/state/kernel": (2, U, 3 * U),
            "gru/state/bias": (2, 1, U)}


def _units(config: Config) -> int:
    return (config.hidden_size - config.intermediate_size) // 2


class Reading(NamedTuple):
    """The variables of the graph, by name, as tensors."""

    variables: Dict[str, tf.Tensor]
    n_units: int

    def states(self, token_ids: tf.Tensor, lengths: tf.Tensor, dropout: Dropout) -> tf.Tensor:
        """Return the states of the tokens, float32 (N, H), one text after the other."""
        w, U = self.variables, self.n_units
        B, T = tf.unstack(tf.shape(token_ids))
        real = tf.sequence_mask(lengths, T)  # (B, T)
        words = dropout(tf.gather(w[_WORDS], token_ids))  # (B, T, E)
        inputs = tf.nn.bias_add(
            tf.matmul(tf.reshape(words, [B * T, words.shape[2]]), w["gru/input/kernel"]),
            w["gru/input/bias"])
        inputs = tf.reshape(inputs, [B, T, 2, 3 * U])
        there, back = inputs[:, :, 0], tf.reverse_sequence(inputs[:, :, 1], lengths, 1, 0)
        steps = tf.transpose(tf.stack([there, back]), [2, 0, 1, 3])  # (T, 2, B, 3 U)

        def step(h: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
            product = tf.matmul(h, w["gru/state/kernel"])  # (2, B, 3 U)
            gates = tf.sigmoid(x[..., :2 * U] + product[..., :2 * U])
            reset, keep = gates[..., :U], gates[..., U:]
            new = tf.tanh(x[..., 2 * U:] + reset * (product[..., 2 * U:] + w["gru/state/bias"]))
            return keep * h + (1 - keep) * new

        states = tf.scan(step, steps, tf.zeros([2, B, U]))  # (T, 2, B, U)
        there, back = tf.unstack(tf.transpose(states, [1, 2, 0, 3]))  # each (B, T, U)
        back = tf.reverse_sequence(back, lengths, 1, 0)
        return tf.boolean_mask(tf.concat([there, back, words], 2), real)


class GruEncoder:
    """Graph of a trained GRU, with the interface of `bert.encoder.Encoder`."""

    runs_in_towers = for_gpu = False
    dtype = tf.float32

    def __init__(self, checkpoint: Checkpoint, layers: Sequence[int]):
        self.checkpoint = checkpoint
        self.layers = resolve_layers(layers, checkpoint.config)
        try:
            available = tf.train.load_checkpoint(
                checkpoint.init_checkpoint).get_variable_to_shape_map()
        except (tf.errors.OpError, ValueError) as error:
            raise BertError("{} is not a readable checkpoint ({}): train it again".format(
                checkpoint.init_checkpoint, str(error).splitlines()[0]))
        for name, shape in gru_shapes(checkpoint.config).items():
            if tuple(available.get(name, ())) != shape:
                raise BertError("{}: variable {} is missing or has another shape than {} asks for: "
                                "train it again".format(checkpoint.init_checkpoint, name,
                                                        checkpoint.config_file))

    def build(self, token_ids: tf.Tensor, lengths: tf.Tensor, n_towers: int = 1,
              in_loop: bool = False) -> List[List[tf.Tensor]]:
        """Add the graph as `bert.encoder.Encoder.build` does, always with one tower."""
        config = self.checkpoint.config
        variables = {name: tf.get_variable(name, shape, use_resource=True)
                     for name, shape in gru_shapes(config).items()}
        self._saver = tf.train.Saver(variables)
        return [[Reading(variables, _units(config)).states(
            token_ids, lengths, Dropout(0.0))]]

    def load(self, session: tf.Session) -> None:
        """Read the weights into the variables of `build`."""
        self._saver.restore(session, self.checkpoint.init_checkpoint)


class TrainableGru:
    """Graph of a GRU for training, with the interface of `bert.trainable.TrainableEncoder`.

    Parameters
    ----------
    config : Config
        Sizes, as `gru_config` makes them.
    words : np.ndarray, optional
        float32 (vocab_size, E): embeddings with which the word table begins, else random ones.
    seed : int
        Of the random values.
    """

    def __init__(self, config: Config, words: Optional[np.ndarray], seed: int):
        self.config, self._words, self._seed = config, words, seed
        self.layers = [0]

    @property
    def hidden_size(self) -> int:
        """Width of a token's state."""
        return self.config.hidden_size

    def hidden(self, token_ids: tf.Tensor, lengths: tf.Tensor,
               dropout: Dropout) -> List[tf.Tensor]:
        """Add the graph to the default graph; return the states as `TrainableEncoder.hidden`."""
        self.variables = {
            name: tf.get_variable(name, shape, use_resource=True, initializer=self._initial(name))
            for name, shape in gru_shapes(self.config).items()}
        return [Reading(self.variables, _units(self.config)).states(
            token_ids, lengths, dropout)]

    def weights_by_token(self) -> Tuple[int, int]:
        """Return how many weights a token meets, and how many of them are trained."""
        n = sum(int(np.prod(shape)) for name, shape in gru_shapes(self.config).items()
                if name != _WORDS)
        return n, n

    def n_weights(self) -> int:
        """Return the number of all weights."""
        return sum(int(np.prod(shape)) for shape in gru_shapes(self.config).values())

    def start(self) -> None:
        """Do nothing: the initial values are in the initializers."""

    def _given(self, shape: Sequence[int], dtype: tf.DType = tf.float32,
               partition_info: object = None) -> tf.Tensor:
        """Return the given word table, not as a constant: the graph is written as text."""
        table = tf.py_func(lambda: self._words, [], dtype)
        table.set_shape(shape)
        return table

    def _initial(self, name: str) -> object:
        if name == _WORDS and self._words is not None:
            return self._given
        if name == _WORDS:
            return tf.random_normal_initializer(stddev=0.1, seed=self._seed)
        if name.endswith("bias"):
            return tf.zeros_initializer()
        if name == "gru/state/kernel":
            return tf.orthogonal_initializer(seed=self._seed)
        return tf.glorot_uniform_initializer(seed=self._seed)


def read_words(checkpoint: Checkpoint) -> np.ndarray:
    """Return the word table of a BERT, float32 (vocab_size, H). Raises BertError."""
    try:
        return tf.train.load_variable(checkpoint.init_checkpoint, _WORDS)
    except (tf.errors.OpError, ValueError) as error:
        raise BertError("{} has no readable word table ({}): download the checkpoint again".format(
            checkpoint.init_checkpoint, str(error).splitlines()[0]))


def word_means(checkpoint: Checkpoint, token_ids: Sequence[np.ndarray]) -> np.ndarray:
    """Return the mean of the embeddings of each text's word pieces, float32 (n, E)."""
    words = read_words(checkpoint)
    return np.stack([words[ids].mean(axis=0) for ids in token_ids])


def gru_config(vocab_size: int, embedding_size: int, n_units: int, max_positions: int) -> Config:
    """Return the config of a GRU: one layer, whose hidden size is that of both directions and of a
    word's embedding."""
    return Config(vocab_size, 2 * n_units + embedding_size, 1, 1, embedding_size, max_positions, 1,
                  "tanh", "gru")
