"""bert-as-service, server and client: `service.py CHECKPOINT NUM_WORKER MAX_BATCH_SIZE`."""

import os
import signal
import socket
import subprocess
import sys
import time

from serve import serve


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


PORTS = [free_port(), free_port()]


def load():
    from bert_serving.client import BertClient

    client = BertClient(port=PORTS[0], port_out=PORTS[1], check_length=False,
                        timeout=600000)  # milliseconds: a server that has died does not answer

    def run(texts):
        with open(texts, encoding="utf-8") as file:
            lines = file.read().splitlines()
        start = time.perf_counter()
        client.encode(lines)
        return {"seconds": time.perf_counter() - start}

    return run


bert_dir, n_workers, max_batch_size = sys.argv[1:]
server = subprocess.Popen(
    [os.path.join(os.path.dirname(sys.executable), "bert-serving-start"), "-cpu",
     "-model_dir", bert_dir, "-max_seq_len", "NONE", "-pooling_strategy", "REDUCE_MEAN",
     "-pooling_layer", "-4", "-3", "-2", "-1", "-num_worker", n_workers,
     "-max_batch_size", max_batch_size, "-port", str(PORTS[0]), "-port_out", str(PORTS[1])],
    stdin=subprocess.DEVNULL, stdout=2, start_new_session=True)
try:
    serve(load)
finally:
    # With its workers, which would live on without it.
    os.killpg(server.pid, signal.SIGKILL)
    server.wait()
