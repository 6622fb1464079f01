"""Measure the float32 matrix-multiply rate: the best of NumPy and TensorFlow at large shapes."""

import time

from serve import serve

SIZES = [(2048, 1024, 4096), (2048, 2048, 2048), (4096, 4096, 4096)]


def load():
    from bert import quiet
    quiet.silence()
    import numpy as np
    import tensorflow.compat.v1 as tf

    session = tf.Session()

    # Variables: a product of constants would be computed once and remembered.
    def by_numpy(a, b):
        out = np.empty((a.shape[0], b.shape[1]), np.float32)
        return lambda: np.matmul(a, b, out=out)

    def by_tensorflow(a, b):
        x, y = tf.Variable(a), tf.Variable(b)
        session.run([x.initializer, y.initializer])
        return session.make_callable(tf.matmul(x, y).op)

    multiply = {}
    for n, k, m in SIZES:
        a, b = (np.random.RandomState(0).standard_normal(shape).astype(np.float32)
                for shape in ((n, k), (k, m)))
        for library in (by_numpy, by_tensorflow):
            multiply["{} {}x{}x{}".format(library.__name__[3:], n, k, m)] = (
                library(a, b), 2.0 * n * k * m)

    def run(seconds, name=""):
        """Return the rate of a product over `seconds`; without a name, the fastest one's name."""
        if not name:
            return {"name": max(multiply, key=lambda name: rate(name, seconds))}
        return {"rate": rate(name, seconds)}

    def rate(name, seconds):
        """flop/s of as many products as it takes to fill `seconds`."""
        product, flops = multiply[name]
        product()
        n_done, start = 0, time.perf_counter()
        while time.perf_counter() - start < seconds:
            product()
            n_done += 1
        return flops * n_done / (time.perf_counter() - start)

    return run


serve(load)
