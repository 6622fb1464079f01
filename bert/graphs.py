"""The graph of a checkpoint, by what its weights are of."""

from typing import Sequence, Union

from bert.checkpoint import Checkpoint
from bert.encoder import Encoder
from bert.gpu_encoder import GpuEncoder
from bert.gru import GruEncoder


def graph_of(checkpoint: Checkpoint, layers: Sequence[int], precision: str = "float32",
             for_gpu: bool = False) -> Union[Encoder, GruEncoder]:
    """Return the graph that computes `layers` of a checkpoint.

    `precision` is that of `Encoder`; a GRU computes in float32 on the CPU.

    Raises BertError if there is no such layer, or the weights do not fit the config.
    """
    if checkpoint.config.encoder == "gru":
        return GruEncoder(checkpoint, layers)
    return (GpuEncoder if for_gpu else Encoder)(checkpoint, layers, precision)
