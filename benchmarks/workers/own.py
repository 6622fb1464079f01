"""Time parts of the project, each beside the plain code that it is compared with.

    own.py tokenising CHECKPOINT CSV
    own.py index CSV FEATURES
    own.py query CHECKPOINT
"""

import glob
import os
import sys
import time

from serve import serve

QUERY = "A hacker learns that the world around him is a simulation run by machines"


def seconds(task, times=1):
    start = time.perf_counter()
    for _ in range(times):
        task()
    return (time.perf_counter() - start) / times


def tokenising(bert_dir, csv):
    from bert.checkpoint import open_checkpoint
    from bert.tokenizing import WordPieces
    from recommender.catalogue import read_catalogue

    pieces = WordPieces(open_checkpoint(bert_dir).vocab_file)
    texts = [movie.overview for movie in read_catalogue(csv).movies]
    return {"encode": lambda: seconds(lambda: pieces.encode(texts, 256), 5) / len(texts)}


def index(csv, features):
    import h5py

    from recommender.building import build_index
    from recommender.catalogue import read_catalogue
    from recommender.storage.feature_store import FeatureReader

    catalogue = read_catalogue(csv)

    def build():
        build_index(catalogue, FeatureReader(features),
                    os.path.join(features, os.pardir, "index.h5"), ["mean4"])

    def read_one(_, found):
        if isinstance(found, h5py.Dataset):
            found[()]  # returns nothing: visititems would stop

    def read():
        for path in sorted(glob.glob(os.path.join(features, "shards", "*.h5"))):
            with h5py.File(path, "r") as shard:
                shard.visititems(read_one)

    return {"build": lambda: seconds(build), "read": lambda: seconds(read)}


def query(bert_dir):
    from bert.checkpoint import open_checkpoint
    from bert.embedder import Embedder
    from recommender.parts import mean

    embedder = Embedder(open_checkpoint(bert_dir), (-1, -2, -3, -4), 256, True)

    def embed():
        found, = embedder.features([QUERY])
        mean(found.layers)

    # Its graph, asked directly for the layers of the same ids.
    pieces, = embedder.pieces.encode([QUERY], 256)
    feed = {embedder._token_ids: [pieces.token_ids], embedder._lengths: [len(pieces.token_ids)]}

    def bare():
        embedder._session.run(embedder._hidden, feed)

    return {"embed": lambda: seconds(embed, 50), "bare": lambda: seconds(bare, 50)}


def load():
    from bert import quiet
    quiet.silence()

    tasks = {"tokenising": tokenising, "index": index, "query": query}[sys.argv[1]](*sys.argv[2:])
    return lambda task: {"seconds": tasks[task]()}


serve(load)
