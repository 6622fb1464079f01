"""Proofs that nothing is lost and nothing is wrong, each tried on the real programs.

A proof is a module with `run(short: bool) -> List[Row]`; `make torture` runs them all in full
(python -m torture), `make test` their short form.
"""

from torture import corruption, disks, kills, replacing, requests, stopping, writers

PROOFS = (kills, stopping, disks, corruption, writers, replacing, requests)
