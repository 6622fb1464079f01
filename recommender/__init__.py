"""Everything that does not touch TensorFlow: catalogue, feature store, index, titles, ranking."""
