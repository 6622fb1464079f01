"""A worker process: it loads once, then answers each line of JSON with a line of JSON.

Runs under the Pythons of all peers, so it uses nothing of the project. `benchmarks/engines.py`
is the other side.
"""

import json
import os
import queue
import sys
import threading
import time
from typing import Any, Callable, Dict

import numpy as np


def serve(load: Callable[[], Callable[..., Dict[str, Any]]]) -> None:
    """Call `load()` once, then the function that it returns with the values of each line.

    Whatever libraries print goes to stderr: stdout carries answers only.
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    run = load()
    print("{}", file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(run(**json.loads(line))), file=answers, flush=True)


def encoder(open_stream: Callable[[int], Callable],
            packed: Callable[[Any, np.ndarray], np.ndarray] = None
            ) -> Callable[..., Dict[str, Any]]:
    """Return a function that times an engine's encoder over a file of batches.

    `open_stream(n_streams)` gives the function that computes the last four hidden layers, each
    (B, T, H), for int32 token ids (B, T) and lengths (B,), with the share of the cores that is
    left to one of `n_streams` threads; the threads take the batches from one queue. An engine
    that returns something else says with `packed` how to make (4, N, H) of it, real tokens only.
    """

    def run(batches: str, streams: int, save: str = "") -> Dict[str, Any]:
        with np.load(batches) as arrays:
            todo = [(arrays["token_ids_%d" % n], arrays["lengths_%d" % n])
                    for n in range(len(arrays.files) // 2)]
        if save:  # the layers of the first batch, for comparison
            token_ids, lengths = todo[0]
            layers = open_stream(1)(token_ids, lengths)
            real = np.arange(token_ids.shape[1]) < lengths[:, None]
            np.save(save, packed(layers, lengths) if packed else np.stack(layers)[:, real])
            return {}
        waiting = queue.Queue()  # type: queue.Queue
        for batch in todo:
            waiting.put(batch)
        begin = threading.Barrier(streams + 1)

        def work() -> None:
            encode = open_stream(streams)
            begin.wait()
            try:
                while True:
                    encode(*waiting.get_nowait())
            except queue.Empty:
                pass

        threads = [threading.Thread(target=work) for _ in range(streams)]
        for thread in threads:
            thread.start()
        begin.wait()
        start = time.perf_counter()
        for thread in threads:
            thread.join()
        return {"seconds": time.perf_counter() - start}

    return run
