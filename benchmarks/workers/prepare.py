"""Write the engines' inputs: batches of overviews, the checkpoint in Hugging Face's layout.

    prepare.py checkpoint MINILM FOLDER
    prepare.py weights CHECKPOINT FOLDER
    prepare.py batches CHECKPOINT CSV N_GROUPS FOLDER [BATCH_TOKENS ...]
    prepare.py index CSV HIDDEN_SIZE PATH

The project makes the batches as it would for itself; 0 means its default budget. Prints what
it wrote as JSON.
"""

import json
import os
import shutil
import sys
import tempfile

import numpy as np


def weights(bert_dir, folder):
    """Write model.safetensors: the same values under PyTorch's names, kernels transposed."""
    import tensorflow.compat.v1 as tf
    from safetensors.numpy import save_file

    from bert.checkpoint import open_checkpoint
    from bert.converting import hugging_face_names

    checkpoint = open_checkpoint(bert_dir)
    reader = tf.train.load_checkpoint(checkpoint.init_checkpoint)
    tensors = {}
    for name in reader.get_variable_to_shape_map():
        if name.startswith("bert/") and "/pooler/" not in name:
            value = reader.get_tensor(name)
            tensors[hugging_face_names(name)[0]] = np.ascontiguousarray(
                value.T if name.endswith("/kernel") else value)
    with open(checkpoint.config_file, encoding="utf-8") as file:
        config = dict(json.load(file), model_type="bert", layer_norm_eps=1e-12)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as file:
        json.dump(config, file)
    path = os.path.join(folder, "model.safetensors")
    save_file(tensors, path + ".part", {"format": "pt"})
    os.rename(path + ".part", path)
    return {}


def batches(bert_dir, csv, n_groups, folder, *budgets):
    """Write one .npz for each budget, all of the same texts: `n_groups` groups of similar length.

    0 groups stand for all texts.

    The groups are batches of the whole catalogue, at equal distances, with the largest of the
    budgets; each is cut into batches anew. So there is as little padding as when the whole
    catalogue is extracted.
    """
    from bert import extraction
    from bert.checkpoint import open_checkpoint
    from bert.tokenizing import WordPieces
    from recommender.catalogue import read_catalogue

    texts = [movie.overview for movie in read_catalogue(csv).movies]
    pieces = WordPieces(open_checkpoint(bert_dir).vocab_file)
    tokens_of = {int(budget): int(budget) or extraction.default_batch_tokens()
                 for budget in budgets}
    groups = [texts]
    n_groups = int(n_groups)
    if n_groups:
        of_all = list(extraction.batches(pieces, texts, 256, max(tokens_of.values())))
        chosen = [of_all[int((n + 0.5) * len(of_all) / n_groups)] for n in range(n_groups)]
        groups = [[texts[row] for row in batch["rows"]] for batch in chosen]
    paths, lengths = {}, []
    os.makedirs(folder, exist_ok=True)
    for budget, tokens in tokens_of.items():
        made = [batch for group in groups
                for batch in extraction.batches(pieces, group, 256, tokens)]
        lengths = np.concatenate([batch["lengths"] for batch in made]).tolist()
        paths[budget] = os.path.join(folder, "{} tokens.npz".format(tokens))
        np.savez(paths[budget], **{
            "{}_{}".format(name, n): batch[name]
            for n, batch in enumerate(made) for name in ("token_ids", "lengths")})
    return {"paths": paths, "lengths": lengths}


def checkpoint(minilm, folder):
    """Write a checkpoint of the research's shape: random weights, MiniLM's vocabulary."""
    from tests.reference import random_checkpoint

    shutil.rmtree(folder + ".part", ignore_errors=True)  # of a run that was stopped
    random_checkpoint(folder + ".part", vocab_size=30522, hidden_size=1024, num_hidden_layers=24,
                      num_attention_heads=16, intermediate_size=4096, max_position_embeddings=512)
    shutil.copyfile(os.path.join(minilm, "vocab.txt"), os.path.join(folder + ".part", "vocab.txt"))
    os.rename(folder + ".part", folder)
    return {}


def index(csv, hidden_size, path, n_neighbours="0", bert_dir=""):
    """Write the index of a catalogue with random embeddings, as if the checkpoint made it."""
    from bert.checkpoint import open_checkpoint
    from recommender.building import build_index
    from recommender.catalogue import read_catalogue
    from recommender.storage.feature_store import FeatureReader, FeatureWriter, overview_digest
    from recommender.storage.shards import Settings

    catalogue, random = read_catalogue(csv), np.random.RandomState(0)
    settings = Settings((-1, -2, -3, -4), 256, True, int(hidden_size), "float32", True,
                        os.path.basename(bert_dir) or "random",
                        open_checkpoint(bert_dir).sha256 if bert_dir else "0" * 64)
    with tempfile.TemporaryDirectory(dir=os.path.dirname(path)) as folder:
        with FeatureWriter(folder, settings) as writer:
            for movie in catalogue.movies:
                writer.add(movie.id, random.standard_normal(
                    (4, 1, int(hidden_size))).astype(np.float32),
                           np.zeros(1, np.int32), overview_digest(movie.overview))
        build_index(catalogue, FeatureReader(folder), path,
                    n_neighbours=int(n_neighbours))
    return {}


def equality(bert_dir, texts):
    """Print the greatest 1 - cosine between a text embedded in a batch and embedded alone."""
    from bert.checkpoint import open_checkpoint
    from bert.embedder import Embedder

    embedder = Embedder(open_checkpoint(bert_dir), (-1, -2, -3, -4), 256, True)
    texts = json.loads(texts)

    def unit(found):
        vector = found.layers.astype(np.float64).mean(axis=(0, 1))
        return vector / np.linalg.norm(vector)

    return {"distance": max(1 - float(unit(together) @ unit(embedder.features([text])[0]))
                            for text, together in zip(texts, embedder.features(texts)))}


if __name__ == "__main__":
    from bert import quiet
    quiet.silence()
    steps = {"checkpoint": checkpoint, "weights": weights, "batches": batches,
             "index": index, "equality": equality}
    print(json.dumps(steps[sys.argv[1]](*sys.argv[2:])))
