"""Runs all proofs and prints what was tried and what was lost: `make torture`, some 20 minutes."""

import sys

from recommender import cli
from torture import PROOFS
from torture.table import markdown


def main() -> int:
    rows = []
    for proof in PROOFS:
        cli.note("torture: " + proof.__doc__.splitlines()[0])
        rows += proof.run(short=False)
    print(markdown(rows))
    return int(any(row.lost for row in rows))


if __name__ == "__main__":
    sys.exit(main())
