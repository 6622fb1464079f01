"""The graph of a checkpoint, by what its weights are of."""

from typing import TYPE_CHECKING, Sequence, Union

from bert import gpu
from bert.checkpoint import Checkpoint
from bert.encoder import Encoder
from bert.gpu_encoder import GpuEncoder
from bert.gru import GruEncoder

if TYPE_CHECKING:
    from bert.reference import ReferenceGraph

Graph = Union[Encoder, GruEncoder, "ReferenceGraph"]


def chosen_graph(name: str, checkpoint: Checkpoint, layers: Sequence[int],
                 precision: str) -> Graph:
    """Return the graph of `extract_features.py --graph NAME`, on the GPU where there is one.

    Raises BertError as `graph_of` does.
    """
    if name == "reference":
        # Late, because it imports tf.contrib, which only TensorFlow 1.15 has.
        from bert.reference import ReferenceGraph

        return ReferenceGraph(checkpoint, layers)
    return graph_of(checkpoint, layers, precision, gpu.is_there())


def graph_of(checkpoint: Checkpoint, layers: Sequence[int], precision: str = "float32",
             for_gpu: bool = False) -> Union[Encoder, GruEncoder]:
    """Return the graph that computes `layers` of a checkpoint.

    `precision` is that of `Encoder`; a GRU computes in float32 on the CPU.

    Raises BertError if there is no such layer, or the weights do not fit the config.
    """
    if checkpoint.config.encoder == "gru":
        return GruEncoder(checkpoint, layers)
    return (GpuEncoder if for_gpu else Encoder)(checkpoint, layers, precision)
