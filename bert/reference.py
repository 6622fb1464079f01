"""Google's own graph behind the encoder's interface: what ours is compared with."""

from typing import List, Sequence

import tensorflow.compat.v1 as tf

from bert import modeling
from bert.checkpoint import Checkpoint, resolve_layers


class ReferenceGraph:
    """BertModel of google-research/bert for one checkpoint; all its layers are computed."""

    runs_in_towers = False

    def __init__(self, checkpoint: Checkpoint, layers: Sequence[int]):
        """`layers` count as Google's do, -1 the last. Raises BertError for one that is not
        there."""
        self.checkpoint = checkpoint
        self.layers = resolve_layers(layers, checkpoint.config)

    def build(self, token_ids: tf.Tensor, lengths: tf.Tensor,
              n_towers: int = 1) -> List[List[tf.Tensor]]:
        """As `bert.encoder.Encoder.build`, with one tower only."""
        real = tf.sequence_mask(lengths, tf.shape(token_ids)[1])
        model = modeling.BertModel(
            modeling.BertConfig.from_json_file(self.checkpoint.config_file), is_training=False,
            input_ids=token_ids, input_mask=tf.cast(real, tf.int32))
        self._saver = tf.train.Saver(tf.trainable_variables("bert/"))
        layers = model.get_all_encoder_layers()
        return [[tf.boolean_mask(layers[n], real) for n in self.layers]]

    def load(self, session: tf.Session) -> None:
        """Read the weights into the variables of `build`."""
        self._saver.restore(session, self.checkpoint.init_checkpoint)
