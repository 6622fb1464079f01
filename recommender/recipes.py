"""Recipes: how the hidden layers of a text become its sentence embedding.

A recipe sees what the feature store holds, float (n_layers, n_tokens, hidden_size), and a
text query goes through the one that the movies went through.
"""


import numpy as np


def mean4(layers: np.ndarray) -> np.ndarray:
    """The research's: the mean over the four last layers and over all tokens.

    `layers` is (4, n_tokens, hidden_size); returns float64 (hidden_size,). Sums in float64,
    so that the order of tokens and layers does not show in the result.
    """
    return layers.mean(axis=(0, 1), dtype=np.float64)


RECIPES = {"mean4": mean4}  # type: Dict[str, Callable[[np.ndarray], np.ndarray]]


def unit(vector: np.ndarray) -> np.ndarray:
    """`vector` at length 1, float32, so that a dot product is the cosine."""
    return (vector / np.linalg.norm(vector)).astype(np.float32)
