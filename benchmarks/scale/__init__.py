"""What becomes of large and changing catalogues: `make bench-scale` prints it."""
