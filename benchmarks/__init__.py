"""This project beside its peers on one machine: `make bench` writes `results.md`."""
