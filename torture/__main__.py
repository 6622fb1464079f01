"""Run all proofs and print a table of tries and losses: `make torture`, about 15 minutes."""

import sys

from recommender import cli
from torture import PROOFS
from torture.table import markdown
from torture.worlds import SEED


def main() -> int:
    """Run the proofs named on the command line, or all; return 1 if anything was lost, else 0."""
    cli.note("torture: TORTURE_SEED={} repeats this".format(SEED))
    rows = []
    for proof in PROOFS:
        if sys.argv[1:] and proof.__name__.split(".")[-1] not in sys.argv[1:]:
            continue
        cli.note("torture: " + proof.__doc__.splitlines()[0])
        told = len(rows) and len(markdown(rows)) + 1
        rows += proof.run(short=False)
        print(markdown(rows)[told:], flush=True)  # now, as the next proof takes minutes
    return int(any(row.lost for row in rows))


if __name__ == "__main__":
    sys.exit(main())
