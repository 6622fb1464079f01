"""The plan on paper: its table is what the program prints, and its sums are right."""

import os
import subprocess
import sys

from benchmarks.scale.plan import STAGES, Prices, in_bytes, rounded, table
from tests.conftest import ROOT


def test_the_page_shows_what_the_program_prints():
    done = subprocess.run([sys.executable, "-m", "benchmarks.scale.plan"], cwd=ROOT, check=True,
                          stdout=subprocess.PIPE, universal_newlines=True)
    with open(os.path.join(ROOT, "docs", "scale.md"), encoding="utf-8") as file:
        assert "```text\n{}```\n".format(done.stdout) in file.read()


def test_sums_are_those_of_the_rates():
    stages = {stage.name: stage for stage in STAGES}
    assert stages["features, --pooled, MiniLM"].n_bytes(1) == 4 * 384 * 4 + 1024
    assert rounded(stages["extraction, MiniLM, cores"].core_hours(131 * 3600)) == "2.0"
    # 43 Gflop a text at 136 Gflop/s
    assert 0.31 < stages["extraction, 24 x 1024, cores"].core_hours(3600) < 0.32
    pairs = stages["100 exact neighbours"].core_hours
    assert pairs(2e6) == 4 * pairs(1e6)


def test_money_goes_by_the_prices_that_were_given():
    cheap, dear = (table([10 ** 7], Prices(price, 3, 0.02, 4)) for price in (0.05, 0.5))
    row, = (line for line in cheap if line.startswith("extraction, MiniLM"))
    assert row.endswith(" 2.1")
    row, = (line for line in dear if line.startswith("extraction, MiniLM"))
    assert row.endswith(" 21")


def test_numbers_are_told_to_two_digits():
    assert [rounded(value) for value in (0.1234, 1.26, 12.4, 8765.0)] == [
        "0.12", "1.3", "12", "8,800"]
    assert [in_bytes(value) for value in (4e6, 2.5e9, 1.2e15)] == ["4.0 MB", "2.5 GB", "1.2 PB"]
