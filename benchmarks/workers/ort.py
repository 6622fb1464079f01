"""onnxruntime in float32 with its fused BERT graph: `ort.py FOLDER`, Hugging Face's layout."""

import os
import subprocess
import sys
import threading

import numpy as np
from serve import encoder, serve


def load():
    import onnxruntime

    fused = os.path.join(sys.argv[1], "fused-{}.onnx".format(onnxruntime.__version__))
    if not os.path.exists(fused):
        # In a process of its own, which takes its memory along.
        subprocess.run([sys.executable, os.path.join(os.path.dirname(__file__), "ort_export.py"),
                        sys.argv[1], fused], check=True, stdin=subprocess.DEVNULL)
    cores = len(os.sched_getaffinity(0))
    sessions, one_at_a_time = {}, threading.Lock()

    def open_stream(n_streams):
        with one_at_a_time:  # the streams share a session
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


serve(load)
