"""The proofs of `make torture` in their short form: tried on the real programs, nothing lost."""

import pytest

from torture import PROOFS, documented, lost_workers, overload, stopping, writers
from torture.table import Row, markdown
from torture.worlds import remove_worlds


@pytest.fixture(scope="module", autouse=True)
def _worlds():
    yield
    remove_worlds()


# What takes longest, tried in small by other tests: test_sharing_out.py, test_spark.py,
# test_extract_features.py, test_feature_store.py, test_text_process.py, test_browser_api.py.
_LONG = (documented, lost_workers, overload, stopping, writers)


@pytest.mark.parametrize("proof", [
    pytest.param(proof, marks=pytest.mark.long if proof in _LONG else (), id=proof.__name__)
    for proof in PROOFS])
def test_nothing_is_lost(proof):
    rows = proof.run(short=True)
    assert rows
    for row in rows:
        assert row.tried
        assert not row.lost, row.what


def test_the_table_says_what_was_tried_and_lost():
    assert markdown([Row("kills", 5000, 0), Row("full disks", 20, 1)]).splitlines()[2:] == [
        "| kills | 5,000 | 0 |", "| full disks | 20 | 1 |"]
