"""A graph of the project, run as extract_features.py runs it: `ours.py CHECKPOINT GRAPH`.

GRAPH is as in its flag: `ours`, or `reference` for Google's own.
"""

import sys

from serve import encoder, serve


def load():
    from bert import extraction, quiet
    quiet.silence()
    import numpy as np
    import tensorflow.compat.v1 as tf

    from bert.checkpoint import open_checkpoint
    from bert.encoder import Encoder

    tf.disable_eager_execution()
    graph = Encoder
    if sys.argv[2] == "reference":
        from bert.reference import ReferenceGraph as graph  # only under TensorFlow 1.15
    model = graph(open_checkpoint(sys.argv[1]), [-1, -2, -3, -4])
    options, config = extraction.session_config(model)
    n_towers = options.get("n_towers", 1)
    token_ids, lengths = tf.placeholder(tf.int32, [None, None]), tf.placeholder(tf.int32, [None])
    towers = model.build(token_ids, lengths, **options)
    session = tf.Session(config=config)
    model.load(session)
    run = session.make_callable([layer for layers in towers for layer in layers],
                                [token_ids, lengths])

    def packed(layers, lengths):
        texts = [None] * len(lengths)
        for n in range(n_towers):
            of_tower = np.stack(layers[n * len(model.layers):(n + 1) * len(model.layers)])
            bounds = np.cumsum(lengths[n::n_towers])[:-1]
            texts[n::n_towers] = np.split(of_tower, bounds, axis=1)
        return np.concatenate(texts, axis=1)

    return encoder(lambda n_streams: run, packed)


serve(load)
