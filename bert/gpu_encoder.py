"""BERT for inference on one GPU, under TensorFlow 2.15.

The arithmetic is that of `bert.encoder`, whose letters of shapes are used here. On a GPU no product
is cut, all texts of a batch go through a layer together, and XLA compiles each half of a layer, so
that what lies between two products passes over the memory once. XLA compiles anew for each shape:
`bert.batches` gives it few.
"""

from typing import List

import tensorflow.compat.v1 as tf

from bert.encoder import Encoder, Tokens, packing_of, tokens_of
from bert.weights import Tensors


class GpuEncoder(Encoder):
    """Graph of one checkpoint for one GPU; parameters and errors are those of `Encoder`."""

    for_gpu, runs_in_towers = True, False

    def build_on_gpu(self, token_ids: tf.Tensor, lengths: tf.Tensor, n_texts: tf.Tensor,
                     pooled: bool, n_rows: int) -> List[tf.Tensor]:
        """Add the graph to the default graph.

        Parameters
        ----------
        token_ids : tf.Tensor
            int32 (B, T).
        lengths : tf.Tensor
            int32 (B,): tokens of each text that are not padding, 0 of one that fills up.
        n_texts : tf.Tensor
            int32: number of texts that do not fill up.
        pooled : bool
            Return the mean over tokens of each text, so that little leaves the GPU.
        n_rows : int
            Fill the tokens up to at least so many, so that batches have the same number.

        Returns
        -------
        list of tf.Tensor
            One float32 tensor (N, H) for each layer asked for, in that order: the tokens of the
            texts without padding, one text after the other. (n_texts, H) if `pooled`.
        """
        self._add_variables()
        with tf.device("/CPU:0"):  # which tokens are real is a question of few numbers
            tokens = tokens_of(token_ids, lengths)
            n_tokens = tf.size(tokens.ids)
            tokens = _filled(tokens, n_rows)
        x = _compiled(self._embed)(tokens)
        attend, go_on, means = map(_compiled, (self._attend, self._after_attention, _means))
        outputs = []
        for w in self._layers:
            x = go_on(attend(x, w, tokens), x, w)
            outputs.append(x)
        found = [tf.cast(outputs[n], tf.float32) for n in self.layers]
        if pooled:
            return [means(layer, tokens, lengths)[:n_texts] for layer in found]
        return [layer[:n_tokens] for layer in found]

    def _attend(self, x: tf.Tensor, w: Tensors, tokens: Tokens) -> tf.Tensor:
        """Return the attention of `x`, (N, H)."""
        return self._attention(x, w, packing_of(tokens, self._n_heads))

    def _after_attention(self, context: tf.Tensor, x: tf.Tensor, w: Tensors) -> tf.Tensor:
        """Return what a layer makes of `x` and its attention, (N, H)."""
        return self._intermediate(self._output(context, x, w), w)


def _compiled(part: "tf.types.experimental.Callable") -> "tf.types.experimental.GenericFunction":
    return tf.function(part, jit_compile=True, autograph=False)


def _filled(tokens: Tokens, n_rows: int) -> Tokens:
    """Return the tokens with more of them that belong to the first text and that nothing reads."""
    n_missing = tf.maximum(0, n_rows - tf.size(tokens.ids))
    ids, texts, positions = (tf.pad(row, [[0, n_missing]]) for row in tokens[:3])
    # A text that fills up begins where the tokens end.
    return Tokens(ids, texts, positions, tf.minimum(tokens.rows, tf.size(ids) - 1), tokens.real)


def _means(layer: tf.Tensor, tokens: Tokens, lengths: tf.Tensor) -> tf.Tensor:
    """Return the mean over tokens of each text, (B, H), of one layer, (N, H)."""
    real = tf.cast(tokens.real, tf.float32)[:, :, tf.newaxis]
    sums = tf.reduce_sum(tf.gather(layer, tokens.rows) * real, 1)
    return sums / tf.cast(lengths, tf.float32)[:, tf.newaxis]
