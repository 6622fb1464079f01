"""The proofs of `make torture` in their short form: tried on the real programs, nothing lost."""

import pytest

from torture import PROOFS
from torture.table import Row, markdown
from torture.worlds import remove_worlds


@pytest.fixture(scope="module", autouse=True)
def _worlds():
    yield
    remove_worlds()


@pytest.mark.parametrize("proof", PROOFS, ids=lambda proof: proof.__name__)
def test_nothing_is_lost(proof):
    rows = proof.run(short=True)
    assert rows
    for row in rows:
        assert row.tried
        assert not row.lost, row.what


def test_the_table_says_what_was_tried_and_lost():
    assert markdown([Row("kills", 5000, 0), Row("full disks", 20, 1)]).splitlines()[2:] == [
        "| kills | 5,000 | 0 |", "| full disks | 20 | 1 |"]
