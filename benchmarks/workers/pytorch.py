"""PyTorch in float32 with transformers: `pytorch.py FOLDER`, Hugging Face's layout."""

import os
import sys

import numpy as np
from serve import encoder, serve


def load():
    import torch
    from transformers import BertModel

    model = BertModel.from_pretrained(sys.argv[1], add_pooling_layer=False,
                                      attn_implementation="sdpa").eval()
    cores = len(os.sched_getaffinity(0))

    def open_stream(n_streams):
        torch.set_num_threads(cores // n_streams)

        def encode(token_ids, lengths):
            mask = (np.arange(token_ids.shape[1]) < lengths[:, None]).astype(np.int64)
            with torch.inference_mode():
                hidden = model(torch.from_numpy(token_ids.astype(np.int64)),
                               torch.from_numpy(mask), output_hidden_states=True).hidden_states
            return [layer.numpy() for layer in hidden[:-5:-1]]

        return encode

    return encoder(open_stream)


serve(load)
