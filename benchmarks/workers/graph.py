"""Search by the graph of another library alone, hnswlib or FAISS, at a recall at least as high.

    python graph.py hnswlib|faiss FOLDER RECALL N_THREADS

FOLDER holds `vectors.npy`, float32 (n, d) of length 1, `queries.npy`, float32 (m, d), and
`nearest.npy`, int (m, k), the rows with the greatest products. Prints a JSON: the recall that was
reached, raising how many rows the search keeps in view until it is at least RECALL; that number;
milliseconds of the processor for a query; and seconds of the clock for building.
"""

import json
import os
import sys
import time

import numpy as np

_LINKS, _CONSTRUCTION = 16, 100  # 16 links are 32 in the lowest layer
_VIEWS = (16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)


def hnswlib_graph(vectors, n_threads):
    """Return a function that builds the graph, and one (query, k, view) that searches it."""
    import hnswlib
    index = hnswlib.Index("ip", vectors.shape[1])
    index.init_index(len(vectors), ef_construction=_CONSTRUCTION, M=_LINKS)

    def search(query, k, view):
        index.set_ef(view)
        return index.knn_query(query, k, num_threads=1)[0]

    return lambda: index.add_items(vectors, num_threads=n_threads), search


def faiss_graph(vectors, n_threads):
    """Return what `hnswlib_graph` does, by FAISS."""
    import faiss
    index = faiss.IndexHNSWFlat(vectors.shape[1], _LINKS, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = _CONSTRUCTION

    def build():
        faiss.omp_set_num_threads(n_threads)
        index.add(vectors)
        faiss.omp_set_num_threads(1)

    def search(query, k, view):
        index.hnsw.efSearch = view
        return index.search(query, k)[1]

    return build, search


def main():
    library, folder, wanted, n_threads = sys.argv[1:]
    vectors, queries, nearest = (np.load(os.path.join(folder, name + ".npy"))
                                 for name in ("vectors", "queries", "nearest"))
    k = nearest.shape[1]
    build, search = {"hnswlib": hnswlib_graph, "faiss": faiss_graph}[library](
        vectors, int(n_threads))
    begin = time.perf_counter()
    build()
    seconds = time.perf_counter() - begin
    for view in _VIEWS:
        begin = time.process_time()
        found = [search(query[None], k, view)[0] for query in queries]
        each = (time.process_time() - begin) / len(queries)
        recall = sum(len(np.intersect1d(*pair)) for pair in zip(found, nearest)) / nearest.size
        if recall >= float(wanted):
            break
    print(json.dumps({"recall": recall, "view": view, "milliseconds": 1e3 * each,
                      "build": seconds}))


if __name__ == "__main__":
    main()
