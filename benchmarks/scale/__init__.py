"""Measurements of large and changing catalogues, which `make bench-scale` prints."""
