"""Google's own graph with the interface of `bert.encoder`, to compare ours with."""

from typing import List, Sequence

import tensorflow.compat.v1 as tf

from bert.checkpoint import Checkpoint, resolve_layers
from bert.modeling import BertConfig, BertModel


class ReferenceGraph:
    """BertModel of google-research/bert for one checkpoint, with all its layers.

    Parameters and errors are those of `bert.encoder.Encoder`, but weights that do not fit the
    config are found only by `load`.
    """

    runs_in_towers = for_gpu = False
    dtype = tf.float32

    def __init__(self, checkpoint: Checkpoint, layers: Sequence[int]):
        self.checkpoint = checkpoint
        self.layers = resolve_layers(layers, checkpoint.config)

    def build(self, token_ids: tf.Tensor, lengths: tf.Tensor,
              n_towers: int = 1) -> List[List[tf.Tensor]]:
        """Add the graph as `bert.encoder.Encoder.build` does, always with one tower."""
        real = tf.sequence_mask(lengths, tf.shape(token_ids)[1])
        model = BertModel(
            BertConfig.from_json_file(self.checkpoint.config_file), is_training=False,
            input_ids=token_ids, input_mask=tf.cast(real, tf.int32))
        self._saver = tf.train.Saver(tf.trainable_variables("bert/"))
        layers = model.get_all_encoder_layers()
        return [[tf.boolean_mask(layers[n], real) for n in self.layers]]

    def load(self, session: tf.Session) -> None:
        """Read the weights into the variables of `build`."""
        self._saver.restore(session, self.checkpoint.init_checkpoint)
