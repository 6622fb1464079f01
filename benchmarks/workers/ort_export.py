"""Write the ONNX graph of the last four hidden layers: `ort_export.py FOLDER PATH`.

With what onnxruntime fuses for a BERT: attention, GELU, and layer normalisation with the sum
before it.
"""

import os
import sys

import torch
from onnxruntime.transformers import optimizer
from transformers import BertModel

folder, fused = sys.argv[1:]
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
                  output_names=outputs, dynamic_axes=dict.fromkeys(inputs + outputs, axes),
                  dynamo=False)
optimized = optimizer.optimize_model(
    plain, model_type="bert", num_heads=model.config.num_attention_heads,
    hidden_size=model.config.hidden_size, opt_level=0)
print("fused:", optimized.get_fused_operator_statistics(), file=sys.stderr)
optimized.save_model_to_file(fused + ".part")
os.replace(fused + ".part", fused)
os.remove(plain)
