"""The graph of a checkpoint, by what its weights are of."""

from typing import Sequence, Union

from bert.checkpoint import Checkpoint
from bert.encoder import Encoder
from bert.gru import GruEncoder


def graph_of(checkpoint: Checkpoint, layers: Sequence[int]) -> Union[Encoder, GruEncoder]:
    """Return the graph that computes `layers` of a checkpoint.

    Raises BertError if there is no such layer, or the weights do not fit the config.
    """
    if checkpoint.config.encoder == "gru":
        return GruEncoder(checkpoint, layers)
    return Encoder(checkpoint, layers)
