"""The project's own encoder, as extract_features.py runs it: `ours.py CHECKPOINT`."""

import os
import sys

from serve import encoder, serve


def load():
    from bert import extraction, quiet
    quiet.silence()
    import numpy as np
    import tensorflow.compat.v1 as tf

    from bert.checkpoint import open_checkpoint
    from bert.encoder import Encoder

    n_towers, config = session_options(extraction, tf)
    token_ids, lengths = tf.placeholder(tf.int32, [None, None]), tf.placeholder(tf.int32, [None])
    model = Encoder(open_checkpoint(sys.argv[1]), [-1, -2, -3, -4])
    towers = model.build(token_ids, lengths, n_towers)
    session = tf.Session(config=config)
    model.load(session)
    run = session.make_callable([layer for layers in towers for layer in layers],
                                [token_ids, lengths])
    return encoder(
        lambda n_streams: run,
        packed=lambda flat: np.stack([np.concatenate(flat[n::4]) for n in range(4)]))


def session_options(extraction, tf):
    """As bert.extraction.extract has them."""
    os.environ.setdefault("TF_CPU_ALLOCATOR_USE_BFC", "true")
    n_towers = len(os.sched_getaffinity(0))
    return n_towers, tf.ConfigProto(intra_op_parallelism_threads=1,
                                    inter_op_parallelism_threads=n_towers)


serve(load)
