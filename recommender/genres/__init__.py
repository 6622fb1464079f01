"""Genre models: which films they learn from, what they are compared with, and how good they are."""
