"""Google's own graph and random checkpoints: what ours is held against."""

import json
import os

import numpy as np
import tensorflow.compat.v1 as tf

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "man", "woman", "meets", "##s", ",", "."]


def google_layers(checkpoint, token_ids, lengths):
    """All layers of Google's BertModel for int32 `token_ids` (B, T), `lengths` (B,): a list of
    float32 (B, T, H), the first layer first."""
    from bert import modeling

    config = modeling.BertConfig.from_json_file(checkpoint.config_file)
    mask = (np.arange(token_ids.shape[1]) < np.array(lengths)[:, None]).astype(np.int32)
    with tf.Graph().as_default(), tf.Session() as session:
        model = modeling.BertModel(config, is_training=False, input_ids=tf.constant(token_ids),
                                   input_mask=tf.constant(mask))
        assignment, _ = modeling.get_assignment_map_from_checkpoint(
            tf.trainable_variables(), checkpoint.init_checkpoint)
        tf.train.init_from_checkpoint(checkpoint.init_checkpoint, assignment)
        session.run(tf.global_variables_initializer())
        return session.run(model.all_encoder_layers)


def random_checkpoint(folder, seed=0, leave_out=(), **config):
    """Write a checkpoint in Google's layout with random weights; returns its folder."""
    from bert import modeling

    values = {"vocab_size": len(WORDS), "hidden_size": 8, "num_hidden_layers": 2,
                  "num_attention_heads": 2, "intermediate_size": 16, "max_position_embeddings": 64,
                  "type_vocab_size": 2, "hidden_act": "gelu", "hidden_dropout_prob": 0.1,
                  "attention_probs_dropout_prob": 0.1, "initializer_range": 0.02}
    values.update(config)
    os.makedirs(str(folder))
    with open(os.path.join(str(folder), "bert_config.json"), "w") as file:
        json.dump(values, file)
    words = WORDS + ["[unused{}]".format(n) for n in range(values["vocab_size"] - len(WORDS))]
    with open(os.path.join(str(folder), "vocab.txt"), "w") as file:
        file.write("\n".join(words) + "\n")
    with tf.Graph().as_default(), tf.Session() as session:
        tf.set_random_seed(seed)
        modeling.BertModel(modeling.BertConfig.from_dict(values), is_training=False,
                           input_ids=tf.zeros([1, 3], tf.int32))
        session.run(tf.global_variables_initializer())
        # Google starts biases at 0 and gammas at 1; random ones show a bias that is lost.
        random = np.random.RandomState(seed)
        for variable in tf.global_variables():
            if variable.shape.ndims == 1:
                variable.load(session.run(variable) + random.normal(
                    0, 0.1, variable.shape.as_list()).astype(np.float32), session)
        kept = [v for v in tf.global_variables() if v.op.name not in leave_out]
        tf.train.Saver(kept).save(
            session, os.path.join(str(folder), "bert_model.ckpt"))
    os.remove(os.path.join(str(folder), "checkpoint"))
    return str(folder)
