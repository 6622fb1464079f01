"""Mean hidden layers of a catalogue's overviews by PyTorch on a GPU: a whole program.

    pytorch_gpu.py FOLDER CSV PRECISION BATCH_TOKENS OUTPUT

FOLDER is in Hugging Face's layout, with vocab.txt. Texts are sorted by length, so that a batch has
little padding; the means over tokens of the last four layers are written to OUTPUT, float32
(n, 4, H), in the catalogue's order. OUTPUT.json tells how long computing took without the start,
the rate of matrix products, in flop/s, and how long measuring that took.
"""

import csv
import json
import os
import sys
import time

import numpy as np
import torch
from tokenizers import BertWordPieceTokenizer
from transformers import BertModel


def main(folder, catalogue, precision, batch_tokens, output):
    torch.backends.cuda.matmul.allow_tf32 = False
    dtype = getattr(torch, precision)
    with open(catalogue, encoding="utf-8", newline="") as file:
        texts = [row["overview"] for row in csv.DictReader(file)]
    model = BertModel.from_pretrained(folder, add_pooling_layer=False, dtype=dtype,
                                      attn_implementation="sdpa").eval().cuda()
    begin = time.perf_counter()
    tokenizer = BertWordPieceTokenizer(os.path.join(folder, "vocab.txt"), lowercase=True)
    tokenizer.enable_truncation(256)
    ids = [text.ids for text in tokenizer.encode_batch(texts)]
    order = sorted(range(len(ids)), key=lambda row: -len(ids[row]))
    found = np.zeros((len(ids), 4, model.config.hidden_size), np.float32)
    with torch.inference_mode():
        while order:
            size = max(1, int(batch_tokens) // len(ids[order[0]]))
            rows, order = order[:size], order[size:]
            token_ids = torch.zeros((len(rows), len(ids[rows[0]])), dtype=torch.long)
            for at, row in enumerate(rows):
                token_ids[at, :len(ids[row])] = torch.tensor(ids[row])
            mask = (token_ids != 0).long().cuda()
            layers = model(token_ids.cuda(), mask, output_hidden_states=True).hidden_states
            weights = (mask / mask.sum(1, keepdim=True))[:, None]
            found[rows] = torch.stack([(weights @ layer.float())[:, 0] for layer in
                                       layers[:-5:-1]], 1).cpu().numpy()
    seconds = time.perf_counter() - begin
    np.save(output, found)
    begin = time.perf_counter()
    found_rate = rate(dtype)
    with open(output + ".json", "w", encoding="utf-8") as file:  # transformers changes sys.stdout
        json.dump({"seconds": seconds, "rate": found_rate,
                   "of_the_rate": time.perf_counter() - begin}, file)


def rate(dtype, size=8192, times=10):
    """Return the rate of products of random matrices, after a first one."""
    a, b = (torch.randn(size, size, dtype=dtype, device="cuda") for _ in range(2))
    a @ b
    torch.cuda.synchronize()
    begin = time.perf_counter()
    for _ in range(times):
        a @ b
    torch.cuda.synchronize()
    return 2 * size ** 3 * times / (time.perf_counter() - begin)


main(*sys.argv[1:])
