"""onnxruntime in float32 with its fused BERT graph: `ort.py FOLDER`, Hugging Face's layout."""

import os
import sys

import numpy as np
from serve import encoder, serve


def load():
    import onnxruntime

    fused = os.path.join(sys.argv[1], "fused-{}.onnx".format(onnxruntime.__version__))
    if not os.path.exists(fused):
        export(sys.argv[1], fused)
    cores = len(os.sched_getaffinity(0))
    sessions = {}

    def open_stream(n_streams):
        if n_streams not in sessions:
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = cores // n_streams
            sessions[n_streams] = onnxruntime.InferenceSession(
                fused, options, providers=["CPUExecutionProvider"])
        session = sessions[n_streams]

        def encode(token_ids, lengths):
            mask = (np.arange(token_ids.shape[1]) < lengths[:, None]).astype(np.int64)
            return session.run(None, {"input_ids": token_ids.astype(np.int64),
                                      "attention_mask": mask})

        return encode

    return encoder(open_stream)


def export(folder, fused):
    """Write the graph of the last four hidden layers, with what onnxruntime fuses for a BERT:
    attention, GELU, and the layer normalisation with the sum before it."""
    import torch
    from onnxruntime.transformers import optimizer
    from transformers import BertModel

    model = BertModel.from_pretrained(folder, add_pooling_layer=False,
                                      attn_implementation="eager").eval()

    class LastFour(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, input_ids, attention_mask):
            return self.model(input_ids, attention_mask,
                              output_hidden_states=True).hidden_states[:-5:-1]

    axes = {0: "batch", 1: "tokens"}
    inputs, outputs = ["input_ids", "attention_mask"], ["layer_1", "layer_2", "layer_3", "layer_4"]
    plain = fused + ".plain"
    example = torch.ones(2, 7, dtype=torch.int64)
    torch.onnx.export(LastFour(), (example, example), plain, input_names=inputs,
                      output_names=outputs, dynamic_axes={name: axes for name in inputs + outputs},
                      dynamo=False)
    optimized = optimizer.optimize_model(
        plain, model_type="bert", num_heads=model.config.num_attention_heads,
        hidden_size=model.config.hidden_size, opt_level=0)
    print("fused:", optimized.get_fused_operator_statistics(), file=sys.stderr)
    optimized.save_model_to_file(fused)
    os.remove(plain)


serve(load)
