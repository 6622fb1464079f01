"""Proofs that nothing is lost and nothing is wrong, each tried on the real programs.

A proof is a module with `run(short: bool) -> List[Row]`; `make torture` runs them all in full
(python -m torture), `make test` their short form.
"""

from torture import (
    corruption,
    disks,
    inputs,
    kills,
    overload,
    replacing,
    requests,
    rubbish,
    stopping,
    writers,
)

PROOFS = (
    kills, stopping, disks, corruption, writers, inputs, rubbish, replacing, requests, overload)
