"""Proofs that the real programs lose no data and give no wrong answer under faults.

A proof is a module with `run(short: bool) -> List[Row]`. `make torture` (python -m torture) runs
all of them in full, `make test` and `make proofs` in their short form.
"""

from torture import (
    corruption,
    disks,
    documented,
    inputs,
    kills,
    lost_workers,
    overload,
    replacing,
    requests,
    rubbish,
    stopping,
    touching,
    updating,
    writers,
)

PROOFS = (
    kills, lost_workers, stopping, disks, corruption, touching, writers, inputs, rubbish, replacing,
    requests, documented, overload, updating)
