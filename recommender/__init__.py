"""Everything that does not touch TensorFlow: catalogue, feature store, index, titles, ranking.

    from recommender import Recommender
    Recommender.open("data/index.h5").similar(title="Heat", genres=["Crime"], k=10)
"""

from typing import Any

__all__ = ["Recommender"]


def __getattr__(name: str) -> Any:
    # Imported late for start-up time: programs that need only flags do not wait for h5py.
    if name == "Recommender":
        from recommender.recommender import Recommender

        return Recommender
    raise AttributeError("module {!r} has no attribute {!r}".format(__name__, name))
