"""The encoder of `bert.encoder` with variables that can be trained.

The arithmetic is that module's. Here the variables are Google's, by their names, whole and not cut
into pieces, so that what is learnt is saved as Google's checkpoint; there is dropout where BERT
has it; and the texts of a batch go through together, since a gradient needs all of it at once.
"""

from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np
import tensorflow.compat.v1 as tf

from bert.checkpoint import Checkpoint
from bert.dropout import Dropout
from bert.encoder import Encoder
from bert.variables import google_variables
from bert.weights import Tensors, embedding_origins, layer_origins


class TrainableEncoder(Encoder):
    """Graph of a checkpoint for training.

    Parameters
    ----------
    checkpoint : Checkpoint
    layers : sequence of int
        Hidden layers to return, as for `Encoder`.
    train_layers : int, optional
        Train only so many of the top layers; the others and the embeddings stay as they are.

    Examples
    --------
    ::

        encoder = TrainableEncoder(open_checkpoint("tmp/all-MiniLM-L6-v2"), [-1])
        last, = encoder.hidden(token_ids, lengths, Dropout(0.1, seed, tf.train.get_global_step()))
    """

    def __init__(self, checkpoint: Checkpoint, layers: Sequence[int],
                 train_layers: Optional[int] = None):
        super().__init__(checkpoint, layers)
        self._train_layers = train_layers
        self.runs_in_towers = False
        self._n_pieces = self._n_blocks = 1

    @property
    def hidden_size(self) -> int:
        """Width of a token's vector."""
        return self.checkpoint.config.hidden_size

    def hidden(self, token_ids: tf.Tensor, lengths: tf.Tensor,
               dropout: Dropout) -> List[tf.Tensor]:
        """Add the graph to the default graph.

        Parameters
        ----------
        token_ids : tf.Tensor
            int32 (B, T).
        lengths : tf.Tensor
            int32 (B,): tokens of each text that are not padding.
        dropout : Dropout

        Returns
        -------
        list of tf.Tensor
            float32 (N, H) for each layer asked for: the tokens without padding, one text after
            the other.
        """
        self._dropout = dropout
        config = self.checkpoint.config
        n_layers = max(self.layers) + 1
        first_trained = 0 if self._train_layers is None else max(0, n_layers - self._train_layers)
        self.variables: Dict[str, tf.Variable] = {}
        self._embeddings = {
            name: origin.join(*(self._variable("bert/embeddings/" + source,
                                               self._train_layers is None)
                                for source in origin.sources))
            for name, origin in embedding_origins(config).items()}
        self._layers = [self._layer(n, n >= first_trained) for n in range(n_layers)]
        return self._hidden_layers(token_ids, lengths)

    def _layer(self, n: int, is_trained: bool) -> Tensors:
        """Return the weights of layer `n`, by the names that `Encoder` uses."""
        found = {}
        for name, origin in layer_origins(self.checkpoint.config, whole=True).items():
            variable = self._variable("bert/encoder/layer_{}/{}".format(n, origin.sources[0]),
                                      is_trained)
            found[name] = tf.squeeze(origin.join(tf.expand_dims(variable, 0)), 0)
        return found

    def weights_by_token(self) -> Tuple[int, int]:
        """Return how many weights a token meets, and how many of them are trained."""
        n_layers = max(self.layers) + 1
        of_layer = sum(int(np.prod(origin.shape))
                       for origin in layer_origins(self.checkpoint.config, whole=True).values())
        trained = n_layers if self._train_layers is None else min(self._train_layers, n_layers)
        return n_layers * of_layer, trained * of_layer

    def n_weights(self) -> int:
        """Return the number of all weights."""
        return sum(int(np.prod(shape))
                   for shape in google_variables(self.checkpoint.config).values())

    def start(self) -> None:
        """Let the variables of `hidden` begin with the values of the checkpoint."""
        tf.train.init_from_checkpoint(self.checkpoint.init_checkpoint,
                                      {name: name for name in self.variables})

    def _variable(self, name: str, is_trained: bool) -> tf.Variable:
        if name not in self.variables:
            self.variables[name] = tf.get_variable(
                name, google_variables(self.checkpoint.config)[name], trainable=is_trained,
                initializer=tf.zeros_initializer(), use_resource=True)
        return self.variables[name]

    def _drop(self, x: tf.Tensor) -> tf.Tensor:
        return self._dropout(x)

    def _sum(self, terms: List[tf.Tensor]) -> tf.Tensor:
        return terms[0] + self._dropout(tf.add_n(terms[1:]))
