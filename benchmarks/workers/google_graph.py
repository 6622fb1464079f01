"""Google's own graph, `bert.modeling.BertModel`: `google.py CHECKPOINT`."""

import sys

from serve import encoder, serve


def load():
    from bert import modeling, quiet
    quiet.silence()
    import tensorflow.compat.v1 as tf

    from bert.checkpoint import open_checkpoint

    checkpoint = open_checkpoint(sys.argv[1])
    token_ids, lengths = tf.placeholder(tf.int32, [None, None]), tf.placeholder(tf.int32, [None])
    model = modeling.BertModel(
        modeling.BertConfig.from_json_file(checkpoint.config_file), is_training=False,
        input_ids=token_ids, input_mask=tf.sequence_mask(lengths, tf.shape(token_ids)[1], tf.int32))
    assignment, _ = modeling.get_assignment_map_from_checkpoint(
        tf.trainable_variables(), checkpoint.init_checkpoint)
    tf.train.init_from_checkpoint(checkpoint.init_checkpoint, assignment)
    session = tf.Session()
    session.run(tf.global_variables_initializer())
    run = session.make_callable(model.all_encoder_layers[:-5:-1], [token_ids, lengths])
    return encoder(lambda n_streams: run)


serve(load)
